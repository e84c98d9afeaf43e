//! The people of a story: those who serve, and what they and customers do when business goes on.
//!
//! The demonstration, the tour and the replay need somebody to do what no event of another system does: solve a ticket, say whether it is
//! solved, answer a survey. They do it as people do, through the services' APIs and with the links that customers are sent.

pub mod office;
pub mod patron;

use anyhow::{Context, anyhow};
use seva_proto::tickets::v1::{
    ResolveTicketRequest, RootProblem, Ticket, root_problem::Cause, ticket_service_client::TicketServiceClient,
};
use seva_runtime::client::{Identity, Peer};
use sha2::{Digest, Sha256};

use crate::{failure::Failure, instance::Instance, tokens};

pub use office::{Office, Shift};
pub use patron::Patron;

/// A channel to a service for somebody of a role.
///
/// # Errors
/// There is no such service.
pub fn as_role(instance: &Instance, service: &str, role: &str) -> Result<Peer, Failure> {
    let token = instance.keyring.issuer.mint_user_token("cast", &[role], None, tokens::LIFETIME);
    instance.peer(service, Identity::Bearer(token))
}

/// The id of a request that is the same whenever the same thing is done, so that doing it again changes nothing.
pub fn request_id(what: &str) -> String {
    let digest = Sha256::digest(what.as_bytes());
    let bytes: [u8; 16] = digest[..16].try_into().expect("a digest has 32 bytes");
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Somebody of the staff.
#[derive(Debug, Clone)]
pub struct Agent {
    tickets: TicketServiceClient<Peer>,
}

impl Agent {
    /// An agent of this installation.
    ///
    /// # Errors
    /// There is no tickets service.
    pub fn new(instance: &Instance) -> Result<Self, Failure> {
        Ok(Self { tickets: TicketServiceClient::new(as_role(instance, seva_tickets::NAME, "agent")?) })
    }

    /// Solves a ticket: says what the problem was and what was done.
    ///
    /// # Errors
    /// It is refused.
    pub async fn resolve(
        &mut self,
        ticket: &str,
        resolution: i32,
        cause: Cause,
        note: &str,
    ) -> Result<Ticket, Failure> {
        let root_problem = RootProblem { cause: cause.into(), description: note.to_owned(), ..RootProblem::default() };
        let request = ResolveTicketRequest {
            name: ticket.to_owned(),
            root_problem: Some(root_problem),
            note: note.to_owned(),
            request_id: request_id(&format!("resolve {ticket} {resolution}")),
            ..ResolveTicketRequest::default()
        };
        let answer = self.tickets.resolve_ticket(request).await;
        let resolved = answer.map_err(|status| anyhow!("{ticket} cannot be resolved: {status}"))?.into_inner();
        Ok(resolved.ticket.with_context(|| format!("{ticket} was answered without a ticket"))?)
    }
}
