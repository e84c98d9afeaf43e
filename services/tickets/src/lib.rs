//! A problem is carried until the customer says that it is solved.
//!
//! - [`ticket`]: matters of customers and their machine; [`message`]: what was said about them; [`participant`]: who takes part besides;
//!   [`custom_field`]: what the company wants to know about them
//! - [`clock`]: how long something takes, on a department's calendar; [`policy`]: how long it may take
//! - [`handoff`]: what one department hands to another, and how departments serve that side by side
//! - [`promise`]: what customers were promised, and what became of it
//! - [`routing`]: who takes a ticket; [`roster`], [`recipient`]: who serves and who is served, as other services tell
//! - [`view`]: saved filters and counts; [`search`]: by number and words; [`watch`]: queues as they change
//! - [`risk`]: how likely it is that a customer is lost over a ticket; [`escalation`]: who has been called for help
//! - [`action`]: what is done to a ticket by [`macros`], [`bulk`] jobs and [`automation`]: the steps of a person's call; [`import`]: tickets of
//!   other systems, by the same steps
//! - [`inbound`]: messages that come in, whichever way, and the ticket that each belongs to; [`delivery`]: what became of the mails that tell of
//!   what we say
//! - [`compensation`]: what customers are given to make up for something, within limits
//! - [`return_case`]: what customers give back, case by case
//! - [`report`]: how customers were served, in rows and as CSV
//! - [`conversation`]: a ticket as its customer sees it, by link
//! - [`knowledge`]: what the company knows, found by search; [`guide`]: how to find out what is wrong, gone through for a ticket;
//!   [`publishing`]: drafts that are frozen when they are published
//! - [`merge`]: tickets that turn out to be one matter, or several; [`ticket_link`], [`case`], [`problem_record`]: how tickets belong together
//! - [`events`]: what opens a ticket by itself; [`workers`]: loops beside the calls
//!
//! The README names what this service owns, offers, emits and listens to.

pub mod action;
pub mod automation;
pub mod bulk;
pub mod case;
pub mod clock;
pub mod compensation;
pub mod conversation;
pub mod custom_field;
pub mod delivery;
pub mod escalation;
pub mod events;
pub mod guide;
pub mod handoff;
pub mod import;
pub mod inbound;
pub mod knowledge;
pub mod macros;
pub mod merge;
pub mod message;
pub mod participant;
pub mod policy;
pub mod problem_record;
pub mod promise;
mod publishing;
pub mod recipient;
mod recorded;
pub mod report;
pub mod return_case;
pub mod risk;
pub mod roster;
pub mod routing;
pub mod search;
mod spoken;
mod stored;
pub mod ticket;
pub mod ticket_link;
pub mod view;
pub mod watch;
pub mod workers;

use std::sync::Arc;

use seva_proto::{
    common::v1::link_service_server::LinkServiceServer,
    tickets::v1::{
        automation_service_server::AutomationServiceServer, bulk_job_service_server::BulkJobServiceServer,
        case_service_server::CaseServiceServer, compensation_service_server::CompensationServiceServer,
        conversation_service_server::ConversationServiceServer, custom_field_service_server::CustomFieldServiceServer,
        escalation_service_server::EscalationServiceServer, guide_service_server::GuideServiceServer,
        handoff_service_server::HandoffServiceServer, import_service_server::ImportServiceServer,
        inbound_message_service_server::InboundMessageServiceServer, knowledge_service_server::KnowledgeServiceServer,
        macro_service_server::MacroServiceServer, merge_service_server::MergeServiceServer,
        participant_service_server::ParticipantServiceServer, policy_service_server::PolicyServiceServer,
        problem_record_service_server::ProblemRecordServiceServer, promise_service_server::PromiseServiceServer,
        report_service_server::ReportServiceServer, return_service_server::ReturnServiceServer,
        risk_service_server::RiskServiceServer, search_service_server::SearchServiceServer,
        ticket_link_service_server::TicketLinkServiceServer, ticket_service_server::TicketServiceServer,
        view_service_server::ViewServiceServer, watch_service_server::WatchServiceServer,
    },
};
use seva_runtime::auth::{ApiKeys, LinkSigner};
use seva_store::{
    consumer::{Consumer, EventSource},
    due::{Bell, Due},
    feed::Feed,
    service::{Foundation, Service},
};

/// The service's name.
pub const NAME: &str = "tickets";

/// The schema of this service's database.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("./migrations");

/// The other services that this one needs.
pub struct Peers {
    /// The feed of the service that knows customers, their orders and invoices.
    pub customers: Arc<dyn EventSource>,
    /// The feed of the service that knows who serves.
    pub staff: Arc<dyn EventSource>,
    /// The feed of the service that asks how it went.
    pub surveys: Arc<dyn EventSource>,
    /// The feed of the service that tells customers.
    pub notifications: Arc<dyn EventSource>,
    /// Whose address a message comes from; a `SenderServiceClient` on any transport.
    pub senders: Arc<dyn inbound::Senders>,
    /// The keys of those who push messages.
    pub keys: Arc<dyn ApiKeys>,
}

/// Assembles the service; `links` signs what leads customers to their tickets.
pub fn service(foundation: Foundation, peers: Peers, links: LinkSigner) -> Service {
    let Peers { customers, staff, surveys, notifications, senders, keys } = peers;
    let parts = Parts::new(foundation, senders);
    let consumers = parts.consumers(customers, staff, surveys, notifications);
    let service = Service::new(NAME, parts.foundation.clone(), parts.feed.clone(), consumers, parts.due_work());
    let service = parts.offer_tickets(service.with_api_keys(keys), links);
    let service = parts.offer_what_is_owed(service);
    parts.offer_tools(service)
}

/// What consumers, due work and RPCs have in common.
struct Parts {
    foundation: Foundation,
    feed: Feed,
    policies: policy::Policies,
    tickets: ticket::Commands,
    delivery: inbound::Delivery,
    bells: Bells,
}

/// Rung when something has become due, so that it does not wait for the next look.
#[derive(Default)]
struct Bells {
    routing: Bell,
    promises: Bell,
    looks: Bell,
    escalations: Bell,
    issuing: Bell,
    fixes: Bell,
    bulk_jobs: Bell,
    automations: Bell,
}

impl Parts {
    fn new(foundation: Foundation, senders: Arc<dyn inbound::Senders>) -> Self {
        let bells = Bells::default();
        let Foundation { db, clock, .. } = &foundation;
        let policies = policy::Policies::new(db.clone());
        let tickets = ticket::Commands::new(db.clone(), clock.clone(), policies.clone(), bells.routing.clone());
        let delivery =
            inbound::Delivery::new(db.clone(), clock.clone(), policies.clone(), senders, bells.routing.clone());
        Self { feed: Feed::new(db.clone()), policies, tickets, delivery, bells, foundation }
    }

    /// What it hears of others, and of itself.
    fn consumers(
        &self,
        customers: Arc<dyn EventSource>,
        staff: Arc<dyn EventSource>,
        surveys: Arc<dyn EventSource>,
        notifications: Arc<dyn EventSource>,
    ) -> Vec<Consumer> {
        let Foundation { db, clock, .. } = &self.foundation;
        let openings = events::Openings::new(self.policies.clone(), clock.clone(), self.bells.routing.clone());
        let roster = roster::Roster::new(clock.clone(), self.bells.routing.clone());
        let on_events = automation::OnEvents::new(clock.clone(), self.tickets.clone());
        let deliveries = delivery::Deliveries::new(clock.clone());
        let risk = risk::Listener::new(self.bells.looks.clone());
        let itself = || Arc::new(self.feed.clone());
        vec![
            Consumer::new("customers", db.clone(), customers, Arc::new(events::Customers(openings.clone()))),
            Consumer::new(roster::NAME, db.clone(), staff, Arc::new(roster)),
            Consumer::new("low_scores", db.clone(), surveys, Arc::new(events::LowScores(openings))),
            Consumer::new(delivery::NAME, db.clone(), notifications, Arc::new(deliveries)),
            Consumer::new(search::NAME, db.clone(), itself(), Arc::new(search::Index)),
            // What is told of a ticket has it assessed.
            Consumer::new(risk::NAME, db.clone(), itself(), Arc::new(risk)),
            Consumer::new(automation::CONSUMER, db.clone(), itself(), Arc::new(on_events)),
        ]
    }

    /// What happens when its time comes.
    fn due_work(&self) -> Vec<Due> {
        let Foundation { db, clock, .. } = &self.foundation;
        let db = || db.clone();
        let Bells { routing, promises, looks, escalations, issuing, fixes, bulk_jobs, automations } = &self.bells;
        let on_time = automation::OnTime::new(db(), clock.clone(), self.tickets.clone());
        let mut due = vec![
            Due::new(Arc::new(self.delivery.clone()), self.delivery.bell()),
            Due::new(Arc::new(routing::Routing::new(db(), clock.clone())), routing.clone()),
            Due::new(Arc::new(clock::Breaches::new(db())), Bell::default()),
            Due::new(Arc::new(workers::verification::Verification::new(db())), Bell::default()),
            Due::new(Arc::new(workers::returns::Returns::new(db(), routing.clone())), Bell::default()),
            Due::new(Arc::new(workers::waiting::Waiting::new(db())), Bell::default()),
            Due::new(Arc::new(promise::Due::new(db(), self.policies.clone())), promises.clone()),
            Due::new(Arc::new(risk::Looks::new(db(), escalations.clone())), looks.clone()),
            Due::new(Arc::new(escalation::Acknowledgements::new(db(), clock.clone())), escalations.clone()),
            Due::new(Arc::new(bulk::Bulk::new(db(), self.tickets.clone())), bulk_jobs.clone()),
            Due::new(Arc::new(on_time), automations.clone()),
            Due::new(Arc::new(compensation::Compensation::new(db())), issuing.clone()),
            Due::new(Arc::new(problem_record::Fixes::new(db())), fixes.clone()),
        ];
        // On a clock that is moved by hand, years pass between two rounds: what is kept would hang on when the process happened to start.
        if !clock.is_manual() {
            due.push(Due::new(Arc::new(inbound::Retention::new(db())), Bell::default()));
            due.push(Due::new(Arc::new(bulk::Retention::new(db())), Bell::default()));
            due.push(Due::new(Arc::new(automation::Retention::new(db())), Bell::default()));
        }
        due
    }

    /// Tickets, how they come in, how they belong together, and what their customers see.
    fn offer_tickets(&self, service: Service, links: LinkSigner) -> Service {
        let Self { foundation, tickets, bells, .. } = self;
        let merges = merge::MergeRpc::new(foundation, tickets.clone(), bells.routing.clone());
        let imports = import::ImportRpc::new(foundation, self.policies.clone(), tickets.clone());
        let problems = problem_record::ProblemRecordRpc::new(foundation, bells.fixes.clone());
        let conversations = conversation::ConversationRpc::new(foundation, links.clone(), tickets.clone());
        service
            .offering(TicketServiceServer::new(ticket::TicketRpc::new(foundation, tickets.clone())))
            .offering(ParticipantServiceServer::new(participant::ParticipantRpc::new(foundation)))
            .offering(CustomFieldServiceServer::new(custom_field::CustomFieldRpc::new(foundation)))
            .offering(InboundMessageServiceServer::new(inbound::InboundRpc::new(foundation, &self.delivery)))
            .offering(ImportServiceServer::new(imports))
            .offering(MergeServiceServer::new(merges))
            .offering(TicketLinkServiceServer::new(ticket_link::TicketLinkRpc::new(foundation)))
            .offering(CaseServiceServer::new(case::CaseRpc::new(foundation)))
            .offering(ProblemRecordServiceServer::new(problems))
            .offering(ConversationServiceServer::new(conversations))
            .offering(LinkServiceServer::new(conversation::LinkRpc::new(foundation, links)))
    }

    /// What is owed to customers, and who is called when it is at risk.
    fn offer_what_is_owed(&self, service: Service) -> Service {
        let Self { foundation, policies, bells, .. } = self;
        let Foundation { db, clock, .. } = foundation;
        let (routing, promises) = (bells.routing.clone(), bells.promises.clone());
        let promises = promise::Commands::new(db.clone(), clock.clone(), policies.clone(), promises, routing);
        let handoffs = handoff::Commands::new(db.clone(), clock.clone(), policies.clone());
        let returns = return_case::Commands::new(db.clone(), clock.clone(), bells.issuing.clone());
        let compensation = compensation::Commands::new(db.clone(), clock.clone(), bells.issuing.clone());
        let escalations = escalation::Commands::new(db.clone(), clock.clone(), bells.escalations.clone());
        service
            .offering(PolicyServiceServer::new(policy::PolicyRpc::new(policies.clone())))
            .offering(PromiseServiceServer::new(promise::PromiseRpc::new(foundation, promises)))
            .offering(HandoffServiceServer::new(handoff::HandoffRpc::new(foundation, handoffs)))
            .offering(ReturnServiceServer::new(return_case::ReturnRpc::new(foundation, returns)))
            .offering(CompensationServiceServer::new(compensation::CompensationRpc::new(foundation, compensation)))
            .offering(RiskServiceServer::new(risk::RiskRpc::new(foundation)))
            .offering(EscalationServiceServer::new(escalation::EscalationRpc::new(foundation, escalations)))
    }

    /// What staff work with.
    fn offer_tools(&self, service: Service) -> Service {
        let Self { foundation, feed, tickets, bells, .. } = self;
        let bulk_jobs = bulk::BulkJobRpc::new(foundation, tickets.clone(), bells.bulk_jobs.clone());
        let automations = automation::AutomationRpc::new(foundation, tickets.clone(), bells.automations.clone());
        service
            .offering(ViewServiceServer::new(view::ViewRpc::new(foundation)))
            .offering(SearchServiceServer::new(search::SearchRpc::new(foundation)))
            .offering(WatchServiceServer::new(watch::WatchRpc::new(foundation, feed.clone())))
            .offering(MacroServiceServer::new(macros::MacroRpc::new(foundation, tickets.clone())))
            .offering(BulkJobServiceServer::new(bulk_jobs))
            .offering(AutomationServiceServer::new(automations))
            .offering(KnowledgeServiceServer::new(knowledge::KnowledgeRpc::new(foundation)))
            .offering(GuideServiceServer::new(guide::GuideRpc::new(foundation)))
            .offering(ReportServiceServer::new(report::ReportRpc::new(foundation)))
    }
}
