//! Notifications over gRPC: parse, call, reply.

use seva_proto::notifications::v1::{
    CancelNotificationRequest, CancelNotificationResponse, ExplainNotificationRequest, ExplainNotificationResponse,
    GetNotificationRequest, GetNotificationResponse, ListNotificationsRequest, ListNotificationsResponse,
    notification_service_server::NotificationService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{CancelNotification, Commands},
    convert, queries,
};

/// Serves notifications.
#[derive(Debug, Clone)]
pub struct NotificationRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl NotificationRpc {
    /// Serves the notifications of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl NotificationService for NotificationRpc {
    async fn get_notification(
        &self,
        request: Request<GetNotificationRequest>,
    ) -> Result<Response<GetNotificationResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let notification = queries::get(&self.db, id).await?;
        Ok(Response::new(GetNotificationResponse { notification: Some((&notification).into()) }))
    }

    async fn list_notifications(
        &self,
        request: Request<ListNotificationsRequest>,
    ) -> Result<Response<ListNotificationsResponse>, Status> {
        let (_, query) = incoming(request, |request| convert::list_query(request, &self.page_key))?;
        let page = queries::list(&self.db, &query).await?;
        let notifications = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListNotificationsResponse { notifications, next_page_token: page.next_page_token }))
    }

    async fn explain_notification(
        &self,
        request: Request<ExplainNotificationRequest>,
    ) -> Result<Response<ExplainNotificationResponse>, Status> {
        let (_, explained) = incoming(request, convert::explain_query)?;
        let (notification, decisions) = queries::explain(&self.db, explained).await?;
        let decisions = decisions.iter().map(Into::into).collect();
        Ok(Response::new(ExplainNotificationResponse { notification: Some((&notification).into()), decisions }))
    }

    async fn cancel_notification(
        &self,
        request: Request<CancelNotificationRequest>,
    ) -> Result<Response<CancelNotificationResponse>, Status> {
        let (write, command) = incoming_write(request, CancelNotification::try_from)?;
        Ok(Response::new(self.commands.cancel(&write, command).await?))
    }
}
