//! `seva token`: a token of an installation that issues its own.

use std::time::Duration;

use clap::Args;
use seva_runtime::{
    auth::{Keyring, roles},
    config::{Faults, Secret, parse_duration},
};
use seva_values::Uuid;

use crate::{failure::Failure, settings::DataDirArg};

#[cfg(test)]
mod tests;

/// The longest that a token may last.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Whose token, and what it may do.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// A role: agent, lead, manager, hr, integration, ops or customer; may come several times
    #[arg(long = "role", required = true, value_name = "ROLE")]
    roles: Vec<String>,
    /// Who it is for: stands in audit rows as user:SUBJECT
    #[arg(long, value_name = "NAME")]
    subject: String,
    /// The one customer whom a token of the role customer reaches: customers/ID
    #[arg(long, value_name = "CUSTOMER")]
    customer: Option<String>,
    /// How long it lasts, at most 24h
    #[arg(long, value_name = "DURATION", default_value = "12h")]
    lifetime: String,
    #[command(flatten)]
    data_dir: DataDirArg,
}

/// Prints a token.
///
/// # Errors
/// Faults of the flags; no keys in the data folder.
pub fn run(args: &TokenArgs) -> Result<(), Failure> {
    println!("{}", mint(args)?.reveal());
    Ok(())
}

fn mint(args: &TokenArgs) -> Result<Secret<String>, Failure> {
    let mut faults = Faults::new();
    for role in &args.roles {
        if !roles::ROLES.iter().any(|(known, _)| known == role) {
            let known: Vec<_> = roles::ROLES.iter().map(|(role, _)| *role).collect();
            faults.add("--role", format!("{role:?} is none of {}", known.join(", ")));
        }
    }
    if args.subject.trim().is_empty() {
        faults.add("--subject", "is empty");
    }
    let customer = args.customer.as_deref().and_then(|name| faults.take("--customer", parse_customer(name)));
    let is_customer = args.roles.iter().any(|role| role == roles::CUSTOMER);
    if is_customer != args.customer.is_some() {
        faults.add("--customer", "belongs to the role customer, and that role needs it");
    }
    let lifetime = faults.take("--lifetime", parse_duration(&args.lifetime));
    if lifetime.is_some_and(|lifetime| lifetime > LONGEST) {
        faults.add("--lifetime", "is more than 24h");
    }
    faults.finish()?;

    let keys = args.data_dir.layout().keys();
    if !keys.join("issuer.pem").exists() {
        return Err(Failure::Unavailable(format!(
            "{} holds no issuer's key: start an installation there with `seva up`, or name another folder with --data-dir",
            keys.display()
        )));
    }
    let keyring = Keyring::open_or_create(&keys).map_err(|error| Failure::Unavailable(error.to_string()))?;
    let roles: Vec<_> = args.roles.iter().map(String::as_str).collect();
    Ok(keyring.issuer.mint_user_token(&args.subject, &roles, customer, lifetime.unwrap_or(LONGEST)))
}

fn parse_customer(name: &str) -> Result<Uuid, &'static str> {
    let id = name.strip_prefix("customers/").unwrap_or(name);
    Uuid::try_parse(id).map_err(|_| "is not customers/ID")
}
