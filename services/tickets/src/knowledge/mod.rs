//! Articles: what the company knows, in versions and languages, found by search; what readers think of them, and what was solved with them.
//!
//! | id | what | held by |
//! |---|---|---|
//! | TK80 | a published version never changes | trigger `article_version_frozen` |
//! | TK81 | only what has no fault is published, and nothing more of what is retired | `Article::publish`, `check` |
//! | TK82 | an article is rated once for each ticket, or once by a caller who names none | constraint `article_rating_once` |
//! | TK83 | a ticket was solved with a version that is or was published, once with each article, and neither one that was called off nor one that was merged | `Commands::record_solution`, constraint `solution_once` |
//! | TK84 | search finds published versions alone: no draft, nothing retired, nothing of staff for customers | `store::save`, table `article_text` |

mod check;
mod commands;
pub(crate) mod convert;
pub(crate) mod model;
mod queries;
mod rpc;
mod search;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use rpc::KnowledgeRpc;
