//! What refusals mean, and what a mail is made of.

use super::{
    Fault, OutgoingMail, Sender, compose,
    smtp::{Server, Step, classify},
};
use seva_values::{Email, Language, WebLink, new_id};

#[test]
fn a_negative_answer_is_classified_by_its_enhanced_code_and_else_by_its_step() {
    let address = |code: &str| Fault::BadAddress { code: code.to_owned() };
    let content = |code: &str| Fault::BadContent { code: code.to_owned() };
    let account = |code: &str| Fault::BadAccount { code: code.to_owned() };
    let transient = |code: &str| Fault::Transient { code: code.to_owned() };
    for (step, code, said, expected) in [
        (Step::Recipient, 550, "5.1.1 <asha@example.com> unknown", address("550 5.1.1")),
        (Step::Recipient, 550, "no such user asha@example.com", address("550")),
        (Step::Sender, 553, "5.1.8 sender domain unknown", account("553 5.1.8")),
        (Step::Recipient, 550, "5.7.1 rejected by policy", content("550 5.7.1")),
        (Step::Message, 554, "5.6.0 malformed", content("554 5.6.0")),
        (Step::Message, 554, "looks like spam", content("554")),
        (Step::Hello, 535, "5.7.8 who are you", account("535 5.7.8")),
        (Step::Hello, 530, "authentication required", account("530")),
        (Step::Sender, 550, "5.5.1 no", account("550 5.5.1")),
        (Step::Sender, 552, "5.3.4 too big for this system", account("552 5.3.4")),
        (Step::Recipient, 450, "4.2.1 busy", transient("450 4.2.1")),
        (Step::Message, 421, "going away", transient("421")),
    ] {
        assert_eq!(classify(step, code, said), expected, "{step:?} {code} {said}");
    }
}

#[test]
fn what_is_told_of_a_refusal_never_quotes_the_server() {
    let fault = classify(Step::Recipient, 550, "asha@example.com 5.1.1");

    assert!(!fault.code().contains("asha"), "{fault}");
}

fn a_sender() -> Sender {
    Sender { from: Email::parse("care@shop.example").unwrap(), from_name: "The shop".to_owned(), reply_to: None }
}

fn a_mail() -> OutgoingMail {
    OutgoingMail {
        id: new_id(),
        to: Email::parse("asha@example.com").unwrap(),
        to_name: "Asha".to_owned(),
        subject: "Your order".to_owned(),
        text: "It is there.\n".to_owned(),
        html: "<p>It is there.</p>".to_owned(),
        language: Language::parse("en").unwrap(),
        date: "2026-11-21T10:00:00Z".parse().unwrap(),
        ticket: None,
        unsubscribe: None,
    }
}

#[test]
fn a_line_break_in_anything_of_a_header_is_refused() {
    let attack = "Asha\r\nBcc: everybody@example.com";

    for mail in [
        OutgoingMail { to_name: attack.to_owned(), ..a_mail() },
        OutgoingMail { subject: "one\nX-Two: 2".to_owned(), ..a_mail() },
    ] {
        assert!(matches!(compose(&a_sender(), &mail), Err(Fault::BadContent { .. })));
    }
    let sender = Sender { from_name: attack.to_owned(), ..a_sender() };
    assert!(matches!(compose(&sender, &a_mail()), Err(Fault::BadContent { .. })));
}

#[test]
fn a_link_to_unsubscribe_stands_in_the_headers_only_when_there_is_one() {
    let mail = a_mail();
    let without = String::from_utf8(compose(&a_sender(), &mail).unwrap().formatted()).unwrap();
    let link = WebLink::parse("https://shop.example/unsubscribe").unwrap();
    let with = compose(&a_sender(), &OutgoingMail { unsubscribe: Some(link), ..mail }).unwrap().formatted();

    let with = String::from_utf8(with).unwrap();
    assert!(!without.contains("List-Unsubscribe"));
    assert!(with.contains("List-Unsubscribe: <https://shop.example/unsubscribe>\r\n"));
    assert!(with.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
}

#[test]
fn messages_about_one_ticket_refer_to_one_thread_and_others_to_none() {
    let ticket = new_id();
    let headers = |ticket| {
        let mail = compose(&a_sender(), &OutgoingMail { ticket, ..a_mail() }).unwrap().formatted();
        String::from_utf8(mail).unwrap()
    };
    let (one, two) = (headers(Some(ticket)), headers(Some(ticket)));
    let thread = format!("References: <ticket.{ticket}@shop.example>\r\n");
    assert!(one.contains(&thread) && two.contains(&thread), "{one}");
    assert!(!headers(None).contains("References"));
}

#[test]
fn a_server_with_a_password_has_to_be_encrypted() {
    for refused in
        ["mail.example", "http://mail.example", "smtp://", "smtp://me:secret@mail.example", "smtp://h?tls=maybe"]
    {
        let fault = Server::parse(refused).unwrap_err();
        assert!(!fault.contains("secret"), "{fault}");
    }
    for taken in
        ["smtp://mail.example:2525", "smtps://me:se%40cret@mail.example", "smtp://me:x@mail.example?tls=required"]
    {
        assert!(Server::parse(taken).is_ok(), "{taken}");
    }
}
