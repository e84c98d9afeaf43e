//! How customers were served, in rows: to be read, or as CSV.
//!
//! A report is a statement or several in `sql/`; what it counts stands in the README. Rows come from the database a part at a time (some days, or
//! a page of a key), so that no report is ever in memory as a whole and none holds a connection while its caller is slow. An export is
//! the same rows, written by what the contract says about their fields.
//!
//! | id | what |
//! |---|---|
//! | TK130 | each stay of a ticket in a state is written down once when it is over, and each begins when the one before it ended |
//! | TK131 | a report is of whole days of a zone, 400 at most; what is wrong with a query is refused with every fault |
//! | TK132 | no cell of an export is run by a spreadsheet, and whatever was written is read back from it |
//! | TK133 | of each day: what was open before, and what came and went, is what is open at its end |
//! | TK134 | a report that ends without a fault is whole; a stream that ends before it says so |

mod convert;
mod csv;
mod model;
mod queries;
mod rpc;
mod store;
mod stream;
#[cfg(test)]
mod tests;

pub use rpc::ReportRpc;
