//! The service as it runs: over gRPC, with its feed.

use seva_proto::{
    events::v1::{
        SubscribeRequest,
        event_feed_service_client::EventFeedServiceClient,
        subscribe_request::{Earliest, Start},
    },
    staff::v1::{
        CreateDepartmentRequest, CreateStaffMemberRequest, department_service_client::DepartmentServiceClient,
        staff_member_service_client::StaffMemberServiceClient,
    },
};
use seva_testkit::TestServer;
use seva_values::new_id;
use tonic::Code;

use crate::world::{World, a_department, somebody};

#[tokio::test(flavor = "multi_thread")]
async fn who_may_record_people_is_answered_and_others_follow_the_feed() {
    let world = World::new().await;
    let server = TestServer::start(seva_staff::service(world.foundation.clone())).await;
    let mut departments = DepartmentServiceClient::new(server.as_role("manager"));
    let request = CreateDepartmentRequest {
        department: Some(a_department("shipping", &["delivery"])),
        request_id: new_id().to_string(),
    };
    let department = departments.create_department(request).await.unwrap().into_inner().department.unwrap();
    let hire = CreateStaffMemberRequest {
        staff_member: Some(somebody("radha", &department.name)),
        request_id: new_id().to_string(),
    };
    let by_agent = StaffMemberServiceClient::new(server.as_role("agent")).create_staff_member(hire.clone()).await;
    assert_eq!(by_agent.unwrap_err().code(), Code::PermissionDenied);
    let mut members = StaffMemberServiceClient::new(server.as_role("hr"));
    let member = members.create_staff_member(hire).await.unwrap().into_inner().staff_member.unwrap();

    let mut feed = EventFeedServiceClient::new(server.as_service("tickets"));
    let start = Some(Start::Earliest(Earliest {}));
    let mut stream = feed.subscribe(SubscribeRequest { start }).await.unwrap().into_inner();
    let mut subjects = Vec::new();
    while subjects.len() < 2 {
        let batch = stream.message().await.unwrap().unwrap();
        subjects.extend(batch.events.into_iter().map(|event| event.subject));
    }
    assert_eq!(subjects, [department.name, member.name]);
}
