//! A call that does nothing, through all our layers and through none.

use std::{sync::Arc, time::Duration};

use seva_proto::events::v1::{
    AdvanceToRequest, AdvanceToResponse, GetTimeRequest, GetTimeResponse,
    clock_service_client::ClockServiceClient,
    clock_service_server::{ClockService, ClockServiceServer},
};
use seva_runtime::{
    auth::{Keyring, Rules, Verifier, keys::OWN_ISSUER},
    server::{Limits, Server},
    tasks::{OnFailure, Tasks},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, metadata::MetadataValue, transport::Endpoint};

use crate::{
    load::{median, rate},
    report::{Bar, Report},
};

/// A handler that does nothing.
struct Empty;

#[tonic::async_trait]
impl ClockService for Empty {
    async fn get_time(&self, _: Request<GetTimeRequest>) -> Result<Response<GetTimeResponse>, Status> {
        Ok(Response::new(GetTimeResponse { time: None }))
    }

    async fn advance_to(&self, _: Request<AdvanceToRequest>) -> Result<Response<AdvanceToResponse>, Status> {
        Ok(Response::new(AdvanceToResponse { time: None }))
    }
}

/// Measures both in turn, five times.
pub async fn measure(report: &mut Report, span: Duration) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let keyring = Keyring::open_or_create(&folder.path().join("keys"))?;
    let token = keyring.issuer.mint_user_token("bench", &["ops"], None, Duration::from_secs(3600));
    let authorization: MetadataValue<_> = format!("Bearer {}", token.reveal()).parse()?;
    let tasks = Tasks::new();
    let rules =
        Rules::for_services(&["seva.events.v1.ClockService"]).map_err(|faults| anyhow::anyhow!("{faults:?}"))?;
    let verifier = Arc::new(Verifier::open("bench", OWN_ISSUER, &keyring.jwks)?);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let ours = format!("http://{}", listener.local_addr()?);
    let server = Server::builder("bench", rules, verifier, None, tasks.clone(), Limits::default());
    tasks.spawn("server", OnFailure::Log, server.add_service(ClockServiceServer::new(Empty)).serve(listener));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let bare = format!("http://{}", listener.local_addr()?);
    let server = tonic::transport::Server::builder().tcp_nodelay(true).add_service(ClockServiceServer::new(Empty));
    tasks.spawn("bare", OnFailure::Log, server.serve_with_incoming(TcpListenerStream::new(listener)));

    let (mut rates, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let with_layers = calls(&ours, &authorization, span).await?;
        let without = calls(&bare, &authorization, span).await?;
        rates.push(with_layers);
        ratios.push(with_layers / without);
    }
    report.note("empty call through all layers", median(rates), "calls/s");
    report.against("empty call: ours / bare tonic", median(ratios), "ratio", Bar::AtLeast(0.75));
    tasks.stop(Duration::from_secs(1)).await;
    Ok(())
}

/// Calls a second over a connection for each caller; both sides get the same metadata.
async fn calls(
    url: &str,
    authorization: &MetadataValue<tonic::metadata::Ascii>,
    span: Duration,
) -> anyhow::Result<f64> {
    let endpoint = Endpoint::from_shared(url.to_owned())?.tcp_nodelay(true);
    let authorization = authorization.clone();
    let prepare = |_| (ClockServiceClient::new(endpoint.connect_lazy()), authorization.clone());
    rate(span, prepare, |(mut client, authorization)| async move {
        let mut request = Request::new(GetTimeRequest {});
        request.metadata_mut().insert("authorization", authorization.clone());
        client.get_time(request).await?;
        Ok((client, authorization))
    })
    .await
}
