//! A message of a customer goes through two services: whose it is, and what it is about.

use seva_proto::{
    customers::v1::{
        ApiKey, ContactPoint, CreateApiKeyRequest, CreateCustomerRequest, Customer, GetCustomerRequest,
        RevokeApiKeyRequest, api_key_service_client::ApiKeyServiceClient, contact_point::Kind,
        customer_service_client::CustomerServiceClient,
    },
    tickets::v1::{
        GetTicketRequest, InboundMessage, MessageResult, MessageSender, MessageThread, PublishMessagesRequest, Ticket,
        inbound_message::{Channel, State},
        inbound_message_service_client::InboundMessageServiceClient,
        message_sender::From,
        ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::{
    client::{Identity, Peer},
    config::Secret,
};
use seva_values::new_id;

use crate::served::{self, Served};

const SOURCE: &str = "//mail/support";

fn mail(id: &str, from: &str, text: &str) -> InboundMessage {
    InboundMessage {
        source: SOURCE.to_owned(),
        external_id: id.to_owned(),
        channel: Channel::Mail.into(),
        sender: Some(MessageSender { from: Some(From::Email(from.to_owned())), display_name: "Asha".to_owned() }),
        subject: "Where is it?".to_owned(),
        text: text.to_owned(),
        language: "hi".to_owned(),
        ..InboundMessage::default()
    }
}

async fn push(adapter: &mut InboundMessageServiceClient<Peer>, message: InboundMessage) -> MessageResult {
    let request = PublishMessagesRequest { messages: vec![message] };
    let result = adapter.publish_messages(request).await.unwrap().into_inner().results.remove(0);
    assert_eq!(result.state(), State::Delivered, "{result:?}");
    result
}

async fn ticket(tickets: &Served, name: &str) -> Ticket {
    let mut tickets = TicketServiceClient::new(tickets.server.as_role("agent"));
    tickets.get_ticket(GetTicketRequest { name: name.to_owned() }).await.unwrap().into_inner().ticket.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapter_with_a_key_of_customers_pushes_mails_to_tickets() {
    let all = served::all().await;
    let [customers, tickets] =
        ["customers", "tickets"].map(|name| all.iter().find(|served| served.name == name).unwrap());
    let mut keys = ApiKeyServiceClient::new(customers.server.as_role("ops"));
    let api_key = ApiKey {
        display_name: "mail".to_owned(),
        sources: vec![SOURCE.to_owned()],
        scopes: vec!["messages.publish".to_owned()],
        ..ApiKey::default()
    };
    let request = CreateApiKeyRequest { api_key: Some(api_key), request_id: new_id().to_string() };
    let made = keys.create_api_key(request).await.unwrap().into_inner();
    let mut adapter = {
        let key = Identity::ApiKey(Secret::new(made.secret));
        InboundMessageServiceClient::new(tickets.server.with_identity(key))
    };

    // Somebody known is found by the address, in whatever case it is written.
    let mut known = CustomerServiceClient::new(customers.server.as_role("agent"));
    let point =
        ContactPoint { kind: Kind::Email.into(), value: "asha@example.com".to_owned(), ..ContactPoint::default() };
    let asha = Customer {
        given_name: "Asha".to_owned(),
        languages: vec!["bn".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        contact_points: vec![point],
        ..Customer::default()
    };
    let request = CreateCustomerRequest { customer: Some(asha), request_id: new_id().to_string() };
    let asha = known.create_customer(request).await.unwrap().into_inner().customer.unwrap();
    let of_asha = push(&mut adapter, mail("<1>", "Asha@Example.com", "It has not come.")).await;
    let opened = ticket(tickets, &of_asha.ticket).await;
    assert_eq!((opened.customer, opened.language.as_str()), (asha.name, "bn"));

    // Somebody new becomes a customer, and the next mail finds them.
    let of_ravi = push(&mut adapter, mail("<2>", "ravi@example.com", "It has not come.")).await;
    let opened = ticket(tickets, &of_ravi.ticket).await;
    let ravi = known.get_customer(GetCustomerRequest { name: opened.customer.clone() }).await.unwrap().into_inner();
    let ravi = ravi.customer.unwrap();
    assert!(ravi.provisional);
    assert_eq!((ravi.languages, opened.language.as_str()), (vec!["hi".to_owned()], "hi"));
    let thread = MessageThread { in_reply_to: vec!["<2>".to_owned()], thread_id: String::new() };
    let answer = InboundMessage { thread: Some(thread), ..mail("<3>", "ravi@example.com", "Still not.") };
    assert_eq!(push(&mut adapter, answer).await.ticket, of_ravi.ticket);

    // A key that was ended is refused here too, as soon as what is remembered of it is ten seconds old.
    let request = RevokeApiKeyRequest { name: made.api_key.unwrap().name, request_id: new_id().to_string() };
    keys.revoke_api_key(request).await.unwrap();
    let refused = seva_testkit::eventually("the key is refused", || async {
        adapter
            .clone()
            .publish_messages(PublishMessagesRequest { messages: Vec::new() })
            .await
            .err()
            .filter(|status| status.code() == tonic::Code::Unauthenticated)
    });
    refused.await;
}
