//! A service on a fresh database, with a clock that is moved by hand, and calls as a server hands them to it.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use prost::Message;
use seva_customers::{MIGRATOR, NAME, Settings, api_key::ApiKeyRpc, customer::CustomerRpc, recipient::RecipientRpc};
use seva_proto::{
    common::v1::ErrorReason,
    customers::v1::{
        ContactPoint, CreateCustomerRequest, CreateCustomerResponse, Customer, CustomerEvent, GetCustomerRequest,
        contact_point::Kind, customer_service_server::CustomerService,
    },
};
use seva_runtime::{
    BusinessClock,
    auth::{Principal, PrincipalKind},
    call::Method,
    error::reason_name,
    tasks::Tasks,
};
use seva_store::{paging::PageKey, service::Foundation};
use seva_testkit::{TestDatabase, TestServer, keyring};
use seva_values::new_id;
use tokio::net::TcpListener;
use tonic::{Request, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

use crate::peers::quiet_peers;

/// Business time at which every world begins.
pub const START: &str = "2026-03-02T09:00:00Z";

pub struct World {
    pub database: TestDatabase,
    pub foundation: Foundation,
    pub customers: CustomerRpc,
    pub recipients: RecipientRpc,
    pub api_keys: ApiKeyRpc,
}

impl World {
    pub async fn new() -> Self {
        let database = TestDatabase::new(NAME, &MIGRATOR).await;
        let foundation = Foundation {
            db: database.db.clone(),
            clock: BusinessClock::manual(START.parse().unwrap()),
            page_key: PageKey::new(b"of the tests"),
            tasks: Tasks::new(),
        };
        Self {
            customers: CustomerRpc::new(&foundation),
            recipients: RecipientRpc::new(&foundation),
            api_keys: ApiKeyRpc::new(&foundation),
            database,
            foundation,
        }
    }

    /// Runs the whole service, beside services that tell nothing.
    pub async fn serve(&self, settings: Settings) -> TestServer {
        let keyring = keyring();
        let service = seva_customers::service(self.foundation.clone(), quiet_peers(), settings, keyring.links.clone());
        TestServer::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), service, keyring).await
    }

    pub fn now(&self) -> Timestamp {
        self.foundation.clock.now()
    }

    /// Lets business time pass.
    pub fn pass(&self, seconds: i64) {
        assert!(self.foundation.clock.advance_to(self.now() + jiff::SignedDuration::from_secs(seconds)));
    }

    /// Records a customer.
    pub async fn create(&self, customer: Customer) -> Result<Customer, Status> {
        let answer = self.create_as(customer, new_id()).await?;
        Ok(answer.customer.unwrap())
    }

    /// Records a customer under a request id.
    pub async fn create_as(&self, customer: Customer, request_id: Uuid) -> Result<CreateCustomerResponse, Status> {
        let request = CreateCustomerRequest { customer: Some(customer), request_id: request_id.to_string() };
        Ok(self.customers.create_customer(call("CreateCustomer", request)).await?.into_inner())
    }

    pub async fn get(&self, name: &str) -> Result<Customer, Status> {
        let request = GetCustomerRequest { name: name.to_owned() };
        Ok(self.customers.get_customer(call("GetCustomer", request)).await?.into_inner().customer.unwrap())
    }

    /// The mailbox that each event of a customer names.
    pub async fn mailboxes(&self, customer: &str) -> Vec<String> {
        let sql = "select payload from seva.outbox where subject = $1 order by position";
        let payloads = sqlx::query_scalar::<_, Vec<u8>>(sql).bind(customer).fetch_all(&self.database.owner).await;
        let mailbox = |payload: Vec<u8>| CustomerEvent::decode(payload.as_slice()).unwrap().mailbox;
        payloads.unwrap().into_iter().map(mailbox).collect()
    }

    /// The only value of a query on the whole database.
    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.database.owner).await.unwrap()
    }
}

/// A call of somebody who serves customers.
pub fn call<M>(method: &str, message: M) -> Request<M> {
    call_by(a_caller("user:asha"), method, message)
}

pub fn call_by<M>(caller: Principal, method: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(Method(format!("/seva.customers.v1.Test/{method}")));
    request
}

pub fn a_caller(subject: &str) -> Principal {
    Principal {
        subject: subject.to_owned(),
        kind: PrincipalKind::User,
        roles: Arc::new(BTreeSet::from(["agent".to_owned()])),
        scopes: Arc::default(),
        sources: Vec::new(),
        customer: None,
        on_behalf_of: None,
        expires_at: None,
    }
}

/// Somebody with a name, a language and a zone.
pub fn somebody(given_name: &str, family_name: &str) -> Customer {
    Customer {
        given_name: given_name.to_owned(),
        family_name: family_name.to_owned(),
        languages: vec!["hi".to_owned(), "en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        ..Customer::default()
    }
}

pub fn email(value: &str) -> ContactPoint {
    ContactPoint { kind: Kind::Email.into(), value: value.to_owned(), ..ContactPoint::default() }
}

pub fn phone(value: &str) -> ContactPoint {
    ContactPoint { kind: Kind::Phone.into(), value: value.to_owned(), ..ContactPoint::default() }
}

pub fn primary(point: ContactPoint) -> ContactPoint {
    ContactPoint { primary: true, ..point }
}

pub fn shared(point: ContactPoint) -> ContactPoint {
    ContactPoint { shared: true, ..point }
}

/// The id inside a name.
pub fn id_of(name: &str) -> Uuid {
    name.split_once('/').unwrap().1.parse().unwrap()
}

/// Whether a refusal has this reason.
pub fn is_refused<T: std::fmt::Debug>(answer: Result<T, Status>, reason: ErrorReason) -> Status {
    let status = answer.expect_err("it is refused");
    let told = status.get_error_details().error_info().map(|info| info.reason.clone());
    assert_eq!(told.as_deref(), Some(reason_name(reason)), "{status}");
    status
}

/// The fields that a refusal names, with their reasons, in order of their names.
pub fn violations(status: &Status) -> Vec<(String, String)> {
    let details = status.get_error_details();
    let mut violations: Vec<_> = details
        .bad_request()
        .map(|refused| refused.field_violations.clone())
        .unwrap_or_default()
        .into_iter()
        .map(|violation| {
            let reason = violation.description.split(':').next().unwrap_or_default().to_owned();
            (violation.field, reason)
        })
        .collect();
    violations.sort();
    violations
}
