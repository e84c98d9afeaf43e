//! Staff members over gRPC: parse, call, reply.

use seva_proto::staff::v1::{
    CreateStaffMemberRequest, CreateStaffMemberResponse, EndServiceRequest, EndServiceResponse, GetStaffMemberRequest,
    GetStaffMemberResponse, ListStaffMembersRequest, ListStaffMembersResponse, SetPresenceRequest, SetPresenceResponse,
    UpdateStaffMemberRequest, UpdateStaffMemberResponse, staff_member_service_server::StaffMemberService,
};
use seva_runtime::{BusinessClock, call::call_of, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, EndService, SetPresence, UpdateStaffMember},
    convert::{self, to_proto},
    model::NewStaffMember,
    queries,
};

/// Serves staff members.
#[derive(Debug, Clone)]
pub struct StaffMemberRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    commands: Commands,
}

impl StaffMemberRpc {
    /// Serves the staff members of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock.clone()), db, clock, page_key }
    }
}

#[tonic::async_trait]
impl StaffMemberService for StaffMemberRpc {
    async fn create_staff_member(
        &self,
        request: Request<CreateStaffMemberRequest>,
    ) -> Result<Response<CreateStaffMemberResponse>, Status> {
        let (write, new) = incoming_write(request, NewStaffMember::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn get_staff_member(
        &self,
        request: Request<GetStaffMemberRequest>,
    ) -> Result<Response<GetStaffMemberResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let member = queries::get(&self.db, id).await?;
        Ok(Response::new(GetStaffMemberResponse { staff_member: Some(to_proto(&member, self.clock.now())) }))
    }

    async fn update_staff_member(
        &self,
        request: Request<UpdateStaffMemberRequest>,
    ) -> Result<Response<UpdateStaffMemberResponse>, Status> {
        let (write, command) = incoming_write(request, UpdateStaffMember::try_from)?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn list_staff_members(
        &self,
        request: Request<ListStaffMembersRequest>,
    ) -> Result<Response<ListStaffMembersResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let now = self.clock.now();
        let staff_members = page.items.iter().map(|member| to_proto(member, now)).collect();
        Ok(Response::new(ListStaffMembersResponse { staff_members, next_page_token: page.next_page_token }))
    }

    async fn set_presence(
        &self,
        request: Request<SetPresenceRequest>,
    ) -> Result<Response<SetPresenceResponse>, Status> {
        let caller = call_of(request.extensions())?.principal;
        let (write, command) = incoming_write(request, SetPresence::try_from)?;
        Ok(Response::new(self.commands.set_presence(&write, &caller, command).await?))
    }

    async fn end_service(&self, request: Request<EndServiceRequest>) -> Result<Response<EndServiceResponse>, Status> {
        let (write, command) = incoming_write(request, EndService::try_from)?;
        Ok(Response::new(self.commands.end_service(&write, command).await?))
    }
}
