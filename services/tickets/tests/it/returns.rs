//! What customers give back: from their wish to what they have for it, never more than was delivered, and never more money than was paid.

use std::sync::Arc;

use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{Order, OrderEvent, OrderItem, billing_confirmation_event::Outcome as BillingOutcome, order},
    tickets::v1::{
        AppealReturnRequest, CancelReturnRequest, CloseReturnRequest, DecideReturnRequest, GetGrantRequest,
        GetReturnRequest, ListMessagesRequest, ListReturnsRequest, MergeTicketRequest, OpenReturnRequest,
        RecordInTransitRequest, RecordInspectedRequest, RecordLabelSentRequest, RecordReceivedRequest, ReturnCase,
        ReturnFilter, ReturnItem, ReviewReturnRequest, SearchTicketsRequest, SettleReturnRequest, UnmergeTicketRequest,
        compensation_grant::State as GrantState,
        merge_service_client::MergeServiceClient,
        message::{Author, Visibility},
        return_case::{Condition, State, Way, decision::Outcome},
        return_service_client::ReturnServiceClient,
        search_service_client::SearchServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::{format_name, new_id};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    compensation::{Shop, rupees},
    world::{World, a_ticket, id_of, invariant, is_refused},
};

/// A shop, and an order of three shirts and a cap that has arrived and was paid.
struct Counter {
    shop: Shop,
    order: String,
    invoice: String,
}

fn items(named: &[(&str, i64)]) -> Vec<ReturnItem> {
    named
        .iter()
        .map(|(item, quantity)| ReturnItem { item: (*item).to_owned(), quantity: *quantity, accepted_quantity: None })
        .collect()
}

/// A call that changes one return: the same for each of its steps.
macro_rules! step {
    ($counter:expr, $user:expr, $method:ident, $request:ident { $($field:ident: $value:expr),* $(,)? }, $case:expr) => {{
        let request = $request {
            name: $case.name.clone(),
            request_id: new_id().to_string(),
            $($field: $value,)*
            ..$request::default()
        };
        let answer = $counter.as_agent($user).$method(request).await;
        answer.map(|answer| answer.into_inner().return_case.unwrap())
    }};
}

impl Counter {
    async fn new() -> Self {
        // Assembling a whole service is a large future.
        let shop = Box::pin(Shop::new()).await;
        let order = format_name("orders", new_id());
        let counter = Self { order, invoice: format_name("invoices", new_id()), shop };
        counter.order_is(order::State::Delivered).await;
        counter.shop.invoice(&counter.invoice, "A-1029", 1_000, 0).await;
        counter
    }

    fn world(&self) -> &World {
        &self.shop.world
    }

    async fn order_is(&self, state: order::State) {
        let item = |item: &str, quantity| OrderItem { item: item.to_owned(), quantity };
        let event = OrderEvent {
            order: Some(Order {
                name: self.order.clone(),
                customer: format_name("customers", self.shop.customer),
                order_number: "A-1029".to_owned(),
                state: state.into(),
                items: vec![item("SHIRT", 3), item("CAP", 1)],
                ..Order::default()
            }),
            ..OrderEvent::default()
        };
        let kind = "seva.customers.order.delivered.v1";
        self.world().customers.tells(kind, &self.order, self.world().now(), &event).await;
        eventually("the order is known", || async {
            let known: i64 = sqlx::query_scalar("select count(*) from customer_order where id = $1 and delivered = $2")
                .bind(id_of(&self.order))
                .bind(state == order::State::Delivered)
                .fetch_one(&self.world().database.owner)
                .await
                .unwrap();
            (known == 1).then_some(())
        })
        .await;
    }

    fn as_agent(&self, user: &str) -> ReturnServiceClient<Peer> {
        ReturnServiceClient::new(self.world().in_role(user, "agent"))
    }

    fn a_return(&self, named: &[(&str, i64)]) -> OpenReturnRequest {
        OpenReturnRequest {
            ticket: self.shop.ticket.clone(),
            order: self.order.clone(),
            items: items(named),
            wish: Way::Refund.into(),
            reason: "It is too small.".to_owned(),
            request_id: new_id().to_string(),
            ..OpenReturnRequest::default()
        }
    }

    async fn open(&self, named: &[(&str, i64)]) -> Result<ReturnCase, Status> {
        let answer = self.as_agent("radha").open_return(self.a_return(named)).await?;
        Ok(answer.into_inner().return_case.unwrap())
    }

    async fn decide(&self, user: &str, case: &ReturnCase, outcome: Outcome) -> Result<ReturnCase, Status> {
        let accepted = if outcome == Outcome::PartlyApproved { items(&[("SHIRT", 1)]) } else { Vec::new() };
        let request = DecideReturnRequest {
            name: case.name.clone(),
            outcome: outcome.into(),
            accepted_items: accepted,
            reason: "It was worn.".to_owned(),
            handbook_rule: "handbook-3/returns-14-days".to_owned(),
            is_exception: outcome == Outcome::PartlyApproved,
            request_id: new_id().to_string(),
            ..DecideReturnRequest::default()
        };
        Ok(self.as_agent(user).decide_return(request).await?.into_inner().return_case.unwrap())
    }

    async fn approved(&self, named: &[(&str, i64)]) -> ReturnCase {
        let case = self.open(named).await.unwrap();
        let case = step!(self, "radha", review_return, ReviewReturnRequest {}, case).unwrap();
        self.decide("radha", &case, Outcome::Approved).await.unwrap()
    }

    async fn refund(&self, case: &ReturnCase, amount: i64) -> Result<ReturnCase, Status> {
        let way = Way::Refund.into();
        let (amount, invoice) = (Some(rupees(amount)), self.invoice.clone());
        // Radha has decided.
        step!(self, "mina", settle_return, SettleReturnRequest { way: way, amount: amount, invoice: invoice }, case)
    }

    async fn get(&self, name: &str) -> ReturnCase {
        let request = GetReturnRequest { name: name.to_owned() };
        self.as_agent("radha").get_return(request).await.unwrap().into_inner().return_case.unwrap()
    }

    async fn until(&self, name: &str, state: State) -> ReturnCase {
        eventually("the return is so far", || async {
            let case = self.get(name).await;
            (case.state() == state).then_some(case)
        })
        .await
    }

    /// Billing says what became of what the return settles by.
    async fn billing_says(&self, case: &ReturnCase, key: &str, outcome: BillingOutcome) {
        let grant = self.shop.until(&case.compensation_grant, GrantState::Issued).await;
        self.shop.billing_says(&grant, key, outcome).await;
    }

    /// What was told of a return, in order: the last word but one of the type.
    async fn told(&self, name: &str) -> Vec<String> {
        let kinds: Vec<String> =
            sqlx::query_scalar("select type from seva.outbox where subject = $1 order by sequence")
                .bind(name)
                .fetch_all(&self.world().database.owner)
                .await
                .unwrap();
        let act =
            |kind: String| kind.trim_start_matches("seva.tickets.return_case.").trim_end_matches(".v1").to_owned();
        kinds.into_iter().map(act).collect()
    }

    /// What the customer reads on a ticket.
    async fn notices_on(&self, ticket: &str) -> usize {
        let request = ListMessagesRequest { parent: ticket.to_owned(), ..ListMessagesRequest::default() };
        let messages = self.world().tickets().list_messages(request).await.unwrap().into_inner().messages;
        let notice = |message: &&seva_proto::tickets::v1::Message| {
            message.author() == Author::System && message.visibility() == Visibility::Public
        };
        messages.iter().filter(notice).count()
    }
}

/// TK76, TK103
#[tokio::test(flavor = "multi_thread")]
async fn tk103_what_a_customer_is_told_of_a_return_is_found() {
    let counter = Counter::new().await;
    counter.open(&[("SHIRT", 2)]).await.unwrap();
    let search = SearchTicketsRequest { query: "return shirt".to_owned(), ..SearchTicketsRequest::default() };
    eventually("the notice is found", || async {
        let mut client = SearchServiceClient::new(counter.world().server.as_role("agent"));
        let found = client.search_tickets(search.clone()).await.unwrap().into_inner().results;
        (found.len() == 1).then_some(())
    })
    .await;
}

/// TK72, TK76, TK77, TK78. Whoever sends it on hears the return's events: of its messages on the ticket no event tells, so that it is sent once.
#[tokio::test(flavor = "multi_thread")]
async fn a_return_goes_from_the_wish_to_the_money_and_the_customer_is_told_of_each_step() {
    let counter = Counter::new().await;
    let case = counter.approved(&[("SHIRT", 2)]).await;
    assert_eq!((case.state(), case.items[0].accepted_quantity), (State::Approved, Some(2)));
    let number = "1Z999".to_owned();
    step!(counter, "radha", record_label_sent, RecordLabelSentRequest { tracking_number: number }, case).unwrap();
    is_refused(counter.refund(&case, 400).await, ErrorReason::StateForbids);
    step!(counter, "radha", record_in_transit, RecordInTransitRequest {}, case).unwrap();
    step!(counter, "radha", record_received, RecordReceivedRequest {}, case).unwrap();
    let refused = step!(counter, "radha", cancel_return, CancelReturnRequest {}, case);
    assert_eq!(invariant(&is_refused(refused, ErrorReason::StateForbids)), "TK79");
    let as_new = Condition::AsNew.into();
    step!(counter, "radha", record_inspected, RecordInspectedRequest { condition: as_new }, case).unwrap();
    let case = counter.refund(&case, 400).await.unwrap();
    assert_eq!((case.state(), case.settlement()), (State::Settling, Way::Refund));
    counter.world().assigned(&counter.shop.ticket).await;
    let hindered = is_refused(counter.world().resolve(&counter.shop.ticket).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&hindered), "TK11");

    counter.billing_says(&case, "b-1", BillingOutcome::Settled).await;
    let case = counter.until(&case.name, State::Settled).await;
    assert!(case.settle_time.is_some());
    // What the return paid back is owed: it counts for no limit, and as paid back.
    let request = GetGrantRequest { name: case.compensation_grant.clone() };
    let grant = counter.shop.as_agent("radha").get_grant(request).await.unwrap().into_inner().grant.unwrap();
    assert_eq!((grant.return_case.as_str(), grant.external_key.as_str()), (case.name.as_str(), "b-1"));
    counter.world().resolve(&counter.shop.ticket).await.unwrap();
    let case = step!(counter, "radha", close_return, CloseReturnRequest {}, case).unwrap();
    let acts = [
        "requested",
        "under_review",
        "approved",
        "label_sent",
        "in_transit",
        "received",
        "inspected",
        "settling",
        "settled",
        "closed",
    ];
    assert_eq!(counter.told(&case.name).await, acts);
    assert_eq!(counter.notices_on(&counter.shop.ticket).await, acts.len());
    let of_ticket = counter.world().acts(&counter.shop.ticket).await;
    assert!(!of_ticket.contains(&"replied".to_owned()), "{of_ticket:?}");
    assert_eq!(counter.world().count("select count(*) from seva.dead_letter").await, 0);
}

/// TK71
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_no_more_comes_back_than_was_delivered() {
    let counter = Arc::new(Counter::new().await);
    // In two tickets, so that nothing but the order is the same.
    let other = counter.world().create(a_ticket(counter.shop.customer)).await.unwrap().name;
    let mut callers = JoinSet::new();
    for at in 0..12 {
        let ticket = if at % 2 == 0 { other.clone() } else { counter.shop.ticket.clone() };
        let request = OpenReturnRequest { ticket, ..counter.a_return(&[("SHIRT", 1)]) };
        let mut client = counter.as_agent("radha");
        callers.spawn(async move {
            loop {
                match client.open_return(request.clone()).await {
                    Err(status) if matches!(status.code(), Code::Aborted | Code::Unavailable) => {}
                    answer => return answer.map(|answer| answer.into_inner().return_case.unwrap()),
                }
            }
        });
    }
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().flatten().count(), 3, "three were delivered");
    let opened = answers.iter().flatten().next().unwrap().clone();
    let status = is_refused(answers.into_iter().find(Result::is_err).unwrap(), ErrorReason::ReturnExceedsDelivered);
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["available_quantity"], "0");
    // What is called off can come back again.
    step!(counter, "radha", cancel_return, CancelReturnRequest {}, opened).unwrap();
    counter.open(&[("SHIRT", 1), ("CAP", 1)]).await.unwrap();
    is_refused(counter.open(&[("CAP", 1)]).await, ErrorReason::ReturnExceedsDelivered);
    is_refused(counter.open(&[("TROUSERS", 1)]).await, ErrorReason::ReturnExceedsDelivered);
}

/// TK72
#[tokio::test(flavor = "multi_thread")]
async fn of_returns_and_compensation_at_once_no_more_is_paid_back_than_was_paid() {
    let counter = Arc::new(Counter::new().await);
    let mut cases = Vec::new();
    for _ in 0..3 {
        cases.push(counter.approved(&[("SHIRT", 1)]).await);
    }
    let compensated = counter.shop.a_refund(&counter.invoice, 400);
    let mut callers = JoinSet::new();
    for case in cases.clone() {
        let counter = counter.clone();
        callers.spawn(async move { counter.refund(&case, 400).await.map(drop) });
    }
    let mut client = counter.shop.as_agent("mina");
    callers.spawn(async move { client.propose_grant(compensated).await.map(drop) });
    let answers = callers.join_all().await;
    assert_eq!(answers.iter().flatten().count(), 2, "1000 has room for two of 400: {answers:?}");
    is_refused(answers.into_iter().find(Result::is_err).unwrap(), ErrorReason::RefundExceedsPaid);
    let others = format_name("invoices", new_id());
    counter.shop.invoice(&others, "B-77", 1_000, 0).await;
    for case in &cases {
        if counter.get(&case.name).await.state() == State::Approved {
            let (way, amount, invoice) = (Way::Refund.into(), Some(rupees(1)), others.clone());
            let refused = step!(
                counter,
                "radha",
                settle_return,
                SettleReturnRequest { way: way, amount: amount, invoice: invoice },
                case
            );
            assert_eq!(invariant(&is_refused(refused, ErrorReason::StateForbids)), "TK72");
        }
    }
    // One that names no order may be any order's.
    let nobodys = format_name("invoices", new_id());
    counter.shop.invoice(&nobodys, "", 1_000, 0).await;
    let counter = Counter { invoice: nobodys, ..Arc::into_inner(counter).unwrap() };
    let case = counter.get(&cases[0].name).await;
    let approved = match case.state() {
        State::Approved => case,
        _ => counter.approved(&[("CAP", 1)]).await,
    };
    assert_eq!(invariant(&is_refused(counter.refund(&approved, 1).await, ErrorReason::StateForbids)), "TK72");
}

/// TK89
#[tokio::test(flavor = "multi_thread")]
async fn tk89_whoever_has_decided_alone_pays_back_no_more_than_they_may_give() {
    let counter = Counter::new().await;
    let case = counter.approved(&[("SHIRT", 3)]).await;
    let settle = async |user: &str, amount: i64| {
        let (way, amount, invoice) = (Way::Refund.into(), Some(rupees(amount)), counter.invoice.clone());
        step!(counter, user, settle_return, SettleReturnRequest { way: way, amount: amount, invoice: invoice }, case)
    };
    let refused = is_refused(settle("radha", 501).await, ErrorReason::ApproverUnsuitable);
    assert_eq!(invariant(&refused), "TK89");
    assert_eq!(counter.world().count("select count(*) from compensation_grant").await, 0);
    assert_eq!(settle("mina", 501).await.unwrap().state(), State::Settling);
    let case = counter.approved(&[("CAP", 1)]).await;
    let (way, amount, invoice) = (Way::Credit.into(), Some(rupees(499)), counter.invoice.clone());
    let within = SettleReturnRequest {
        name: case.name,
        way,
        amount,
        invoice,
        request_id: new_id().to_string(),
        ..Default::default()
    };
    counter.as_agent("radha").settle_return(within).await.unwrap();
}

/// TK53, TK54, TK78
#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_a_return_of_a_merged_ticket_is_told_on_the_one_that_carries_it_on_and_holds_it() {
    let counter = Counter::new().await;
    let (world, merged) = (counter.world(), counter.shop.ticket.clone());
    let case = counter.open(&[("SHIRT", 2)]).await.unwrap();
    let case = step!(counter, "radha", review_return, ReviewReturnRequest {}, case).unwrap();
    let case = counter.decide("radha", &case, Outcome::Declined).await.unwrap();
    let carrier = world.create(a_ticket(counter.shop.customer)).await.unwrap().name;
    let mut merges = MergeServiceClient::new(world.in_role("radha", "agent"));
    let request = MergeTicketRequest {
        name: merged.clone(),
        target: carrier.clone(),
        request_id: new_id().to_string(),
        ..MergeTicketRequest::default()
    };
    merges.merge_ticket(request).await.unwrap();
    let refused = is_refused(counter.open(&[("CAP", 1)]).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK78", "nothing begins on a merged ticket");

    let reason = "I have not worn it.".to_owned();
    let case = step!(counter, "mina", appeal_return, AppealReturnRequest { reason: reason }, case).unwrap();
    assert_eq!((counter.notices_on(&merged).await, counter.notices_on(&carrier).await), (3, 1));
    assert_eq!(world.count("select count(*) from message_redirect").await, 1, "it says for which ticket it was meant");
    let search = SearchTicketsRequest { query: "looking again".to_owned(), ..SearchTicketsRequest::default() };
    eventually("the notice is found", || async {
        let mut client = SearchServiceClient::new(world.server.as_role("agent"));
        let found = client.search_tickets(search.clone()).await.unwrap().into_inner().results;
        (found.len() == 1).then_some(())
    })
    .await;
    world.assigned(&carrier).await;
    let held = is_refused(world.resolve(&carrier).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&held), "TK11");
    let request = UnmergeTicketRequest {
        name: merged.clone(),
        request_id: new_id().to_string(),
        ..UnmergeTicketRequest::default()
    };
    let refused = is_refused(merges.unmerge_ticket(request).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK54");

    let case = counter.decide("mina", &case, Outcome::PartlyApproved).await.unwrap();
    let (way, amount, invoice) = (Way::Refund.into(), Some(rupees(100)), counter.invoice.clone());
    let case = step!(
        counter,
        "radha",
        settle_return,
        SettleReturnRequest { way: way, amount: amount, invoice: invoice },
        case
    );
    let case = case.unwrap();
    counter.billing_says(&case, "b-1", BillingOutcome::Settled).await;
    let case = counter.until(&case.name, State::Settled).await;
    world.resolve(&carrier).await.unwrap();
    step!(counter, "radha", close_return, CloseReturnRequest {}, case).unwrap();
    assert_eq!((counter.notices_on(&merged).await, counter.notices_on(&carrier).await), (3, 5));
    assert_eq!(world.count("select count(*) from open_work").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_is_answered_as_before_to_somebody_who_may_not_decide_any_more() {
    let counter = Counter::new().await;
    let case = counter.open(&[("SHIRT", 1)]).await.unwrap();
    let review =
        ReviewReturnRequest { name: case.name.clone(), request_id: new_id().to_string(), ..Default::default() };
    let decide = DecideReturnRequest {
        name: case.name,
        outcome: Outcome::Approved.into(),
        reason: "It fits our rules.".to_owned(),
        handbook_rule: "handbook-3/returns-14-days".to_owned(),
        request_id: new_id().to_string(),
        ..DecideReturnRequest::default()
    };
    let reviewed = counter.as_agent("radha").review_return(review.clone()).await.unwrap().into_inner();
    let decided = counter.as_agent("radha").decide_return(decide.clone()).await.unwrap().into_inner();
    let unsigned = "update staff_member set handbook_current = false where user_subject = 'radha'";
    sqlx::query(unsigned).execute(&counter.world().database.owner).await.unwrap();
    assert_eq!(counter.as_agent("radha").review_return(review).await.unwrap().into_inner(), reviewed);
    assert_eq!(counter.as_agent("radha").decide_return(decide).await.unwrap().into_inner(), decided);
}

/// TK74, TK75
#[tokio::test(flavor = "multi_thread")]
async fn what_was_declined_is_looked_at_once_more_by_somebody_else() {
    let counter = Counter::new().await;
    let case = counter.open(&[("SHIRT", 3)]).await.unwrap();
    is_refused(counter.decide("radha", &case, Outcome::Declined).await, ErrorReason::StateForbids);
    let case = step!(counter, "radha", review_return, ReviewReturnRequest {}, case).unwrap();
    let declined = counter.decide("radha", &case, Outcome::Declined).await.unwrap();
    assert_eq!(declined.decision.as_ref().unwrap().handbook_rule, "handbook-3/returns-14-days");
    assert_eq!(counter.world().count("select count(*) from open_work").await, 0, "it hinders nothing any more");
    // Meanwhile one of them comes back in another case.
    let other = counter.open(&[("SHIRT", 1)]).await.unwrap();
    let reason = "I have not worn it.".to_owned();
    let refused = step!(counter, "mina", appeal_return, AppealReturnRequest { reason: reason.clone() }, case);
    is_refused(refused, ErrorReason::ReturnExceedsDelivered);
    step!(counter, "radha", cancel_return, CancelReturnRequest {}, other).unwrap();
    let case = step!(counter, "mina", appeal_return, AppealReturnRequest { reason: reason.clone() }, case).unwrap();
    assert!(case.appealed && case.state() == State::UnderReview);
    let refused = is_refused(counter.decide("radha", &case, Outcome::Declined).await, ErrorReason::ApproverUnsuitable);
    assert_eq!(invariant(&refused), "TK75");
    let case = counter.decide("mina", &case, Outcome::PartlyApproved).await.unwrap();
    assert_eq!((case.state(), case.items[0].accepted_quantity), (State::PartlyApproved, Some(1)));
    // Two of three are free again, and exceptions are counted.
    counter.open(&[("SHIRT", 2)]).await.unwrap();
    let filter = Some(ReturnFilter { is_exception: true, ..ReturnFilter::default() });
    let request = ListReturnsRequest { filter, ..ListReturnsRequest::default() };
    let listed = counter.as_agent("radha").list_returns(request).await.unwrap().into_inner().return_cases;
    assert_eq!(listed, [case]);
}

/// TK77
#[tokio::test(flavor = "multi_thread")]
async fn what_billing_cannot_pay_is_settled_another_way() {
    let counter = Counter::new().await;
    let case = counter.approved(&[("SHIRT", 1)]).await;
    let settling = counter.refund(&case, 1_000).await.unwrap();
    is_refused(counter.refund(&case, 1).await, ErrorReason::StateForbids);
    counter.billing_says(&settling, "b-1", BillingOutcome::Failed).await;
    let failed = counter.until(&case.name, State::Approved).await;
    assert!(failed.compensation_grant.is_empty());
    // A credit is owed of the invoice too, and no refund is left beside it.
    let (way, amount, invoice) = (Way::Credit.into(), Some(rupees(1_000)), counter.invoice.clone());
    let credit =
        step!(counter, "mina", settle_return, SettleReturnRequest { way: way, amount: amount, invoice: invoice }, case);
    counter.billing_says(&credit.unwrap(), "b-2", BillingOutcome::Settled).await;
    counter.until(&case.name, State::Settled).await;
    let other = counter.approved(&[("SHIRT", 1)]).await;
    is_refused(counter.refund(&other, 1).await, ErrorReason::RefundExceedsPaid);
    let repair = Way::Repair.into();
    let other = step!(counter, "radha", settle_return, SettleReturnRequest { way: repair }, other).unwrap();
    assert_eq!(other.state(), State::Settled, "it needs no money");
    assert_eq!(counter.told(&case.name).await[3..], ["settling", "settlement_failed", "settling", "settled"]);
}

/// TK71, TK78
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_in_the_wrong_way_is_refused_with_every_fault() {
    let counter = Counter::new().await;
    let wrong = OpenReturnRequest {
        items: [items(&[("SHIRT", 0)]), items(&[("SHIRT", 1)])].concat(),
        wish: 42,
        reason: String::new(),
        ..counter.a_return(&[])
    };
    let refused = is_refused(counter.as_agent("radha").open_return(wrong).await, ErrorReason::FieldsInvalid);
    let details = refused.get_error_details();
    assert_eq!(details.bad_request().unwrap().field_violations.len(), 4, "{details:?}");
    let nowhere = OpenReturnRequest { order: format_name("orders", new_id()), ..counter.a_return(&[("SHIRT", 1)]) };
    is_refused(counter.as_agent("radha").open_return(nowhere).await, ErrorReason::ResourceNotFound);
    counter.order_is(order::State::InTransit).await;
    let refused = is_refused(counter.open(&[("SHIRT", 1)]).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK71");
    counter.order_is(order::State::Delivered).await;
    let somebody_else = counter.world().customer("en").await;
    let ticket = counter.world().create(a_ticket(somebody_else)).await.unwrap().name;
    let of_another = OpenReturnRequest { ticket, ..counter.a_return(&[("SHIRT", 1)]) };
    is_refused(counter.as_agent("radha").open_return(of_another).await, ErrorReason::StateForbids);

    let request = counter.a_return(&[("SHIRT", 1)]);
    let first = counter.as_agent("radha").open_return(request.clone()).await.unwrap().into_inner();
    let again = counter.as_agent("radha").open_return(request).await.unwrap().into_inner();
    assert_eq!(first, again);
    let case = first.return_case.unwrap();
    let old =
        CancelReturnRequest { name: case.name.clone(), etag: "\"v7\"".to_owned(), request_id: new_id().to_string() };
    is_refused(counter.as_agent("radha").cancel_return(old).await, ErrorReason::EtagMismatch);
    let unknown = step!(counter, "nobody", review_return, ReviewReturnRequest {}, case);
    is_refused(unknown, ErrorReason::AuthoritySuspended);
    let reviewed = step!(counter, "radha", review_return, ReviewReturnRequest {}, case).unwrap();
    let refused = counter.decide("radha", &reviewed, Outcome::PartlyApproved).await;
    is_refused(refused, ErrorReason::FieldsInvalid);
    let approved = counter.decide("radha", &reviewed, Outcome::Approved).await.unwrap();
    let way = Way::Repair.into();
    let refused =
        step!(counter, "radha", settle_return, SettleReturnRequest { way: way, amount: Some(rupees(1)) }, approved);
    is_refused(refused, ErrorReason::FieldsInvalid);
}
