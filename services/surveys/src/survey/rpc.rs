//! Surveys over gRPC: parse, call, reply.

use seva_proto::surveys::v1::{
    CreateSurveyRequest, CreateSurveyResponse, CreateSurveyVersionRequest, CreateSurveyVersionResponse,
    GetSurveyRequest, GetSurveyResponse, GetSurveyVersionRequest, GetSurveyVersionResponse, ListSurveysRequest,
    ListSurveysResponse, PublishSurveyVersionRequest, PublishSurveyVersionResponse,
    survey_service_server::SurveyService,
};
use seva_runtime::{incoming, incoming_write};
use seva_store::{Database, paging::PageKey, service::Foundation};
use tonic::{Request, Response, Status};

use super::{
    commands::{Commands, CreateVersion},
    convert, queries,
};

/// Serves surveys and their versions.
#[derive(Debug, Clone)]
pub struct SurveyRpc {
    db: Database,
    page_key: PageKey,
    commands: Commands,
}

impl SurveyRpc {
    /// Serves the surveys of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, page_key, .. } = foundation.clone();
        Self { commands: Commands::new(db.clone(), clock), db, page_key }
    }
}

#[tonic::async_trait]
impl SurveyService for SurveyRpc {
    async fn create_survey(
        &self,
        request: Request<CreateSurveyRequest>,
    ) -> Result<Response<CreateSurveyResponse>, Status> {
        let (write, display_name) = incoming_write(request, convert::new_display_name)?;
        Ok(Response::new(self.commands.create(&write, display_name).await?))
    }

    async fn get_survey(&self, request: Request<GetSurveyRequest>) -> Result<Response<GetSurveyResponse>, Status> {
        let (_, id) = incoming(request, |request| convert::name_only(&request.name))?;
        let survey = queries::get(&self.db, id).await?;
        Ok(Response::new(GetSurveyResponse { survey: Some((&survey).into()) }))
    }

    async fn list_surveys(
        &self,
        request: Request<ListSurveysRequest>,
    ) -> Result<Response<ListSurveysResponse>, Status> {
        let (_, page) = incoming(request, |request| convert::list_query(&request, &self.page_key))?;
        let page = queries::list(&self.db, &page).await?;
        let surveys = page.items.iter().map(Into::into).collect();
        Ok(Response::new(ListSurveysResponse { surveys, next_page_token: page.next_page_token }))
    }

    async fn create_survey_version(
        &self,
        request: Request<CreateSurveyVersionRequest>,
    ) -> Result<Response<CreateSurveyVersionResponse>, Status> {
        let (write, command) = incoming_write(request, CreateVersion::try_from)?;
        Ok(Response::new(self.commands.create_version(&write, command).await?))
    }

    async fn publish_survey_version(
        &self,
        request: Request<PublishSurveyVersionRequest>,
    ) -> Result<Response<PublishSurveyVersionResponse>, Status> {
        let (write, version) = incoming_write(request, |request| convert::version_name_only(&request.name))?;
        Ok(Response::new(self.commands.publish(&write, version).await?))
    }

    async fn get_survey_version(
        &self,
        request: Request<GetSurveyVersionRequest>,
    ) -> Result<Response<GetSurveyVersionResponse>, Status> {
        let (_, version) = incoming(request, |request| convert::version_name_only(&request.name))?;
        let version = queries::get_version(&self.db, version).await?;
        Ok(Response::new(GetSurveyVersionResponse { survey_version: Some((&version).into()) }))
    }
}
