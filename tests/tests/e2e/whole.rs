//! One customer's story over separate processes: from a late order to a problem that is really solved, a low score, and what became of it.
//!
//! The customer reads Urdu and does everything as customers do: by the links of the mails, on the portal's pages.

use std::collections::BTreeSet;

use jiff::Timestamp;
use seva_proto::{
    common::v1::Weekday,
    customers::v1::{
        GetPlaceRequest, GetPlaceResponse, ListTimelineRequest, TimelineEntry,
        place_service_client::PlaceServiceClient, timeline_entry,
    },
    staff::v1::staff_member::Presence,
    surveys::v1::{
        Invitation, InvitationFilter, ListInvitationsRequest, ListLoopCasesRequest, LoopCase, invitation,
        invitation_service_client::InvitationServiceClient, loop_case, loop_case_service_client::LoopCaseServiceClient,
    },
    tickets::v1::{
        Ticket,
        ticket::{Closure, Kind, State, WaitReason},
    },
};
use seva_tests::{
    Suite, SuiteOptions,
    agent::Agent,
    drained::drained_at,
    judge,
    mail::{self, Mail},
    otlp::Receiver,
    page,
    reader::{self, Opened},
    shop::{SOURCE, ShopOrder, Shopper, push, traced},
    team::{self, Recruit},
};
use seva_values::id::parse_name;

use crate::{chain::Chain, stories};

/// What the shop says of where it was when it pushed.
const PUSHED: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Story {
    suite: Suite,
    shopper: Shopper,
}

/// Who can have the customer's tickets.
struct Team {
    saima: String,
    faiza: String,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A page as whoever reads Urdu gets it: from the right.
fn in_urdu(opened: Opened) -> Opened {
    assert_eq!(page::language(&opened.html), ("ur".to_owned(), "rtl".to_owned()), "{}", opened.address);
    opened
}

impl Story {
    /// Moves the time, and waits until everything has followed from that.
    async fn until(&self, time: &str) {
        self.suite.advance_to(at(time));
        drained_at(&self.suite, at(time)).await;
    }

    /// Waits until everything has followed from what somebody did.
    async fn follows(&self, time: &str) {
        drained_at(&self.suite, at(time)).await;
    }

    /// The mails about a milestone, oldest first.
    async fn mails(&self, milestone: &str) -> Vec<Mail> {
        reader::mails_about(&self.suite, &self.shopper.email, milestone).await
    }

    /// The newest mail about a milestone, which has to be the `count`-th.
    async fn mail(&self, milestone: &str, count: usize) -> Mail {
        let mut mails = self.mails(milestone).await;
        assert_eq!(mails.len(), count, "{milestone}");
        let mail = mails.pop().unwrap();
        assert_eq!(mail.language, "ur", "{milestone}");
        assert!(mail.html.contains("dir=\"rtl\""), "{milestone}: {}", mail.html);
        mail
    }

    /// Opens the page that a mail leads to.
    async fn open(&self, mail: &Mail, path: &str) -> Opened {
        in_urdu(Opened::from(mail, path).await)
    }

    /// Says on the ticket's page whether it is solved; answers the page that is shown then.
    async fn answer(&self, mail: &Mail, solved: bool, text: &str) -> Opened {
        let opened = self.open(mail, "/ticket/").await;
        let form = opened.form("solved", if solved { "yes" } else { "no" });
        let form = if text.is_empty() { form } else { form.with("text", text) };
        in_urdu(Opened::submit(&form).await)
    }

    async fn tickets(&self, customer: &str) -> Vec<Ticket> {
        Agent::new(&self.suite, "an-agent").tickets_of(customer).await
    }

    /// The only ticket of the customer, in this state.
    async fn one_ticket(&self, customer: &str, state: State) -> Ticket {
        let tickets = self.tickets(customer).await;
        let [ticket] = &tickets[..] else { panic!("one ticket: {tickets:#?}") };
        assert_eq!(ticket.state(), state, "{ticket:#?}");
        ticket.clone()
    }

    async fn loop_case(&self, customer: &str) -> LoopCase {
        let mut cases = LoopCaseServiceClient::new(self.suite.as_role("surveys", "agent"));
        let request = ListLoopCasesRequest { customer: customer.to_owned(), ..ListLoopCasesRequest::default() };
        let cases = cases.list_loop_cases(request).await.unwrap().into_inner().loop_cases;
        let [case] = &cases[..] else { panic!("one loop case: {cases:#?}") };
        case.clone()
    }

    async fn invitations(&self, customer: &str) -> Vec<Invitation> {
        let mut invitations = InvitationServiceClient::new(self.suite.as_role("surveys", "agent"));
        let filter = Some(InvitationFilter { customer: customer.to_owned(), ..InvitationFilter::default() });
        let request = ListInvitationsRequest { filter, ..ListInvitationsRequest::default() };
        invitations.list_invitations(request).await.unwrap().into_inner().invitations
    }

    async fn place(&self, customer: &str) -> (GetPlaceResponse, Vec<TimelineEntry>) {
        let id = parse_name("customers", customer).unwrap();
        let mut places = PlaceServiceClient::new(self.suite.as_customer("customers", id));
        let place = places.get_place(GetPlaceRequest { customer: customer.to_owned() }).await.unwrap().into_inner();
        let request =
            ListTimelineRequest { customer: customer.to_owned(), page_size: 1000, ..ListTimelineRequest::default() };
        (place, places.list_timeline(request).await.unwrap().into_inner().entries)
    }
}

/// Two departments, and in the first of them nobody but Saima who can take a delivery in Urdu by day.
async fn team(suite: &Suite) -> Team {
    let deliveries = team::department(suite, "deliveries", &["delivery"]).await;
    let care = team::department(suite, "care", &["complaint_service"]).await;
    Recruit::new("joan-speaks-english", &deliveries, &["en"], &["delivery"]).engage(suite).await;
    Recruit::new("bilal-mends", &deliveries, &["ur"], &["repair"]).engage(suite).await;
    let by_sunday = Recruit {
        days: vec![Weekday::Sunday],
        ..Recruit::new("tariq-on-sundays", &deliveries, &["ur"], &["delivery"])
    };
    by_sunday.engage(suite).await;
    let away =
        Recruit { presence: Presence::Away, ..Recruit::new("zainab-is-away", &deliveries, &["ur"], &["delivery"]) };
    away.engage(suite).await;
    let full = Recruit {
        capacity: 0,
        hours: ("08:00", "20:00"),
        ..Recruit::new("hamza-has-no-place", &deliveries, &["ur"], &["delivery"])
    };
    full.engage(suite).await;
    let by_day = Recruit { hours: ("08:00", "20:00"), ..Recruit::new("saima", &deliveries, &["ur"], &["delivery"]) };
    let saima = by_day.engage(suite).await;
    Recruit::new("imran-of-another-desk", &care, &["ur"], &["delivery"]).engage(suite).await;
    let faiza = Recruit::new("faiza", &care, &["ur", "en"], &["complaint-service"]).engage(suite).await;
    Team { saima, faiza }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_order_is_carried_to_the_customers_word_and_a_low_score_to_its_end() {
    let receiver = Receiver::start().await;
    let suite = Suite::start(SuiteOptions {
        clock: Some(at("2026-03-02T04:00:00Z")),
        otlp_endpoint: Some(receiver.url.clone()),
        ..SuiteOptions::default()
    })
    .await;
    let Team { saima, faiza } = team(&suite).await;
    let shop = suite.as_pusher(&[SOURCE]).await;
    let shopper = Shopper::new("ur");
    let story = Story { suite, shopper: shopper.clone() };
    let mut order = ShopOrder::new(&shopper);
    let mut saima_works = Agent::new(&story.suite, "saima");

    // Monday morning in Karachi: the order is placed, and promised for Wednesday.
    let placed = order.placed(at("2026-03-02T03:59:00Z"), Some(("2026-03-04", "Asia/Karachi")));
    push(&shop, vec![traced(placed, PUSHED)]).await;
    story.follows("2026-03-02T04:00:00Z").await;
    story.mail("order_placed", 1).await;
    let customer = stories::customer_of(&story.suite, &shopper).await.name;

    // A day before its end: the customer is told before they have to ask.
    story.until("2026-03-03T19:00:00Z").await;
    story.mail("order_promised_day_at_risk", 1).await;
    assert_eq!(story.mails("order_promised_day_missed").await.len(), 0, "the day has not passed");

    // The day has passed, at midnight: one ticket, and nobody is there to take it.
    story.until("2026-03-04T19:00:00Z").await;
    story.mail("order_promised_day_missed", 1).await;
    story.mail("ticket_opened", 1).await;
    let ticket = story.one_ticket(&customer, State::New).await;
    assert_eq!((ticket.kind(), ticket.wait_reason()), (Kind::Delivery, WaitReason::NobodyOnShift));
    assert_eq!(ticket.matter.as_ref().map(|matter| matter.kind.as_str()), Some("promised_day_missed"));

    // In the morning it is Saima's, who alone has skill and language, a place, and is there.
    story.until("2026-03-05T03:00:00Z").await;
    let ticket = story.one_ticket(&customer, State::Open).await;
    assert_eq!((&ticket.assignee, ticket.language.as_str()), (&saima, "ur"));
    story.until("2026-03-05T04:00:00Z").await;
    let said = saima_works.reply(&ticket.name, "میں کیریئر سے پوچھ رہی ہوں۔").await;
    assert_eq!(said.author_name, saima);
    story.until("2026-03-05T05:00:00Z").await;
    story.mail("ticket_replied", 1).await;

    // She asks something, and the ticket waits for the customer, who answers on the page.
    saima_works.ask(&ticket.name, "کیا پڑوسی کے پاس دیا جا سکتا ہے؟").await;
    story.follows("2026-03-05T05:00:00Z").await;
    story.one_ticket(&customer, State::PendingCustomer).await;
    let question = story.mail("ticket_question", 1).await;
    let page = story.open(&question, "/ticket/").await;
    assert!(page.text().contains("پڑوسی"), "{}", page.text());
    let shown = in_urdu(Opened::submit(&page.only_form().with("text", "جی، نیچے والی منزل پر۔")).await);
    assert!(shown.text().contains("جی، نیچے والی منزل پر۔"), "{}", shown.text());
    story.follows("2026-03-05T05:00:00Z").await;
    story.one_ticket(&customer, State::Open).await;
    saima_works.resolve(&ticket.name, "پارسل غلط لاری پر تھا۔ آج آ رہا ہے۔").await;
    story.follows("2026-03-05T05:00:00Z").await;

    // The customer says on the page that it is not solved: it is open again, and Saima has it again.
    story.until("2026-03-05T15:30:00Z").await;
    let resolved = story.mail("ticket_resolved", 1).await;
    let shown = story.answer(&resolved, false, "پارسل ابھی تک نہیں آیا۔").await;
    assert!(shown.text().contains("پارسل ابھی تک نہیں آیا۔"), "{}", shown.text());
    story.follows("2026-03-05T15:30:00Z").await;
    story.until("2026-03-06T03:00:00Z").await;
    let ticket = story.one_ticket(&customer, State::Open).await;
    assert_eq!((&ticket.assignee, ticket.reopen_count), (&saima, 1));
    story.mail("ticket_reopened", 1).await;

    // The parcel arrives, it is resolved again, and the customer confirms.
    story.until("2026-03-06T06:00:00Z").await;
    push(&shop, vec![order.delivered(at("2026-03-06T05:59:00Z"))]).await;
    story.follows("2026-03-06T06:00:00Z").await;
    story.mail("order_delivered", 1).await;
    story.until("2026-03-06T07:00:00Z").await;
    saima_works.resolve(&ticket.name, "پارسل آج پہنچ گیا۔ ہم معذرت چاہتے ہیں۔").await;
    story.follows("2026-03-06T07:00:00Z").await;
    story.until("2026-03-06T09:00:00Z").await;
    let resolved = story.mail("ticket_resolved", 2).await;
    let shown = story.answer(&resolved, true, "").await;
    assert!(shown.forms().iter().all(|form| form.get("solved").is_none()), "nothing more is asked");
    let came_back = shown.only_form();
    assert!(came_back.action.ends_with("/message"), "whose trouble comes back can say so: {}", came_back.action);
    story.follows("2026-03-06T09:00:00Z").await;
    let ticket = story.one_ticket(&customer, State::Closed).await;
    assert_eq!(ticket.closure(), Closure::Verified);
    story.mail("ticket_closed", 1).await;

    // How was it? A first answer is kept, then all of them: a low score, which becomes a ticket of its own.
    story.until("2026-03-06T10:00:30Z").await;
    let invited = story.mail("survey_invitation", 1).await;
    let asked = story.open(&invited, "/survey/").await.only_form();
    let saved = in_urdu(Opened::submit(&asked.with("q_csat", "2").with("action", "save")).await);
    story.follows("2026-03-06T10:00:30Z").await;
    let asked = saved.only_form();
    assert_eq!((asked.get("q_csat"), asked.get("revision")), (Some("2"), Some("1")), "what was saved stands there");
    let states =
        |invitations: Vec<Invitation>| invitations.iter().map(|invitation| invitation.state()).collect::<BTreeSet<_>>();
    assert_eq!(
        states(story.invitations(&customer).await),
        BTreeSet::from([invitation::State::Held, invitation::State::Started]),
        "the delivery's own question waits"
    );
    let full = asked.with("q_nps", "8").with("q_reason", "delivery").with("q_words", "بہت دیر ہوئی۔");
    let thanks = in_urdu(Opened::submit(&full.with("action", "complete")).await);
    assert_eq!(thanks.forms().len(), 0, "{}", thanks.text());
    story.follows("2026-03-06T10:00:30Z").await;
    let case = story.loop_case(&customer).await;
    let tickets = story.tickets(&customer).await;
    let follow_up = tickets.iter().find(|other| other.name != ticket.name).unwrap();
    assert_eq!((tickets.len(), &case.ticket, case.state()), (2, &follow_up.name, loop_case::State::Acknowledged));
    assert_eq!((&follow_up.assignee, follow_up.kind()), (&faiza, Kind::ComplaintService));

    // Somebody listens; the customer confirms on the page; the low score has come to its end.
    story.until("2026-03-06T12:00:00Z").await;
    Agent::new(&story.suite, "faiza").resolve(&follow_up.name, "ہم نے بات کی اور معافی مانگی۔").await;
    story.follows("2026-03-06T12:00:00Z").await;
    assert_eq!(story.loop_case(&customer).await.state(), loop_case::State::Resolved);
    story.until("2026-03-06T14:00:00Z").await;
    let resolved = story.mail("ticket_resolved", 3).await;
    story.answer(&resolved, true, "").await;
    story.follows("2026-03-06T14:00:00Z").await;
    assert_eq!(story.loop_case(&customer).await.state(), loop_case::State::Verified);

    // Whoever was asked is not asked again so soon, neither after the delivery nor after the ticket that followed from the low score.
    story.until("2026-03-08T07:00:00Z").await;
    let reasons: BTreeSet<_> =
        story.invitations(&customer).await.iter().map(|invitation| invitation.suppress_reason()).collect();
    use invitation::SuppressReason::{FromLowScore, Throttled, Unspecified};
    assert_eq!(reasons, BTreeSet::from([Unspecified, FromLowScore, Throttled]));
    assert_eq!(story.mails("survey_invitation").await.len(), 1);

    everything_is_told(&story, &customer, &order, [&ticket.number, &follow_up.number]).await;
    nothing_is_undelivered(&story).await;
    assert_eq!(judge::broken(&story.suite, &[]).await.unwrap(), Vec::<String>::new());
    let chain = Chain::read(&story.suite).await;
    story.suite.stop().await;
    chain.holds(&receiver.traces(), PUSHED);
}

/// The place, the timeline and the customer's own page tell of the order, both tickets, the question and every mail.
async fn everything_is_told(story: &Story, customer: &str, order: &ShopOrder, numbers: [&String; 2]) {
    let (place, entries) = story.place(customer).await;
    assert_eq!(place.orders.unwrap().orders.len(), 1);
    let tickets = place.tickets.unwrap().tickets;
    let told: BTreeSet<_> = tickets.iter().map(|ticket| (&ticket.number, ticket.state(), ticket.closure())).collect();
    assert_eq!(told, numbers.map(|number| (number, State::Closed, Closure::Verified)).into());
    let surveys = place.surveys.unwrap().surveys;
    let answered: Vec<_> = surveys.iter().filter(|survey| survey.state() == invitation::State::Completed).collect();
    assert_eq!(answered.iter().map(|survey| survey.score).collect::<Vec<_>>(), [Some(2)], "{surveys:#?}");

    let count = |kind: timeline_entry::Kind, word: &str| {
        let is_it = |entry: &&TimelineEntry| entry.kind() == kind && entry.r#type.ends_with(&format!(".{word}.v1"));
        entries.iter().filter(is_it).count()
    };
    use timeline_entry::Kind as Entry;
    for (kind, word, times) in [
        (Entry::Order, "placed", 1),
        (Entry::Order, "promised_day_at_risk", 1),
        (Entry::Order, "promised_day_missed", 1),
        (Entry::Order, "delivered", 1),
        (Entry::Ticket, "created", 2),
        (Entry::Ticket, "resolved", 3),
        (Entry::Ticket, "rejected", 1),
        (Entry::Ticket, "closed", 2),
        (Entry::Survey, "sent", 1),
        (Entry::Survey, "completed", 1),
    ] {
        assert_eq!(count(kind, word), times, "{kind:?} {word}: {entries:#?}");
    }
    let messages = entries.iter().filter(|entry| entry.kind() == Entry::Message);
    let sent = messages.filter(|entry| entry.details.get("state").map(String::as_str) == Some("sent")).count();
    let mails = mail::to(&story.suite.mail, &story.shopper.email);
    assert_eq!(sent, mails.len(), "every mail is told of");

    let shown = stories::visible(&story.open(mails.last().unwrap(), "/place/").await.text());
    for word in [&order.number, numbers[0], numbers[1]] {
        assert!(shown.contains(word.as_str()), "{word} is not in {shown}");
    }
}

/// Every message that was decided upon came to the customer.
async fn nothing_is_undelivered(story: &Story) {
    let db = story.suite.database("notifications");
    let others: Vec<(String, String, String)> =
        sqlx::query_as("select milestone, state, reason from notification where state <> 'sent' order by id")
            .fetch_all(db)
            .await
            .unwrap();
    assert_eq!(others, []);
    let mails = mail::all_in(&story.suite.mail);
    assert!(mails.iter().all(|mail| mail.to == story.shopper.email), "nobody else gets mail");
}
