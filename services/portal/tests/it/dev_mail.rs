//! The mails of an embedded run, which anybody may look at: nothing that stands in a mail runs, and no other file is shown.

use std::path::Path;

use seva_values::{Uuid, new_id};

use crate::web::{ATTACK, Page, Web};

/// A mail as the service writes it, whose words are somebody's attack.
fn mail(subject: &str) -> String {
    format!(
        "From: Seva <help@example.com>\r\nTo: asha@example.com\r\nSubject: {subject}\r\nDate: Mon, 2 Mar 2026 09:00:00 +0000\r\n\
         Content-Language: hi\r\nList-Unsubscribe: <http://127.0.0.1:8080/unsubscribe/abc>\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/alternative; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{ATTACK} Look: http://127.0.0.1:8080/ticket/xyz .\r\n\
         --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>{ATTACK}</p>\r\n--b--\r\n"
    )
}

fn write(folder: &Path, subject: &str) -> Uuid {
    let id = new_id();
    std::fs::write(folder.join(format!("{id}.eml")), mail(subject)).unwrap();
    id
}

async fn showing(folder: &Path) -> Web {
    let folder = folder.to_owned();
    Web::with(|settings| settings.mail_folder = Some(folder)).await
}

fn policy(page: &Page) -> &str {
    page.header("content-security-policy")
}

#[tokio::test]
async fn mails_are_listed_and_shown_with_their_links() {
    let folder = tempfile::tempdir().unwrap();
    let web = showing(folder.path()).await;
    assert_eq!(web.get("/dev/mail").await.status, 200, "a folder without mails");
    let (one, other) = (write(folder.path(), "Your parcel"), write(folder.path(), "How was it?"));
    std::fs::write(folder.path().join("notes.txt"), "not a mail").unwrap();

    let list = web.get("/dev/mail").await;
    for (id, subject) in [(one, "Your parcel"), (other, "How was it?")] {
        assert!(list.has(subject) && list.has(&format!("href=\"/dev/mail/{id}\"")), "{}", list.body);
    }
    assert!(list.has("asha@example.com") && !list.has("notes"));

    let shown = web.get(&format!("/dev/mail/{one}")).await;
    assert_eq!(shown.status, 200);
    assert!(shown.has("Your parcel") && shown.has("href=\"http://127.0.0.1:8080/ticket/xyz\""), "{}", shown.body);
    assert!(shown.has("http://127.0.0.1:8080/unsubscribe/abc"));
    shown.assert_harmless();
    assert!(policy(&shown).contains("frame-src 'self'") && policy(&shown).contains("default-src 'none'"));
}

#[tokio::test]
async fn the_html_of_a_mail_stands_in_a_frame_in_which_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    let web = showing(folder.path()).await;
    let id = write(folder.path(), "Your parcel");

    let html = web.get(&format!("/dev/mail/{id}/html")).await;

    assert_eq!(html.status, 200);
    assert!(html.has(ATTACK), "as it is");
    let policy = policy(&html);
    assert!(policy.starts_with("sandbox;") && policy.contains("default-src 'none'"), "{policy}");
    assert!(!policy.contains("allow-scripts") && !policy.contains("script-src"), "{policy}");
}

#[tokio::test]
async fn nothing_but_mails_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("secret.eml"), mail("secret")).unwrap();
    let inner = folder.path().join("mails");
    std::fs::create_dir(&inner).unwrap();
    let large = new_id();
    std::fs::write(inner.join(format!("{large}.eml")), vec![b'a'; 5 * 1024 * 1024]).unwrap();
    let web = showing(&inner).await;
    for name in ["secret", "..%2Fsecret", "..%2Fsecret.eml", "%2e%2e/secret", &new_id().to_string(), &large.to_string()]
    {
        for path in [format!("/dev/mail/{name}"), format!("/dev/mail/{name}/html")] {
            let page = web.get(&path).await;
            assert_eq!(page.status, 404, "{path}");
            assert!(!page.has("secret"), "{path}");
        }
    }
}
