//! Risk over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    AssessTicketRequest, AssessTicketResponse, CreateRiskPolicyRequest, CreateRiskPolicyResponse,
    GetRiskAssessmentRequest, GetRiskAssessmentResponse, GetRiskPolicyRequest, GetRiskPolicyResponse,
    ListRiskAssessmentsRequest, ListRiskAssessmentsResponse, ListRiskPoliciesRequest, ListRiskPoliciesResponse,
    risk_service_server::RiskService,
};
use seva_runtime::{BusinessClock, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    convert,
    policies::{self, NewPolicy},
    queries::{self, AssessTicket},
    store,
};

/// Serves assessments.
#[derive(Debug, Clone)]
pub struct RiskRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
}

impl RiskRpc {
    /// Serves the assessments of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { db, clock, page_key }
    }
}

#[tonic::async_trait]
impl RiskService for RiskRpc {
    async fn assess_ticket(
        &self,
        request: Request<AssessTicketRequest>,
    ) -> Result<Response<AssessTicketResponse>, Status> {
        let (write, command) = incoming_write(request, AssessTicket::try_from)?;
        Ok(Response::new(queries::assess(&self.db, &self.clock, &write, command).await?))
    }

    async fn get_risk_assessment(
        &self,
        request: Request<GetRiskAssessmentRequest>,
    ) -> Result<Response<GetRiskAssessmentResponse>, Status> {
        let (_, ticket) = incoming(request, |request| convert::assessment_name(&request.name))?;
        let assessment = store::load(&self.db, ticket).await?;
        Ok(Response::new(GetRiskAssessmentResponse { risk_assessment: Some((&assessment).into()) }))
    }

    async fn list_risk_assessments(
        &self,
        request: Request<ListRiskAssessmentsRequest>,
    ) -> Result<Response<ListRiskAssessmentsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let risk_assessments = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListRiskAssessmentsResponse { risk_assessments, next_page_token: page.next_page_token }))
    }

    async fn create_risk_policy(
        &self,
        request: Request<CreateRiskPolicyRequest>,
    ) -> Result<Response<CreateRiskPolicyResponse>, Status> {
        let (write, new) = incoming_write(request, NewPolicy::try_from)?;
        Ok(Response::new(policies::create(&self.db, &self.clock, &write, new).await?))
    }

    async fn get_risk_policy(
        &self,
        request: Request<GetRiskPolicyRequest>,
    ) -> Result<Response<GetRiskPolicyResponse>, Status> {
        let (_, wanted) = incoming(request, |request| policies::wanted(&request.name))?;
        let version = policies::load(&self.db, wanted).await?;
        Ok(Response::new(GetRiskPolicyResponse { risk_policy: Some((&version).into()) }))
    }

    async fn list_risk_policies(
        &self,
        request: Request<ListRiskPoliciesRequest>,
    ) -> Result<Response<ListRiskPoliciesResponse>, Status> {
        let (_, page) = incoming(request, |request| policies::list_query(&request, &self.page_key))?;
        let page = policies::list(&self.db, &page).await?;
        let risk_policies = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListRiskPoliciesResponse { risk_policies, next_page_token: page.next_page_token }))
    }
}
