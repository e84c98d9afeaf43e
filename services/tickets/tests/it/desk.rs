//! The desk: somebody who takes tickets, somebody who leads, and managers, of this department and of another.

use prost::Message as _;
use seva_proto::{
    staff::v1::{
        CreateStaffMemberRequest, Shifts, StaffMember, staff_member::Role,
        staff_member_service_client::StaffMemberServiceClient,
    },
    tickets::v1::{
        AcknowledgeEscalationRequest, AssessTicketRequest, CloseEscalationRequest, DeEscalateRequest,
        DeclareCrisisRequest, Escalation, EscalationEvent, EscalationFilter, GetEscalationRequest,
        GetRiskAssessmentRequest, ListEscalationsRequest, RaiseEscalationRequest, ReplyToTicketRequest, RiskAssessment,
        RiskLevel, StartActingRequest, escalation_service_client::EscalationServiceClient, message, risk_reason::Kind,
        risk_service_client::RiskServiceClient,
    },
};
use seva_runtime::client::Peer;
use seva_testkit::eventually;
use seva_values::new_id;
use sqlx::Row;
use tonic::Status;
use uuid::Uuid;

use crate::world::{World, a_ticket, id_of};

/// They serve at all hours: Radha takes tickets, Lata leads, Indira manages, and Tara manages something else.
pub struct Desk {
    pub world: World,
    pub department: String,
    pub radha: String,
    pub lata: String,
}

impl Desk {
    pub async fn new() -> Self {
        let world = World::new().await;
        let department = world.department("support", &["question", "complaint_service"]).await;
        let elsewhere = world.department("sales", &["presale"]).await;
        let radha = world.member("radha", &department, &["en"], 100).await;
        let lata = hire(&world, "lata", Role::Lead, &department).await;
        hire(&world, "indira", Role::Manager, &department).await;
        hire(&world, "tara", Role::Manager, &elsewhere).await;
        Self { world, department, radha, lata }
    }

    pub fn as_user(&self, user: &str) -> EscalationServiceClient<Peer> {
        EscalationServiceClient::new(self.world.person(user, "lead"))
    }

    pub fn risks(&self) -> RiskServiceClient<Peer> {
        RiskServiceClient::new(self.world.server.as_role("agent"))
    }

    /// A ticket that somebody works on and has answered.
    pub async fn ticket(&self) -> String {
        let customer = self.world.customer("en").await;
        self.ticket_of(customer).await
    }

    pub async fn ticket_of(&self, customer: Uuid) -> String {
        let name = self.world.create(a_ticket(customer)).await.unwrap().name;
        self.world.assigned(&name).await;
        self.says(&name, message::Author::Staff, "It does.").await;
        name
    }

    pub async fn says(&self, ticket: &str, author: message::Author, text: &str) {
        let request = ReplyToTicketRequest {
            name: ticket.to_owned(),
            visibility: message::Visibility::Public.into(),
            author: author.into(),
            text: text.to_owned(),
            request_id: new_id().to_string(),
            ..ReplyToTicketRequest::default()
        };
        self.world.tickets().reply_to_ticket(request).await.unwrap();
    }

    pub async fn customer_says(&self, ticket: &str, text: &str) {
        self.says(ticket, message::Author::Customer, text).await;
    }

    pub async fn risk(&self, ticket: &str) -> RiskAssessment {
        let request = GetRiskAssessmentRequest { name: ticket.replace("tickets/", "riskAssessments/") };
        self.risks().get_risk_assessment(request).await.unwrap().into_inner().risk_assessment.unwrap()
    }

    pub async fn assessed(&self, ticket: &str) -> RiskAssessment {
        let request = AssessTicketRequest { ticket: ticket.to_owned(), request_id: new_id().to_string() };
        self.risks().assess_ticket(request).await.unwrap().into_inner().risk_assessment.unwrap()
    }

    /// Waits until a ticket's risk has come to something: it is looked at some seconds after something happened to it.
    pub async fn risk_is(&self, ticket: &str, what: &str, is: impl Fn(&RiskAssessment) -> bool) -> RiskAssessment {
        eventually(what, || async {
            self.world.pass_seconds(6);
            Some(self.risk(ticket).await).filter(&is)
        })
        .await
    }

    /// Waits until a ticket's risk has come to this level.
    pub async fn comes_to(&self, ticket: &str, level: RiskLevel) -> RiskAssessment {
        self.risk_is(ticket, "the risk is as it should be", |risk| risk.level() == level).await
    }

    /// A ticket over which a customer speaks of lawyers, and its escalation.
    pub async fn alarmed(&self) -> (String, Escalation) {
        let ticket = self.ticket().await;
        self.customer_says(&ticket, "My lawyer will call you.").await;
        self.comes_to(&ticket, RiskLevel::High).await;
        let escalation = self.escalation(&ticket).await.expect("it is escalated");
        (ticket, escalation)
    }

    /// The newest escalation of a ticket.
    pub async fn escalation(&self, ticket: &str) -> Option<Escalation> {
        let filter = EscalationFilter { ticket: ticket.to_owned(), ..EscalationFilter::default() };
        let request = ListEscalationsRequest { filter: Some(filter), ..ListEscalationsRequest::default() };
        let mut found = self.as_user("radha").list_escalations(request).await.unwrap().into_inner().escalations;
        (!found.is_empty()).then(|| found.remove(0))
    }

    pub async fn raise(&self, user: &str, ticket: &str) -> Result<Escalation, Status> {
        let request = RaiseEscalationRequest {
            ticket: ticket.to_owned(),
            reason: "He is very upset.".to_owned(),
            request_id: new_id().to_string(),
        };
        Ok(self.as_user(user).raise_escalation(request).await?.into_inner().escalation.unwrap())
    }

    pub async fn acknowledge(&self, user: &str, name: &str) -> Result<Escalation, Status> {
        let request = AcknowledgeEscalationRequest {
            name: name.to_owned(),
            request_id: new_id().to_string(),
            ..AcknowledgeEscalationRequest::default()
        };
        Ok(self.as_user(user).acknowledge_escalation(request).await?.into_inner().escalation.unwrap())
    }

    pub async fn start_acting(&self, user: &str, name: &str) -> Result<Escalation, Status> {
        let request = StartActingRequest {
            name: name.to_owned(),
            request_id: new_id().to_string(),
            ..StartActingRequest::default()
        };
        Ok(self.as_user(user).start_acting(request).await?.into_inner().escalation.unwrap())
    }

    pub async fn de_escalate(&self, user: &str, name: &str) -> Result<Escalation, Status> {
        let request = DeEscalateRequest {
            name: name.to_owned(),
            note: "I called him.".to_owned(),
            request_id: new_id().to_string(),
            ..DeEscalateRequest::default()
        };
        Ok(self.as_user(user).de_escalate(request).await?.into_inner().escalation.unwrap())
    }

    pub async fn declare_crisis(&self, user: &str, name: &str) -> Result<Escalation, Status> {
        let request = DeclareCrisisRequest {
            name: name.to_owned(),
            note: "It is in the news.".to_owned(),
            request_id: new_id().to_string(),
            ..DeclareCrisisRequest::default()
        };
        Ok(self.as_user(user).declare_crisis(request).await?.into_inner().escalation.unwrap())
    }

    pub async fn close(&self, user: &str, name: &str) -> Result<Escalation, Status> {
        let request = CloseEscalationRequest {
            name: name.to_owned(),
            request_id: new_id().to_string(),
            ..CloseEscalationRequest::default()
        };
        Ok(self.as_user(user).close_escalation(request).await?.into_inner().escalation.unwrap())
    }

    pub async fn get(&self, name: &str) -> Escalation {
        let request = GetEscalationRequest { name: name.to_owned() };
        self.as_user("radha").get_escalation(request).await.unwrap().into_inner().escalation.unwrap()
    }

    pub async fn until(&self, what: &str, name: &str, is: impl Fn(&Escalation) -> bool) -> Escalation {
        eventually(what, || async {
            self.world.pass_seconds(6);
            let escalation = self.get(name).await;
            is(&escalation).then_some(escalation)
        })
        .await
    }

    /// What was told of an escalation, in order.
    pub async fn told(&self, name: &str) -> Vec<(String, EscalationEvent)> {
        let rows = sqlx::query("select type, sequence, payload from seva.outbox where subject = $1 order by sequence")
            .bind(name)
            .fetch_all(&self.world.database.owner)
            .await
            .unwrap();
        let told = rows.iter().enumerate().map(|(at, row)| {
            assert_eq!(row.get::<i64, _>("sequence"), i64::try_from(at).unwrap() + 1, "without a gap");
            let kind: String = row.get("type");
            let act = kind.trim_start_matches("seva.tickets.escalation.").trim_end_matches(".v1").to_owned();
            (act, EscalationEvent::decode(row.get::<Vec<u8>, _>("payload").as_slice()).unwrap())
        });
        told.collect()
    }

    pub async fn acts(&self, name: &str) -> Vec<String> {
        self.told(name).await.into_iter().map(|(act, _)| act).collect()
    }

    pub async fn holds(&self) {
        let broken = "select count(*) from ticket t
            where t.risk_level in ('high', 'critical')
              and not exists (select from escalation e where e.ticket_id = t.id and e.state <> 'closed')";
        assert_eq!(self.world.count(broken).await, 0, "TK110");
        let twice = "select count(*) from (select from escalation where state <> 'closed' group by ticket_id having count(*) > 1) as t";
        assert_eq!(self.world.count(twice).await, 0, "TK111");
    }
}

/// Somebody who takes no tickets.
async fn hire(world: &World, user: &str, role: Role, department: &str) -> String {
    let member = StaffMember {
        given_name: "Lata".to_owned(),
        user: user.to_owned(),
        role: role.into(),
        department: department.to_owned(),
        languages: vec!["en".to_owned()],
        shifts: Some(Shifts { zone: "Asia/Kolkata".to_owned(), ..Shifts::default() }),
        ..StaffMember::default()
    };
    let request = CreateStaffMemberRequest { staff_member: Some(member), request_id: new_id().to_string() };
    let mut members = StaffMemberServiceClient::new(world.staff.as_role("manager"));
    let name = members.create_staff_member(request).await.unwrap().into_inner().staff_member.unwrap().name;
    eventually("the member is known", || async {
        let known: i64 = sqlx::query_scalar("select count(*) from staff_member where id = $1")
            .bind(id_of(&name))
            .fetch_one(&world.database.owner)
            .await
            .unwrap();
        (known == 1).then_some(())
    })
    .await;
    name
}

/// The reasons that count, with their facts.
pub fn reasons(risk: &RiskAssessment) -> Vec<(Kind, i64)> {
    risk.reasons.iter().map(|reason| (reason.kind(), reason.value)).collect()
}
