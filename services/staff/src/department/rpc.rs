//! Departments over gRPC: parse, call, reply.

use seva_proto::staff::v1::{
    CreateDepartmentRequest, CreateDepartmentResponse, GetDepartmentRequest, GetDepartmentResponse,
    ListDepartmentsRequest, ListDepartmentsResponse, UpdateDepartmentRequest, UpdateDepartmentResponse,
    department_service_server::DepartmentService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, UpdateDepartment},
    convert,
    model::NewDepartment,
    queries,
};

/// Serves departments.
#[derive(Debug, Clone)]
pub struct DepartmentRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl DepartmentRpc {
    /// Serves the departments of this database.
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl DepartmentService for DepartmentRpc {
    async fn create_department(
        &self,
        request: Request<CreateDepartmentRequest>,
    ) -> Result<Response<CreateDepartmentResponse>, Status> {
        let (write, new) = incoming_write(request, NewDepartment::try_from)?;
        Ok(Response::new(self.commands.create(&write, new).await?))
    }

    async fn get_department(
        &self,
        request: Request<GetDepartmentRequest>,
    ) -> Result<Response<GetDepartmentResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let department = queries::get(&self.db, id).await?;
        Ok(Response::new(GetDepartmentResponse { department: Some((&department).into()) }))
    }

    async fn update_department(
        &self,
        request: Request<UpdateDepartmentRequest>,
    ) -> Result<Response<UpdateDepartmentResponse>, Status> {
        let (write, command) = incoming_write(request, UpdateDepartment::try_from)?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn list_departments(
        &self,
        request: Request<ListDepartmentsRequest>,
    ) -> Result<Response<ListDepartmentsResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &page).await?;
        let departments = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListDepartmentsResponse { departments, next_page_token: page.next_page_token }))
    }
}
