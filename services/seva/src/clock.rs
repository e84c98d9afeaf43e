//! The business time of an installation that runs on manual time: stored in its data folder, moved forward by operators.

use std::{
    convert::Infallible,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use seva_proto::{
    common::v1::ErrorReason,
    events::v1::{
        AdvanceToRequest, AdvanceToResponse, GetTimeRequest, GetTimeResponse, clock_service_server::ClockService,
    },
};
use seva_runtime::{
    BusinessClock, Error,
    tasks::{OnFailure, Tasks},
};
use seva_values::Invalid;
use tokio::sync::Mutex;
use tonic::{Request, Response, Status};

use crate::{data_dir::write_private, report::proto_time};

#[cfg(test)]
mod tests;

/// Full name of the service, for rules and health.
pub const RPC: &str = "seva.events.v1.ClockService";

/// A manual clock whose time outlives the process.
#[derive(Debug)]
pub struct StoredClock {
    clock: BusinessClock,
    file: PathBuf,
    /// Held while the time is moved, so that the file never holds an older time than another mover was told.
    moving: Mutex<()>,
}

impl StoredClock {
    /// The clock of this file; it begins at `start` when there is none.
    ///
    /// # Errors
    /// The file cannot be read or written, or holds no time.
    pub fn open(file: &Path, start: Timestamp) -> io::Result<Self> {
        let time = match read(file) {
            Ok(time) => time,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                store(file, start)?;
                start
            }
            Err(error) => return Err(error),
        };
        Ok(Self { clock: BusinessClock::manual(time), file: file.to_owned(), moving: Mutex::default() })
    }

    /// The clock that services are given.
    pub fn clock(&self) -> &BusinessClock {
        &self.clock
    }

    /// Stores a new time and then moves the clock to it. The same time again changes nothing.
    ///
    /// # Errors
    /// `CLOCK_BACKWARDS`, and `INTERNAL` when the time cannot be stored: then the clock has not moved.
    pub async fn advance_to(&self, to: Timestamp) -> Result<Timestamp, Error> {
        let _moving = self.moving.lock().await;
        let now = self.clock.now();
        if to < now {
            return Err(Error::precondition(
                ErrorReason::ClockBackwards,
                "CLOCK",
                "clock",
                format!("business time is {now} and never runs backwards"),
            ));
        }
        if to > now {
            let file = self.file.clone();
            let stored = tokio::task::spawn_blocking(move || store(&file, to)).await;
            match stored {
                Ok(Ok(())) => self.clock.advance_to(to),
                Ok(Err(error)) => return Err(not_stored(&error)),
                Err(error) => return Err(not_stored(&error)),
            };
        }
        Ok(to)
    }
}

/// How often a followed file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A manual clock that follows the time in a file: that of an installation whose services are processes of their own. Whoever moves the time
/// replaces the file; a time that lies behind is passed over.
///
/// # Errors
/// The file cannot be read, or holds no time.
pub fn follow(file: &Path, tasks: &Tasks) -> io::Result<BusinessClock> {
    let clock = BusinessClock::manual(read(file)?);
    let (followed, file, stopping) = (clock.clone(), file.to_owned(), tasks.stopping());
    tasks.spawn("clock", OnFailure::StopProcess, async move {
        while stopping.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
            match read(&file) {
                Ok(time) if time > followed.now() => {
                    followed.advance_to(time);
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "the business time cannot be read; it stands"),
            }
        }
        Ok::<_, Infallible>(())
    });
    Ok(clock)
}

fn read(file: &Path) -> io::Result<Timestamp> {
    let text = std::fs::read_to_string(file)?;
    text.trim().parse().map_err(|error| io::Error::other(format!("{} holds no business time: {error}", file.display())))
}

fn not_stored(error: &dyn std::error::Error) -> Error {
    tracing::error!(%error, "the business time cannot be stored");
    Error::internal("the business time cannot be stored")
}

fn store(file: &Path, time: Timestamp) -> io::Result<()> {
    write_private(file, format!("{time}\n").as_bytes())
}

/// Serves a stored clock to operators.
#[derive(Debug, Clone)]
pub struct ClockRpc(Arc<StoredClock>);

impl ClockRpc {
    /// Serves this clock.
    pub fn new(clock: Arc<StoredClock>) -> Self {
        Self(clock)
    }
}

#[tonic::async_trait]
impl ClockService for ClockRpc {
    async fn get_time(&self, _request: Request<GetTimeRequest>) -> Result<Response<GetTimeResponse>, Status> {
        Ok(Response::new(GetTimeResponse { time: Some(proto_time(self.0.clock().now())) }))
    }

    async fn advance_to(&self, request: Request<AdvanceToRequest>) -> Result<Response<AdvanceToResponse>, Status> {
        let time = self.0.advance_to(requested(request.into_inner())?).await?;
        Ok(Response::new(AdvanceToResponse { time: Some(proto_time(time)) }))
    }
}

fn requested(request: AdvanceToRequest) -> Result<Timestamp, Error> {
    let invalid = |invalid| Error::invalid_field("time", invalid);
    let time = request.time.ok_or_else(|| invalid(Invalid::new("TIME_MISSING", "is required")))?;
    if !(0..1_000_000_000).contains(&time.nanos) {
        return Err(invalid(Invalid::new("TIME_MALFORMED", "nanoseconds are from 0 to 999999999")));
    }
    let time = Timestamp::new(time.seconds, time.nanos)
        .map_err(|_| invalid(Invalid::new("TIME_MALFORMED", "is outside the calendar")))?;
    // As the databases keep it.
    Timestamp::from_microsecond(time.as_microsecond())
        .map_err(|_| invalid(Invalid::new("TIME_MALFORMED", "is outside the calendar")))
}
