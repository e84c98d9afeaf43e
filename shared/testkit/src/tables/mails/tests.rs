use super::*;

const ONE: &str = "0199a3c0-1111-7222-8333-444444444444";
const OTHER: &str = "0199a3c0-aaaa-7bbb-8ccc-dddddddddddd";

fn mail(message_id: &str, boundary: &str) -> String {
    format!(
        "To: =?utf-8?B?2LPYp9ix24E=?= <sara@example.com>\r\nSubject: =?utf-8?B?2KLYsdqI2LE=?=\r\nMessage-ID: <{message_id}@shop.example>\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary={boundary}\r\n\r\n--{boundary}\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\r\nhttp://127.0.0.1:41234/place\r\n--{boundary}\r\n\
         Content-Type: text/html; charset=utf-8\r\n\r\n<p>A</p>\r\n--{boundary}--\r\n"
    )
}

fn folder(mails: &[(&str, String)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, mail) in mails {
        fs::write(folder.path().join(name), mail).unwrap();
    }
    folder
}

#[test]
fn a_mail_is_told_whole_but_for_boundary_and_port() {
    let name = format!("{ONE}.eml");
    let [one, other] = ["b", "c"].map(|boundary| rows(folder(&[(&name, mail(ONE, boundary))]).path()));
    assert_eq!(one, other);
    let [row] = one.try_into().unwrap();
    for said in ["sara@example.com", "آرڈر", "<p>A</p>", "http://here/place", &name] {
        assert!(row.contains(said), "{said} is missing in {row}");
    }
}

#[test]
fn nothing_is_wrong_with_one_mail_for_each_that_was_sent() {
    let folder = folder(&[(&format!("{ONE}.eml"), mail(ONE, "b")), (&format!("{OTHER}.eml"), mail(OTHER, "b"))]);
    assert_eq!(faults(folder.path(), &BTreeSet::from([ONE.to_owned(), OTHER.to_owned()])), [""; 0]);
}

#[test]
fn mails_that_came_twice_or_never_or_from_nobody_are_told() {
    let unfinished = format!(".{ONE}.eml.unfinished");
    let mails = [
        (&*format!("{ONE}.eml"), mail(ONE, "b")),
        (&*format!("{OTHER}.eml"), mail(ONE, "b")),
        (&*unfinished, String::new()),
    ];
    let found = faults(folder(&mails).path(), &BTreeSet::from([ONE.to_owned(), "another".to_owned()]));
    let told = [
        "is no finished mail",
        "is not known to have been sent",
        "comes twice",
        "another was sent, and there is no mail of it",
    ];
    assert_eq!(found.len(), told.len(), "{found:#?}");
    assert!(told.iter().all(|told| found.iter().any(|fault| fault.contains(told))), "{found:#?}");
}
