//! The customer's own place: orders, invoices, requests and messages on one page, each part with its age. It is only read.

use axum::{extract::State, response::Response};
use http::StatusCode;
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
    let reader = Reader { texts: tongue, zone: wording::zone(&place.zone), place: &place };
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
