//! The customer's own place: orders, invoices, requests and messages on one page, each part with its age. It is only read.

use axum::{extract::State, response::Response};
use http::StatusCode;
use jiff::tz::TimeZone;
use seva_proto::customers::v1::{GetOwnPlaceRequest, OwnPlace, own_place_service_client::OwnPlaceServiceClient};

use crate::{
    Portal,
    edge::link::Token,
    fault::{Fault, Told},
    page::{Frame, page},
    texts::{self, wording},
};

mod parts;
mod view;

use parts::Reader;
use view::PlacePage;

/// Shows the place.
pub async fn show(State(portal): State<Portal>, token: Token) -> Result<Response, Told> {
    let place = read(&portal, &token).await?;
    let tongue = texts::of(&place.language);
    let reader = Reader { texts: tongue, zone: zone_of(&place), place: &place };
    let greeting = &tongue.place.greeting;
    let name = place.display_name.trim();
    let template = PlacePage {
        frame: Frame::new(&portal, tongue, tongue.place.title.as_str()),
        greeting: (!name.is_empty()).then(|| tongue.filled(greeting, "name", name)),
        parts: vec![reader.orders(), reader.invoices(), reader.tickets(), reader.messages()],
    };
    Ok(page(tongue, StatusCode::OK, &template))
}

async fn read(portal: &Portal, token: &Token) -> Result<OwnPlace, Told> {
    let mut customers = OwnPlaceServiceClient::new(portal.peers.customers.clone());
    let asked = customers.get_own_place(GetOwnPlaceRequest { token: token.reveal().to_owned() }).await;
    let told = asked.map_err(|status| match Fault::of(&status) {
        // Nothing is answered here: that links of the customer were ended is all that it can mean.
        Fault::LinkUsed => Fault::LinkEnded,
        fault => fault,
    })?;
    Ok(told.into_inner().place.ok_or(Fault::Broken)?)
}

/// The zone in which times are shown, each with its name: where the newest order is promised, as the customer's own is not told.
fn zone_of(place: &OwnPlace) -> TimeZone {
    let orders = place.orders.iter().flat_map(|part| &part.orders);
    let mut promised = orders.filter_map(|order| order.current_promised_date.as_ref());
    promised.next().map_or(TimeZone::UTC, |promised| wording::zone(&promised.zone))
}
