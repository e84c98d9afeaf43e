//! The person behind a call, as a task-local: the server's layers set it, clients carry it on.
//!
//! What travels is the person's own token. A service cannot claim to act for somebody: it shows what that person has shown.

use std::{future::Future, sync::Arc};

/// The metadata key under which a service forwards a person's token.
pub const HEADER: &str = "x-seva-actor";

tokio::task_local! {
    static ACTOR: ActorToken;
}

/// The verified token of a person, to be forwarded; never printed.
#[derive(Clone)]
pub struct ActorToken(Arc<str>);

impl ActorToken {
    /// Wraps a token that has been verified.
    pub(crate) fn verified(token: &str) -> Self {
        Self(token.into())
    }

    /// The token, for the metadata of a call.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for ActorToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ActorToken(***)")
    }
}

/// Runs `work` on behalf of a person; a task that it spawns has to be put under it again.
pub async fn within<F: Future>(actor: Option<ActorToken>, work: F) -> F::Output {
    match actor {
        Some(actor) => ACTOR.scope(actor, work).await,
        None => work.await,
    }
}

/// The person on whose behalf this task works, if there is one.
pub fn current() -> Option<ActorToken> {
    ACTOR.try_with(Clone::clone).ok()
}
