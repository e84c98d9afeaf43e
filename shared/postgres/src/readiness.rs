//! Asks the server whether it takes connections, with the first message of its protocol.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::url::SUPERUSER;

/// What the server answered to one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// No socket, no server behind it, or no answer yet.
    Silent,
    /// The server lives and refuses, as it does while it recovers after a crash.
    NotYet,
    /// The server lets us in.
    Ready,
}

pub(crate) fn ask(socket: &Path) -> Readiness {
    try_ask(socket).unwrap_or(Readiness::Silent)
}

fn try_ask(socket: &Path) -> std::io::Result<Readiness> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(&startup_message())?;
    let mut kind = [0];
    stream.read_exact(&mut kind)?;
    if kind[0] != b'R' {
        return Ok(Readiness::NotYet);
    }
    // A polite goodbye, so that the log says nothing about us; the server may be gone again by now.
    let _ = stream.write_all(&[b'X', 0, 0, 0, 4]);
    Ok(Readiness::Ready)
}

/// Length, protocol 3.0, then pairs of zero-ended strings and a closing zero.
fn startup_message() -> Vec<u8> {
    let body = format!("user\0{SUPERUSER}\0database\0postgres\0\0");
    let length = u32::try_from(8 + body.len()).expect("a constant of some forty bytes");
    let mut message = length.to_be_bytes().to_vec();
    message.extend_from_slice(&196_608_u32.to_be_bytes());
    message.extend_from_slice(body.as_bytes());
    message
}
