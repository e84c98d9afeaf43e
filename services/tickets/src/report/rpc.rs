//! Reports over gRPC: parse, call, reply.

use std::{pin::Pin, time::Duration};

use futures::Stream;
use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        ExportReportRequest, ExportReportResponse, ReadReportRequest, ReadReportResponse,
        report_service_server::ReportService,
    },
};
use seva_runtime::{BusinessClock, Error, call::Call, incoming, server::end_of_stream, tasks::Tasks};
use seva_store::service::Foundation;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{
    convert,
    csv::Csv,
    model::Query,
    queries::Reports,
    stream::{End, Out, Parcel, Rows},
};

/// Answers that may lie between us and a slow caller, and the place of the last word.
const IN_FLIGHT: usize = 2 + 1;

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// Serves reports.
#[derive(Debug, Clone)]
pub struct ReportRpc {
    reports: Reports,
    clock: BusinessClock,
    tasks: Tasks,
}

impl ReportRpc {
    /// Serves the reports of this database.
    #[must_use]
    pub fn new(foundation: &Foundation) -> Self {
        let Foundation { db, clock, tasks, .. } = foundation.clone();
        Self { reports: Reports::new(db), clock, tasks }
    }
}

#[tonic::async_trait]
impl ReportService for ReportRpc {
    type ReadReportStream = Answers<ReadReportResponse>;
    type ExportReportStream = Answers<ExportReportResponse>;

    async fn read_report(
        &self,
        request: Request<ReadReportRequest>,
    ) -> Result<Response<Self::ReadReportStream>, Status> {
        let (call, query) = incoming(request, |request| convert::query(request.query, self.clock.now()))?;
        Ok(Response::new(self.told(&call, query, Rows::default()).await?))
    }

    async fn export_report(
        &self,
        request: Request<ExportReportRequest>,
    ) -> Result<Response<Self::ExportReportStream>, Status> {
        let (call, query) = incoming(request, |request| convert::query(request.query, self.clock.now()))?;
        let file = Csv::new(query.report)?;
        Ok(Response::new(self.told(&call, query, file).await?))
    }
}

impl ReportRpc {
    /// Tells a report beside the call, to its end or with why not (TK134).
    async fn told<P: Parcel>(&self, call: &Call, query: Query, parcel: P) -> Result<Answers<P::Answer>, Error> {
        self.reports.knows(query.department).await?;
        let (sender, receiver) = mpsc::channel(IN_FLIGHT);
        let last_word = sender.clone().reserve_owned().await.map_err(Error::internal)?;
        let end = end_of_stream(&self.tasks, &call.principal);
        let reports = self.reports.clone();
        self.tasks.spawn_call(async move {
            let mut out = Out::new(parcel, sender.clone());
            let told = tokio::select! {
                told = reports.tell(&query, &mut out) => told,
                () = sender.closed() => Err(End::Left),
                () = end => Err(End::Told(cut_short())),
            };
            if let Err(End::Told(error)) = told {
                last_word.send(Err(error.into()));
            }
        });
        Ok(Box::pin(ReceiverStream::new(receiver)))
    }
}

fn cut_short() -> Error {
    let message = "the stream had to end before the report; ask again, or for fewer days";
    Error::unavailable(ErrorReason::ReportCutShort, message, Duration::from_secs(1))
}
