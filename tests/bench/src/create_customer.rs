//! A customer's creation, durable, with audit, event and request id: through us, through a bare tonic handler with the same statement, and by
//! pgbench with the same statement over TCP. The three write to one database, on which nothing follows from what is written.

use std::{fs, time::Duration};

use seva_proto::customers::v1::{
    ContactPoint, CreateCustomerRequest, CreateCustomerResponse, Customer, contact_point::Kind,
    customer_service_client::CustomerServiceClient,
};
use seva_runtime::client::Peer;
use seva_testkit::TestServer;
use seva_values::new_id;

use crate::{
    load::{median, rate},
    report::{Bar, Report},
    surroundings::{Bare, Surroundings, checked_statement, pgbench},
};

/// What tells the statement of `CreateCustomer` from the others.
const MARK: &str = "seva.customers.customer.created.v1";

/// Measures the three in turn, three times.
pub async fn measure(report: &mut Report, surroundings: &Surroundings, span: Duration) -> anyhow::Result<()> {
    let script = tempfile::Builder::new().prefix("seva-bench-").suffix(".sql").tempfile()?;
    fs::write(script.path(), for_pgbench(&statement()?))?;
    let bare = Bare::start(surroundings).await?;
    let (mut rates, mut to_pgbench, mut to_bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..3 {
        let ours = creations(|| agent(surroundings.alone("customers")), span).await?;
        let by_bare = creations(bare.client(), span).await?;
        let by_pgbench = pgbench(surroundings, &surroundings.ceiling("customers"), script.path(), span).await?;
        rates.push(ours);
        to_pgbench.push(ours / by_pgbench);
        to_bare.push(ours / by_bare);
    }
    let with_all = creations(|| agent(surroundings.server("customers")), span).await?;
    surroundings.settled().await?;
    report.note("CreateCustomer, durable, 8 callers", median(rates), "calls/s");
    report.note("CreateCustomer, with all that follows beside it", with_all, "calls/s");
    report.against("CreateCustomer: ours / pgbench, same statement", median(to_pgbench), "ratio", Bar::AtLeast(0.5));
    report.against("CreateCustomer: ours / bare tonic, same statement", median(to_bare), "ratio", Bar::AtLeast(0.8));
    bare.stop().await;
    Ok(())
}

/// A new customer with one mail address that nobody else has.
pub fn request() -> CreateCustomerRequest {
    let id = new_id();
    let email =
        ContactPoint { kind: Kind::Email.into(), value: format!("{}@example.com", id.simple()), ..Default::default() };
    let customer = Customer {
        given_name: "Asha".to_owned(),
        family_name: "Verma".to_owned(),
        languages: vec!["hi".to_owned(), "en".to_owned()],
        zone: "Asia/Kolkata".to_owned(),
        contact_points: vec![email],
        ..Default::default()
    };
    CreateCustomerRequest { customer: Some(customer), request_id: id.to_string() }
}

/// An agent over a connection of its own.
fn agent(server: &TestServer) -> CustomerServiceClient<Peer> {
    CustomerServiceClient::new(server.as_role("agent"))
}

async fn creations<T>(client: impl Fn() -> CustomerServiceClient<T>, span: Duration) -> anyhow::Result<f64>
where
    T: tonic::client::GrpcService<tonic::body::Body, Future: Send> + Clone + Send + 'static,
    T::Error: Into<tonic::codegen::StdError>,
    T::ResponseBody: tonic::codegen::Body<Data = bytes::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    rate(
        span,
        |_| client(),
        |mut client| async move {
            let created: CreateCustomerResponse = client.create_customer(request()).await?.into_inner();
            anyhow::ensure!(created.customer.is_some(), "no customer came back");
            Ok(client)
        },
    )
    .await
}

/// The statement as our handler sends it.
pub fn statement() -> anyhow::Result<String> {
    checked_statement("customers", MARK)
}

/// The same statement with values in place of parameters: fresh ids where ids are, the sizes that our request has elsewhere.
fn for_pgbench(statement: &str) -> String {
    // No colon before a letter: pgbench would take it for a variable.
    let address = "array[md5(:number::text || :client_id) || '@example.com']";
    let values = [
        "gen_random_uuid()",
        "'Asha'",
        "'Verma'",
        "'{hi,en}'::text[]",
        "'Asia/Kolkata'",
        r#"'{"zone":"Asia/Kolkata","intervals":[],"exceptions":[]}'::jsonb"#,
        "'standard'",
        "clock_timestamp()",
        "array['email']",
        address,
        "array[false]",
        "array[false]",
        "'{}'::text[]",
        "'{}'::text[]",
        "jsonb_build_object('actor', 'user agent', 'method', '/seva.customers.v1.CustomerService/CreateCustomer', \
         'correlation_id', '019a0000-0000-7000-8000-000000000000', 'causation_id', '019a0000-0000-7000-8000-000000000000', \
         'hops', 0, 'request_id', gen_random_uuid(), 'request_hash', repeat('ab', 32))",
        "gen_random_uuid()",
        "'customers/019a0000-0000-7000-8000-000000000000'",
        "decode(repeat('ab', 120), 'hex')",
        "decode(repeat('ab', 320), 'hex')",
    ];
    let mut script = statement.to_owned();
    // From the last, so that $1 does not match the beginning of $10.
    for (at, value) in values.iter().enumerate().rev() {
        script = script.replace(&format!("${}", at + 1), value);
    }
    let one_line = script.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    format!("\\set number random(1, 9000000000000000000)\n{one_line};\n")
}
