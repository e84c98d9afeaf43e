//! Rows on their way to the caller.

use seva_proto::tickets::v1::{ReadReportResponse, ReportRow, report_row::Row};
use seva_runtime::Error;
use tokio::sync::mpsc::Sender;
use tonic::Status;

/// Rows of one answer at most.
const MOST_ROWS: usize = 500;

/// Why a report is not told to its end.
pub enum End {
    /// The caller has left.
    Left,
    /// The caller is told why.
    Told(Error),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        Self::Told(error)
    }
}

/// What rows are gathered in until they are sent.
pub trait Parcel: Send + 'static {
    /// What is sent.
    type Answer: Send + 'static;

    /// Adds a row.
    fn add(&mut self, row: Row) -> Result<(), Error>;

    /// Whether it has to be sent.
    fn is_full(&self) -> bool;

    /// Takes what there is; `None` of nothing.
    fn take(&mut self) -> Result<Option<Self::Answer>, Error>;
}

/// Rows as they are.
#[derive(Debug, Default)]
pub struct Rows(Vec<ReportRow>);

impl Parcel for Rows {
    type Answer = ReadReportResponse;

    fn add(&mut self, row: Row) -> Result<(), Error> {
        self.0.push(ReportRow { row: Some(row) });
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.len() >= MOST_ROWS
    }

    fn take(&mut self) -> Result<Option<ReadReportResponse>, Error> {
        let rows = std::mem::take(&mut self.0);
        Ok((!rows.is_empty()).then_some(ReadReportResponse { rows }))
    }
}

/// Where rows go; it waits for a caller who is slow.
pub struct Out<P: Parcel> {
    parcel: P,
    sender: Sender<Result<P::Answer, Status>>,
}

impl<P: Parcel> Out<P> {
    /// Sends what is gathered in `parcel`.
    pub const fn new(parcel: P, sender: Sender<Result<P::Answer, Status>>) -> Self {
        Self { parcel, sender }
    }

    /// Tells some rows.
    pub async fn tell(&mut self, rows: impl IntoIterator<Item = Result<Row, Error>>) -> Result<(), End> {
        for row in rows {
            self.parcel.add(row?)?;
            if self.parcel.is_full() {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Sends what there is.
    pub async fn send(&mut self) -> Result<(), End> {
        match self.parcel.take()? {
            Some(answer) => self.sender.send(Ok(answer)).await.map_err(|_| End::Left),
            None => Ok(()),
        }
    }
}
