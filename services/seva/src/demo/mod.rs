//! A small shop, played into a running installation as it goes on: each step is pushed, and what the customer was told is printed.

mod stories;

use std::{collections::HashSet, time::Duration};

use anyhow::anyhow;
use seva_proto::{
    customers::v1::{GetOrderRequest, Order, order_service_client::OrderServiceClient},
    notifications::v1::{
        DecisionReason, ListNotificationsRequest, Notification, NotificationFilter, notification::State,
        notification_service_client::NotificationServiceClient,
    },
    surveys::v1::{InvitationFilter, ListInvitationsRequest, invitation_service_client::InvitationServiceClient},
    tickets::v1::{
        ListTicketsRequest, Ticket, TicketFilter, root_problem::Cause, ticket_service_client::TicketServiceClient,
    },
};
use seva_runtime::client::Peer;

use crate::{
    cast::{Agent, Office, Patron, Shift},
    drain::until_drained,
    failure::Failure,
    instance::Instance,
    replay::people::Person,
    report::{Report, SOURCE},
    shop::Shop,
};
pub use stories::Story;

/// Between two steps, so that a reader can follow.
const PAUSE: Duration = Duration::from_secs(2);
/// Tickets that one person has at once.
const CAPACITY: i32 = 20;
/// How long everything that follows from a step may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells one story after the other, for ever; with `once` the two that have most in them, and ends.
///
/// # Errors
/// A step was refused, or a customer was not told what they should have been.
pub async fn play(instance: &Instance, once: bool) -> Result<(), Failure> {
    let mut teller = Teller::new(instance).await?;
    if once {
        println!("One order from its placing to its delivery, which comes later than promised first:\n");
        teller.tell(&stories::delayed(teller.today()), None).await?;
        println!("\nOne that has not come at all, and what is done about it:\n");
        teller.tell(&stories::missed(teller.today()), None).await?;
        println!("\nThe customers were told of every step, and nothing is left to do.");
        return Ok(());
    }
    println!("A small shop goes about its business; Ctrl-C ends it.\n");
    loop {
        teller.tell_each(Some(PAUSE)).await?;
    }
}

/// Tells every story once, without pauses.
///
/// # Errors
/// As [`play`].
pub async fn tell_each(instance: &Instance) -> Result<(), Failure> {
    Teller::new(instance).await?.tell_each(None).await
}

/// Tells stories to an installation.
struct Teller<'i> {
    instance: &'i Instance,
    shop: Shop,
    office: Office,
    agent: Agent,
    patron: Patron,
    tickets: TicketServiceClient<Peer>,
    orders: OrderServiceClient<Peer>,
    notifications: NotificationServiceClient<Peer>,
    invitations: InvitationServiceClient<Peer>,
    /// Names this run in order numbers and customers, so that a later run tells new stories.
    run: i64,
    told: usize,
}

impl<'i> Teller<'i> {
    async fn new(instance: &'i Instance) -> Result<Self, Failure> {
        Ok(Self {
            instance,
            shop: Shop::open(instance).await?,
            office: Office::open(instance, &stories::zone(), Shift::AroundTheClock, CAPACITY).await?,
            agent: Agent::new(instance)?,
            patron: Patron::new(instance)?,
            tickets: TicketServiceClient::new(instance.operators_peer("tickets")?),
            orders: OrderServiceClient::new(instance.operators_peer("customers")?),
            notifications: NotificationServiceClient::new(instance.operators_peer("notifications")?),
            invitations: InvitationServiceClient::new(instance.operators_peer("surveys")?),
            run: seva_runtime::clock::machine_now().as_second() % 100_000_000,
            told: 0,
        })
    }

    fn today(&self) -> jiff::civil::Date {
        stories::zone().date_at(self.instance.clock.now())
    }

    async fn tell_each(&mut self, pause: Option<Duration>) -> Result<(), Failure> {
        for story in stories::all(self.today()) {
            self.tell(&story, pause).await?;
        }
        Ok(())
    }

    /// Plays a story step by step and checks after each that the customer was told.
    async fn tell(&mut self, story: &Story, pause: Option<Duration>) -> Result<(), Failure> {
        self.told += 1;
        let order_number = format!("D-{}-{}", self.run, self.told);
        let number = usize::try_from(self.run).unwrap_or(0) + self.told;
        let customer = Person::invent(number, &format!("D-{}-c{}", self.run, self.told));
        println!(
            "{order_number}: {} {} [{}] - {}",
            customer.given_name, customer.family_name, customer.language, story.title
        );
        let mut seen = HashSet::new();
        for (sequence, (report, expected)) in (1..).zip(&story.steps) {
            if let Some(pause) = pause {
                tokio::time::sleep(pause).await;
            }
            let event = report.to_event(&order_number, &customer, self.instance.clock.now(), sequence);
            self.shop.push(vec![event]).await?;
            self.tell_step(&order_number, &step_name(report), expected, &mut seen).await?;
        }
        if story.becomes_ticket {
            self.tell_ticket(&order_number, pause, &mut seen).await?;
        }
        Ok(())
    }

    /// Carries the ticket of an order's customer until the customer says that it is solved.
    async fn tell_ticket(
        &mut self,
        order_number: &str,
        pause: Option<Duration>,
        seen: &mut HashSet<String>,
    ) -> Result<(), Failure> {
        let customer = self.order(order_number).await?.customer;
        let filter = TicketFilter { customer, ..TicketFilter::default() };
        let request = ListTicketsRequest { filter: Some(filter), ..ListTicketsRequest::default() };
        let listed = self.tickets.list_tickets(request).await;
        let listed = listed.map_err(|status| anyhow!("tickets cannot be listed: {status}"))?.into_inner();
        let [ticket] = &listed.tickets[..] else {
            return Err(anyhow!("{order_number} should have one ticket and has {}", listed.tickets.len()).into());
        };
        println!("  ticket {}: {} has it", ticket.number, self.office.name_of(&ticket.assignee));
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        self.agent
            .resolve(&ticket.name, 1, Cause::Carrier, "It was on the wrong lorry; it has come meanwhile.")
            .await?;
        self.tell_step(order_number, "resolved", &["ticket_resolved"], seen).await?;
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        self.patron.answers_resolution(&ticket.name, 1, true, "").await?;
        self.tell_step(order_number, "confirmed", &["ticket_closed"], seen).await?;
        self.tell_question(ticket).await
    }

    /// Tells when the customer will be asked how it went: not at once, so that what calls the question off is known by then.
    async fn tell_question(&mut self, ticket: &Ticket) -> Result<(), Failure> {
        let filter = InvitationFilter { customer: ticket.customer.clone(), ..InvitationFilter::default() };
        let request = ListInvitationsRequest { filter: Some(filter), ..ListInvitationsRequest::default() };
        let listed = self.invitations.list_invitations(request).await;
        let listed = listed.map_err(|status| anyhow!("invitations cannot be listed: {status}"))?.into_inner();
        let Some(invitation) = listed.invitations.iter().find(|invitation| invitation.subject == ticket.name) else {
            return Err(anyhow!("nobody thinks of asking how it went with {}", ticket.number).into());
        };
        let decided = invitation.decide_time.as_ref().map(|time| time.to_string()).unwrap_or_default();
        println!("  {:<20}whether to ask how it went is decided at {decided} ({})", "survey", invitation.name);
        Ok(())
    }

    /// Waits until everything has followed from a step, tells what the customer was told, and makes sure of what should have been.
    async fn tell_step(
        &mut self,
        order_number: &str,
        step: &str,
        expected: &[&str],
        seen: &mut HashSet<String>,
    ) -> Result<(), Failure> {
        until_drained(&self.instance.services, &self.instance.clock, PATIENCE)
            .await
            .map_err(|unrest| anyhow!("{order_number}: {unrest}"))?;
        let order = self.order(order_number).await?;
        let news = self.notifications_of(&order.customer).await?;
        let news: Vec<_> = news.into_iter().filter(|news| seen.insert(news.name.clone())).collect();
        println!("  {step:<20}{}", tell_news(&news));
        for milestone in expected {
            if !news.iter().any(|news| news.milestone == *milestone && news.state() == State::Sent) {
                return Err(anyhow!(
                    "{order_number}: after {step} the customer should have been told {milestone} and was not"
                )
                .into());
            }
        }
        Ok(())
    }

    async fn order(&mut self, order_number: &str) -> Result<Order, Failure> {
        let request =
            GetOrderRequest { name: String::new(), source: SOURCE.to_owned(), order_number: order_number.to_owned() };
        let answer = self
            .orders
            .get_order(request)
            .await
            .map_err(|status| anyhow!("{order_number} cannot be read: {status}"))?;
        answer.into_inner().order.ok_or_else(|| anyhow!("{order_number} was answered without an order").into())
    }

    /// Everything that was decided about a customer, oldest first.
    async fn notifications_of(&mut self, customer: &str) -> Result<Vec<Notification>, Failure> {
        let filter = NotificationFilter { customer: customer.to_owned(), ..NotificationFilter::default() };
        let request = ListNotificationsRequest { page_size: 1000, page_token: String::new(), filter: Some(filter) };
        let answer = self.notifications.list_notifications(request).await;
        let mut found =
            answer.map_err(|status| anyhow!("notifications cannot be read: {status}"))?.into_inner().notifications;
        found.reverse();
        Ok(found)
    }
}

/// `order.handed_to_carrier.v1` as people say it.
fn step_name(report: &Report) -> String {
    let kind = report.event_type();
    kind.strip_prefix("order.").and_then(|kind| kind.strip_suffix(".v1")).unwrap_or(kind).replace('_', " ")
}

fn tell_news(news: &[Notification]) -> String {
    if news.is_empty() {
        return "nobody is told".to_owned();
    }
    let told = news.iter().map(|notification| match notification.state() {
        State::Sent => {
            let file = notification.name.trim_start_matches("notifications/");
            format!("told {} in {} (mail {file}.eml)", notification.milestone, notification.language)
        }
        state => {
            let word = |name: &str, prefix: &str| name.trim_start_matches(prefix).to_lowercase().replace('_', " ");
            format!(
                "{} {} ({})",
                notification.milestone,
                word(state.as_str_name(), "STATE_"),
                word(DecisionReason::as_str_name(&notification.reason()), "DECISION_REASON_")
            )
        }
    });
    told.collect::<Vec<_>>().join("; ")
}
