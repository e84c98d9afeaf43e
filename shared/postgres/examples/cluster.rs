//! Runs a private, fast and forgetful cluster until standard input ends: `cluster DIR`. Prints the URL of its database `postgres`.

use std::io::{Read, Write};

use seva_postgres::{Cluster, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data_dir = std::env::args().nth(1).ok_or("usage: cluster DIR")?;
    let cluster = Cluster::start(Options { durable: false, ..Options::new(data_dir) })?;
    println!("{}", cluster.url("postgres"));
    std::io::stdout().flush()?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    cluster.stop_and_delete()?;
    Ok(())
}
