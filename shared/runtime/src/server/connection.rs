//! Connections: how many there are, that they speak, and that they end.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{Stream, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Sleep,
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::limits::Limits;

/// Accepting fails when the process has no file descriptors left; it is tried again, but not at once.
const PAUSE_AFTER_FAULT: Duration = Duration::from_millis(100);

/// Accepts connections up to the limit; `cut` ends those that are left.
pub(super) fn accept(
    listener: TcpListener,
    limits: &Limits,
    cut: CancellationToken,
) -> impl Stream<Item = io::Result<Connection>> + Send + 'static {
    let room = Arc::new(Semaphore::new(limits.max_connections));
    let first_byte_within = limits.first_byte_within;
    stream::unfold((listener, room, cut), move |(listener, room, cut)| async move {
        loop {
            let tcp = match listener.accept().await {
                Ok((tcp, _)) => tcp,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE_AFTER_FAULT).await;
                    continue;
                }
            };
            // Closed at once rather than left waiting: a caller who is told can go elsewhere.
            let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
                tracing::warn!("a connection was closed: there are as many as there may be");
                continue;
            };
            // Answers are small and awaited.
            if tcp.set_nodelay(true).is_err() {
                continue;
            }
            let connection = Connection {
                tcp,
                cut: Box::pin(cut.clone().cancelled_owned()),
                first_byte: Some(Box::pin(tokio::time::sleep(first_byte_within))),
                _permit: permit,
            };
            return Some((Ok(connection), (listener, room, cut)));
        }
    })
}

/// A connection that has to speak soon, counts while it is open, and can be cut.
pub(super) struct Connection {
    tcp: TcpStream,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    first_byte: Option<Pin<Box<Sleep>>>,
    _permit: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        let address = |address: io::Result<SocketAddr>| address.ok();
        TcpConnectInfo { local_addr: address(self.tcp.local_addr()), remote_addr: address(self.tcp.peer_addr()) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.tcp).poll_read(context, buffer);
        if let Some(limit) = &mut this.first_byte {
            if buffer.filled().len() > before {
                this.first_byte = None;
            } else if read.is_pending() && limit.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().tcp).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(context)
    }
}
