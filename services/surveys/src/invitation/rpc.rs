//! Invitations over gRPC: parse, call, reply.

use seva_proto::surveys::v1::{
    GetInvitationRequest, GetInvitationResponse, ListInvitationsRequest, ListInvitationsResponse,
    invitation_service_server::InvitationService,
};
use seva_runtime::incoming;
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{convert, queries};

/// The scope of those who may read what customers answered.
const READS_RESPONSES: &str = "responses.read";

/// Serves invitations.
#[derive(Debug, Clone)]
pub struct InvitationRpc {
    db: Database,
    page_key: PageKey,
}

impl InvitationRpc {
    /// Serves the invitations of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, page_key, .. } = foundation.clone();
        Self { db, page_key }
    }
}

#[tonic::async_trait]
impl InvitationService for InvitationRpc {
    async fn get_invitation(
        &self,
        request: Request<GetInvitationRequest>,
    ) -> Result<Response<GetInvitationResponse>, Status> {
        let (call, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let (invitation, response) = queries::get(&self.db, id, call.principal.has_scope(READS_RESPONSES)).await?;
        let response = response.as_ref().map(Into::into);
        Ok(Response::new(GetInvitationResponse { invitation: Some((&invitation).into()), response }))
    }

    async fn list_invitations(
        &self,
        request: Request<ListInvitationsRequest>,
    ) -> Result<Response<ListInvitationsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let invitations = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListInvitationsResponse { invitations, next_page_token: page.next_page_token }))
    }
}
