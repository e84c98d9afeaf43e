//! `seva serve portal`: the web edge, which has no database.

use std::{collections::BTreeMap, net::SocketAddr};

use anyhow::Context;
use seva_runtime::{
    auth::{LinkSigner, Signer},
    client::{Identity, Peer},
    config::{Company, Faults, FaultySettings, TelemetryConfig},
    shutdown::{self, Sequence},
    tasks::Tasks,
    telemetry,
};
use seva_values::PublicUrl;

use super::{ServeArgs, connect, listen, until_asked};
use crate::{assembly::portal, failure::Failure};

/// Checked settings of the portal.
pub struct CheckedPortal {
    address: SocketAddr,
    peers: BTreeMap<&'static str, String>,
    signer: Signer,
    /// Proves that forms are ours.
    forms: LinkSigner,
    company: Company,
    public_url: PublicUrl,
}

impl ServeArgs {
    /// The portal's settings; notes every fault.
    pub(super) fn check_portal(&self, faults: &mut Faults) -> Option<CheckedPortal> {
        let address = self.listen.check(faults);
        let peers = self.peers(portal::NAME, &portal::CALLS, faults);
        let key_name = "--signing-key (SEVA_SIGNING_KEY)";
        let key = self.secret_file(key_name, self.auth.signing_key.as_ref(), faults);
        let signer = key.and_then(|file| faults.take(key_name, Signer::for_service(portal::NAME, &file)));
        let forms = self.links(faults);
        let company = self.company.check(faults);
        let public_url = company.as_ref().and_then(|company| company.public_url.clone());
        if company.is_some() && public_url.is_none() {
            faults.add("--public-url (SEVA_PUBLIC_URL)", "is required");
        }
        Some(CheckedPortal {
            address: address?,
            peers,
            signer: signer?,
            forms: forms?,
            company: company?,
            public_url: public_url?,
        })
    }
}

/// Serves pages until a signal comes or a task fails whose failure stops the process.
pub(super) async fn serve_portal(checked: CheckedPortal, telemetry: &TelemetryConfig) -> Result<(), Failure> {
    let CheckedPortal { address, peers, signer, forms, company, public_url } = checked;
    let telemetry = telemetry::init(portal::NAME, telemetry).map_err(FaultySettings)?;
    let signal = shutdown::signal().context("listening for signals")?;
    let customers = peers.get(seva_customers::NAME).context("the portal calls customers")?;
    let intake = Peer::connect_lazy(customers, Identity::Anonymous).map_err(Failure::Usage)?;
    let settings = seva_portal::Settings {
        public_url: public_url.as_str().parse().context("a public URL is a URL")?,
        company: company.name,
        forms,
        mail_folder: None,
        limits: seva_portal::Limits::default(),
    };
    let peers = connect(peers, Some(signer))?;
    let web = portal::assemble(&peers, intake, settings).map_err(Failure::Unavailable)?;
    let listener = listen(address).await?;
    let tasks = Tasks::new();
    portal::serve(web, listener, &tasks);
    tracing::info!(service = portal::NAME, %address, "ready");
    until_asked(signal, &tasks, Sequence::new(tasks.clone()).with_telemetry(telemetry)).await
}
