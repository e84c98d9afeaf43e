//! Which path leads where, and what every request passes on its way.

use axum::{
    Router,
    extract::State,
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::{get, post},
};
use http::{StatusCode, header};

use crate::{
    Portal, dev_mail, edge, events,
    fault::{Fault, told},
    place, preferences, survey, ticket, unsubscribe,
};

/// Where systems post their events: the one path that answers in JSON.
pub const EVENTS: &str = "/events";

/// All routes. What a `get` leads to also answers HEAD, without a body.
///
/// The last layer is the outermost: `trace` sees everything, `secure` marks every answer, `told` puts faults into words, `admit` refuses
/// what is too much before anything is read.
pub fn routes(portal: &Portal) -> Router {
    let mut router = Router::new()
        .route("/survey/{token}", get(survey::show).post(survey::save))
        .route("/ticket/{token}", get(ticket::show).post(ticket::answer))
        .route("/ticket/{token}/message", get(ticket::show).post(ticket::send))
        .route("/place/{token}", get(place::show))
        .route("/preferences/{token}", get(preferences::show).post(preferences::save))
        .route("/unsubscribe/{token}", get(unsubscribe::show).post(unsubscribe::end))
        .route(EVENTS, post(events::publish).options(events::handshake))
        .route("/style.css", get(style))
        .route("/healthz", get(live))
        .route("/readyz", get(ready));
    if portal.settings.mail_folder.is_some() {
        router = router
            .route("/dev/mail", get(dev_mail::list))
            .route("/dev/mail/{id}", get(dev_mail::show))
            .route("/dev/mail/{id}/html", get(dev_mail::html));
    }
    router
        .fallback(async || Fault::NotFound)
        .method_not_allowed_fallback(async || Fault::MethodNotAllowed)
        .layer(from_fn_with_state(portal.clone(), edge::limits::admit))
        .layer(from_fn(edge::trace::survive))
        .layer(from_fn_with_state(portal.clone(), told))
        .layer(from_fn_with_state(portal.clone(), edge::headers::secure))
        .layer(from_fn_with_state(portal.clone(), edge::trace::trace))
        .with_state(portal.clone())
}

/// The one style sheet. It is the same for everybody, so it alone may be kept by browsers.
async fn style() -> impl IntoResponse {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "public, max-age=3600")];
    (headers, include_str!("style.css"))
}

/// The process lives.
async fn live() -> &'static str {
    "ok\n"
}

/// Requests should come here. Other services do not count: each page needs another one, and tells when it is missing.
async fn ready(State(portal): State<Portal>) -> impl IntoResponse {
    if portal.readiness.is_ready() {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready\n")
    }
}
