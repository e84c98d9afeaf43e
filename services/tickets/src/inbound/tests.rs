//! Rules of messages that came in, without a database.

mod plans;

use std::sync::Arc;

use proptest::prelude::*;
use seva_proto::tickets::v1::{
    self as pb, inbound_message as pb_inbound,
    message_sender::From as PbFrom,
    program_marks::{AutoSubmitted, Precedence},
};
use seva_runtime::auth::{Principal, PrincipalKind};
use seva_values::{HumanNumber, new_id};
use uuid::Uuid;

use super::{
    convert::{Received, received},
    model::{Automation, Incoming, Kept, Progress, Proof, Reason, State},
    screening::{MOST_OF_SENDER, stopped},
    thanks::is_thanks,
    thread::{Earlier, Threads, numbers},
    words,
};

fn adapter() -> Principal {
    Principal {
        subject: "key:mail".to_owned(),
        kind: PrincipalKind::ApiKey,
        roles: Arc::default(),
        scopes: Arc::default(),
        sources: vec!["//mail/support".to_owned()],
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    }
}

fn a_mail() -> pb::InboundMessage {
    pb::InboundMessage {
        source: "//mail/support".to_owned(),
        external_id: "<1@example.com>".to_owned(),
        channel: pb_inbound::Channel::Mail.into(),
        sender: Some(pb::MessageSender {
            from: Some(PbFrom::Email("asha@example.com".to_owned())),
            display_name: "Asha Rao".to_owned(),
        }),
        subject: "Where is it?".to_owned(),
        text: "It has not come.".to_owned(),
        ..pb::InboundMessage::default()
    }
}

fn read(message: pb::InboundMessage) -> Incoming {
    received(message, &adapter()).read.unwrap()
}

/// The fields that are refused, with their reasons.
fn faults(message: pb::InboundMessage) -> Vec<String> {
    let Received { read, .. } = received(message, &adapter());
    let status = tonic::Status::from(&read.unwrap_err());
    let details = tonic_types::StatusExt::get_error_details(&status);
    let violations = details.bad_request().map(|refused| refused.field_violations.clone()).unwrap_or_default();
    let fault = |description: &str| description.split(':').next().unwrap_or_default().to_owned();
    violations.iter().map(|violation| format!("{} {}", violation.field, fault(&violation.description))).collect()
}

#[test]
fn a_message_without_fault_is_read_as_it_is() {
    let message = read(a_mail());
    assert_eq!((message.subject.as_str(), message.body.as_str()), ("Where is it?", "It has not come."));
    assert_eq!((message.sender.from.kind(), message.sender.from.as_str()), ("email", "asha@example.com"));
    assert_eq!(message.medium(), crate::message::Medium::Email);
}

#[test]
fn every_fault_of_a_message_is_named_at_once() {
    let sender = pb::MessageSender { from: Some(PbFrom::Phone("12".to_owned())), display_name: String::new() };
    let attachment = pb::Attachment {
        media_type: "jpeg".to_owned(),
        size_bytes: -1,
        sha256: vec![0; 5],
        url: "ftp://files.example/1".to_owned(),
        ..pb::Attachment::default()
    };
    let message = pb::InboundMessage {
        external_id: "a\r\nBcc: b".to_owned(),
        channel: 99,
        sender: Some(sender),
        sender_proof: 99,
        language: "!".to_owned(),
        kind: 99,
        attachments: vec![attachment],
        automation: Some(pb::ProgramMarks { hop_count: -1, ..pb::ProgramMarks::default() }),
        thread: Some(pb::MessageThread { thread_id: "\0".to_owned(), ..pb::MessageThread::default() }),
        send_time: Some(prost_types::Timestamp { seconds: -300_000_000_000, nanos: 0 }),
        ..a_mail()
    };
    let found = faults(message);
    for field in [
        "external_id",
        "channel",
        "sender.phone",
        "sender_proof",
        "language",
        "kind",
        "attachments[0].media_type",
        "attachments[0].size_bytes",
        "attachments[0].sha256",
        "attachments[0].url",
        "automation",
        "thread.thread_id",
        "send_time",
    ] {
        assert!(found.iter().any(|fault| fault.starts_with(&format!("{field} "))), "{field}: {found:?}");
    }
}

#[test]
fn what_is_too_long_or_empty_is_refused_and_not_cut() {
    assert_eq!(faults(pb::InboundMessage { text: "x".repeat(100_001), ..a_mail() }), ["text TEXT_TOO_LONG"]);
    let nothing = pb::InboundMessage { text: " \n".to_owned(), subject: "\0".to_owned(), ..a_mail() };
    assert_eq!(faults(nothing), ["text FIELD_REQUIRED"]);
    let too_many = pb::InboundMessage {
        attachments: vec![pb::Attachment { size_bytes: 1, ..pb::Attachment::default() }; 21],
        ..a_mail()
    };
    assert_eq!(faults(too_many), ["attachments ATTACHMENTS_TOO_MANY"]);
}

/// TK99
#[test]
fn tk99_only_a_social_network_has_posts_for_everybody() {
    let post = |channel: pb_inbound::Channel| pb::InboundMessage {
        channel: channel.into(),
        posted_publicly: true,
        sender: Some(pb::MessageSender { from: Some(PbFrom::Handle("@asha".to_owned())), display_name: String::new() }),
        ..a_mail()
    };
    assert_eq!(faults(post(pb_inbound::Channel::Messaging)), ["posted_publicly PUBLIC_CHANNEL"]);
    assert_eq!(read(post(pb_inbound::Channel::Social)).medium(), crate::message::Medium::SocialPost);
}

#[test]
fn a_sender_who_writes_headers_is_refused() {
    for address in
        ["asha@example.com\r\nBcc: all@example.com", "Asha <asha@example.com>", "asha@example.com, b@example.com"]
    {
        let sender = pb::MessageSender { from: Some(PbFrom::Email(address.to_owned())), display_name: String::new() };
        let found = faults(pb::InboundMessage { sender: Some(sender), ..a_mail() });
        assert!(found[0].starts_with("sender.email "), "{address:?}: {found:?}");
    }
}

#[test]
fn words_lose_what_no_screen_shows_and_keep_their_lines() {
    assert_eq!(words::subject(" Re:\r\nBcc: all@example.com\0 \u{202E}x "), "Re: Bcc: all@example.com x");
    assert_eq!(words::body("a\r\nb\rc\0\u{7}\td\u{2066}\n\n"), "a\nb\nc\td");
    let long = words::subject(&"दु".repeat(10_000));
    assert_eq!(long.chars().count(), 500);
    assert!(long.ends_with("[…]"));
    assert_eq!(words::cut("आशा", 3), "आशा");
}

/// TK93
#[test]
fn tk93_what_a_program_sent_is_ignored_by_each_of_its_marks() {
    let usual = Automation::default();
    for (automation, reason) in [
        (Automation { auto_submitted: AutoSubmitted::Generated.into(), ..usual.clone() }, Reason::Automatic),
        (Automation { auto_submitted: AutoSubmitted::Replied.into(), ..usual.clone() }, Reason::Automatic),
        (Automation { auto_submitted: AutoSubmitted::Notified.into(), ..usual.clone() }, Reason::Automatic),
        (Automation { auto_submitted: 99, ..usual.clone() }, Reason::Automatic),
        (Automation { precedence: Precedence::AutoReply.into(), ..usual.clone() }, Reason::Automatic),
        (Automation { precedence: Precedence::Bulk.into(), ..usual.clone() }, Reason::Bulk),
        (Automation { precedence: Precedence::Junk.into(), ..usual.clone() }, Reason::Bulk),
        (Automation { precedence: Precedence::List.into(), ..usual.clone() }, Reason::Bulk),
        (Automation { list_id: "<all.example.com>".to_owned(), ..usual.clone() }, Reason::Bulk),
        (Automation { loop_marker: "support@example.com".to_owned(), ..usual.clone() }, Reason::Loop),
        (Automation { hop_count: 26, ..usual.clone() }, Reason::Loop),
    ] {
        let message = Incoming { automation: automation.clone(), proof: Proof::Failed, ..read(a_mail()) };
        assert_eq!(stopped(&message, MOST_OF_SENDER), Some(reason), "{automation:?}");
        assert_eq!(reason.state(), State::Ignored);
    }
    let far = Incoming { automation: Automation { hop_count: 25, ..usual }, ..read(a_mail()) };
    assert_eq!(stopped(&far, 0), None);
}

/// TK94
#[test]
fn tk94_the_twenty_first_of_a_sender_is_held() {
    let message = read(a_mail());
    assert_eq!(stopped(&message, 19), None);
    assert_eq!(stopped(&message, 20), Some(Reason::TooMany));
    assert_eq!(Reason::TooMany.state(), State::Held);
}

/// TK95
#[test]
fn tk95_a_made_up_sender_is_held() {
    let forged = Incoming { proof: Proof::Failed, ..read(a_mail()) };
    assert_eq!(stopped(&forged, 0), Some(Reason::SenderForged));
    assert_eq!(stopped(&Incoming { proof: Proof::Passed, ..forged }, 0), None);
}

#[test]
fn a_number_in_a_subject_has_brackets_and_its_check_character() {
    let written = HumanNumber::new(1001).unwrap().to_string();
    let (digits, check) = written.split_at(written.len() - 1);
    assert_eq!(numbers(&format!("Re: [#{written}] Where is it?")), [1001]);
    assert_eq!(numbers(&format!("AW: [#{digits}-{check}]")), [1001]);
    let wrong = if check == "0" { "1" } else { "0" };
    for text in [
        format!("Re: {written}"),
        format!("[{written}]"),
        format!("[#{digits}{wrong}]"),
        format!("[#{written}"),
        format!("[# {written}]"),
        "[#]".to_owned(),
        "[#[#[#".to_owned(),
    ] {
        assert!(numbers(&text).is_empty(), "{text}");
    }
    let many: String = (1..100).map(|number| format!("[#{}]", HumanNumber::new(number).unwrap())).collect();
    assert_eq!(numbers(&many), [1, 2, 3], "nobody makes us look for a hundred tickets");
}

fn kept(id: Uuid, incoming: Incoming) -> Kept {
    Kept {
        id,
        incoming,
        pushed_by: "key:mail".to_owned(),
        traceparent: None,
        received_at: "2026-03-02T09:00:00Z".parse().unwrap(),
        released: false,
        progress: Progress::PENDING,
    }
}

/// TK92: whatever we send about a ticket refers to it.
#[test]
fn tk92_an_answer_to_what_we_wrote_belongs_to_its_ticket_and_other_references_to_none() {
    let ticket = Uuid::from_u128(7);
    let references = [
        format!("<ticket.{ticket}@shop.example>"),
        format!("ticket.{ticket}@elsewhere.example"),
        format!("<order.{ticket}@shop.example>"),
        format!("<ticket.{ticket}>"),
        "<ticket.one@shop.example>".to_owned(),
    ];
    for (reference, expected) in references.into_iter().zip([vec![ticket], vec![ticket], vec![], vec![], vec![]]) {
        let message = Incoming { in_reply_to: vec![reference.clone()], ..read(a_mail()) };
        assert_eq!(Threads::default().of(&message, &[]), expected, "{reference}");
    }
}

/// TK92
#[test]
fn tk92_a_number_goes_before_what_is_answered_and_that_before_the_conversation() {
    let [by_number, nearest, farther, conversation, own_conversation] = [1, 2, 3, 4, 5].map(Uuid::from_u128);
    let source = "//mail/support".to_owned();
    let mut threads = Threads::default();
    threads.numbers.insert(1001, by_number);
    for (id, ticket) in [("<near>", nearest), ("<far>", farther)] {
        let earlier = Earlier { id: new_id(), ticket: Some(ticket), pending: false };
        threads.messages.insert((source.clone(), id.to_owned()), earlier);
    }
    threads.conversations.insert((source.clone(), "t".to_owned(), None), conversation);
    threads.conversations.insert((source, "t".to_owned(), Some(Uuid::from_u128(9))), own_conversation);
    let message = Incoming {
        subject: format!("[#{}]", HumanNumber::new(1001).unwrap()),
        in_reply_to: ["<unknown>", "<near>", "<far>"].map(str::to_owned).to_vec(),
        thread_id: "t".to_owned(),
        ..read(a_mail())
    };
    assert_eq!(threads.of(&message, &[]), [by_number, nearest, farther, conversation]);
    let of_customer = threads.of(&message, &[Uuid::from_u128(9)]);
    assert_eq!(of_customer, [by_number, nearest, farther, own_conversation, conversation], "their own first");
    let elsewhere = Incoming { source: "//mail/sales".to_owned(), subject: String::new(), ..message };
    assert!(threads.of(&elsewhere, &[]).is_empty(), "an id is one of its source");
}

#[test]
fn a_message_waits_for_an_earlier_one_that_it_answers_and_for_no_later_one() {
    let (first, second) = (new_id(), new_id());
    let answer = |id, to: &str| kept(id, Incoming { in_reply_to: vec![to.to_owned()], ..read(a_mail()) });
    let mut threads = Threads::default();
    let pending = |id| Earlier { id, ticket: None, pending: true };
    threads.messages.insert(("//mail/support".to_owned(), "<first>".to_owned()), pending(first));
    threads.messages.insert(("//mail/support".to_owned(), "<second>".to_owned()), pending(second));
    assert!(threads.has_to_wait(&answer(second, "<first>"), &[second].into()));
    assert!(!threads.has_to_wait(&answer(second, "<first>"), &[first, second].into()), "it is delivered just before");
    assert!(
        !threads.has_to_wait(&answer(first, "<second>"), &[first].into()),
        "two that answer each other do not both wait"
    );
}

/// TK96
#[test]
fn tk96_thanks_and_yes_in_four_languages_are_told_from_everything_else() {
    for text in [
        "Thanks!",
        "Thank you so much for your help.",
        "THANK YOU",
        "Yes, it works now. Thanks, Asha",
        "OK 👍",
        "It's fixed",
        "Thanks\n\nOn Mon, 2 Mar 2026, Seva <help@example.com> wrote:\n> Is it solved?",
        "Thank you\n--\nAsha Rao\nHead of something, Rao Ltd",
        "Thanks\nSent from my phone",
        "धन्यवाद",
        "बहुत बहुत धन्यवाद, सब ठीक हो गया है।",
        "जी हाँ",
        "Bahut shukriya",
        "ধন্যবাদ",
        "হ্যাঁ, ঠিক হয়েছে।",
        "آپ کا بہت شکریہ",
        "جی ہاں، ٹھیک ہے۔",
    ] {
        assert!(is_thanks(text, "Asha Rao"), "{text}");
    }
    for text in [
        "",
        "> thanks",
        "Thanks, but it has not come.",
        "Thanks for nothing",
        "No thanks",
        "Not solved",
        "It is not fixed",
        "Is it fixed?",
        "Thanks, when does it come?",
        "you you you",
        "Asha",
        "Thanks, Carlos",
        "thanks thanks thanks thanks thanks thanks thanks thanks thanks thanks thanks thanks thanks",
        "धन्यवाद, लेकिन नहीं आया",
        "ठीक नहीं है",
        "ধন্যবাদ, কিন্তু আসেনি",
        "شکریہ، لیکن نہیں آیا",
    ] {
        assert!(!is_thanks(text, "Asha Rao"), "{text}");
    }
}

/// TK96
#[test]
fn tk96_a_question_without_its_mark_confirms_nothing() {
    for text in [
        "is it fixed now",
        "is everything working",
        "Is everything all good now.",
        "Hi team, is it fixed",
        "Thanks, is it working now",
        "Ok is everything fixed",
        "Hi all is everything working now",
        "Hi all, is all good now",
        "Thanks for it is it working now",
        // It could be either.
        "is good now thanks",
    ] {
        assert!(!is_thanks(text, "Asha Rao"), "{text}");
    }
    for text in [
        "It is fixed, thanks",
        "Thanks, everything is working now",
        "All is good now, thank you",
        "Yes, it is all good now",
    ] {
        assert!(is_thanks(text, "Asha Rao"), "{text}");
    }
    // The names of some people are words with which others ask.
    assert!(!is_thanks("Will the team help now, ok", "Will Smith"));
    assert!(!is_thanks("Kya sab theek hai", "Kya Sab"));
    assert!(!is_thanks("কি ঠিক আছে", "কি সেন"));
    assert!(is_thanks("Thank you so much, Will", "Will Smith"));
}

proptest! {
    /// TK92
    #[test]
    fn tk92_a_written_number_is_found_in_any_subject_and_nothing_else_is(
        number in 0..i64::MAX, before in "[^\\[]{0,40}", after in ".{0,40}", noise in ".{0,80}",
    ) {
        let written = HumanNumber::new(number).unwrap().to_string();
        prop_assert_eq!(numbers(&format!("{before}[#{written}]{after}")).first().copied(), Some(number));
        for found in numbers(&noise) {
            let parts = noise.split("[#").skip(1).filter_map(|part| part.split_once(']'));
            let mut written = parts.map(|(inside, _)| HumanNumber::parse(&inside.replace('-', "")));
            prop_assert!(written.any(|number| number.is_ok_and(|number| number.value() == found)));
        }
    }

    /// TK92: whichever way messages refer to each other, what one may belong to was named by it, each once.
    #[test]
    fn tk92_a_message_belongs_to_nothing_that_it_does_not_name(
        known in proptest::collection::vec((0..20_u8, 0..5_u128), 0..20), named in proptest::collection::vec(0..30_u8, 0..10),
    ) {
        let source = "//mail/support".to_owned();
        let mut threads = Threads::default();
        for (id, ticket) in &known {
            let earlier = Earlier { id: new_id(), ticket: Some(Uuid::from_u128(*ticket)), pending: false };
            threads.messages.insert((source.clone(), id.to_string()), earlier);
        }
        let in_reply_to: Vec<String> = named.iter().map(u8::to_string).collect();
        let message = Incoming { in_reply_to: in_reply_to.clone(), ..read(a_mail()) };
        let found = threads.of(&message, &[]);
        let mut expected = Vec::new();
        for id in in_reply_to {
            let ticket = threads.messages.get(&(source.clone(), id)).and_then(|earlier| earlier.ticket);
            expected.extend(ticket.filter(|ticket| !expected.contains(ticket)));
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn whatever_is_pushed_is_read_without_control_characters_or_refused(
        subject in ".{0,60}", text in "\\PC{0,60}|[\\x00-\\x1f]{0,10}", name in ".{0,60}", id in ".{0,30}", file in ".{0,30}",
    ) {
        let attachment = pb::Attachment {
            file_name: file,
            size_bytes: 1,
            media_type: "image/png".to_owned(),
            sha256: vec![0; 32],
            url: "https://files.example/1".to_owned(),
        };
        let sender = pb::MessageSender { from: Some(PbFrom::Handle("@asha".to_owned())), display_name: name };
        let message = pb::InboundMessage {
            subject, text, external_id: id, sender: Some(sender), attachments: vec![attachment], ..a_mail()
        };
        if let Ok(read) = received(message, &adapter()).read {
            let lines = [&read.subject, &read.external_id, &read.sender.display_name, &read.attachments[0].file_name];
            prop_assert!(lines.iter().all(|line| !line.chars().any(char::is_control)));
            prop_assert!(!read.body.contains('\0') && !read.body.contains('\r'));
        }
    }

    #[test]
    fn thanks_are_judged_of_any_text(text in ".{0,200}") {
        let _ = is_thanks(&text, &text);
    }
}
