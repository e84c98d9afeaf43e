//! The program as it is used: installations with a PostgreSQL of their own, and commands as they are typed.

mod command_line;
mod demonstration;
mod installation;
mod replay;
mod world;
