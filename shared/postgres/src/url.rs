//! Connection URLs, and a hash for names that must be the same tomorrow.

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The superuser of every private cluster.
pub(crate) const SUPERUSER: &str = "seva";

/// The URL of a database behind a unix socket, as sqlx and libpq read it.
pub(crate) fn over_socket(socket_dir: &Path, port: u16, database: &str) -> String {
    let host = escape(socket_dir.as_os_str().as_bytes());
    let database = escape(database.as_bytes());
    // Without `sslmode` sqlx would ask for TLS first, which costs a round trip per connection.
    format!("postgres://{SUPERUSER}@localhost/{database}?host={host}&port={port}&sslmode=disable")
}

/// The URL of a database behind a TCP port of this machine.
pub(crate) fn over_tcp(port: u16, password: &str, database: &str) -> String {
    let password = escape(password.as_bytes());
    let database = escape(database.as_bytes());
    format!("postgres://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}?sslmode=disable")
}

/// Percent-encodes everything that could mean something in some part of a URL.
fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => text.push(char::from(*byte)),
            _ => write!(text, "%{byte:02X}").expect("writing to a string does not fail"),
        }
    }
    text
}

/// 16 hexadecimal digits that depend on the path only: FNV-1a, because std's hasher may change between releases.
pub(crate) fn stable_hash(path: &Path) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in path.as_os_str().as_bytes() {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests;
