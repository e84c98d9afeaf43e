//! Policies over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    CreatePolicyRequest, CreatePolicyResponse, GetPolicyRequest, GetPolicyResponse,
    policy_service_server::PolicyService,
};
use seva_runtime::{Error, incoming, incoming_write};
use tonic::{Request, Response, Status};

use super::{convert::NewPolicy, store::Policies};

/// Serves the policy.
#[derive(Debug, Clone)]
pub struct PolicyRpc {
    policies: Policies,
}

impl PolicyRpc {
    /// Serves these versions.
    #[must_use]
    pub const fn new(policies: Policies) -> Self {
        Self { policies }
    }
}

#[tonic::async_trait]
impl PolicyService for PolicyRpc {
    async fn create_policy(
        &self,
        request: Request<CreatePolicyRequest>,
    ) -> Result<Response<CreatePolicyResponse>, Status> {
        let (write, new) = incoming_write(request, NewPolicy::try_from)?;
        Ok(Response::new(self.policies.create(&write, new).await?))
    }

    async fn get_policy(&self, request: Request<GetPolicyRequest>) -> Result<Response<GetPolicyResponse>, Status> {
        let (_, version) = incoming(request, |request| Ok::<_, Error>(request.version))?;
        let found = self.policies.version(version).await?;
        Ok(Response::new(GetPolicyResponse { policy: Some((&found).into()) }))
    }
}
