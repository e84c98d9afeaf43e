//! Reads of assessments, and the one that is asked for.

use std::collections::BTreeMap;

use seva_proto::tickets::v1::AssessTicketResponse;
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{
    Database,
    idempotency::{once, remember},
    paging::{Keyed, Listing, Order, Page, PageRequest, SortKey},
};
use seva_values::format_name;
use uuid::Uuid;

use super::{
    assess,
    model::Level,
    store::{self, Assessment, AssessmentRow},
};

/// The order of assessments.
pub const HIGHEST_FIRST: Order = Order { name: "score desc", column: "score", descending: true };

/// Which assessments to list.
#[derive(Debug)]
pub struct ListRiskAssessments {
    pub level: Option<Level>,
    pub page: PageRequest,
}

/// Which ticket to assess.
pub struct AssessTicket(pub Uuid);

impl Keyed for AssessmentRow {
    fn place(&self, _: &Order) -> (SortKey, Uuid) {
        (SortKey::Number(self.score.into()), self.id)
    }
}

impl ListRiskAssessments {
    /// The list as it is asked of the database.
    pub fn listing(&self) -> Listing<'_> {
        Listing::new(store::SELECT, &HIGHEST_FIRST, &self.page)
            .and("score > 0")
            .and_value("level =", self.level.map(Level::name))
    }
}

/// A page of assessments.
pub async fn list(db: &Database, query: &ListRiskAssessments) -> Result<Page<Assessment>, Error> {
    let Page { items, next_page_token } = query.listing().fetch::<AssessmentRow>(db.calls()).await?;
    let items = items.into_iter().map(Assessment::try_from).collect::<Result<_, _>>()?;
    Ok(Page { items, next_page_token })
}

/// Assesses a ticket now.
pub async fn assess(
    db: &Database,
    clock: &BusinessClock,
    write: &Write,
    AssessTicket(ticket): AssessTicket,
) -> Result<AssessTicketResponse, Error> {
    once(db, write, async {
        let mut transaction = db.begin().await?;
        let asked = BTreeMap::from([(ticket, write.clone())]);
        let assessed = assess::carry_out(&mut transaction, &asked, clock.now()).await?.pop();
        let assessed = assessed.ok_or_else(|| Error::not_found(format_name("tickets", ticket)))?;
        let response = AssessTicketResponse { risk_assessment: Some((&assessed.assessment).into()) };
        store::note(&mut transaction, write, &assessed.assessment).await?;
        remember(&mut transaction, write, &response).await?;
        db.commit(transaction).await?;
        Ok(response)
    })
    .await
}
