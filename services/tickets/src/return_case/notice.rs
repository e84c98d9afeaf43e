//! What a customer is told of each step, on the ticket (TK76). In English: whoever sends it on in other languages hears the event.

use jiff::Timestamp;
use seva_values::new_id;

use super::{
    kinds::{Act, Way},
    model::{Change, ReturnCase},
};
use crate::message::{Author, Medium, Message, Visibility};

impl Change {
    /// The message of a step.
    #[must_use]
    pub fn notice(&self) -> Message {
        message(self.text(), self.case.updated_at)
    }

    fn text(&self) -> String {
        let ReturnCase { order_number, decision, tracking_number, settlement, .. } = &self.case;
        let why = decision.as_ref().map_or("", |decision| decision.reason.as_str());
        match self.act {
            Act::Requested => format!("You would like to return {} of order {order_number}.", self.items(false)),
            Act::UnderReview => format!("We are looking at your return of order {order_number}."),
            Act::Approved => format!("We take back what you return of order {order_number}. {why}"),
            Act::PartlyApproved => format!("Of order {order_number} we take back {}. {why}", self.items(true)),
            Act::Declined => {
                format!(
                    "We cannot take back what you return of order {order_number}. {why} You may ask once that somebody else looks at it."
                )
            }
            Act::Appealed => format!("Somebody else is looking at your return of order {order_number} again."),
            Act::LabelSent => {
                let number = tracking_number.as_deref().unwrap_or_default();
                format!("The label for your return of order {order_number} is on its way to you: {number}.")
            }
            Act::InTransit => format!("Your return of order {order_number} is on its way to us."),
            Act::Received => format!("Your return of order {order_number} has arrived."),
            Act::Inspected => format!("We have inspected your return of order {order_number}."),
            Act::Settling => format!("For your return of order {order_number} {} is on its way.", what(*settlement)),
            Act::SettlementFailed => {
                format!(
                    "What we were to pay for your return of order {order_number} could not be paid. We are looking for another way."
                )
            }
            Act::Settled => format!("For your return of order {order_number} you have {}.", what(*settlement)),
            Act::Closed => format!("Your return of order {order_number} is closed."),
            Act::Canceled => format!("Your return of order {order_number} was called off."),
        }
    }

    /// `2 of SHIRT-RED, 1 of CAP`.
    fn items(&self, accepted: bool) -> String {
        let items = self.case.items.iter().map(|item| {
            let quantity = if accepted { item.accepted.unwrap_or_default() } else { item.quantity };
            (quantity, &item.item)
        });
        let named = items.filter(|(quantity, _)| *quantity > 0).map(|(quantity, item)| format!("{quantity} of {item}"));
        named.collect::<Vec<_>>().join(", ")
    }
}

const fn what(settlement: Option<Way>) -> &'static str {
    match settlement {
        Some(Way::Refund) => "your money back",
        Some(Way::Credit) => "a credit for your next order",
        Some(Way::Exchange) => "another one",
        Some(Way::Repair) => "a repair",
        Some(Way::KeepItem) | None => "nothing to send back: you keep it",
    }
}

fn message(text: String, now: Timestamp) -> Message {
    Message {
        id: new_id(),
        visibility: Visibility::Public,
        author: Author::System,
        author_id: None,
        medium: Medium::Text,
        text,
        created_at: now,
        attachments: Vec::new(),
        redacted_at: None,
    }
}
