//! Mail as it arrives: through a real conversation over TCP, and as files.

use std::sync::Arc;

use mail_parser::MessageParser;
use seva_notifications::{
    Settings,
    link::{OwnLinks, own::Subscription},
    provider::{Fault, Folder, OutgoingMail, Provider, Sender, Smtp, smtp::Server},
};
use seva_proto::notifications::v1::notification::State;
use seva_store::due::DueWork;
use seva_values::{Email, Language, PublicUrl, new_id};

use crate::{
    smtp_sink::{Mood, Sink, bodies, header},
    town::{OUT_FOR_DELIVERY, Post, Town, new_order, settings},
};

pub fn sender() -> Sender {
    Sender {
        from: Email::parse("care@shop.example").unwrap(),
        from_name: "सेवा Shop".to_owned(),
        reply_to: Some(Email::parse("answers@shop.example").unwrap()),
    }
}

fn a_mail() -> OutgoingMail {
    OutgoingMail {
        id: new_id(),
        to: Email::parse("asha@example.com").unwrap(),
        to_name: "आशा".to_owned(),
        subject: "आपका ऑर्डर".to_owned(),
        text: ".a line that begins with a dot\n".to_owned(),
        html: "<p>.</p>".to_owned(),
        language: Language::parse("hi").unwrap(),
        date: "2026-11-21T06:30:00Z".parse().unwrap(),
        ticket: None,
        unsubscribe: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_arrives_in_four_languages_with_every_header_as_it_was_meant() {
    let (sink, url) = Sink::start().await;
    let smtp = Arc::new(Smtp::new(Server::parse(&url).unwrap(), sender()));
    let town = Town::with_provider(Arc::<Post>::default(), smtp).await;
    for (language, word) in [("en", "out for delivery"), ("hi", "डिलीवरी"), ("bn", "ডেলিভারির"), ("ur", "ڈیلیوری")]
    {
        let (somebody, order) = (town.somebody(&[language]).await, new_order());
        town.order(OUT_FOR_DELIVERY, somebody, &order).await;
        town.works().await;

        let told = town.explained(somebody, &order, "order_out_for_delivery").await.notification;
        assert_eq!(told.state(), State::Sent, "{language}");
        let mails = sink.mails();
        let mail = mails.last().unwrap();
        let id = told.name.strip_prefix("notifications/").unwrap();
        let subject = header(mail, "Subject").unwrap();
        assert!(subject.contains("A-1029"), "{language}: {subject}");
        assert!(subject.contains(word), "{language}: {subject}");
        for (name, expected) in [
            ("Message-ID", format!("<{id}@shop.example>").as_str()),
            ("From", "\"सेवा Shop\" <care@shop.example>"),
            ("Reply-To", "answers@shop.example"),
            ("Date", "Sat, 21 Nov 2026 06:30:00 +0000"),
            ("Auto-Submitted", "auto-generated"),
            ("X-Auto-Response-Suppress", "All"),
            ("Content-Language", language),
            ("MIME-Version", "1.0"),
        ] {
            assert_eq!(header(mail, name).unwrap().replace('"', ""), expected.replace('"', ""), "{language}: {name}");
        }
        assert_eq!(header(mail, "List-Unsubscribe"), None);
        let parts = bodies(mail);
        let kinds: Vec<_> = parts.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(kinds, ["text/plain; charset=utf-8", "text/html; charset=utf-8"]);
        assert!(parts.iter().all(|(_, body)| body.contains("BD123")), "{language}");
    }
    assert_eq!(sink.mails().len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_begins_with_a_dot_arrives_whole() {
    let (sink, url) = Sink::start().await;
    let smtp = Smtp::new(Server::parse(&url).unwrap(), sender());

    smtp.deliver(&a_mail()).await.unwrap();

    assert_eq!(bodies(&sink.mails()[0])[0].1.trim_end(), ".a line that begins with a dot");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_answers_and_where_it_falls_silent_decides_what_is_known() {
    let (sink, url) = Sink::start().await;
    let smtp = Smtp::new(Server::parse(&url).unwrap(), sender());
    for (mood, expected) in [
        (Mood::RefuseRecipient("550 5.1.1 <asha@example.com> unknown"), Fault::BadAddress { code: "550 5.1.1".into() }),
        (Mood::RefuseRecipient("450 4.2.1 later"), Fault::Transient { code: "450 4.2.1".into() }),
        (Mood::RefuseMessage("554 5.7.1 spam"), Fault::BadContent { code: "554 5.7.1".into() }),
        (Mood::RefuseMessage("421 4.3.2 going away"), Fault::Transient { code: "421 4.3.2".into() }),
        (Mood::HangUpBeforeMessage, Fault::Transient { code: "the connection failed".into() }),
        (Mood::HangUpAfterMessage, Fault::Ambiguous { code: "lost after the end of the message".into() }),
    ] {
        sink.will(mood);
        assert_eq!(smtp.deliver(&a_mail()).await, Err(expected), "{mood:?}");
        assert_eq!(smtp.deliver(&a_mail()).await, Ok(()), "the next mail goes out after {mood:?}");
    }
    assert_eq!(sink.mails().len(), 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_a_passing_fault() {
    let smtp = Smtp::new(Server::parse("smtp://127.0.0.1:1").unwrap(), sender());

    assert!(matches!(smtp.deliver(&a_mail()).await, Err(Fault::Transient { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_keeps_one_file_for_a_message_however_often_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let provider = Folder::new(folder.path().join("mail"), sender());
    let mail = a_mail();

    provider.deliver(&mail).await.unwrap();
    let path = folder.path().join("mail").join(format!("{}.eml", mail.id));
    let first = std::fs::read_to_string(&path).unwrap();
    provider.deliver(&OutgoingMail { subject: "another".to_owned(), ..mail.clone() }).await.unwrap();

    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    assert_eq!(std::fs::read_dir(folder.path().join("mail")).unwrap().count(), 1, "nothing unfinished is left");
    assert_eq!(header(&first, "Subject").unwrap(), mail.subject);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_a_passing_fault() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let provider = Folder::new(file.path().join("mail"), sender());

    assert!(matches!(provider.deliver(&a_mail()).await, Err(Fault::Transient { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_be_refused_is_ended_by_one_click_and_the_rest_says_nothing_of_it() {
    let (sink, url) = Sink::start().await;
    let smtp = Arc::new(Smtp::new(Server::parse(&url).unwrap(), sender()));
    let town = Town::with_provider(Arc::<Post>::default(), smtp).await;
    let somebody = town.somebody(&["ur"]).await;
    town.settled().await;
    town.neighbours.ticket(somebody).await;
    town.works().await;
    town.order(OUT_FOR_DELIVERY, somebody, &new_order()).await;
    town.works().await;

    let mails = sink.mails();
    assert_eq!(mails.len(), 2);
    let parsed: Vec<_> = mails.iter().map(|mail| MessageParser::default().parse(mail.as_bytes()).unwrap()).collect();
    let raw = |at: usize, name: &str| parsed[at].header_raw(name).map(|value| value.trim().to_owned());
    assert_eq!(raw(0, "List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    let target = parsed[0].list_unsubscribe().as_address().and_then(|list| list.first()).and_then(|one| one.address());
    let token = target.unwrap().strip_prefix("http://127.0.0.1:8080/unsubscribe/").unwrap();
    let ended = OwnLinks::new(town.signer.clone()).subscription_of(token, town.clock.now()).unwrap();
    assert_eq!(ended, Subscription { customer: somebody, category: "tickets".to_owned() });
    // A link that is broken over lines, or encoded, is none for the programs that follow it.
    assert_eq!(raw(0, "List-Unsubscribe").unwrap(), format!("<{}>", target.unwrap()));
    assert!(parsed[0].body_text(0).unwrap().contains("http://127.0.0.1:8080/preferences/preferences."));
    for (at, mail) in parsed.iter().enumerate() {
        assert_eq!(raw(at, "Auto-Submitted").as_deref(), Some("auto-generated"));
        assert_eq!(raw(at, "X-Auto-Response-Suppress").as_deref(), Some("All"));
        assert!(mail.body_text(0).unwrap().contains("http://127.0.0.1:8080/place/place."));
    }
    assert_eq!((raw(1, "List-Unsubscribe"), raw(1, "List-Unsubscribe-Post")), (None, None));
    assert!(!parsed[1].body_text(0).unwrap().contains("/preferences/"));
}

#[tokio::test(flavor = "multi_thread")]
async fn links_begin_with_the_public_url_of_the_settings() {
    let town = Town::new().await;
    let somebody = town.somebody(&["en"]).await;
    town.settled().await;
    town.neighbours.ticket(somebody).await;
    town.settled().await;
    let public_url = PublicUrl::parse("https://help.example.com").unwrap();
    let dispatch = town.dispatch_to(Settings { public_url, ..settings(town.post.clone()) }, town.recipients());

    assert_eq!(dispatch.run_batch(town.clock.now(), 200).await.unwrap(), 1);

    let mail = &town.post.handed()[0];
    let links: Vec<_> = mail.text.lines().filter(|line| line.starts_with("http")).collect();
    assert_eq!(links.len(), 3);
    assert!(links.iter().all(|link| link.starts_with("https://help.example.com/")), "{links:?}");
    assert!(mail.unsubscribe.as_ref().unwrap().as_str().starts_with("https://help.example.com/unsubscribe/"));
}
