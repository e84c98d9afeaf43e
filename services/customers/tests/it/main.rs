//! The service against a real PostgreSQL, called as a server calls it.

mod api_key;
mod customer;
mod recipient;
mod retention;
mod timeline;
mod world;
