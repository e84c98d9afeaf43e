use std::{path::Path, process::Stdio, time::Duration};

use seva::{
    assembly::PARTS,
    data_dir::{Layout, secret},
    databases::{AllUrls, create_missing, start_cluster, stop_cluster},
};
use seva_proto::{
    customers::v1::{ListOrdersRequest, order_service_client::OrderServiceClient},
    notifications::v1::{ListNotificationsRequest, notification_service_client::NotificationServiceClient},
};
use seva_runtime::{
    auth::Keyring,
    client::{Identity, Peer},
};
use tokio::process::{Child, Command};

use crate::world::folder;

/// A port that nobody uses just now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A line as a deployment would have it: everything by environment.
fn serve(service: &str, layout: &Layout, urls: &AllUrls, ports: [u16; 2]) -> Command {
    let keys = layout.keys();
    let port = if service == "customers" { ports[0] } else { ports[1] };
    let mut command = Command::new(env!("CARGO_BIN_EXE_seva"));
    command
        .args(["serve", service])
        .env(format!("SEVA_{}_DATABASE_URL", service.to_uppercase()), urls[service].application.reveal())
        .env("SEVA_LISTEN", format!("127.0.0.1:{port}"))
        .env("SEVA_CUSTOMERS_URL", format!("http://127.0.0.1:{}", ports[0]))
        .env("SEVA_NOTIFICATIONS_URL", format!("http://127.0.0.1:{}", ports[1]))
        // Nobody is there: a service goes on without those that it follows.
        .env("SEVA_TICKETS_URL", "http://127.0.0.1:9")
        .env("SEVA_SURVEYS_URL", "http://127.0.0.1:9")
        .env("SEVA_LINK_KEYS", keys.join("links.json"))
        .env("SEVA_PUBLIC_URL", "https://help.example.com")
        .env("SEVA_JWKS", keys.join("jwks.json"))
        .env("SEVA_SIGNING_KEY", keys.join(format!("service-{service}.pem")))
        .env("SEVA_PAGE_KEY", layout.page_key())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn migrate(urls: &AllUrls) {
    for part in &PARTS {
        let line = ["migrate", part.name, "--application-role", &format!("{}_app", part.name)];
        let owner = urls[part.name].owner.as_ref().unwrap();
        let name = format!("SEVA_{}_OWNER_DATABASE_URL", part.name.to_uppercase());
        let output =
            Command::new(env!("CARGO_BIN_EXE_seva")).args(line).env(name, owner.reveal()).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

async fn until_served(url: &str, keyring: &Keyring, service: &str) {
    let token = keyring.issuer.mint_user_token("test", &["ops"], None, Duration::from_secs(600));
    let peer = Peer::connect_lazy(url, Identity::Bearer(token)).unwrap();
    for _ in 0..600 {
        let served = if service == "customers" {
            OrderServiceClient::new(peer.clone()).list_orders(ListOrdersRequest::default()).await.is_ok()
        } else {
            let list = ListNotificationsRequest::default();
            NotificationServiceClient::new(peer.clone()).list_notifications(list).await.is_ok()
        };
        if served {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{service} was not served in time");
}

async fn end(child: Child) -> (Option<i32>, String) {
    let pid = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn keys_in(folder: &Path) -> (Layout, Keyring) {
    let layout = Layout::new(folder);
    let keyring = Keyring::open_or_create(&layout.keys()).unwrap();
    secret(&layout.page_key()).unwrap();
    (layout, keyring)
}

#[tokio::test(flavor = "multi_thread")]
async fn services_are_served_one_by_one_after_their_migration_and_end_when_told() {
    let folder = folder();
    let (layout, keyring) = keys_in(folder.path());
    let cluster = start_cluster(&layout).await.unwrap();
    let urls = create_missing(&cluster, &PARTS.map(|part| part.name)).await.unwrap();
    let ports = [free_port(), free_port()];

    let early = serve("customers", &layout, &urls, ports).output().await.unwrap();
    assert_eq!(early.status.code(), Some(69), "{early:?}");

    migrate(&urls).await;
    migrate(&urls).await;
    let customers = serve("customers", &layout, &urls, ports).spawn().unwrap();
    let notifications = serve("notifications", &layout, &urls, ports).spawn().unwrap();
    until_served(&format!("http://127.0.0.1:{}", ports[0]), &keyring, "customers").await;
    until_served(&format!("http://127.0.0.1:{}", ports[1]), &keyring, "notifications").await;

    let taken = serve("customers", &layout, &urls, ports).output().await.unwrap();
    assert_eq!(taken.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&taken.stderr).contains("cannot be listened on"), "{taken:?}");

    for child in [customers, notifications] {
        let (code, told) = end(child).await;
        assert_eq!(code, Some(0), "{told}");
    }
    stop_cluster(cluster).await;
}
