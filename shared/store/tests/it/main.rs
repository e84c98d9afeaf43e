//! The store against a real PostgreSQL: two toy services, each claim with the fault that it has to catch.

#![expect(clippy::unwrap_used, reason = "tests stop at the first thing that is not as expected")]

mod dead_letters;
mod due;
mod exactly_once;
mod faults;
mod feed;
mod lint;
mod order;
mod paging;
mod pools;
mod retention;
mod rights;
mod toy;
mod writes;
