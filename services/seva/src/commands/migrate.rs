//! `seva migrate`: brings databases to the present schema, under a lock.

use clap::Args;
use seva_runtime::config::Faults;

use crate::{
    assembly::{PARTS, Part},
    databases,
    failure::Failure,
    settings::{DataDirArg, environment, names, parse_database_url, variable},
};

/// Which databases.
#[derive(Debug, Clone, Args)]
pub struct MigrateArgs {
    /// The service, or `all`. Its database is `SEVA_<SERVICE>_OWNER_DATABASE_URL`, with the rights of the database's owner
    service: String,
    /// The role that the service connects as, which gets the rights that it needs; `<service>_app` in a private cluster
    #[arg(long, env = "SEVA_APPLICATION_ROLE", value_name = "ROLE")]
    application_role: Option<String>,
    /// Migrates the private cluster of the data folder instead
    #[arg(long)]
    private: bool,
    #[command(flatten)]
    data_dir: DataDirArg,
}

/// Migrates.
///
/// # Errors
/// Faults of the settings; a database cannot be reached or refuses.
pub async fn run(args: MigrateArgs) -> Result<(), Failure> {
    let mut faults = Faults::new();
    let parts: Vec<&Part> = PARTS.iter().filter(|part| args.service == "all" || args.service == part.name).collect();
    if parts.is_empty() {
        faults.add("service", format!("{:?} is neither all nor one of {}", args.service, names()));
    }
    let mut owners = Vec::new();
    for part in parts.iter().filter(|_| !args.private) {
        let name = variable(part.name, "OWNER_DATABASE_URL");
        let given = environment(&name).ok_or("is required; or migrate the private cluster with --private");
        if let Some(url) = faults.take(name, given.and_then(|url| parse_database_url(&url))) {
            owners.push((*part, url, args.application_role.clone()));
        }
    }
    faults.finish()?;

    if !args.private {
        return migrate(owners).await;
    }
    let data_dir = crate::data_dir::DataDir::take(&args.data_dir.data_dir)?;
    let cluster = databases::start_cluster(&data_dir.layout).await?;
    let migrated = async {
        let services: Vec<_> = parts.iter().map(|part| part.name).collect();
        let urls = databases::create_missing(&cluster, &services).await?;
        for part in parts {
            let urls = &urls[part.name];
            let owner = urls.owner.clone().into_iter();
            migrate(owner.map(|owner| (part, owner, databases::role_of(&urls.application))).collect()).await?;
        }
        Ok(())
    }
    .await;
    databases::stop_cluster(cluster).await;
    migrated
}

async fn migrate(owners: Vec<(&Part, seva_runtime::config::Secret<String>, Option<String>)>) -> Result<(), Failure> {
    for (part, owner, role) in owners {
        databases::migrate(part.name, &owner, role.as_deref(), part.migrator).await?;
        println!("{}: the database has the present schema", part.name);
    }
    Ok(())
}
