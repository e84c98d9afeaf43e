//! Messages that come in: each kept, each once, and each at the ticket that it belongs to.

mod effects;
mod figures;
mod hostile;
mod quarantine;
mod threads;

use std::{
    collections::HashMap,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{ResolveSendersRequest, ResolveSendersResponse, ResolvedSender, Sender, SendingCustomer, sender},
    tickets::v1::{
        Attachment, CancelTicketRequest, GetInboundMessageRequest, InboundMessage, ListMessagesRequest, Message,
        MessageResult, MessageSender, MessageThread, PublishMessagesRequest, RedactMessageRequest, Ticket,
        inbound_message::{Channel, SenderProof, State},
        inbound_message_service_client::InboundMessageServiceClient,
        message::{Author, Medium, Visibility},
        message_result::Outcome,
        message_sender::From,
        ticket::{CancelReason, Kind, State as TicketState, WaitReason},
        ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::{
    Error,
    auth::{ApiKeySecret, ApiKeys, StoredApiKey},
    client::{Identity, Peer},
    config::Secret,
    error::reason_name,
};
use seva_testkit::eventually;
use seva_tickets::inbound::Senders;
use seva_values::{format_name, new_id};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::world::{World, id_of};

/// The customers service as far as messages need it: whose address something is, and the keys of adapters.
#[derive(Default)]
pub struct Directory {
    customers: Mutex<HashMap<String, Vec<Uuid>>>,
    keys: Mutex<HashMap<Uuid, StoredApiKey>>,
    is_away: AtomicBool,
}

impl Directory {
    /// These customers share an address.
    pub fn share(&self, address: &str, customers: &[Uuid]) {
        self.customers.lock().unwrap().insert(address.to_owned(), customers.to_vec());
    }

    /// Whoever has this address.
    pub fn customers_of(&self, address: &str) -> Vec<Uuid> {
        self.customers.lock().unwrap().get(address).cloned().unwrap_or_default()
    }

    fn be_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    fn key(&self, scopes: &[&str], sources: &[&str]) -> Secret<String> {
        let made = ApiKeySecret::generate();
        let stored = StoredApiKey {
            id: made.id,
            secret_sha256: made.sha256,
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
            sources: sources.iter().map(|&source| source.to_owned()).collect(),
            expires_at: None,
            revoked: false,
        };
        self.keys.lock().unwrap().insert(made.id, stored);
        made.text
    }
}

#[async_trait]
impl Senders for Directory {
    async fn resolve(&self, request: ResolveSendersRequest) -> Result<ResolveSendersResponse, Error> {
        if self.is_away.load(Ordering::SeqCst) {
            let reason = ErrorReason::ServiceUnavailable;
            return Err(Error::unavailable(reason, "customers is away", Duration::from_millis(1)));
        }
        let refused = |sender: &Sender| sender.from == Some(sender::From::Email(REFUSED.to_owned()));
        if request.senders.iter().any(refused) {
            return Err(Error::invalid(ErrorReason::FieldsInvalid, "customers takes no such sender"));
        }
        let mut customers = self.customers.lock().unwrap();
        let of_sender = |sender: Sender| {
            let address = match sender.from.unwrap() {
                sender::From::Email(email) => email.to_lowercase(),
                sender::From::Phone(phone) => phone,
                sender::From::Account(account) => account.id,
            };
            let language = if sender.language.is_empty() { "en".to_owned() } else { sender.language };
            let customer = |id: &Uuid| SendingCustomer {
                customer: format_name("customers", *id),
                languages: vec![language.clone()],
                zone: "Etc/UTC".to_owned(),
                provisional: true,
                ..SendingCustomer::default()
            };
            let known = customers.entry(address).or_insert_with(|| vec![new_id()]);
            ResolvedSender { customers: known.iter().map(customer).collect() }
        };
        Ok(ResolveSendersResponse { senders: request.senders.into_iter().map(of_sender).collect() })
    }
}

#[async_trait]
impl ApiKeys for Directory {
    async fn find(&self, id: Uuid) -> Result<Option<StoredApiKey>, Error> {
        Ok(self.keys.lock().unwrap().get(&id).cloned())
    }
}

const SOURCE: &str = "//mail/support";
/// An address that customers does not take.
const REFUSED: &str = "refused@example.com";

fn mail(id: &str, from: &str, subject: &str, text: &str) -> InboundMessage {
    InboundMessage {
        source: SOURCE.to_owned(),
        external_id: id.to_owned(),
        channel: Channel::Mail.into(),
        sender: Some(MessageSender { from: Some(From::Email(from.to_owned())), display_name: "Asha Rao".to_owned() }),
        subject: subject.to_owned(),
        text: text.to_owned(),
        sender_proof: SenderProof::Passed.into(),
        ..InboundMessage::default()
    }
}

/// Nobody has looked whether it is its sender's.
fn unproved(message: InboundMessage) -> InboundMessage {
    InboundMessage { sender_proof: SenderProof::Unspecified.into(), ..message }
}

fn in_reply_to(id: &str, message: InboundMessage) -> InboundMessage {
    let thread = MessageThread { in_reply_to: vec![id.to_owned()], ..message.thread.clone().unwrap_or_default() };
    InboundMessage { thread: Some(thread), ..message }
}

fn in_conversation(id: &str, message: InboundMessage) -> InboundMessage {
    let thread = MessageThread { thread_id: id.to_owned(), ..message.thread.clone().unwrap_or_default() };
    InboundMessage { thread: Some(thread), ..message }
}

impl World {
    fn adapter(&self) -> InboundMessageServiceClient<Peer> {
        InboundMessageServiceClient::new(self.server.as_role("integration"))
    }

    fn inbound(&self) -> InboundMessageServiceClient<Peer> {
        InboundMessageServiceClient::new(self.server.as_role("agent"))
    }

    async fn publish(&self, messages: Vec<InboundMessage>) -> Vec<MessageResult> {
        publish_with(self.adapter(), messages).await.unwrap()
    }

    /// Pushes a message that is accepted.
    async fn push(&self, message: InboundMessage) -> MessageResult {
        let result = self.publish(vec![message]).await.remove(0);
        assert_eq!(result.outcome(), Outcome::Accepted, "{result:?}");
        result
    }

    /// Pushes a message that comes to a ticket, and answers the ticket's name.
    async fn delivers(&self, message: InboundMessage) -> String {
        let result = self.push(message).await;
        assert_eq!(result.state(), State::Delivered, "{result:?}");
        result.ticket
    }

    async fn kept(&self, name: &str) -> InboundMessage {
        let request = GetInboundMessageRequest { name: name.to_owned() };
        self.inbound().get_inbound_message(request).await.unwrap().into_inner().inbound_message.unwrap()
    }

    async fn said(&self, ticket: &str) -> Vec<Message> {
        let request = ListMessagesRequest { parent: ticket.to_owned(), ..ListMessagesRequest::default() };
        self.tickets().list_messages(request).await.unwrap().into_inner().messages
    }

    async fn texts(&self, ticket: &str) -> Vec<String> {
        self.said(ticket).await.into_iter().map(|message| message.text).collect()
    }

    /// A ticket that waits, after routing has looked at it.
    async fn looked_at(&self, ticket: &str) -> Ticket {
        self.until("routing has looked at it", ticket, |ticket| ticket.wait_reason() != WaitReason::Unspecified).await
    }

    /// A ticket that this address has opened, open with somebody.
    async fn worked_on(&self, id: &str, from: &str) -> String {
        let department = self.department("support", &["question"]).await;
        self.member("radha", &department, &["en"], 9).await;
        let ticket = self.delivers(mail(id, from, "Where is it?", "It has not come.")).await;
        self.assigned(&ticket).await;
        ticket
    }

    /// The same, resolved.
    async fn resolved(&self, id: &str, from: &str) -> String {
        let ticket = self.worked_on(id, from).await;
        self.resolve(&ticket).await.unwrap();
        ticket
    }
}

async fn publish_with(
    mut client: InboundMessageServiceClient<Peer>,
    messages: Vec<InboundMessage>,
) -> Result<Vec<MessageResult>, Status> {
    Ok(client.publish_messages(PublishMessagesRequest { messages }).await?.into_inner().results)
}

/// The reason of a rejected message.
fn why(result: &MessageResult) -> String {
    assert_eq!(result.outcome(), Outcome::Rejected, "{result:?}");
    let error = result.error.clone().unwrap();
    let info = error.details.iter().find_map(|detail| {
        let is_info = detail.type_url.ends_with("google.rpc.ErrorInfo");
        is_info.then(|| <tonic_types::pb::ErrorInfo as prost::Message>::decode(detail.value.as_slice()).unwrap())
    });
    info.unwrap().reason
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_opens_a_ticket_with_its_words_and_its_channel() {
    let world = World::new().await;
    let hindi = InboundMessage {
        language: "hi".to_owned(), ..mail("<1>", "asha@example.com", "कहाँ है?", "नहीं आया।")
    };
    let result = world.push(hindi).await;

    let ticket = world.get(&result.ticket).await;
    assert_eq!((ticket.kind(), ticket.state(), ticket.language.as_str()), (Kind::Question, TicketState::New, "hi"));
    assert_eq!((ticket.title.as_str(), ticket.stated_problem.as_str()), ("कहाँ है?", "नहीं आया।"));
    let said = world.said(&ticket.name).await;
    let message = &said[0];
    assert_eq!((said.len(), message.medium(), message.author()), (1, Medium::Email, Author::Customer));
    assert_eq!((message.visibility(), message.text.as_str()), (Visibility::Public, "नहीं आया।"));
    assert_eq!(
        (message.name.as_str(), message.author_name.as_str()),
        (result.message.as_str(), ticket.customer.as_str())
    );
    let kept = world.kept(&result.inbound_message).await;
    assert_eq!((kept.state(), kept.ticket, kept.message), (State::Delivered, result.ticket, result.message));
    assert_eq!((kept.customer, kept.text.as_str()), (ticket.customer.clone(), "नहीं आया।"));
    assert_eq!(world.acts(&ticket.name).await[0], "created");
    assert_eq!(world.count("select count(*) from ticket where channel = 'mail'").await, 1);
    assert_eq!(world.directory.customers_of("asha@example.com"), [id_of(&ticket.customer)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_may_say_what_sort_of_matter_it_is_and_every_channel_is_told_apart() {
    let world = World::new().await;
    for (channel, from, medium) in [
        (Channel::Web, From::Email("a@example.com".to_owned()), Medium::Web),
        (Channel::Sms, From::Phone("+919876543210".to_owned()), Medium::Sms),
        (Channel::Messaging, From::Handle("wa-1".to_owned()), Medium::Messaging),
        (Channel::Social, From::Handle("@asha".to_owned()), Medium::Social),
    ] {
        let message = InboundMessage {
            channel: channel.into(),
            kind: Kind::Billing.into(),
            sender: Some(MessageSender { from: Some(from), display_name: String::new() }),
            ..mail(channel.as_str_name(), "-", "", "I was billed twice.\nTwice!")
        };
        let ticket = world.get(&world.delivers(message).await).await;
        assert_eq!((ticket.kind(), ticket.title.as_str()), (Kind::Billing, "I was billed twice."));
        assert_eq!(world.said(&ticket.name).await[0].medium(), medium);
    }
}

/// TK99
#[tokio::test(flavor = "multi_thread")]
async fn tk99_what_is_posted_for_everybody_is_marked_so_on_its_ticket() {
    let world = World::new().await;
    let post = InboundMessage {
        channel: Channel::Social.into(),
        posted_publicly: true,
        sender: Some(MessageSender { from: Some(From::Handle("@asha".to_owned())), display_name: String::new() }),
        ..mail("post-1", "-", "", "Never again!")
    };
    let result = world.push(post).await;
    assert_eq!(world.said(&result.ticket).await[0].medium(), Medium::SocialPost);
    assert!(world.kept(&result.inbound_message).await.posted_publicly);
}

/// TK90
#[tokio::test(flavor = "multi_thread")]
async fn tk90_the_same_message_again_is_a_duplicate_and_another_body_is_refused() {
    let world = World::new().await;
    let message = mail("<1>", "asha@example.com", "Where is it?", "It has not come.");
    let first = world.push(message.clone()).await;

    let again = world.publish(vec![message.clone(), message.clone()]).await;
    for result in again {
        assert_eq!(result, MessageResult { outcome: Outcome::Duplicate.into(), ..first.clone() });
    }
    let other = InboundMessage { text: "Something else.".to_owned(), ..message.clone() };
    let refused = world.publish(vec![other]).await.remove(0);
    assert_eq!(why(&refused), reason_name(ErrorReason::MessageIdReused));
    let elsewhere = InboundMessage { source: "//mail/sales".to_owned(), ..message };
    assert_ne!(world.delivers(elsewhere).await, first.ticket, "an id is one of its source");
    assert_eq!(world.count("select count(*) from inbound_message").await, 2);
    assert_eq!(world.count("select count(*) from message").await, 2);
}

/// TK90
#[tokio::test(flavor = "multi_thread")]
async fn tk90_one_batch_may_hold_a_message_twice() {
    let world = World::new().await;
    let message = mail("<1>", "asha@example.com", "", "It has not come.");
    let other = InboundMessage { text: "Something else.".to_owned(), ..message.clone() };
    let results = world.publish(vec![message.clone(), message, other]).await;
    assert_eq!((results[0].outcome(), results[1].outcome()), (Outcome::Accepted, Outcome::Duplicate));
    assert_eq!(results[0].ticket, results[1].ticket);
    assert_eq!(why(&results[2]), reason_name(ErrorReason::MessageIdReused));
}

/// TK90
#[tokio::test(flavor = "multi_thread")]
async fn tk90_of_one_message_pushed_by_many_at_once_one_is_accepted() {
    let world = World::new().await;
    for round in 0..5 {
        let message = mail(&format!("<{round}>"), "asha@example.com", "", "It has not come.");
        let pushed = (0..4).map(|_| world.publish(vec![message.clone()]));
        let results: Vec<_> = futures::future::join_all(pushed).await.into_iter().flatten().collect();
        let accepted = results.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
        let duplicates = results.iter().filter(|result| result.outcome() == Outcome::Duplicate).count();
        assert_eq!((accepted, duplicates), (1, 3), "{results:?}");
    }
    assert_eq!(world.count("select count(*) from inbound_message").await, 5);
    assert_eq!(world.count("select count(*) from message").await, 5);
    assert_eq!(world.count("select count(*) from ticket").await, 5);
}

/// TK90: two senders claim one id at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn tk90_of_two_bodies_under_one_id_at_once_one_is_refused() {
    let world = World::new().await;
    for round in 0..5 {
        let id = format!("<{round}>");
        let pushed =
            ["asha@example.com", "ravi@example.com"].map(|from| world.publish(vec![mail(&id, from, "", "Hello.")]));
        let results: Vec<_> = futures::future::join_all(pushed).await.into_iter().flatten().collect();
        let accepted = results.iter().filter(|result| result.outcome() == Outcome::Accepted).count();
        assert_eq!(accepted, 1, "{results:?}");
        assert!(results.iter().any(|result| result.outcome() == Outcome::Rejected));
    }
    assert_eq!(world.count("select count(*) from inbound_message").await, 5);
}

/// TK91
#[tokio::test(flavor = "multi_thread")]
async fn tk91_what_is_accepted_is_kept_and_delivered_when_customers_can_be_asked_again() {
    let world = World::new().await;
    world.directory.be_away(true);
    let first = mail("<1>", "asha@example.com", "Where is it?", "It has not come.");
    let second = in_reply_to("<1>", mail("<2>", "asha@example.com", "Re: Where is it?", "Still not."));
    let waiting = world.push(first.clone()).await;
    assert_eq!((waiting.state(), waiting.ticket.as_str()), (State::Pending, ""));
    assert_eq!(world.push(second).await.state(), State::Pending);

    world.directory.be_away(false);
    let delivered = eventually("both are delivered", || async {
        let waiting = world.count("select count(*) from inbound_message where state = 'pending'").await;
        let again = world.publish(vec![first.clone()]).await.remove(0);
        (waiting == 0).then_some(again)
    })
    .await;
    assert_eq!((delivered.outcome(), delivered.state()), (Outcome::Duplicate, State::Delivered));
    assert_eq!(world.texts(&delivered.ticket).await, ["It has not come.", "Still not."]);
}

/// TK91
#[tokio::test(flavor = "multi_thread")]
async fn tk91_an_answer_waits_for_what_it_answers() {
    let world = World::new().await;
    world.directory.be_away(true);
    assert_eq!(world.push(mail("<1>", "asha@example.com", "", "It has not come.")).await.state(), State::Pending);
    world.directory.be_away(false);
    let answer = world.push(in_reply_to("<1>", mail("<2>", "asha@example.com", "", "Still not."))).await;
    eventually("both are delivered", || async {
        (world.count("select count(*) from inbound_message where state = 'delivered'").await == 2).then_some(())
    })
    .await;
    let ticket = world.kept(&answer.inbound_message).await.ticket;
    assert_eq!(world.texts(&ticket).await, ["It has not come.", "Still not."]);
}

/// TK91: the state of a customer as told later goes over what was answered, and not the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn tk91_a_customer_who_is_known_stays_as_they_are_known() {
    let world = World::new().await;
    let customer = world.customer("bn").await;
    world.directory.share("asha@example.com", &[customer]);
    let ticket = world.delivers(mail("<1>", "asha@example.com", "", "It has not come.")).await;
    assert_eq!(world.get(&ticket).await.language, "bn");
    assert_eq!(world.count("select count(*) from recipient where not provisional").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pushes_for_its_sources_and_only_with_the_scope() {
    let world = World::new().await;
    let with = |scopes: &[&str]| {
        let key = world.directory.key(scopes, &[SOURCE]);
        InboundMessageServiceClient::new(world.server.with_identity(Identity::ApiKey(key)))
    };
    let message = mail("<1>", "asha@example.com", "", "It has not come.");
    let elsewhere = InboundMessage { source: "//mail/sales".to_owned(), ..message.clone() };
    let results = publish_with(with(&["messages.publish"]), vec![message.clone(), elsewhere]).await.unwrap();
    assert_eq!(results[0].outcome(), Outcome::Accepted);
    assert_eq!(why(&results[1]), reason_name(ErrorReason::SourceForbidden));
    assert_eq!(world.count("select count(*) from inbound_message").await, 1, "nothing of a refused one is kept");
    let refused = publish_with(with(&["events.publish"]), vec![message]).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_one_message_at_least_and_a_hundred_at_most_and_one_fault_does_not_hinder_the_rest() {
    let world = World::new().await;
    for count in [0, 101] {
        let batch = vec![mail("<1>", "asha@example.com", "", "x"); count];
        let refused = publish_with(world.adapter(), batch).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{count}");
    }
    let good = |id: &str| mail(id, "asha@example.com", "", "It has not come.");
    let bad = InboundMessage { channel: 0, ..good("<2>") };
    let results = world.publish(vec![good("<1>"), bad, good("<3>")]).await;
    let outcomes: Vec<Outcome> = results.iter().map(MessageResult::outcome).collect();
    assert_eq!(outcomes, [Outcome::Accepted, Outcome::Rejected, Outcome::Accepted]);
    assert_eq!(why(&results[1]), reason_name(ErrorReason::FieldsInvalid));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_with_a_message_is_kept_by_reference_and_stands_on_the_ticket() {
    let world = World::new().await;
    let photo = Attachment {
        file_name: "../../box.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        size_bytes: 12_345,
        sha256: vec![7; 32],
        url: "https://files.example/1".to_owned(),
    };
    let empty = Attachment { size_bytes: 0, ..photo.clone() };
    let nameless = Attachment { file_name: "\0".to_owned(), ..photo.clone() };
    let attachments = vec![photo.clone(), empty, nameless];
    let first = InboundMessage { attachments: attachments.clone(), ..mail("<1>", "asha@example.com", "", "") };
    let opened = world.push(first).await;
    let second = InboundMessage { attachments, ..mail("<2>", "asha@example.com", "", "See.") };
    world.delivers(in_reply_to("<1>", second)).await;

    let expected = [".._.._box.jpg", "…"].map(|name| Attachment { file_name: name.to_owned(), ..photo.clone() });
    assert_eq!(world.kept(&opened.inbound_message).await.attachments, expected);
    let said = world.said(&opened.ticket).await;
    assert_eq!(said.len(), 2);
    assert!(said.iter().all(|message| message.attachments == expected), "{said:?}");
}

/// TK6: what is taken back on the ticket is taken back here too.
#[tokio::test(flavor = "multi_thread")]
async fn tk6_words_that_are_taken_back_are_kept_nowhere_else() {
    let world = World::new().await;
    let result = world.push(mail("<1>", "asha@example.com", "My card", "It is 4111 1111 1111 1111.")).await;
    let request = RedactMessageRequest {
        name: result.message.clone(),
        reason: "a card".to_owned(),
        request_id: new_id().to_string(),
    };
    let mut leads = TicketServiceClient::new(world.server.as_role("lead"));
    leads.redact_message(request).await.unwrap();
    let kept = world.kept(&result.inbound_message).await;
    assert_eq!((kept.subject.as_str(), kept.text.as_str()), ("", ""));
    assert_eq!((kept.state(), kept.message), (State::Delivered, result.message));
}

/// TK6: of a message that has opened a ticket, the ticket's title and problem are its words too, and the title of a ticket that follows it is.
#[tokio::test(flavor = "multi_thread")]
async fn tk6_words_that_opened_a_ticket_are_taken_back_from_everything_that_shows_them() {
    let world = World::new().await;
    let opened = world.push(mail("<1>", "asha@example.com", "Xylocard blocked", "It is quokka 4111.")).await;
    let ticket = opened.ticket.clone();
    let canceled = CancelTicketRequest {
        name: ticket.clone(),
        reason: CancelReason::ByCustomer.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(canceled).await.unwrap();
    let follower =
        world.delivers(in_reply_to("<1>", mail("<2>", "asha@example.com", "", "It is still blocked."))).await;
    assert_eq!(world.get(&follower).await.title, "Xylocard blocked");
    let request = |name: &str| RedactMessageRequest {
        name: name.to_owned(),
        reason: "a card".to_owned(),
        request_id: new_id().to_string(),
    };
    let mut leads = TicketServiceClient::new(world.server.as_role("lead"));
    let answer = leads.redact_message(request(&opened.message)).await.unwrap().into_inner().ticket.unwrap();

    for shown in [answer, world.get(&ticket).await] {
        assert_eq!((shown.title.as_str(), shown.stated_problem.as_str()), ("[…]", "[…]"));
    }
    let shown = world.get(&follower).await;
    assert_eq!((shown.title.as_str(), shown.stated_problem.as_str()), ("[…]", "It is still blocked."));
    for name in [&ticket, &follower] {
        assert_eq!(world.acts(name).await.last().unwrap(), "redacted");
    }
    let noted = world.count("select count(*) from seva.audit where reason = 'a card' and 'title' = any(changed)").await;
    assert_eq!(noted, 2);
    // Searches forget them with the event.
    eventually("no search finds the words", || async {
        let left =
            "select count(*) from ticket_document where words::text ilike '%xylocard%' or words::text ilike '%quokka%'";
        (world.count(left).await == 0).then_some(())
    })
    .await;
    // Answers that are remembered for a request id go after seven days, as the README says.
    assert_eq!(columns_with(&world, &["Xylocard", "quokka"], &["seva.idempotency"]).await, Vec::<String>::new());
}

/// The columns of the whole database, but for those of some tables, in which one of these words stands, in whatever form.
async fn columns_with(world: &World, words: &[&str], but_for: &[&str]) -> Vec<String> {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select format('%I.%I', table_schema, table_name), format('%I', column_name) from information_schema.columns
         where table_schema in ('public', 'seva') order by 1, 2",
    )
    .fetch_all(&world.database.owner)
    .await
    .unwrap();
    assert!(columns.len() > 300, "{}", columns.len());
    let mut found = Vec::new();
    for (table, column) in columns.into_iter().filter(|(table, _)| !but_for.contains(&table.as_str())) {
        for word in words {
            let in_hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
            let sql = format!("select count(*) from {table} where {column}::text ilike $1 or {column}::text ilike $2");
            let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
                .bind(format!("%{word}%"))
                .bind(format!("%{in_hex}%"))
                .fetch_one(&world.database.owner)
                .await
                .unwrap();
            if rows > 0 {
                found.push(format!("{word} in {table}.{column}"));
            }
        }
    }
    found
}

/// TK9: neither words nor addresses leave the two tables in which they belong.
#[tokio::test(flavor = "multi_thread")]
async fn tk9_nobodys_words_and_addresses_are_in_events_audit_or_remembered_answers() {
    let world = World::new().await;
    let ticket = world.resolved("<1>", "secretaddress@example.com").await;
    world
        .delivers(in_reply_to("<1>", mail("<2>", "secretaddress@example.com", "", "secretwords are not thanks")))
        .await;
    world.delivers(mail("<3>", "secretaddress@example.com", "secretsubject", "secretwords")).await;
    assert_eq!(world.get(&ticket).await.reopen_count, 1);
    for table in ["seva.outbox", "seva.audit", "seva.idempotency", "seva.feed"] {
        let rows: Vec<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select t::text from {table} t")))
            .fetch_all(&world.database.owner)
            .await
            .unwrap();
        for secret in ["secretaddress", "secretwords", "secretsubject", "Asha"] {
            let in_hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(rows.iter().all(|row| !row.contains(secret) && !row.contains(&in_hex)), "{secret} is in {table}");
        }
    }
}
