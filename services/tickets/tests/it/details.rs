//! What else is said about a ticket: tags, fields of the company's, who takes part, what is attached, and words that are taken back.

use seva_proto::{
    common::v1::{ErrorReason, Translation},
    tickets::v1::{
        AddParticipantRequest, Attachment, CreateCustomFieldRequest, CreatePolicyRequest, CreateTicketRequest,
        CustomField, FieldValue, GetPolicyRequest, ListCustomFieldsRequest, ListMessagesRequest,
        ListParticipantsRequest, Message, PolicyRow, RedactMessageRequest, RemoveParticipantRequest,
        ReplyToTicketRequest, RetireCustomFieldRequest, Ticket, UpdateTicketRequest, clock, custom_field,
        custom_field_service_client::CustomFieldServiceClient,
        field_value,
        message::{Author, Visibility},
        participant_service_client::ParticipantServiceClient,
        policy_service_client::PolicyServiceClient,
        ticket::{Kind, Priority, State},
    },
};
use seva_runtime::client::Peer;
use seva_values::{format_name, new_id};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::world::{World, a_ticket, invariant, is_refused};

fn id() -> String {
    new_id().to_string()
}

fn fields(world: &World) -> CustomFieldServiceClient<Peer> {
    CustomFieldServiceClient::new(world.server.as_role("manager"))
}

async fn define(
    world: &World,
    key: &str,
    value_type: custom_field::ValueType,
    required: custom_field::Required,
) -> CustomField {
    let field = CustomField {
        key: key.to_owned(),
        titles: vec![Translation { language: "en".to_owned(), text: key.to_owned() }],
        value_type: value_type.into(),
        required: required.into(),
        kinds: vec![Kind::Question.into()],
        ..CustomField::default()
    };
    let request = CreateCustomFieldRequest { custom_field: Some(field), request_id: id() };
    fields(world).create_custom_field(request).await.unwrap().into_inner().custom_field.unwrap()
}

fn value(value: field_value::Value) -> FieldValue {
    FieldValue { value: Some(value) }
}

async fn update(world: &World, ticket: Ticket) -> Result<Ticket, Status> {
    let request = UpdateTicketRequest { ticket: Some(ticket), update_mask: None, request_id: id() };
    Ok(world.tickets().update_ticket(request).await?.into_inner().ticket.unwrap())
}

fn violated(status: &Status) -> Vec<String> {
    let details = status.get_error_details();
    details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.clone()).collect()
}

/// TK13
#[tokio::test(flavor = "multi_thread")]
async fn tk13_what_the_company_asks_for_is_given_when_a_ticket_is_opened_and_resolved() {
    let world = World::new().await;
    let department = world.department("support", &["question", "billing"]).await;
    world.member("radha", &department, &["en"], 5).await;
    let customer = world.customer("en").await;
    let size = define(&world, "size", custom_field::ValueType::Integer, custom_field::Required::ToOpen).await;
    define(&world, "outcome", custom_field::ValueType::Text, custom_field::Required::ToResolve).await;
    let again = CustomField { name: String::new(), ..size.clone() };
    let request = CreateCustomFieldRequest { custom_field: Some(again), request_id: id() };
    is_refused(fields(&world).create_custom_field(request).await, ErrorReason::ResourceExists);

    let refused = is_refused(world.create(a_ticket(customer)).await, ErrorReason::FieldsInvalid);
    assert_eq!(violated(&refused), ["ticket.fields[size]"]);
    let wrong = [("size".to_owned(), value(field_value::Value::Text("large".to_owned())))].into();
    let refused =
        is_refused(world.create(Ticket { fields: wrong, ..a_ticket(customer) }).await, ErrorReason::FieldsInvalid);
    assert_eq!(violated(&refused), ["ticket.fields[size]"]);

    let given: std::collections::BTreeMap<_, _> = [("size".to_owned(), value(field_value::Value::Integer(40)))].into();
    let tags = vec!["shoes".to_owned(), "autumn".to_owned(), "shoes".to_owned()];
    let ticket = world.create(Ticket { fields: given.clone(), tags, ..a_ticket(customer) }).await.unwrap();
    assert_eq!(
        (ticket.fields.clone(), ticket.tags.clone()),
        (given.clone(), vec!["autumn".to_owned(), "shoes".to_owned()])
    );
    world.assigned(&ticket.name).await;
    let refused = is_refused(world.resolve(&ticket.name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK13");

    let mut more = given;
    more.insert("outcome".to_owned(), value(field_value::Value::Text("exchanged".to_owned())));
    let named = Ticket { name: ticket.name.clone(), fields: more.clone(), ..Ticket::default() };
    assert_eq!(update(&world, named).await.unwrap().fields, more);
    assert_eq!(world.get(&ticket.name).await.fields, more);
    let told = world.told(&ticket.name).await;
    assert!(!format!("{told:?}").contains("exchanged"), "TK9");
    world.resolve(&ticket.name).await.unwrap();

    let retire = RetireCustomFieldRequest { name: size.name, etag: size.etag, request_id: id() };
    fields(&world).retire_custom_field(retire).await.unwrap();
    world.create(a_ticket(customer)).await.unwrap();
    let listed = fields(&world).list_custom_fields(ListCustomFieldsRequest::default()).await.unwrap().into_inner();
    let states: Vec<_> = listed.custom_fields.iter().map(CustomField::state).collect();
    assert_eq!(states, [custom_field::State::Retired, custom_field::State::Active]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_kind_goes_to_the_department_of_that_kind_and_has_its_targets() {
    let world = World::new().await;
    let support = world.department("support", &["question"]).await;
    let complaints = world.department("complaints", &["complaint_staff"]).await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap();
    assert_eq!(ticket.department, support);
    let named = Ticket { name: ticket.name.clone(), kind: Kind::ComplaintStaff.into(), ..Ticket::default() };
    let changed = update(&world, named).await.unwrap();
    assert_eq!((changed.department.as_str(), changed.state()), (complaints.as_str(), State::New));
    let due = changed.clocks.iter().find(|clock| clock.kind() == clock::Kind::FirstResponse).unwrap().due_time;
    assert_eq!(
        due.unwrap().seconds - ticket.create_time.unwrap().seconds,
        3600,
        "a complaint is answered within the hour"
    );
    let three = vec!["a b".to_owned(), "ok".to_owned(), "Ä".to_owned()];
    let wrong = Ticket { name: ticket.name, tags: three, ..Ticket::default() };
    let refused = is_refused(update(&world, wrong).await, ErrorReason::FieldsInvalid);
    assert_eq!(violated(&refused), ["ticket.tags[0]", "ticket.tags[2]"]);
}

async fn says(world: &World, ticket: &str, attachments: Vec<Attachment>) -> Result<Message, Status> {
    let request = ReplyToTicketRequest {
        name: ticket.to_owned(),
        visibility: Visibility::Public.into(),
        author: Author::Customer.into(),
        text: "My card is 4111 1111 1111 1111.".to_owned(),
        request_id: id(),
        attachments,
        ..ReplyToTicketRequest::default()
    };
    Ok(world.tickets().reply_to_ticket(request).await?.into_inner().message.unwrap())
}

fn a_photo() -> Attachment {
    Attachment {
        file_name: "broken.jpg".to_owned(),
        media_type: "image/jpeg".to_owned(),
        size_bytes: 120_000,
        sha256: vec![7; 32],
        url: "https://files.example.com/broken.jpg".to_owned(),
    }
}

async fn messages(world: &World, ticket: &str) -> Vec<Message> {
    let request = ListMessagesRequest { parent: ticket.to_owned(), ..ListMessagesRequest::default() };
    world.tickets().list_messages(request).await.unwrap().into_inner().messages
}

/// TK6
#[tokio::test(flavor = "multi_thread")]
async fn tk6_words_and_attachments_are_taken_back_once_and_a_tombstone_stays() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    let said = says(&world, &ticket, vec![a_photo(), a_photo()]).await.unwrap();
    assert_eq!(said.attachments, [a_photo(), a_photo()]);
    assert_eq!(messages(&world, &ticket).await, std::slice::from_ref(&said));
    let broken = Attachment { sha256: vec![1], media_type: "jpeg".to_owned(), size_bytes: 0, ..a_photo() };
    let refused = is_refused(says(&world, &ticket, vec![a_photo(), broken]).await, ErrorReason::FieldsInvalid);
    let expected = ["attachments[1].media_type", "attachments[1].size_bytes", "attachments[1].sha256"];
    assert_eq!(violated(&refused), expected);

    let request =
        RedactMessageRequest { name: said.name.clone(), reason: "a card number".to_owned(), request_id: id() };
    let agent = world.tickets().redact_message(request.clone()).await;
    assert_eq!(agent.unwrap_err().code(), Code::PermissionDenied);
    let mut lead =
        seva_proto::tickets::v1::ticket_service_client::TicketServiceClient::new(world.server.as_role("lead"));
    let tombstone = lead.redact_message(request.clone()).await.unwrap().into_inner().message.unwrap();
    assert_eq!((tombstone.text.as_str(), tombstone.attachments.len(), tombstone.redact_time.is_some()), ("", 0, true));
    assert_eq!(messages(&world, &ticket).await, std::slice::from_ref(&tombstone));
    let again = lead.redact_message(request.clone()).await.unwrap().into_inner().message.unwrap();
    assert_eq!(again, tombstone, "the same request again");
    let twice = lead.redact_message(RedactMessageRequest { request_id: id(), ..request }).await;
    assert_eq!(invariant(&is_refused(twice, ErrorReason::StateForbids)), "TK6");

    assert_eq!(world.acts(&ticket).await.last().unwrap(), "redacted");
    let left = world.count("select count(*) from message where text like '%4111%'").await;
    assert_eq!((left, world.count("select count(*) from attachment").await), (0, 0));
    let why = world.count("select count(*) from seva.audit where reason = 'a card number'").await;
    assert_eq!(why, 1);
}

/// TK15
#[tokio::test(flavor = "multi_thread")]
async fn tk15_customers_and_staff_take_part_as_long_as_they_are_known_and_not_too_many() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 5).await;
    let (customer, daughter) = (world.customer("en").await, world.customer("en").await);
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    let mut participants = ParticipantServiceClient::new(world.server.as_role("agent"));
    let add = |participant: String| AddParticipantRequest {
        parent: ticket.clone(),
        participant,
        request_id: id(),
        ..AddParticipantRequest::default()
    };
    let daughter = format_name("customers", daughter);
    for who in [&radha, &daughter, &radha] {
        participants.add_participant(add(who.clone())).await.unwrap();
    }
    let list = ListParticipantsRequest { parent: ticket.clone() };
    let listed = participants.list_participants(list.clone()).await.unwrap().into_inner().participants;
    let names: Vec<_> = listed.iter().map(|one| one.participant.clone()).collect();
    assert_eq!(names, [daughter.clone(), radha.clone()]);
    let stranger = participants.add_participant(add(format_name("customers", new_id()))).await;
    is_refused(stranger, ErrorReason::ResourceNotFound);

    let remove =
        RemoveParticipantRequest { parent: ticket.clone(), participant: radha, request_id: id(), ..Default::default() };
    participants.remove_participant(remove.clone()).await.unwrap();
    let again = participants.remove_participant(RemoveParticipantRequest { request_id: id(), ..remove }).await;
    is_refused(again, ErrorReason::ResourceNotFound);
    let fill = "insert into participant select t.id, 'customer', gen_random_uuid(), t.created_at from ticket t, generate_series(1, 49)";
    sqlx::query(fill).execute(&world.database.owner).await.unwrap();
    let other = format_name("customers", world.customer("en").await);
    assert_eq!(
        invariant(&is_refused(participants.add_participant(add(other)).await, ErrorReason::StateForbids)),
        "TK15"
    );
    participants.add_participant(add(daughter)).await.unwrap();
    assert_eq!(world.acts(&ticket).await.iter().filter(|act| *act == "updated").count(), 5);
}

fn a_row(priority: Priority, minutes: i32) -> PolicyRow {
    PolicyRow {
        priority: priority.into(),
        first_response_minutes: minutes,
        next_response_minutes: minutes,
        update_cadence_minutes: minutes,
        resolution_first_minutes: minutes,
        resolution_total_minutes: minutes,
        handoff_ack_minutes: minutes,
        handoff_done_minutes: minutes,
        ..PolicyRow::default()
    }
}

/// TK24
#[tokio::test(flavor = "multi_thread")]
async fn tk24_a_new_policy_holds_for_what_is_opened_from_now_on() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let before = world.create(a_ticket(customer)).await.unwrap();
    let mut policies = PolicyServiceClient::new(world.server.as_role("manager"));
    let create = |rows: Vec<PolicyRow>, previous_version| CreatePolicyRequest {
        policy: Some(seva_proto::tickets::v1::Policy { rows, ..Default::default() }),
        previous_version,
        request_id: id(),
    };
    let descending = PolicyRow { resolution_total_minutes: 10, ..a_row(Priority::Low, 30) };
    let twice = [a_row(Priority::Low, 5), a_row(Priority::Low, 6)].to_vec();
    let refused = is_refused(policies.create_policy(create(vec![descending], 0)).await, ErrorReason::FieldsInvalid);
    assert_eq!(violated(&refused), ["policy.rows[0].resolution_total_minutes"]);
    let refused = is_refused(policies.create_policy(create(twice, 0)).await, ErrorReason::FieldsInvalid);
    assert_eq!(violated(&refused), ["policy.rows[1]", "policy.rows"], "a repeated row, and none for all");

    let rows = vec![a_row(Priority::Unspecified, 7), PolicyRow { reopen_days: 3, ..a_row(Priority::Urgent, 5) }];
    let newer = policies.create_policy(create(rows.clone(), 1)).await.unwrap().into_inner().policy.unwrap();
    assert_eq!((newer.version, newer.creator.is_empty()), (2, false));
    let old = is_refused(policies.create_policy(create(rows.clone(), 1)).await, ErrorReason::EtagMismatch);
    assert!(old.get_error_details().retry_info().is_none(), "another try changes nothing");
    let read = policies.get_policy(GetPolicyRequest { version: 0 }).await.unwrap().into_inner().policy.unwrap();
    assert_eq!((read.version, read.rows.len(), read.create_time.is_some()), (2, 2, true));
    let first = policies.get_policy(GetPolicyRequest { version: 1 }).await.unwrap().into_inner().policy.unwrap();
    assert_eq!((first.rows.len(), first.create_time), (17, None));
    is_refused(policies.get_policy(GetPolicyRequest { version: 9 }).await, ErrorReason::ResourceNotFound);

    let request = CreateTicketRequest { ticket: Some(a_ticket(customer)), request_id: id() };
    let after = world.tickets().create_ticket(request).await.unwrap().into_inner().ticket.unwrap();
    let first_response = |ticket: &Ticket| {
        let clock = ticket.clocks.iter().find(|clock| clock.kind() == clock::Kind::FirstResponse).unwrap();
        (clock.policy_version, clock.due_time.unwrap().seconds - ticket.create_time.unwrap().seconds)
    };
    assert_eq!((first_response(&before), first_response(&after)), ((1, 240 * 60), (2, 7 * 60)));
    assert_eq!(first_response(&world.get(&before.name).await), (1, 240 * 60));
}
