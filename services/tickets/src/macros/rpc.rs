//! Macros over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    ApplyMacroRequest, ApplyMacroResponse, CreateMacroRequest, CreateMacroResponse, GetMacroRequest, GetMacroResponse,
    ListMacrosRequest, ListMacrosResponse, RetireMacroRequest, RetireMacroResponse, UpdateMacroRequest,
    UpdateMacroResponse, macro_service_server::MacroService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{ApplyMacro, Commands, RetireMacro},
    convert::{self, CreateMacro, UpdateMacro},
    queries,
};
use crate::ticket;

/// Serves macros.
#[derive(Debug, Clone)]
pub struct MacroRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl MacroRpc {
    /// Serves the macros of this database, which do what `tickets` does.
    pub fn new(foundation: &Foundation, tickets: ticket::Commands) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock, tickets), db, page_key }
    }
}

#[tonic::async_trait]
impl MacroService for MacroRpc {
    async fn create_macro(
        &self,
        request: Request<CreateMacroRequest>,
    ) -> Result<Response<CreateMacroResponse>, Status> {
        let (write, command) = incoming_write(request, |request| Ok(CreateMacro::from(request)))?;
        Ok(Response::new(self.commands.create(&write, command).await?))
    }

    async fn get_macro(&self, request: Request<GetMacroRequest>) -> Result<Response<GetMacroResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let one = queries::get(&self.db, id).await?;
        Ok(Response::new(GetMacroResponse { r#macro: Some((&one).into()) }))
    }

    async fn list_macros(&self, request: Request<ListMacrosRequest>) -> Result<Response<ListMacrosResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let macros = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListMacrosResponse { macros, next_page_token: page.next_page_token }))
    }

    async fn update_macro(
        &self,
        request: Request<UpdateMacroRequest>,
    ) -> Result<Response<UpdateMacroResponse>, Status> {
        let (write, command) = incoming_write(request, |request| Ok(UpdateMacro::from(request)))?;
        Ok(Response::new(self.commands.update(&write, command).await?))
    }

    async fn retire_macro(
        &self,
        request: Request<RetireMacroRequest>,
    ) -> Result<Response<RetireMacroResponse>, Status> {
        let (write, command) = incoming_write(request, RetireMacro::try_from)?;
        Ok(Response::new(self.commands.retire(&write, command).await?))
    }

    async fn apply_macro(&self, request: Request<ApplyMacroRequest>) -> Result<Response<ApplyMacroResponse>, Status> {
        let (write, command) = incoming_write(request, ApplyMacro::try_from)?;
        Ok(Response::new(self.commands.apply(&write, command).await?))
    }
}
