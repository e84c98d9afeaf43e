//! The end of one sort of messages: asked by a person on our page, or by a mail program for them (RFC 8058).
//!
//! Looking ends nothing, as mail scanners follow every link (PO1). What ends it is a form of ours, or the one body that mail programs send
//! (PO8).

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode};
use seva_proto::notifications::v1::{
    GetSubscriptionRequest, Preference, UnsubscribeRequest, own_preference_service_client::OwnPreferenceServiceClient,
};

use crate::{
    Portal,
    edge::{
        form::{self, Proof},
        limits,
        link::Token,
    },
    fault::{Fault, Told},
    page::{Frame, page, see},
    preferences::CategoryView,
    texts,
};

mod one_click;
mod view;

#[cfg(test)]
mod tests;

use view::{DonePage, UnsubscribePage};

/// What forms of this page are sealed for.
const PAGE: &str = "unsubscribe";

/// Shows what would end, or that it has ended.
pub async fn show(State(portal): State<Portal>, token: Token) -> Result<Response, Told> {
    let mut notifications = OwnPreferenceServiceClient::new(portal.peers.notifications.clone());
    let asked = notifications.get_subscription(GetSubscriptionRequest { token: token.reveal().to_owned() }).await;
    let told = asked.map_err(|status| Fault::of(&status))?.into_inner();
    let preference = told.preference.ok_or(Fault::Broken)?;
    let tongue = texts::of(&told.language);
    if preference.mandatory {
        return Err(Fault::Mandatory.told_in(tongue));
    }
    if !preference.wanted {
        return Ok(done(&portal, &preference, &told.language));
    }
    let template = UnsubscribePage {
        frame: Frame::new(&portal, tongue, tongue.unsubscribe.title.as_str()),
        action: format!("/unsubscribe/{}", token.reveal()),
        proof: Proof::new(&portal.settings.forms, PAGE, &token),
        category: CategoryView::new(&preference, tongue),
    };
    Ok(page(tongue, StatusCode::OK, &template))
}

/// Ends the messages of the link's category.
pub async fn end(
    State(portal): State<Portal>,
    token: Token,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Response, Told> {
    let body = limits::read(&headers, request.into_body(), portal.settings.limits.max_form_bytes).await?;
    // PO8: before anything about where it comes from, as mail programs come from anywhere. The token is the proof.
    if one_click::is_asked(&headers, &body) {
        // Another id each time: asked again after the customer has wished for them in between, it has to end them again.
        let (preference, language) = unsubscribe(&portal, &token, seva_values::new_id().to_string()).await?;
        return Ok(done(&portal, &preference, &language));
    }
    let fields = form::proven(&portal, PAGE, &token, &headers, &body)?;
    unsubscribe(&portal, &token, fields.request_id("unsubscribe")).await?;
    Ok(see(&format!("/unsubscribe/{}", token.reveal())))
}

/// The wish as recorded, and the customer's language.
async fn unsubscribe(portal: &Portal, token: &Token, request_id: String) -> Result<(Preference, String), Fault> {
    let mut notifications = OwnPreferenceServiceClient::new(portal.peers.notifications.clone());
    let request = UnsubscribeRequest { token: token.reveal().to_owned(), request_id };
    let told = notifications.unsubscribe(request).await.map_err(|status| Fault::of(&status))?.into_inner();
    Ok((told.preference.ok_or(Fault::Broken)?, told.language))
}

fn done(portal: &Portal, preference: &Preference, language: &str) -> Response {
    let tongue = texts::of(language);
    let template = DonePage {
        frame: Frame::new(portal, tongue, tongue.unsubscribe.done_title.as_str()),
        category: CategoryView::new(preference, tongue),
    };
    page(tongue, StatusCode::OK, &template)
}
