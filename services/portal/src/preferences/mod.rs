//! What a customer wants to be told: every category with the wish, and the recording of what was changed.

use axum::{
    body::Body,
    extract::{Request, State},
    response::Response,
};
use http::{HeaderMap, StatusCode, Uri};
use seva_proto::{
    common::v1::ErrorReason,
    notifications::v1::{
        GetOwnPreferencesRequest, GetOwnPreferencesResponse, SetOwnPreferencesRequest,
        own_preference_service_client::OwnPreferenceServiceClient, set_own_preferences_request::Wish,
    },
};

use crate::{
    Portal,
    edge::{
        form::{self, Fields, Proof},
        link::Token,
    },
    fault::{self, Fault, Told},
    page::{Frame, page, see},
    texts,
};

mod view;

#[cfg(test)]
mod tests;

pub use view::CategoryView;
use view::{FormView, PreferencesPage};

/// What forms of this page are sealed for.
const PAGE: &str = "preferences";

/// What stands above the categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Above {
    Nothing,
    Saved,
    Unchanged,
    Faulty,
}

/// Shows every category with the wish for it.
pub async fn show(State(portal): State<Portal>, token: Token, uri: Uri) -> Result<Response, Told> {
    let preferences = read(&portal, &token).await?;
    let query = Fields::parse(uri.query().unwrap_or_default().as_bytes());
    let above = match query.get("saved") {
        Some("changed") => Above::Saved,
        Some("unchanged") => Above::Unchanged,
        _ => Above::Nothing,
    };
    Ok(shown(&portal, &token, &preferences, above, StatusCode::OK))
}

/// Records what was changed in the form.
pub async fn save(
    State(portal): State<Portal>,
    token: Token,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Response, Told> {
    let fields = form::read(&portal, PAGE, &token, &headers, request.into_body()).await?;
    let wishes = changed(&fields);
    let path = format!("/preferences/{}", token.reveal());
    if wishes.is_empty() {
        return Ok(see(&format!("{path}?saved=unchanged")));
    }
    let request = SetOwnPreferencesRequest {
        token: token.reveal().to_owned(),
        wishes,
        request_id: fields.request_id("set_own_preferences"),
    };
    let mut notifications = OwnPreferenceServiceClient::new(portal.peers.notifications.clone());
    let status = match notifications.set_own_preferences(request).await {
        Ok(_) => return Ok(see(&format!("{path}?saved=changed"))),
        Err(status) => status,
    };
    // The categories are others now than when the form was made: they are shown as they are.
    let status_of_page = match fault::reason(&status) {
        Some(ErrorReason::CategoryMandatory | ErrorReason::ResourceNotFound) => StatusCode::CONFLICT,
        Some(ErrorReason::FieldsInvalid) => StatusCode::BAD_REQUEST,
        _ => return Err(Fault::of(&status).into()),
    };
    let preferences = read(&portal, &token).await?;
    Ok(shown(&portal, &token, &preferences, Above::Faulty, status_of_page))
}

/// The wishes of a form that are others than it showed: what was changed elsewhere since then stays as it is.
fn changed(fields: &Fields) -> Vec<Wish> {
    let is_wanted = |category: &str| fields.all("wanted").any(|wanted| wanted == category);
    let shown_wanted = fields.all("shown_wanted").map(|category| (category, true));
    let shown_unwanted = fields.all("shown_unwanted").map(|category| (category, false));
    let mut wishes: Vec<Wish> = Vec::new();
    for (category, was_wanted) in shown_wanted.chain(shown_unwanted) {
        let wanted = is_wanted(category);
        if wanted != was_wanted && wishes.iter().all(|wish| wish.category != category) {
            wishes.push(Wish { category: category.to_owned(), wanted });
        }
    }
    wishes
}

async fn read(portal: &Portal, token: &Token) -> Result<GetOwnPreferencesResponse, Told> {
    let mut notifications = OwnPreferenceServiceClient::new(portal.peers.notifications.clone());
    let request = GetOwnPreferencesRequest { token: token.reveal().to_owned() };
    let asked = notifications.get_own_preferences(request).await;
    Ok(asked.map_err(|status| Fault::of(&status))?.into_inner())
}

fn shown(
    portal: &Portal,
    token: &Token,
    told: &GetOwnPreferencesResponse,
    above: Above,
    status: StatusCode,
) -> Response {
    let tongue = texts::of(&told.language);
    let words = &tongue.preferences;
    let (mandatory, chosen): (Vec<_>, Vec<_>) = told.preferences.iter().partition(|preference| preference.mandatory);
    let form = (!chosen.is_empty()).then(|| FormView {
        action: format!("/preferences/{}", token.reveal()),
        proof: Proof::new(&portal.settings.forms, PAGE, token),
        categories: chosen.into_iter().map(|preference| CategoryView::new(preference, tongue)).collect(),
    });
    let template = PreferencesPage {
        frame: Frame::new(portal, tongue, words.title.as_str()),
        note: match above {
            Above::Saved => Some(&words.saved),
            Above::Unchanged => Some(&words.unchanged),
            Above::Nothing | Above::Faulty => None,
        },
        alert: (above == Above::Faulty).then_some(&words.faulty),
        form,
        mandatory: mandatory.into_iter().map(|preference| CategoryView::new(preference, tongue)).collect(),
    };
    page(tongue, status, &template)
}
