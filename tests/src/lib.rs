//! What the tests over the whole suite stand on: real processes, clients for every role, and judges of what must always hold.
//!
//! - [`suite`]: every service as a process of its own, with a private PostgreSQL; all of them can be killed and started again
//! - [`all_in_one`]: `seva up` as a process, with its clock moved by hand where a story needs it
//! - [`installation`]: what both have in common: URLs, keys, channels for every sort of caller, databases
//! - [`process`]: one process, its log, its readiness; [`binary`] finds the program
//! - [`shop`]: the events that a shop pushes
//! - [`team`]: departments and those who serve in them; [`agent`]: what these do; [`reader`]: what customers do who open their mails
//! - [`scene`]: customers who are asked for something, on every page
//! - [`web`]: what browsers and mail programs ask of the portal; [`page`]: what they read in it
//! - [`mail`]: the mails that customers got, as files; [`smtp`] takes them as a mail server does, and counts
//! - [`journal`]: what clients were told, kept where no crash of ours can lose it
//! - [`drained`]: waiting until nothing is left to do; [`judge`] says what must hold then
//! - [`otlp`]: the spans that processes send, and what leads from one to another
//! - [`raw`]: calls by path with bytes, for tests over every RPC of the contract; [`hostile`] messages nobody would send
//!
//! For tests only: it panics where a test cannot go on, and its processes end with the test.

pub mod agent;
pub mod all_in_one;
pub mod binary;
pub mod drained;
pub mod hostile;
pub mod installation;
pub mod journal;
pub mod judge;
pub mod mail;
pub mod otlp;
pub mod page;
pub mod process;
pub mod raw;
pub mod reader;
pub mod scene;
pub mod shop;
pub mod smtp;
pub mod suite;
pub mod team;
pub mod web;

pub use all_in_one::AllInOne;
pub use installation::Installation;
pub use journal::Journal;
pub use smtp::MailServer;
pub use suite::{Suite, SuiteOptions};
