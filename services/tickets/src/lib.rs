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
//! - [`inbound`]: messages that come in, whichever way, and the ticket that each belongs to
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
    /// Whose address a message comes from; a `SenderServiceClient` on any transport.
    pub senders: Arc<dyn inbound::Senders>,
    /// The keys of those who push messages.
    pub keys: Arc<dyn ApiKeys>,
}

/// Assembles the service; `links` signs what leads customers to their tickets.
pub fn service(foundation: Foundation, peers: Peers, links: LinkSigner) -> Service {
    let Foundation { db, clock, .. } = &foundation;
    let feed = Feed::new(db.clone());
    let (routing_bell, promise_bell) = (Bell::default(), Bell::default());
    let (looks_bell, escalations_bell) = (Bell::default(), Bell::default());
    let risk = risk::Listener::new(looks_bell.clone());
    let (issuing_bell, fixes_bell) = (Bell::default(), Bell::default());
    let policies = policy::Policies::new(db.clone());
    let openings = events::Openings::new(policies.clone(), clock.clone(), routing_bell.clone());
    let roster = roster::Roster::new(clock.clone(), routing_bell.clone());
    let commands = ticket::Commands::new(db.clone(), clock.clone(), policies.clone(), routing_bell.clone());
    let on_events = automation::OnEvents::new(clock.clone(), commands.clone());
    let consumers = vec![
        Consumer::new("customers", db.clone(), peers.customers, Arc::new(events::Customers(openings.clone()))),
        Consumer::new(roster::NAME, db.clone(), peers.staff, Arc::new(roster)),
        Consumer::new("low_scores", db.clone(), peers.surveys, Arc::new(events::LowScores(openings))),
        Consumer::new(search::NAME, db.clone(), Arc::new(feed.clone()), Arc::new(search::Index)),
        // Its own: what is told of a ticket has it assessed.
        Consumer::new(risk::NAME, db.clone(), Arc::new(feed.clone()), Arc::new(risk)),
        Consumer::new(automation::CONSUMER, db.clone(), Arc::new(feed.clone()), Arc::new(on_events)),
    ];
    let (bulk_bell, automation_bell) = (Bell::default(), Bell::default());
    let on_time = automation::OnTime::new(db.clone(), clock.clone(), commands.clone());
    let delivery =
        inbound::Delivery::new(db.clone(), clock.clone(), policies.clone(), peers.senders, routing_bell.clone());
    let mut due = vec![
        Due::new(Arc::new(delivery.clone()), delivery.bell()),
        Due::new(Arc::new(routing::Routing::new(db.clone(), clock.clone())), routing_bell.clone()),
        Due::new(Arc::new(clock::Breaches::new(db.clone())), Bell::default()),
        Due::new(Arc::new(workers::verification::Verification::new(db.clone())), Bell::default()),
        Due::new(Arc::new(workers::returns::Returns::new(db.clone(), routing_bell.clone())), Bell::default()),
        Due::new(Arc::new(workers::waiting::Waiting::new(db.clone())), Bell::default()),
        Due::new(Arc::new(promise::Due::new(db.clone(), policies.clone())), promise_bell.clone()),
        Due::new(Arc::new(risk::Looks::new(db.clone(), escalations_bell.clone())), looks_bell),
        Due::new(Arc::new(escalation::Acknowledgements::new(db.clone())), escalations_bell.clone()),
        Due::new(Arc::new(bulk::Bulk::new(db.clone(), commands.clone())), bulk_bell.clone()),
        Due::new(Arc::new(on_time), automation_bell.clone()),
        Due::new(Arc::new(compensation::Compensation::new(db.clone())), issuing_bell.clone()),
        Due::new(Arc::new(problem_record::Fixes::new(db.clone())), fixes_bell.clone()),
    ];
    // On a clock that is moved by hand, years pass between two rounds: what is kept would hang on when the process happened to start.
    if !clock.is_manual() {
        due.push(Due::new(Arc::new(inbound::Retention::new(db.clone())), Bell::default()));
        due.push(Due::new(Arc::new(bulk::Retention::new(db.clone())), Bell::default()));
        due.push(Due::new(Arc::new(automation::Retention::new(db.clone())), Bell::default()));
    }

    let policy = PolicyServiceServer::new(policy::PolicyRpc::new(policies.clone()));
    let custom_fields = CustomFieldServiceServer::new(custom_field::CustomFieldRpc::new(&foundation));
    let participants = ParticipantServiceServer::new(participant::ParticipantRpc::new(&foundation));
    let promising =
        promise::Commands::new(db.clone(), clock.clone(), policies.clone(), promise_bell, routing_bell.clone());
    let promises = PromiseServiceServer::new(promise::PromiseRpc::new(&foundation, promising));
    let handing = handoff::Commands::new(db.clone(), clock.clone(), policies.clone());
    let handoffs = HandoffServiceServer::new(handoff::HandoffRpc::new(&foundation, handing));
    let escalations = escalation::Commands::new(db.clone(), clock.clone(), escalations_bell);
    let escalations = EscalationServiceServer::new(escalation::EscalationRpc::new(&foundation, escalations));
    let risks = RiskServiceServer::new(risk::RiskRpc::new(&foundation));
    let macros = MacroServiceServer::new(macros::MacroRpc::new(&foundation, commands.clone()));
    let bulk_jobs = BulkJobServiceServer::new(bulk::BulkJobRpc::new(&foundation, commands.clone(), bulk_bell));
    let automations = automation::AutomationRpc::new(&foundation, commands.clone(), automation_bell);
    let automations = AutomationServiceServer::new(automations);
    let imports = ImportServiceServer::new(import::ImportRpc::new(&foundation, policies, commands.clone()));
    let returns = return_case::Commands::new(db.clone(), clock.clone(), issuing_bell.clone());
    let returns = ReturnServiceServer::new(return_case::ReturnRpc::new(&foundation, returns));
    let compensation = compensation::Commands::new(db.clone(), clock.clone(), issuing_bell);
    let compensation = CompensationServiceServer::new(compensation::CompensationRpc::new(&foundation, compensation));
    let merges = MergeServiceServer::new(merge::MergeRpc::new(&foundation, commands.clone(), routing_bell));
    let ticket_links = TicketLinkServiceServer::new(ticket_link::TicketLinkRpc::new(&foundation));
    let cases = CaseServiceServer::new(case::CaseRpc::new(&foundation));
    let problems = problem_record::ProblemRecordRpc::new(&foundation, fixes_bell);
    let problems = ProblemRecordServiceServer::new(problems);
    let tickets = TicketServiceServer::new(ticket::TicketRpc::new(&foundation, commands.clone()));
    let conversations = conversation::ConversationRpc::new(&foundation, links.clone(), commands);
    let conversations = ConversationServiceServer::new(conversations);
    let knowledge = KnowledgeServiceServer::new(knowledge::KnowledgeRpc::new(&foundation));
    let guides = GuideServiceServer::new(guide::GuideRpc::new(&foundation));
    let links = LinkServiceServer::new(conversation::LinkRpc::new(&foundation, links));
    let views = ViewServiceServer::new(view::ViewRpc::new(&foundation));
    let searches = SearchServiceServer::new(search::SearchRpc::new(&foundation));
    let watches = WatchServiceServer::new(watch::WatchRpc::new(&foundation, feed.clone()));
    let reports = ReportServiceServer::new(report::ReportRpc::new(&foundation));
    let messages = InboundMessageServiceServer::new(inbound::InboundRpc::new(&foundation, &delivery));
    Service::new(NAME, foundation, feed, consumers, due)
        .offering(tickets)
        .offering(conversations)
        .offering(compensation)
        .offering(returns)
        .offering(links)
        .offering(policy)
        .offering(custom_fields)
        .offering(participants)
        .offering(promises)
        .offering(handoffs)
        .offering(knowledge)
        .offering(guides)
        .offering(views)
        .offering(searches)
        .offering(watches)
        .offering(escalations)
        .offering(risks)
        .offering(macros)
        .offering(bulk_jobs)
        .offering(automations)
        .offering(imports)
        .offering(messages)
        .with_api_keys(peers.keys)
        .offering(merges)
        .offering(ticket_links)
        .offering(cases)
        .offering(problems)
        .offering(reports)
}
