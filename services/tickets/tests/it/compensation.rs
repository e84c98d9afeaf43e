//! What customers are given: within limits at once, over them by somebody else, and never more than there is, however many ask at once.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Instant,
};

use jiff::Timestamp;
use seva_proto::{
    common::v1::{ErrorReason, Money},
    customers::v1::{BillingConfirmationEvent, Invoice, InvoiceEvent, billing_confirmation_event::Outcome},
    staff::v1::{
        AuthorityLimit, CreateStaffMemberRequest, Shifts, StaffMember, authority_limit, staff_member::Role,
        staff_member_service_client::StaffMemberServiceClient,
    },
    tickets::v1::{
        Allowance, ApproveGrantRequest, CompensationGrant, CompensationLimit, CompensationPolicy,
        CreateCompensationPolicyRequest, GetAllowanceRequest, GetGrantRequest, GrantFilter,
        ListCompensationPoliciesRequest, ListGrantsRequest, ProposeGrantRequest, RejectGrantRequest,
        ReverseGrantRequest,
        compensation_grant::{Kind, Limit, State},
        compensation_service_client::CompensationServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_store::event::proto_timestamp;
use seva_testkit::eventually;
use seva_values::{format_name, new_id};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::world::{World, a_ticket, id_of, invariant, is_refused};

pub fn rupees(minor_units: i64) -> Money {
    Money { minor_units, currency: "INR".to_owned() }
}

/// A company that gives: a customer with a ticket, agents who may give 500 at once, and a lead and a manager who may give more.
pub struct Shop {
    pub world: World,
    pub customer: Uuid,
    pub ticket: String,
}

impl Shop {
    pub async fn new() -> Self {
        let world = World::new().await;
        let department = world.department("service", &["question"]).await;
        world.member("gopal", &department, &["en"], 50).await;
        let customer = world.customer("en").await;
        let ticket = world.create(a_ticket(customer)).await.unwrap().name;
        let shop = Self { world, customer, ticket };
        for user in ["radha", "mina"] {
            shop.hire(user, Role::Agent, &department, 500).await;
        }
        shop.hire("lata", Role::Lead, &department, 3_000).await;
        shop.hire("indira", Role::Manager, &department, 1_000_000).await;
        shop
    }

    /// Somebody who may give so much of everything at once, and takes no tickets.
    async fn hire(&self, user: &str, role: Role, department: &str, at_once: i64) -> String {
        use authority_limit::Kind::{Coupon, Credit, FreeShipping, Gift, Refund, Upgrade};
        let limits = [Refund, Credit, Coupon, FreeShipping, Gift, Upgrade];
        let member = StaffMember {
            given_name: "Radha".to_owned(),
            user: user.to_owned(),
            role: role.into(),
            department: department.to_owned(),
            languages: vec!["en".to_owned()],
            shifts: Some(Shifts { zone: "Asia/Kolkata".to_owned(), ..Shifts::default() }),
            authority_limits: limits
                .map(|kind| AuthorityLimit { kind: kind.into(), per_grant: Some(rupees(at_once)) })
                .to_vec(),
            ..StaffMember::default()
        };
        let request = CreateStaffMemberRequest { staff_member: Some(member), request_id: new_id().to_string() };
        let mut members = StaffMemberServiceClient::new(self.world.staff.as_role("manager"));
        let name = members.create_staff_member(request).await.unwrap().into_inner().staff_member.unwrap().name;
        eventually("the member is known", || async {
            let known: i64 = sqlx::query_scalar("select count(*) from staff_member where id = $1")
                .bind(id_of(&name))
                .fetch_one(&self.world.database.owner)
                .await
                .unwrap();
            (known == 1).then_some(())
        })
        .await;
        name
    }

    pub fn as_agent(&self, user: &str) -> CompensationServiceClient<Peer> {
        CompensationServiceClient::new(self.world.in_role(user, "agent"))
    }

    pub fn as_lead(&self, user: &str) -> CompensationServiceClient<Peer> {
        CompensationServiceClient::new(self.world.in_role(user, "lead"))
    }

    /// Limits of credits and refunds in rupees; they hold from then on, or at once.
    async fn limit(&self, from: Option<Timestamp>, limits: [i64; 3]) -> Result<CompensationPolicy, Status> {
        let [per_grant_minor_units, per_member_day_minor_units, per_customer_minor_units] = limits;
        let limits = [Kind::Credit, Kind::Refund].map(|kind| CompensationLimit {
            kind: kind.into(),
            currency: "INR".to_owned(),
            per_grant_minor_units,
            per_member_day_minor_units,
            per_customer_minor_units,
        });
        let policy = CompensationPolicy {
            effective_time: from.map(proto_timestamp),
            limits: limits.to_vec(),
            ..CompensationPolicy::default()
        };
        let request =
            CreateCompensationPolicyRequest { compensation_policy: Some(policy), request_id: new_id().to_string() };
        let mut manager = CompensationServiceClient::new(self.world.in_role("indira", "manager"));
        Ok(manager.create_compensation_policy(request).await?.into_inner().compensation_policy.unwrap())
    }

    fn a_credit(&self, amount: i64) -> ProposeGrantRequest {
        ProposeGrantRequest {
            ticket: self.ticket.clone(),
            kind: Kind::Credit.into(),
            amount: Some(rupees(amount)),
            reason: "It came late.".to_owned(),
            request_id: new_id().to_string(),
            ..ProposeGrantRequest::default()
        }
    }

    pub fn a_refund(&self, invoice: &str, amount: i64) -> ProposeGrantRequest {
        let (kind, invoice) = (Kind::Refund.into(), invoice.to_owned());
        ProposeGrantRequest { kind, invoice, ..self.a_credit(amount) }
    }

    async fn propose(&self, user: &str, request: ProposeGrantRequest) -> Result<CompensationGrant, Status> {
        Ok(self.as_agent(user).propose_grant(request).await?.into_inner().grant.unwrap())
    }

    async fn approve(&self, user: &str, name: &str) -> Result<CompensationGrant, Status> {
        let request = ApproveGrantRequest {
            name: name.to_owned(),
            request_id: new_id().to_string(),
            ..ApproveGrantRequest::default()
        };
        Ok(self.as_lead(user).approve_grant(request).await?.into_inner().grant.unwrap())
    }

    async fn reject(&self, user: &str, name: &str) -> Result<CompensationGrant, Status> {
        let request = RejectGrantRequest {
            name: name.to_owned(),
            reason: "It is too much.".to_owned(),
            request_id: new_id().to_string(),
            ..RejectGrantRequest::default()
        };
        Ok(self.as_agent(user).reject_grant(request).await?.into_inner().grant.unwrap())
    }

    async fn reverse(&self, user: &str, name: &str) -> Result<CompensationGrant, Status> {
        let request = ReverseGrantRequest {
            name: name.to_owned(),
            reason: "It had come after all.".to_owned(),
            request_id: new_id().to_string(),
            ..ReverseGrantRequest::default()
        };
        Ok(self.as_lead(user).reverse_grant(request).await?.into_inner().grant.unwrap())
    }

    pub async fn get(&self, name: &str) -> CompensationGrant {
        let request = GetGrantRequest { name: name.to_owned() };
        self.as_agent("radha").get_grant(request).await.unwrap().into_inner().grant.unwrap()
    }

    pub async fn until(&self, name: &str, state: State) -> CompensationGrant {
        eventually("the grant is so far", || async {
            let grant = self.get(name).await;
            (grant.state() == state).then_some(grant)
        })
        .await
    }

    /// Billing says that it has done what it was told, or cannot.
    pub async fn billing_says(&self, grant: &CompensationGrant, key: &str, outcome: Outcome) {
        let confirmation = BillingConfirmationEvent {
            subject: grant.name.clone(),
            outcome: outcome.into(),
            external_key: key.to_owned(),
            amount: grant.amount.clone(),
            fault: if outcome == Outcome::Failed { "card_expired".to_owned() } else { String::new() },
        };
        let kind = "seva.customers.billing.confirmed.v1";
        self.world.customers.tells(kind, &format!("billing/{key}"), self.world.now(), &confirmation).await;
    }

    async fn settled(&self, grant: &CompensationGrant, key: &str) -> CompensationGrant {
        let issued = self.until(&grant.name, State::Issued).await;
        self.billing_says(&issued, key, Outcome::Settled).await;
        self.until(&grant.name, State::Settled).await
    }

    /// An invoice of the customer of which so much is paid and paid back.
    pub async fn invoice(&self, name: &str, order_number: &str, paid: i64, refunded: i64) {
        let event = InvoiceEvent {
            invoice: Some(Invoice {
                name: name.to_owned(),
                customer: format_name("customers", self.customer),
                order_number: order_number.to_owned(),
                amount: Some(rupees(paid)),
                paid: Some(rupees(paid)),
                refunded: Some(rupees(refunded)),
                ..Invoice::default()
            }),
            ..InvoiceEvent::default()
        };
        self.world.customers.tells("seva.customers.invoice.paid.v1", name, self.world.now(), &event).await;
        eventually("the invoice is known", || async {
            let known: i64 =
                sqlx::query_scalar("select count(*) from invoice where id = $1 and paid = $2 and refunded = $3")
                    .bind(id_of(name))
                    .bind(paid)
                    .bind(refunded)
                    .fetch_one(&self.world.database.owner)
                    .await
                    .unwrap();
            (known == 1).then_some(())
        })
        .await;
    }

    /// What billing has confirmed to have paid back, and below nothing what it has taken back.
    async fn refunds_done(&self) -> Vec<(Uuid, i64)> {
        let done = "select id, case when reverses is null then amount else -amount end from compensation_grant
                    where invoice_id is not null and state = 'settled' order by id";
        sqlx::query_as(done).fetch_all(&self.world.database.owner).await.unwrap()
    }

    /// What the member may still give of credits, and why it is not more.
    async fn allowance(&self, user: &str) -> (i64, Limit) {
        let request = GetAllowanceRequest { customer: format_name("customers", self.customer) };
        let answer = self.as_agent(user).get_allowance(request).await.unwrap().into_inner();
        let credit = answer.allowances.into_iter().find(|of: &Allowance| of.kind() == Kind::Credit).unwrap();
        (credit.remaining.as_ref().unwrap().minor_units, credit.bounded_by())
    }

    /// Carries out all of these at once.
    async fn at_once(&self, requests: Vec<(&str, ProposeGrantRequest)>) -> Vec<Result<CompensationGrant, Status>> {
        let mut callers = JoinSet::new();
        for (user, request) in requests {
            let mut client = self.as_agent(user);
            callers.spawn(async move {
                loop {
                    match client.propose_grant(request.clone()).await {
                        Err(status) if matches!(status.code(), Code::Aborted | Code::Unavailable) => {}
                        answer => return answer.map(|answer| answer.into_inner().grant.unwrap()),
                    }
                }
            });
        }
        callers.join_all().await
    }

    /// The states that a grant went through, in order, as its events tell them.
    async fn told(&self, name: &str) -> Vec<String> {
        let kinds: Vec<String> =
            sqlx::query_scalar("select type from seva.outbox where subject = $1 order by sequence")
                .bind(name)
                .fetch_all(&self.world.database.owner)
                .await
                .unwrap();
        let state = |kind: String| {
            kind.trim_start_matches("seva.tickets.compensation_grant.").trim_end_matches(".v1").to_owned()
        };
        kinds.into_iter().map(state).collect()
    }
}

/// What is set aside of the one invoice, or paid back.
const SET_ASIDE: &str = "select (coalesce(sum(amount) filter (where reverses is null and state not in ('rejected', 'expired', 'failed')), 0)
        - coalesce(sum(amount) filter (where reverses is not null and state = 'settled'), 0))::bigint
    from compensation_grant where invoice_id is not null";

fn in_limit(answers: &[Result<CompensationGrant, Status>]) -> usize {
    // Those in limit may be issued by the time of the answer, but what was answered was decided with it.
    answers.iter().flatten().filter(|grant| grant.state() == State::ApprovedInLimit).count()
}

/// TK60, TK66, TK68
#[tokio::test(flavor = "multi_thread")]
async fn what_lies_within_limits_never_waits_and_billing_settles_it() {
    let shop = Shop::new().await;
    shop.limit(None, [500, 1_000, 2_000]).await.unwrap();
    let grant = shop.propose("radha", shop.a_credit(500)).await.unwrap();
    assert_eq!(grant.state(), State::ApprovedInLimit, "in the same call");
    let issued = shop.until(&grant.name, State::Issued).await;
    shop.world.assigned(&shop.ticket).await;
    let hindered = is_refused(shop.world.resolve(&shop.ticket).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&hindered), "TK11");

    shop.billing_says(&issued, "b-1", Outcome::Settled).await;
    let settled = shop.until(&grant.name, State::Settled).await;
    assert_eq!(settled.external_key, "b-1");
    // Billing says so again, on its own authority and ours: nothing happens a second time.
    shop.billing_says(&issued, "b-1", Outcome::Settled).await;
    let other = shop.propose("radha", shop.a_credit(1)).await.unwrap();
    shop.settled(&other, "b-2").await;
    assert_eq!(shop.told(&grant.name).await, ["approved_in_limit", "issued", "settled"]);
    shop.world.resolve(&shop.ticket).await.unwrap();
    assert_eq!(shop.world.count("select count(*) from seva.dead_letter").await, 0);
    let stories = "select count(distinct correlation_id) from seva.outbox where subject like 'tickets/%' or subject like 'compensationGrants/%'";
    assert_eq!(shop.world.count(stories).await, 1, "all is told as part of the ticket's story");
}

/// TK60, TK62
#[tokio::test(flavor = "multi_thread")]
async fn what_goes_over_a_limit_is_decided_by_somebody_else_who_may_give_as_much() {
    let shop = Shop::new().await;
    shop.limit(None, [5_000, 5_000, 5_000]).await.unwrap();
    let grant = shop.propose("lata", shop.a_credit(4_000)).await.unwrap();
    assert_eq!(
        (grant.state(), grant.exceeded_limits.as_slice()),
        (State::AwaitingApproval, &[Limit::Authority.into()][..])
    );
    let refused = is_refused(shop.approve("lata", &grant.name).await, ErrorReason::ApproverUnsuitable);
    assert_eq!(invariant(&refused), "TK62");
    let approved = shop.approve("indira", &grant.name).await.unwrap();
    assert_eq!(approved.state(), State::Approved);
    shop.settled(&approved, "b-1").await;
    assert_eq!(shop.told(&grant.name).await, ["awaiting_approval", "approved", "issued", "settled"]);

    // What was approved counts, so that more than the limit is not given without asking.
    let more = shop.propose("radha", shop.a_credit(500)).await.unwrap();
    assert_eq!(more.state(), State::ApprovedInLimit);
    let more = shop.propose("radha", shop.a_credit(501)).await.unwrap();
    assert_eq!(more.exceeded_limits, [Limit::Authority.into(), Limit::PerCustomer.into()].map(|limit: i32| limit));
    let refused = shop.reject("mina", &more.name).await;
    is_refused(refused, ErrorReason::ApproverUnsuitable);
    assert_eq!(shop.reject("radha", &more.name).await.unwrap().state(), State::Rejected);
    is_refused(shop.approve("indira", &more.name).await, ErrorReason::StateForbids);
}

/// TK61
#[tokio::test(flavor = "multi_thread")]
async fn who_is_unknown_or_has_not_signed_the_handbook_gives_nothing_and_decides_nothing() {
    let shop = Shop::new().await;
    shop.limit(None, [5_000, 5_000, 5_000]).await.unwrap();
    let refused = is_refused(shop.propose("nobody", shop.a_credit(1)).await, ErrorReason::AuthoritySuspended);
    assert_eq!(invariant(&refused), "TK61");
    let waits = shop.propose("radha", shop.a_credit(600)).await.unwrap();
    let unsigned = "update staff_member set handbook_current = false where user_subject in ('radha', 'lata')";
    sqlx::query(unsigned).execute(&shop.world.database.owner).await.unwrap();
    is_refused(shop.propose("radha", shop.a_credit(1)).await, ErrorReason::AuthoritySuspended);
    is_refused(shop.approve("lata", &waits.name).await, ErrorReason::AuthoritySuspended);
    let request = GetAllowanceRequest { customer: format_name("customers", shop.customer) };
    is_refused(shop.as_agent("radha").get_allowance(request).await, ErrorReason::AuthoritySuspended);
}

/// TK63
#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_exactly_as_many_fit_as_the_days_limit_has_room_for() {
    let shop = Shop::new().await;
    shop.limit(None, [500, 1_000, 100_000]).await.unwrap();
    // To two customers, for tickets of their own: nothing but the member is the same.
    let other = shop.world.customer("en").await;
    let other = shop.world.create(a_ticket(other)).await.unwrap().name;
    let requests = (0..24).map(|at| {
        let ticket = if at % 2 == 0 { other.clone() } else { shop.ticket.clone() };
        ("radha", ProposeGrantRequest { ticket, ..shop.a_credit(300) })
    });
    let answers = shop.at_once(requests.collect()).await;
    assert_eq!(in_limit(&answers), 3, "1000 has room for three of 300");
    assert_eq!(answers.iter().flatten().filter(|grant| grant.state() == State::AwaitingApproval).count(), 21);
    assert_eq!(shop.allowance("radha").await, (100, Limit::PerMemberDay));
    assert_eq!(shop.allowance("mina").await, (500, Limit::Authority));
}

/// TK63
#[tokio::test(flavor = "multi_thread")]
async fn of_many_members_at_once_exactly_as_many_fit_as_the_customers_limit_has_room_for() {
    let shop = Shop::new().await;
    shop.limit(None, [500, 100_000, 1_000]).await.unwrap();
    let other = shop.world.create(a_ticket(shop.customer)).await.unwrap().name;
    let requests = (0..24).map(|at| {
        let ticket = if at % 3 == 0 { other.clone() } else { shop.ticket.clone() };
        (if at % 2 == 0 { "radha" } else { "mina" }, ProposeGrantRequest { ticket, ..shop.a_credit(150) })
    });
    let answers = shop.at_once(requests.collect()).await;
    assert_eq!(in_limit(&answers), 6, "1000 has room for six of 150");
    assert_eq!(shop.allowance("mina").await, (100, Limit::PerCustomer));
}

/// TK64
#[tokio::test(flavor = "multi_thread")]
async fn of_many_refunds_at_once_no_more_is_set_aside_than_was_paid() {
    let shop = Shop::new().await;
    shop.limit(None, [500, 700, 100_000]).await.unwrap();
    let invoice = format_name("invoices", new_id());
    shop.invoice(&invoice, "", 1_000, 50).await;
    let users = ["radha", "mina"];
    let requests = (0..16).map(|at| (users[at % 2], shop.a_refund(&invoice, 200)));
    let answers = shop.at_once(requests.collect()).await;
    let held: Vec<_> = answers.iter().flatten().collect();
    assert_eq!(held.len(), 4, "950 has room for four of 200, whether or not they wait");
    let refused = answers.into_iter().find(Result::is_err).unwrap();
    let status = is_refused(refused, ErrorReason::RefundExceedsPaid);
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["available_minor_units"], "150");
}

/// TK64
#[tokio::test(flavor = "multi_thread")]
async fn what_is_rejected_expires_or_fails_is_free_again_and_what_billing_counts_is_not_counted_twice() {
    let shop = Shop::new().await;
    let invoice = format_name("invoices", new_id());
    shop.invoice(&invoice, "", 1_000, 0).await;
    // No limits are set: all of it waits.
    let all = shop.propose("radha", shop.a_refund(&invoice, 1_000)).await.unwrap();
    is_refused(shop.propose("mina", shop.a_refund(&invoice, 1)).await, ErrorReason::RefundExceedsPaid);
    shop.reject("lata", &all.name).await.unwrap();

    let all = shop.propose("radha", shop.a_refund(&invoice, 1_000)).await.unwrap();
    shop.world.pass(7 * 24);
    shop.until(&all.name, State::Expired).await;

    let all = shop.propose("radha", shop.a_refund(&invoice, 1_000)).await.unwrap();
    shop.approve("indira", &all.name).await.unwrap();
    let issued = shop.until(&all.name, State::Issued).await;
    shop.billing_says(&issued, "b-1", Outcome::Failed).await;
    assert_eq!(shop.until(&all.name, State::Failed).await.fault, "card_expired");

    let most = shop.propose("radha", shop.a_refund(&invoice, 700)).await.unwrap();
    shop.approve("indira", &most.name).await.unwrap();
    let most = shop.settled(&most, "b-2").await;
    // The invoice's own event says the same money once more.
    shop.invoice(&invoice, "", 1_000, 700).await;
    is_refused(shop.propose("mina", shop.a_refund(&invoice, 301)).await, ErrorReason::RefundExceedsPaid);
    let rest = shop.propose("mina", shop.a_refund(&invoice, 300)).await.unwrap();
    shop.reject("mina", &rest.name).await.unwrap();

    let reversal = shop.reverse("lata", &most.name).await.unwrap();
    is_refused(shop.propose("mina", shop.a_refund(&invoice, 301)).await, ErrorReason::RefundExceedsPaid);
    shop.settled(&reversal, "b-3").await;
    shop.invoice(&invoice, "", 1_000, 0).await;
    shop.propose("mina", shop.a_refund(&invoice, 1_000)).await.unwrap();
}

/// TK64
#[tokio::test(flavor = "multi_thread")]
async fn what_others_pay_back_counts_whatever_billing_says_first() {
    let shop = Shop::new().await;
    shop.limit(None, [100, 10_000, 10_000]).await.unwrap();
    let left = async |invoice: &str| {
        let refused = shop.propose("mina", shop.a_refund(invoice, 10_000)).await;
        let details = is_refused(refused, ErrorReason::RefundExceedsPaid).get_error_details();
        details.error_info().unwrap().metadata["available_minor_units"].clone()
    };
    // What the shop pays back itself is reported before our grant, after it, or with the same amount.
    for (before, after) in [(30, 0), (0, 30), (50, 0)] {
        let invoice = format_name("invoices", new_id());
        shop.invoice(&invoice, "", 200, before).await;
        let ours = shop.propose("radha", shop.a_refund(&invoice, 50)).await.unwrap();
        let issued = shop.until(&ours.name, State::Issued).await;
        shop.invoice(&invoice, "", 200, before + after).await;
        let rest = (200 - 50 - before - after).to_string();
        assert_eq!(left(&invoice).await, rest);
        shop.billing_says(&issued, &invoice, Outcome::Settled).await;
        shop.until(&ours.name, State::Settled).await;
        assert_eq!(left(&invoice).await, rest, "{before}, {after}: the confirmation came first");
        shop.invoice(&invoice, "", 200, before + after + 50).await;
        assert_eq!(left(&invoice).await, rest, "{before}, {after}: and now the report");
    }
    // The report of ours comes first: until billing confirms it nobody knows that it is ours.
    let invoice = format_name("invoices", new_id());
    shop.invoice(&invoice, "", 200, 30).await;
    let ours = shop.propose("radha", shop.a_refund(&invoice, 50)).await.unwrap();
    let issued = shop.until(&ours.name, State::Issued).await;
    shop.invoice(&invoice, "", 200, 80).await;
    assert_eq!(left(&invoice).await, "70");
    shop.billing_says(&issued, "b-1", Outcome::Settled).await;
    shop.until(&ours.name, State::Settled).await;
    assert_eq!(left(&invoice).await, "120");
}

/// TK64
#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_back_by_others_meanwhile_is_not_approved() {
    let shop = Shop::new().await;
    let invoice = format_name("invoices", new_id());
    shop.invoice(&invoice, "", 100, 0).await;
    let waits = shop.propose("radha", shop.a_refund(&invoice, 80)).await.unwrap();
    shop.invoice(&invoice, "", 100, 30).await;
    let refused = is_refused(shop.approve("indira", &waits.name).await, ErrorReason::RefundExceedsPaid);
    assert_eq!(invariant(&refused), "TK64");
    assert_eq!(shop.get(&waits.name).await.state(), State::AwaitingApproval);
    shop.reject("radha", &waits.name).await.unwrap();
    let fits = shop.propose("radha", shop.a_refund(&invoice, 70)).await.unwrap();
    assert_eq!(shop.approve("indira", &fits.name).await.unwrap().state(), State::Approved);
}

/// TK64
#[tokio::test(flavor = "multi_thread")]
async fn a_refund_names_an_invoice_of_the_customer_in_its_currency() {
    let shop = Shop::new().await;
    let invoice = format_name("invoices", new_id());
    is_refused(shop.propose("radha", shop.a_refund(&invoice, 1)).await, ErrorReason::ResourceNotFound);
    shop.invoice(&invoice, "", 1_000, 0).await;
    let euros = Money { currency: "EUR".to_owned(), ..rupees(1) };
    let in_euros = ProposeGrantRequest { amount: Some(euros), ..shop.a_refund(&invoice, 1) };
    let refused = is_refused(shop.propose("radha", in_euros).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK64");
    let somebody_else = shop.world.customer("en").await;
    let ticket = shop.world.create(a_ticket(somebody_else)).await.unwrap().name;
    let of_another = ProposeGrantRequest { ticket, ..shop.a_refund(&invoice, 1) };
    is_refused(shop.propose("radha", of_another).await, ErrorReason::StateForbids);
    for wrong in [
        ProposeGrantRequest { invoice: String::new(), ..shop.a_refund(&invoice, 1) },
        ProposeGrantRequest { invoice: invoice.clone(), ..shop.a_credit(1) },
        shop.a_refund(&invoice, 0),
        ProposeGrantRequest { reason: " ".to_owned(), ..shop.a_credit(1) },
    ] {
        is_refused(shop.propose("radha", wrong).await, ErrorReason::FieldsInvalid);
    }
}

/// TK65
#[tokio::test(flavor = "multi_thread")]
async fn of_many_reversals_at_once_one_is_recorded_and_the_limits_count_as_before() {
    let shop = Arc::new(Shop::new().await);
    shop.limit(None, [500, 500, 2_000]).await.unwrap();
    let grant = shop.propose("radha", shop.a_credit(400)).await.unwrap();
    is_refused(shop.reverse("lata", &grant.name).await, ErrorReason::StateForbids);
    let settled = shop.settled(&grant, "b-1").await;
    assert_eq!(shop.allowance("radha").await, (100, Limit::PerMemberDay));
    let mut callers = JoinSet::new();
    for user in ["lata", "indira", "lata", "indira"] {
        let (shop, name) = (shop.clone(), settled.name.clone());
        callers.spawn(async move { shop.reverse(user, &name).await });
    }
    let answers = callers.join_all().await;
    let reversal = answers.iter().flatten().next().unwrap().clone();
    assert_eq!(answers.iter().flatten().count(), 1, "{answers:?}");
    let refused = is_refused(answers.into_iter().find(Result::is_err).unwrap(), ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK65");
    shop.settled(&reversal, "b-2").await;
    assert_eq!(shop.allowance("radha").await, (500, Limit::Authority));
    assert_eq!(shop.get(&grant.name).await, settled, "the first stays as it is");
}

/// TK63
#[tokio::test(flavor = "multi_thread")]
async fn a_day_ends_with_the_departments_day_and_a_customer_counts_ninety_days() {
    let shop = Shop::new().await;
    shop.limit(None, [500, 500, 900]).await.unwrap();
    shop.propose("radha", shop.a_credit(500)).await.unwrap();
    // 14:30 in Kolkata, where the department works: its day ends at 18:30 of UTC.
    shop.world.pass_minutes(9 * 60 + 29);
    assert_eq!(shop.allowance("radha").await, (0, Limit::PerMemberDay));
    shop.world.pass_minutes(1);
    assert_eq!(shop.allowance("radha").await, (400, Limit::PerCustomer));
    shop.world.pass(90 * 24 - 10);
    assert_eq!(shop.allowance("radha").await, (400, Limit::PerCustomer));
    shop.world.pass(1);
    assert_eq!(shop.allowance("radha").await, (500, Limit::Authority));
}

/// TK67
#[tokio::test(flavor = "multi_thread")]
async fn limits_hold_from_their_time_on_and_never_in_the_past() {
    let shop = Shop::new().await;
    assert_eq!(shop.allowance("radha").await, (0, Limit::PerGrant), "without limits nothing is given without asking");
    let first = shop.limit(None, [100, 100, 100]).await.unwrap();
    let later = shop.world.now() + jiff::SignedDuration::from_hours(2);
    let second = shop.limit(Some(later), [200, 200, 200]).await.unwrap();
    assert_eq!((first.version, second.version), (1, 2));
    assert_eq!(shop.allowance("radha").await.0, 100);
    let measured = shop.propose("radha", shop.a_credit(50)).await.unwrap();
    assert_eq!(measured.compensation_policy, first.name);
    shop.world.pass(2);
    assert_eq!(shop.allowance("radha").await.0, 150);
    let past = shop.world.now() - jiff::SignedDuration::from_hours(1);
    is_refused(shop.limit(Some(past), [1, 1, 1]).await, ErrorReason::FieldsInvalid);

    let (one, two) = tokio::join!(shop.limit(None, [1, 1, 1]), shop.limit(None, [2, 2, 2]));
    let mut versions = [one.unwrap().version, two.unwrap().version];
    versions.sort_unstable();
    assert_eq!(versions, [3, 4]);
    let request = ListCompensationPoliciesRequest { page_size: 3, ..ListCompensationPoliciesRequest::default() };
    let page = shop.as_agent("radha").list_compensation_policies(request.clone()).await.unwrap().into_inner();
    let request = ListCompensationPoliciesRequest { page_token: page.next_page_token, ..request };
    let rest = shop.as_agent("radha").list_compensation_policies(request).await.unwrap().into_inner();
    let listed = [page.compensation_policies, rest.compensation_policies].concat();
    assert_eq!(listed.iter().map(|policy| policy.version).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert_eq!(listed[3], first, "a version never changes");
}

/// TK68
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_given_for_a_ticket_that_is_over_and_an_old_etag_is_refused() {
    let shop = Shop::new().await;
    let ticket = shop.world.get(&shop.ticket).await;
    let old = ProposeGrantRequest { ticket_etag: "\"v999\"".to_owned(), ..shop.a_credit(1) };
    is_refused(shop.propose("radha", old).await, ErrorReason::EtagMismatch);
    let grant = shop.propose("radha", shop.a_credit(1)).await.unwrap();
    let old = RejectGrantRequest {
        name: grant.name.clone(),
        etag: "\"v7\"".to_owned(),
        reason: "No.".to_owned(),
        request_id: new_id().to_string(),
    };
    is_refused(shop.as_lead("lata").reject_grant(old).await, ErrorReason::EtagMismatch);
    shop.reject("lata", &grant.name).await.unwrap();
    let cancel = seva_proto::tickets::v1::CancelTicketRequest {
        name: ticket.name.clone(),
        reason: 1,
        request_id: new_id().to_string(),
        ..Default::default()
    };
    shop.world.tickets().cancel_ticket(cancel).await.unwrap();
    let refused = is_refused(shop.propose("radha", shop.a_credit(1)).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK68");
}

/// TK66, TK73
#[tokio::test(flavor = "multi_thread")]
async fn what_billing_says_of_something_else_is_kept_for_a_person() {
    let shop = Shop::new().await;
    shop.limit(None, [500, 1_000, 2_000]).await.unwrap();
    let grant = shop.propose("radha", shop.a_credit(100)).await.unwrap();
    let issued = shop.until(&grant.name, State::Issued).await;
    let wrong = CompensationGrant { amount: Some(rupees(99)), ..issued.clone() };
    shop.billing_says(&wrong, "b-1", Outcome::Settled).await;
    let unknown = CompensationGrant { name: format_name("compensationGrants", new_id()), ..issued.clone() };
    shop.billing_says(&unknown, "b-2", Outcome::Settled).await;
    shop.billing_says(&issued, "b-3", Outcome::Settled).await;
    shop.until(&grant.name, State::Settled).await;
    assert_eq!(shop.world.count("select count(*) from seva.dead_letter").await, 2);
    // The key of one thing that billing did settles nothing else.
    let other = shop.propose("radha", shop.a_credit(100)).await.unwrap();
    let other = shop.until(&other.name, State::Issued).await;
    shop.world
        .customers
        .tells(
            "seva.customers.billing.confirmed.v1",
            "billing/again",
            shop.world.now(),
            &BillingConfirmationEvent {
                subject: other.name.clone(),
                outcome: Outcome::Settled.into(),
                external_key: "b-3".to_owned(),
                amount: other.amount.clone(),
                fault: String::new(),
            },
        )
        .await;
    eventually("it is kept", || async {
        (shop.world.count("select count(*) from seva.dead_letter").await == 3).then_some(())
    })
    .await;
    assert_eq!(shop.get(&other.name).await.state(), State::Issued);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_gives_once_and_lists_show_it() {
    let shop = Shop::new().await;
    shop.limit(None, [500, 1_000, 2_000]).await.unwrap();
    let request = shop.a_credit(100);
    let answers = shop.at_once((0..6).map(|_| ("radha", request.clone())).collect()).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap() == answers[0].as_ref().unwrap()), "{answers:?}");
    let other = ProposeGrantRequest { amount: Some(rupees(101)), ..request };
    is_refused(shop.propose("radha", other).await, ErrorReason::RequestIdReused);
    let waits = shop.propose("mina", shop.a_credit(900)).await.unwrap();

    let proposer = waits.proposer.clone();
    let customer = format_name("customers", shop.customer);
    for (filter, count) in [
        (GrantFilter { ticket: shop.ticket.clone(), ..GrantFilter::default() }, 2),
        (GrantFilter { customer, ..GrantFilter::default() }, 2),
        (GrantFilter { proposer, ..GrantFilter::default() }, 1),
        (GrantFilter { state: State::AwaitingApproval.into(), ..GrantFilter::default() }, 1),
        (GrantFilter { ticket: format_name("tickets", new_id()), ..GrantFilter::default() }, 0),
    ] {
        let mut found = Vec::new();
        let mut request = ListGrantsRequest { page_size: 1, filter: Some(filter), ..ListGrantsRequest::default() };
        loop {
            let page = shop.as_agent("radha").list_grants(request.clone()).await.unwrap().into_inner();
            found.extend(page.grants);
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found.len(), count, "{request:?}");
    }
}

/// TK60 to TK64: whatever is done by whomever, in which order, nothing was given without asking beyond the limits, and no more was paid back
/// than was paid, by us and by others, however late billing reports what.
#[tokio::test(flavor = "multi_thread")]
async fn a_random_story_never_gives_beyond_the_limits_or_what_was_paid() {
    let shop = Arc::new(Shop::new().await);
    shop.limit(None, [400, 1_500, 2_500]).await.unwrap();
    let invoice = format_name("invoices", new_id());
    shop.invoice(&invoice, "", 3_000, 0).await;
    let (mut told, mut by_shop, mut reported) = (0, 0, HashSet::new());
    let seed: u64 = 0x5eba;
    let mut random = seed;
    let mut next = |bound: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % bound
    };
    for round in 0..12 {
        let mut callers = JoinSet::new();
        for number in 0..6 {
            let (shop, invoice) = (shop.clone(), invoice.clone());
            let (what, which, amount) = (next(6), next(50), 50 * i64::try_from(1 + next(10)).unwrap());
            let user = ["radha", "mina"][usize::try_from(next(2)).unwrap()];
            callers.spawn(async move {
                let listed = shop.as_agent(user).list_grants(ListGrantsRequest::default()).await.unwrap().into_inner();
                let some = listed.grants.get(usize::try_from(which).unwrap() % listed.grants.len().max(1)).cloned();
                // Refusals are part of the story.
                match (what, some) {
                    (0 | 1, _) => drop(shop.propose(user, shop.a_credit(amount)).await),
                    (2, _) => drop(shop.propose(user, shop.a_refund(&invoice, amount)).await),
                    (3, Some(grant)) => drop(shop.approve("indira", &grant.name).await),
                    (4, Some(grant)) => drop(shop.reverse("lata", &grant.name).await),
                    (_, Some(grant)) if grant.state() == State::Issued => {
                        let outcome = if amount > 400 { Outcome::Failed } else { Outcome::Settled };
                        shop.billing_says(&grant, &format!("{round}-{number}"), outcome).await;
                    }
                    _ => {}
                }
            });
        }
        callers.join_all().await;
        // Billing reports some of what it has done for us, one by one, and what the shop pays back itself as far as something is left.
        for (grant, refund) in shop.refunds_done().await {
            if next(2) > 0 && told + refund >= 0 && reported.insert(grant) {
                told += refund;
                shop.invoice(&invoice, "", 3_000, told).await;
            }
        }
        let own = 7 * i64::try_from(1 + next(20)).unwrap();
        if shop.world.count(SET_ASIDE).await + by_shop + own <= 3_000 {
            (told, by_shop) = (told + own, by_shop + own);
            shop.invoice(&invoice, "", 3_000, told).await;
        }
        // What was taken back made room; it is counted no more.
        let kept = "select count(*) from (
                select sum(amount) filter (where giver = g) as by_one, sum(amount) as to_one
                from compensation_grant as c, unnest(array(select distinct giver from compensation_grant)) as g
                where exceeded_limits = '{}' and reverses is null and state <> 'failed'
                  and not exists (select from compensation_grant r where r.reverses = c.id and r.state = 'settled')
                group by g, kind
            ) as given where by_one > 1500 or to_one > 2500";
        assert_eq!(shop.world.count(kept).await, 0, "round {round}");
        assert!(shop.world.count(SET_ASIDE).await + by_shop <= 3_000, "round {round}");
    }
    assert!(by_shop > 0);
    let by_themselves = "select count(*) from compensation_grant where decider = proposer and state <> 'rejected'";
    assert_eq!(shop.world.count(by_themselves).await, 0);
}

/// Prints how many grants a second are given at once to one customer, and to many.
/// `cargo test -p seva-tickets --release --test it compensation::figures -- --ignored --nocapture`
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure, not a check"]
async fn figures_of_grants_a_second() {
    const GRANTS: usize = 1_600;
    const CALLERS: usize = 8;
    let shop = Arc::new(Shop::new().await);
    shop.limit(None, [500, 1_000_000_000, 1_000_000_000]).await.unwrap();
    let mut tickets = vec![shop.ticket.clone()];
    for _ in 1..CALLERS * 8 {
        let customer = shop.world.customer("en").await;
        tickets.push(shop.world.create(a_ticket(customer)).await.unwrap().name);
    }
    let mut figures = BTreeMap::new();
    for (what, spread) in [("one customer, one member", 1), ("many customers, two members", tickets.len())] {
        let started = Instant::now();
        let mut callers = JoinSet::new();
        for caller in 0..CALLERS {
            let (shop, tickets) = (shop.clone(), tickets.clone());
            callers.spawn(async move {
                let user = if spread > 1 && caller % 2 == 1 { "mina" } else { "radha" };
                let mut client = shop.as_agent(user);
                for number in 0..GRANTS / CALLERS {
                    let ticket = tickets[(caller + number * CALLERS) % spread].clone();
                    let request = ProposeGrantRequest { ticket, ..shop.a_credit(1) };
                    client.propose_grant(request).await.unwrap();
                }
            });
        }
        callers.join_all().await;
        figures.insert(what, GRANTS as f64 / started.elapsed().as_secs_f64());
    }
    println!("grants a second, {CALLERS} callers: {figures:.0?}");
}
