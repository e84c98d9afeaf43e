//! Tickets by number and by words, in all languages.

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        AssignTicketRequest, RedactMessageRequest, ReplyToTicketRequest, SearchResult, SearchTicketsRequest,
        SearchTicketsResponse, Ticket, TicketFilter, UpdateTicketRequest,
        message::Visibility,
        search_result::Match,
        search_service_client::SearchServiceClient,
        ticket::{Kind, State},
        ticket_service_client::TicketServiceClient,
    },
};
use seva_testkit::eventually;
use seva_values::new_id;
use tonic::Status;

use crate::world::{World, a_ticket, is_refused};

async fn ask(world: &World, request: SearchTicketsRequest) -> Result<SearchTicketsResponse, Status> {
    Ok(SearchServiceClient::new(world.server.as_role("agent")).search_tickets(request).await?.into_inner())
}

fn query(query: &str) -> SearchTicketsRequest {
    SearchTicketsRequest { query: query.to_owned(), ..SearchTicketsRequest::default() }
}

async fn found(world: &World, words: &str) -> Vec<SearchResult> {
    ask(world, query(words)).await.unwrap().results
}

async fn names(world: &World, words: &str) -> Vec<String> {
    let results = found(world, words).await;
    results.into_iter().map(|result| result.ticket.unwrap().name).collect()
}

async fn says(world: &World, ticket: &str, visibility: Visibility, text: &str) -> String {
    let request = ReplyToTicketRequest {
        name: ticket.to_owned(),
        visibility: visibility.into(),
        text: text.to_owned(),
        request_id: new_id().to_string(),
        ..ReplyToTicketRequest::default()
    };
    world.tickets().reply_to_ticket(request).await.unwrap().into_inner().message.unwrap().name
}

async fn indexed(world: &World) {
    eventually("the feed has told everything", || async {
        let behind = "select (select count(*) from seva.outbox_pending)
                           + (select head from seva.feed_state) - (select feed_no from seva.consumer_cursor where consumer = 'index')";
        (world.count(behind).await == 0).then_some(())
    })
    .await;
}

/// TK103
#[tokio::test(flavor = "multi_thread")]
async fn tk103_a_ticket_is_found_by_its_words_in_every_language_and_by_none_that_it_has_no_more() {
    let world = World::new().await;
    let customer = world.customer("hi").await;
    let with = |title: &str, problem: &str| Ticket {
        title: title.to_owned(),
        stated_problem: problem.to_owned(),
        ..a_ticket(customer)
    };
    let english = world.create(with("Order A-1029 has not come", "The refund is missing, too.")).await.unwrap().name;
    let hindi =
        world.create(with("रिफंड नहीं मिला", "मेरा हिन्दी में लिखा पत्र, शीघ्र उत्तर दें। क्रमांक १०२९")).await.unwrap().name;
    let bengali = world.create(with("ঠিকানা ভুল", "আপনার ট্র্যাকিং কাজ করছে না, রিফান্ডের অপেক্ষায়।")).await.unwrap().name;
    let urdu = world.create(with("رقم کی واپسی", "ترسیل میں تاخیر ہے")).await.unwrap().name;
    says(&world, &english, Visibility::Public, "Your RMA-2026-0042 is on its way.").await;
    let internal = says(&world, &english, Visibility::Internal, "The warehouse lost the parcel.").await;
    indexed(&world).await;

    for (words, ticket) in [
        ("refund", &english),
        ("REFUND come", &english),
        ("a-1029", &english),
        ("RMA-2026-0042", &english),
        ("0042", &english),
        ("warehouse", &english),
        ("refund parcel", &english),
        ("रिफंड", &hindi),
        ("हिंदी", &hindi),
        ("शीघ्र पत्र", &hindi),
        ("ঠিকানা", &bengali),
        ("ট্র্যাকিং", &bengali),
        ("রিফান্ড*", &bengali),
        ("واپسی", &urdu),
        // With the keys of an Arabic keyboard.
        ("ترسيل", &urdu),
        ("تاخیر رقم", &urdu),
    ] {
        assert_eq!(names(&world, words).await, [ticket.as_str()], "{words}");
    }
    // Digits of any script; both have the number.
    assert_eq!(names(&world, "1029").await, [&*hindi, &*english]);
    for nothing in ["refund रिफंड", "ware", "!!!", "' & | ! ( :", "ঠিক"] {
        assert_eq!(names(&world, nothing).await, [""; 0], "{nothing}");
    }
    let snippet = &found(&world, "parcel").await[0];
    assert_eq!((snippet.r#match(), snippet.snippet.as_str()), (Match::Words, "The warehouse lost the parcel."));

    let renamed = Ticket { name: english.clone(), title: "Everything is here".to_owned(), ..Ticket::default() };
    let request_id = new_id().to_string();
    let request = UpdateTicketRequest { ticket: Some(renamed), request_id, ..UpdateTicketRequest::default() };
    world.tickets().update_ticket(request).await.unwrap();
    indexed(&world).await;
    assert_eq!(names(&world, "a-1029").await, [""; 0]);
    assert_eq!(names(&world, "everything").await, [english]);

    let (reason, request_id) = ("it names somebody".to_owned(), new_id().to_string());
    let request = RedactMessageRequest { name: internal, reason, request_id };
    TicketServiceClient::new(world.person("mira", "lead")).redact_message(request).await.unwrap();
    indexed(&world).await;
    assert_eq!(names(&world, "warehouse").await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_found_by_its_number_without_its_check_character_and_by_its_beginning() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap();
    let other = world.create(Ticket { kind: Kind::Billing.into(), ..a_ticket(customer) }).await.unwrap();
    for shown in [ticket.number.clone(), ticket.number.to_lowercase(), ticket.number[..5].to_owned()] {
        let results = found(&world, &shown).await;
        assert_eq!(results.len(), 1, "{shown}");
        assert_eq!(
            (results[0].r#match(), results[0].ticket.as_ref().unwrap().name.as_str()),
            (Match::Number, &*ticket.name)
        );
    }
    assert_eq!(names(&world, &ticket.number[..4]).await, [&*other.name, &*ticket.name], "the newest first");

    let of_kind = TicketFilter { kinds: vec![Kind::Billing.into()], ..TicketFilter::default() };
    let filtered = SearchTicketsRequest { filter: Some(of_kind), ..query(&ticket.number[..4]) };
    let results = ask(&world, filtered).await.unwrap().results;
    assert_eq!(results.len(), 1);
    assert_eq!(results[0].ticket.as_ref().unwrap().name, other.name);
}

/// TK104
#[tokio::test(flavor = "multi_thread")]
async fn tk104_pages_show_every_match_once_newest_first_also_of_words_that_thousands_have() {
    let world = World::new().await;
    let [customer, rare] = [world.customer("en").await, world.customer("en").await];
    // One of a hundred is of the rare customer, and one of 50 is open.
    let script = "insert into ticket (id, version, number, customer_id, kind, priority, state, title, stated_problem, language, closure,
                                      correlation_id, causation_id, hops, created_at, updated_at, tier, targets)
                  select lpad(to_hex(n), 32, '0')::uuid, 1, n, case when n % 100 = 0 then $2 else $1 end, 'question', 'normal',
                         case when n % 50 = 0 then 'new' else 'closed' end, 'A common word', '', 'en', case when n % 50 <> 0 then 'verified' end,
                         'c', 'c', 0, '2026-01-01', '2026-01-01', 'standard', '{}'
                  from generate_series(1, 5000) as n";
    sqlx::query(script).bind(customer).bind(rare).execute(&world.database.owner).await.unwrap();
    let document = "select index_tickets(array(select id from ticket))";
    sqlx::query(document).execute(&world.database.owner).await.unwrap();

    let all_pages = |filter: TicketFilter, page_size: i32| {
        let world = &world;
        async move {
            let (mut seen, mut truncated, mut page_token) = (Vec::new(), 0, String::new());
            loop {
                let request =
                    SearchTicketsRequest { filter: Some(filter.clone()), page_size, page_token, ..query("common") };
                let page = ask(world, request).await.unwrap();
                truncated += i32::from(page.truncated);
                seen.extend(page.results.into_iter().map(|result| result.ticket.unwrap().name));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    return (seen, truncated);
                }
            }
        }
    };
    let (seen, truncated) = all_pages(TicketFilter::default(), 50).await;
    assert_eq!((seen.len(), truncated), (5000, 0));
    assert!(seen.is_sorted_by(|one, next| one > next), "newest first, each once");
    let (seen, truncated) =
        all_pages(TicketFilter { states: vec![State::New.into()], ..TicketFilter::default() }, 50).await;
    assert_eq!((seen.len(), truncated), (100, 4));
    assert!(seen.is_sorted_by(|one, next| one > next));
    // Of a customer, too, a bounded number for each page, and all in the end.
    sqlx::query("update ticket set title = 'A common but oldest word' where number = 1")
        .execute(&world.database.owner)
        .await
        .unwrap();
    sqlx::query(document).execute(&world.database.owner).await.unwrap();
    let of_customer = TicketFilter { customer: format!("customers/{customer}"), ..TicketFilter::default() };
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = SearchTicketsRequest { filter: Some(of_customer.clone()), page_token, ..query("oldest") };
        let page = ask(&world, request).await.unwrap();
        assert_eq!(page.truncated, !page.next_page_token.is_empty());
        seen.extend(page.results.into_iter().map(|result| result.ticket.unwrap().name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, [format!("tickets/{}", uuid::Uuid::from_u128(1))]);
    let (seen, truncated) = all_pages(of_customer, 50).await;
    assert_eq!((seen.len(), truncated), (4950, 0));
    let of_customer = TicketFilter { customer: format!("customers/{rare}"), ..TicketFilter::default() };
    let (seen, truncated) = all_pages(of_customer, 7).await;
    assert_eq!((seen.len(), truncated), (50, 0));
}

/// TK103: whatever somebody writes, a row of words holds the beginning of it, and the index goes on.
#[tokio::test(flavor = "multi_thread")]
async fn tk103_words_that_grow_when_they_are_written_plainly_are_indexed_as_far_as_a_row_goes() {
    let world = World::new().await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    // One sign that stands for six letters, each time with other neighbours, so that every word is another one.
    for at in 0..6_u32 {
        let word = |number: u32| char::from_u32(0x4E00 + number).unwrap();
        let text: String = (0..5_000).flat_map(|number| [word(number), '\u{3316}', word(at), ' ']).collect();
        says(&world, &ticket, Visibility::Public, &text).await;
    }
    says(&world, &ticket, Visibility::Public, "The parcel has come.").await;
    indexed(&world).await;
    assert_eq!(names(&world, "parcel").await, [&*ticket]);
    assert_eq!(world.count("select count(*) from seva.dead_letter").await, 0);
    // Signs, identifiers and addresses, as many as are looked at.
    for of_number in [
        "chr(19968 + n % 20000) || U&'\\3316' || n",
        "'a' || n || '-b' || n || '/c'",
        "'http://a' || n || '.b/c' || n",
        "U&'\\FDFA' || n",
    ] {
        let sql = format!(
            "select length(search_words(left(string_agg({of_number}, ' '), 100000))) from generate_series(1, 100000) as n"
        );
        let words: i32 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&world.database.owner).await.unwrap();
        assert!(words > 100, "{of_number}");
    }
}

/// TK103: the reason to go over a limit is said with an assignment, and a step of a return with an event of its own.
#[tokio::test(flavor = "multi_thread")]
async fn tk103_what_is_said_with_an_assignment_and_of_a_return_is_found() {
    let world = World::new().await;
    let department = world.department("support", &["question"]).await;
    let member = world.member("radha", &department, &["en"], 0).await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    let request = AssignTicketRequest {
        name: ticket.clone(),
        assignee: member,
        override_reason: "She knows this pagoda.".to_owned(),
        request_id: new_id().to_string(),
        ..AssignTicketRequest::default()
    };
    TicketServiceClient::new(world.person("mira", "lead")).assign_ticket(request).await.unwrap();
    indexed(&world).await;
    assert_eq!(names(&world, "pagoda").await, [&*ticket]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_without_words_or_with_too_many_is_refused() {
    let world = World::new().await;
    for faulty in ["", "   ", &"word ".repeat(11), &"x".repeat(201), "a*", "*", "a\0b"] {
        is_refused(ask(&world, query(faulty)).await, ErrorReason::FieldsInvalid);
    }
    let damaged = SearchTicketsRequest { page_token: "x".to_owned(), ..query("refund") };
    is_refused(ask(&world, damaged).await, ErrorReason::PageTokenInvalid);
    let negative = SearchTicketsRequest { page_size: -1, ..query("refund") };
    is_refused(ask(&world, negative).await, ErrorReason::FieldsInvalid);
}
