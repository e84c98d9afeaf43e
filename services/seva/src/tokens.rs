//! Ready tokens of an installation that issues its own.

use std::{fmt::Write, time::Duration};

use seva_runtime::auth::{Signer, roles};

#[cfg(test)]
mod tests;

/// How long a ready token lasts.
pub const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// One token a role, as lines `role=token`. The role `customer` is left out: its token has to name a customer.
pub fn ready(issuer: &Signer) -> String {
    let mut lines = String::new();
    for (role, _) in roles::ROLES {
        if role != roles::CUSTOMER {
            let token = issuer.mint_user_token(&format!("ready-{role}"), &[role], None, LIFETIME);
            writeln!(lines, "{role}={}", token.reveal()).expect("writing to a string does not fail");
        }
    }
    lines
}
