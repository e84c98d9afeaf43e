//! A portal in front of scripted services, and a browser that is a few lines long.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc};

use axum::{Router, body::Body};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use seva_portal::{Limits, Peers, Portal, Settings};
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{
    Error,
    auth::{
        LinkSigner,
        links::{Link, LinkKeys},
    },
    client::{Identity, Peer},
};
use sha2::{Digest, Sha256};
use tonic::Code;
use tower::ServiceExt;
use url::form_urlencoded;

use crate::behind::{Script, Services};

/// A token as links have them.
pub const TOKEN: &str = "survey.0190aaaa-bbbb-7ccc-8ddd-eeeeffff0000.1.1999999999.k1.c2lnbmF0dXJl";

pub struct Web {
    pub services: Services,
    /// Signs the seals of forms.
    pub forms: LinkSigner,
    router: Router,
}

/// An answer as a browser has it.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Web {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A portal with other settings than the usual.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let services = Services::start().await;
        let mut settings = Settings {
            public_url: "http://127.0.0.1:8080".parse().unwrap(),
            company: "Asha & Sons <Ltd>".to_owned(),
            forms: LinkSigner::new(LinkKeys::generate()),
            mail_folder: None::<PathBuf>,
            limits: Limits::default(),
        };
        change(&mut settings);
        let forms = settings.forms.clone();
        let router = Portal::new(peers(&services), settings).router();
        Self { services, forms, router }
    }

    pub fn script(&self) -> &Script {
        &self.services.script
    }

    pub async fn send(&self, request: Request<Body>) -> Page {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Page { status: parts.status, headers: parts.headers, body: String::from_utf8(body.into()).unwrap() }
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    /// Looks at a page in a browser that wishes for a language.
    pub async fn get_in(&self, path: &str, language: &str) -> Page {
        self.send(Request::get(path).header(header::ACCEPT_LANGUAGE, language).body(Body::empty()).unwrap()).await
    }

    /// Sends fields as a form does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[]).await
    }

    /// Sends fields as a form does, with further headers.
    pub async fn post_with(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form = [("content-type", "application/x-www-form-urlencoded")];
        self.request(Method::POST, path, &[&form, headers].concat(), body).await
    }

    /// The seal of a form of `page` about the link `token` that ends then.
    pub fn seal(&self, page: &str, token: &str, expires_at: jiff::Timestamp) -> String {
        let digest = Sha256::digest(format!("{page} {token}"));
        let subject = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        self.forms.sign("form", &Link { subject, generation: 0, expires_at })
    }

    pub async fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Page {
        let mut request = Request::new(body.into());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        for (name, value) in headers {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
        }
        self.send(request).await
    }
}

/// Channels as the portal has them.
pub fn peers(services: &Services) -> Peers {
    let peer = |name: &str| {
        let signer = Arc::clone(&services.keyring.services["portal"]);
        let identity = Identity::Service { signer, audience: format!("service:{name}") };
        Peer::connect_lazy(&services.urls[name], identity).unwrap()
    };
    Peers {
        customers: peer("customers"),
        intake: Peer::connect_lazy(&services.urls["customers"], Identity::Anonymous).unwrap(),
        tickets: peer("tickets"),
        surveys: peer("surveys"),
        notifications: peer("notifications"),
    }
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn has(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    /// The value of a hidden field.
    pub fn hidden(&self, name: &str) -> String {
        let begin = format!("name=\"{name}\" value=\"");
        let rest = self.body.split_once(&begin).unwrap_or_else(|| panic!("no field {name} in {}", self.body)).1;
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// The part of the page from one text to the next.
    pub fn between(&self, from: &str, to: &str) -> &str {
        let rest = self.body.split_once(from).unwrap_or_else(|| panic!("no {from} in {}", self.body)).1;
        rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from}")).0
    }

    /// Every tag of the page without what its attributes say. Texts are escaped, so this is all that a browser makes something of.
    pub fn tags(&self) -> BTreeSet<String> {
        let tags = self.body.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
        let blanked = |tag: &str| tag.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
        tags.map(blanked).collect()
    }

    /// Where the links and forms of the page lead to.
    pub fn ways(&self) -> Vec<&str> {
        let named = |name| self.body.split(name).skip(1).map(|rest| rest.split('"').next().unwrap());
        named(" href=\"").chain(named(" action=\"")).collect()
    }

    /// What was written into `self` has added nothing to what a browser makes of `harmless`, the same page without it.
    pub fn assert_as_harmless_as(&self, harmless: &Self) {
        let added: Vec<_> = self.tags().difference(&harmless.tags()).cloned().collect();
        assert!(added.is_empty(), "{added:?} in {}", self.body);
        let is_ours = |way: &str| way.starts_with(['/', '#']) && !way.starts_with("//");
        let ways = self.ways();
        assert!(ways.iter().all(|way| is_ours(way) || harmless.ways().contains(way)), "{ways:?}");
    }

    /// Nothing on the page runs, and nothing of it comes from elsewhere.
    pub fn assert_harmless(&self) {
        assert!(!self.body.to_lowercase().contains("<script"), "{}", self.body);
        assert!(!self.body.contains("onerror=\"") && !self.body.contains("javascript:"), "{}", self.body);
        assert!(!self.body.contains("<img"), "{}", self.body);
    }
}

/// What an attacker writes into every field.
pub const ATTACK: &str = "\"><script>alert(1)</script><img src=x onerror=alert(2)>'&lt;";

/// Ways to break out of a text, an attribute, an address or a comment.
pub const ATTACKS: [&str; 12] = [
    ATTACK,
    "<script>alert(1)</script>",
    "</title></h1></script><svg onload=alert(1)>",
    "\" autofocus onfocus=alert(1) x=\"",
    "' onmouseover='alert(1)",
    "javascript:alert(document.domain)",
    " java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "//evil.example/\"><base href=//evil.example>",
    "--><!--<iframe srcdoc='<script>alert(1)</script>'>",
    "{{ frame.company }}{% include \"frame.html\" %}",
    "\u{202e}<meta http-equiv=refresh content=0;url=//evil.example>\0",
];

/// A refusal as services make them.
pub fn refusal(code: Code, reason: ErrorReason) -> Error {
    Error::new(code, reason, "internal words that no customer may read")
}

/// The refusal of a link that was none.
pub fn link_invalid() -> Error {
    refusal(Code::Unauthenticated, ErrorReason::CredentialInvalid)
}

/// The refusal of a link whose time is over.
pub fn link_ended() -> Error {
    refusal(Code::Unauthenticated, ErrorReason::CredentialExpired)
}

/// A service that cannot be reached.
pub fn unreachable() -> Error {
    refusal(Code::Unavailable, ErrorReason::ServiceUnavailable)
}

/// A timestamp of the contract.
pub fn at(text: &str) -> Option<prost_types::Timestamp> {
    let time: jiff::Timestamp = text.parse().unwrap();
    Some(prost_types::Timestamp { seconds: time.as_second(), nanos: 0 })
}
