//! Views over gRPC: parse, call, reply.

use seva_proto::tickets::v1::{
    CountViewsRequest, CountViewsResponse, CreateViewRequest, CreateViewResponse, DeleteViewRequest,
    DeleteViewResponse, GetViewRequest, GetViewResponse, ListViewsRequest, ListViewsResponse, UpdateViewRequest,
    UpdateViewResponse, view_service_server::ViewService,
};
use seva_runtime::{BusinessClock, call::call_of, incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, DeleteView, UpdateView},
    convert, counts,
    model::{NewView, View},
    queries::{self, viewer},
};

/// Serves views.
#[derive(Debug, Clone)]
pub struct ViewRpc {
    db: Database,
    clock: BusinessClock,
    page_key: PageKey,
    commands: Commands,
}

impl ViewRpc {
    /// Serves the views of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock.clone()), db, clock, page_key }
    }
}

#[tonic::async_trait]
impl ViewService for ViewRpc {
    async fn create_view(&self, request: Request<CreateViewRequest>) -> Result<Response<CreateViewResponse>, Status> {
        let call = call_of(request.extensions())?;
        let (write, new) = incoming_write(request, NewView::try_from)?;
        let viewer = viewer(&self.db, &call.principal).await?;
        Ok(Response::new(self.commands.create(&write, &viewer, new).await?))
    }

    async fn update_view(&self, request: Request<UpdateViewRequest>) -> Result<Response<UpdateViewResponse>, Status> {
        let call = call_of(request.extensions())?;
        let (write, command) = incoming_write(request, UpdateView::try_from)?;
        let viewer = viewer(&self.db, &call.principal).await?;
        Ok(Response::new(self.commands.update(&write, &viewer, command).await?))
    }

    async fn delete_view(&self, request: Request<DeleteViewRequest>) -> Result<Response<DeleteViewResponse>, Status> {
        let call = call_of(request.extensions())?;
        let (write, command) = incoming_write(request, DeleteView::try_from)?;
        let viewer = viewer(&self.db, &call.principal).await?;
        Ok(Response::new(self.commands.delete(&write, &viewer, command).await?))
    }

    async fn get_view(&self, request: Request<GetViewRequest>) -> Result<Response<GetViewResponse>, Status> {
        let (call, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let viewer = viewer(&self.db, &call.principal).await?;
        let view = queries::get(&self.db, &viewer, id).await?;
        Ok(Response::new(GetViewResponse { view: Some((&view).into()) }))
    }

    async fn list_views(&self, request: Request<ListViewsRequest>) -> Result<Response<ListViewsResponse>, Status> {
        let (call, page) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let viewer = viewer(&self.db, &call.principal).await?;
        let page = queries::list(&self.db, &viewer, &page).await?;
        let views = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListViewsResponse { views, next_page_token: page.next_page_token }))
    }

    async fn count_views(&self, request: Request<CountViewsRequest>) -> Result<Response<CountViewsResponse>, Status> {
        let (call, ids) = incoming(request, |request| convert::counted(&request))?;
        let viewer = viewer(&self.db, &call.principal).await?;
        let views = queries::several(&self.db, &viewer, &ids).await?;
        let filters: Vec<_> = views.iter().map(|View { filter, .. }| filter.clone().of_caller(viewer.member)).collect();
        let counts = counts::count(&self.db, &filters, self.clock.now()).await?;
        let counts = views.iter().zip(counts).map(|(view, count)| convert::count_to_proto(view, count)).collect();
        Ok(Response::new(CountViewsResponse { counts }))
    }
}
