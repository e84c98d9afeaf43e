//! Surveys, programmes and scores as they are served: who may do what.

use seva_proto::surveys::v1::{
    CreateProgrammeRequest, CreateSurveyRequest, CreateSurveyVersionRequest, GetScoresRequest,
    PublishSurveyVersionRequest, Survey, programme_service_client::ProgrammeServiceClient,
    programme_service_server::ProgrammeServiceServer, question::Kind, survey_service_client::SurveyServiceClient,
    survey_service_server::SurveyServiceServer,
};
use seva_store::{feed::Feed, service::Service};
use seva_surveys::{NAME, programme::ProgrammeRpc, survey::SurveyRpc};
use seva_testkit::TestServer;
use seva_values::new_id;
use tonic::Code;

use crate::office::{Office, after_orders, question, version};

async fn serve(office: &Office) -> TestServer {
    let foundation = office.foundation.clone();
    let surveys = SurveyServiceServer::new(SurveyRpc::new(&foundation));
    let programmes = ProgrammeServiceServer::new(ProgrammeRpc::new(&foundation));
    let feed = Feed::new(foundation.db.clone());
    let service = Service::new(NAME, foundation, feed, Vec::new(), Vec::new());
    TestServer::start(service.offering(surveys).offering(programmes)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_sets_what_is_asked_and_those_who_serve_read_how_it_went() {
    let office = Office::new().await;
    let server = serve(&office).await;
    let request_id = || new_id().to_string();
    let create = CreateSurveyRequest {
        survey: Some(Survey { display_name: "How it went".to_owned(), ..Survey::default() }),
        request_id: request_id(),
    };
    for role in ["agent", "lead", "hr", "integration", "ops", "customer"] {
        let refused = SurveyServiceClient::new(server.as_role(role)).create_survey(create.clone()).await;
        assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied, "{role}");
    }
    let mut manager = SurveyServiceClient::new(server.as_role("manager"));
    let survey = manager.create_survey(create).await.unwrap().into_inner().survey.unwrap();
    let draft = CreateSurveyVersionRequest {
        parent: survey.name.clone(),
        survey_version: Some(version(vec![question("csat", Kind::Csat)])),
        request_id: request_id(),
    };
    let draft = manager.create_survey_version(draft).await.unwrap().into_inner().survey_version.unwrap();
    let publish = PublishSurveyVersionRequest { name: draft.name, request_id: request_id() };
    let refused = SurveyServiceClient::new(server.as_role("lead")).publish_survey_version(publish.clone()).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    manager.publish_survey_version(publish).await.unwrap();

    let create = CreateProgrammeRequest { programme: Some(after_orders(&survey.name)), request_id: request_id() };
    let refused = ProgrammeServiceClient::new(server.as_role("agent")).create_programme(create.clone()).await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    let mut programmes = ProgrammeServiceClient::new(server.as_role("manager"));
    let programme = programmes.create_programme(create).await.unwrap().into_inner().programme.unwrap();

    let scores = GetScoresRequest { name: programme.name, ..GetScoresRequest::default() };
    for (role, may) in [("agent", true), ("lead", true), ("ops", true), ("hr", false), ("customer", false)] {
        let answer = ProgrammeServiceClient::new(server.as_role(role)).get_scores(scores.clone()).await;
        assert_eq!(answer.as_ref().err().map(tonic::Status::code), (!may).then_some(Code::PermissionDenied), "{role}");
    }
}
