//! How much a server takes on at once, and for how long.

use std::time::Duration;

/// The limits of a server. The defaults are good for a service with a database pool of eight connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Unary calls in progress, over all connections.
    pub max_calls: usize,
    /// Streams open, over all connections.
    pub max_streams: usize,
    /// Connections open; more are closed at once.
    pub max_connections: usize,
    /// Streams (calls) of one connection.
    pub max_streams_per_connection: u32,
    /// Deadline of a unary call whose caller names none.
    pub default_deadline: Duration,
    /// Longest deadline of a unary call.
    pub max_deadline: Duration,
    /// Longest life of a stream. Handlers end theirs a little earlier, with a proper end.
    pub max_stream_age: Duration,
    /// An idle connection is asked after this time whether anybody is there.
    pub keepalive_interval: Duration,
    /// A connection that does not answer is closed after this time.
    pub keepalive_timeout: Duration,
    /// A connection that has not sent its first byte by then is closed.
    pub first_byte_within: Duration,
    /// A connection is told to end after this time, so that callers spread over new servers; varied by a tenth.
    pub max_connection_age: Duration,
    /// All headers of one call, in bytes.
    pub max_header_list: u32,
    /// A message that comes in, in bytes.
    pub max_message: usize,
    /// Calls reset by the peer before they were looked at; more end the connection (the "rapid reset" attack).
    pub max_pending_reset_streams: usize,
    /// Calls reset by us for the peer's errors; more end the connection.
    pub max_local_error_resets: usize,
    /// How long connections may take to end when the server stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_calls: 256,
            max_streams: 1000,
            max_connections: 2000,
            max_streams_per_connection: 200,
            default_deadline: Duration::from_secs(10),
            max_deadline: Duration::from_secs(30),
            max_stream_age: Duration::from_secs(11 * 60),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            first_byte_within: Duration::from_secs(10),
            max_connection_age: Duration::from_secs(5 * 60),
            max_header_list: 16 * 1024,
            max_message: 4 * 1024 * 1024,
            max_pending_reset_streams: 20,
            max_local_error_resets: 1024,
            drain: Duration::from_secs(25),
        }
    }
}
