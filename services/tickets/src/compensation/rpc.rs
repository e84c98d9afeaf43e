//! Compensation over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    ApproveGrantRequest, ApproveGrantResponse, CreateCompensationPolicyRequest, CreateCompensationPolicyResponse,
    GetAllowanceRequest, GetAllowanceResponse, GetCompensationPolicyRequest, GetCompensationPolicyResponse,
    GetGrantRequest, GetGrantResponse, ListCompensationPoliciesRequest, ListCompensationPoliciesResponse,
    ListGrantsRequest, ListGrantsResponse, ProposeGrantRequest, ProposeGrantResponse, RejectGrantRequest,
    RejectGrantResponse, ReverseGrantRequest, ReverseGrantResponse, compensation_service_server::CompensationService,
};
use seva_runtime::{BusinessClock, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{ApproveGrant, Commands, CreatePolicy, ProposeGrant, RejectGrant, ReverseGrant},
    convert, policies, queries, store,
};

/// Serves compensation.
#[derive(Debug, Clone)]
pub struct CompensationRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    commands: Commands,
}

impl CompensationRpc {
    /// Serves the grants and policies of this database.
    pub fn new(foundation: &Foundation, commands: Commands) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { db, clock, page_key, commands }
    }
}

#[tonic::async_trait]
impl CompensationService for CompensationRpc {
    async fn propose_grant(
        &self,
        request: Request<ProposeGrantRequest>,
    ) -> Result<Response<ProposeGrantResponse>, Status> {
        let (write, command) = incoming_write(request, ProposeGrant::try_from)?;
        Ok(Response::new(self.commands.propose(&write, command).await?))
    }

    async fn approve_grant(
        &self,
        request: Request<ApproveGrantRequest>,
    ) -> Result<Response<ApproveGrantResponse>, Status> {
        let (write, command) = incoming_write(request, ApproveGrant::try_from)?;
        Ok(Response::new(self.commands.approve(&write, command).await?))
    }

    async fn reject_grant(
        &self,
        request: Request<RejectGrantRequest>,
    ) -> Result<Response<RejectGrantResponse>, Status> {
        let (write, command) = incoming_write(request, RejectGrant::try_from)?;
        Ok(Response::new(self.commands.reject(&write, command).await?))
    }

    async fn reverse_grant(
        &self,
        request: Request<ReverseGrantRequest>,
    ) -> Result<Response<ReverseGrantResponse>, Status> {
        let (write, command) = incoming_write(request, ReverseGrant::try_from)?;
        Ok(Response::new(self.commands.reverse(&write, command).await?))
    }

    async fn get_grant(&self, request: Request<GetGrantRequest>) -> Result<Response<GetGrantResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::grant_name(&request.name))?;
        let grant = store::load(&self.db, id).await?;
        Ok(Response::new(GetGrantResponse { grant: Some((&grant).into()) }))
    }

    async fn list_grants(&self, request: Request<ListGrantsRequest>) -> Result<Response<ListGrantsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let grants = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListGrantsResponse { grants, next_page_token: page.next_page_token }))
    }

    async fn get_allowance(
        &self,
        request: Request<GetAllowanceRequest>,
    ) -> Result<Response<GetAllowanceResponse>, Status> {
        let (call, customer) = incoming(request, |request| convert::customer(&request.customer))?;
        let caller = &call.principal.subject;
        let (allowances, policy) = queries::allowances(&self.db, &self.clock, caller, customer).await?;
        Ok(Response::new(convert::allowance_response(&allowances, policy.as_ref())))
    }

    async fn create_compensation_policy(
        &self,
        request: Request<CreateCompensationPolicyRequest>,
    ) -> Result<Response<CreateCompensationPolicyResponse>, Status> {
        let (write, command) = incoming_write(request, CreatePolicy::try_from)?;
        Ok(Response::new(self.commands.create_policy(&write, command).await?))
    }

    async fn get_compensation_policy(
        &self,
        request: Request<GetCompensationPolicyRequest>,
    ) -> Result<Response<GetCompensationPolicyResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::policy_name(&request.name))?;
        let policy = policies::load(&self.db, id).await?;
        Ok(Response::new(GetCompensationPolicyResponse { compensation_policy: Some((&policy).into()) }))
    }

    async fn list_compensation_policies(
        &self,
        request: Request<ListCompensationPoliciesRequest>,
    ) -> Result<Response<ListCompensationPoliciesResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::policies_page(&request, &self.page_key))?;
        let page = queries::list_policies(&self.db, &page).await?;
        let compensation_policies = page.items.iter().map(Into::into).collect();
        let next_page_token = page.next_page_token;
        Ok(Response::new(ListCompensationPoliciesResponse { compensation_policies, next_page_token }))
    }
}
