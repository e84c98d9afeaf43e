//! The program as it is used: installations with a PostgreSQL of their own, and commands as they are typed.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod command_line;
mod demonstration;
mod installation;
mod killed_replay;
mod operations;
mod replay;
mod serving;
mod tour;
mod world;
