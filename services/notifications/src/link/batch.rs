//! The links of a batch of messages: what is needed, and what the owners answered.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use seva_proto::common::v1::{ErrorReason, LinkPurpose};
use seva_runtime::Error;
use seva_values::{PublicUrl, WebLink, format_name};
use tokio::time::timeout;

use super::{LinkOwner, LinkOwners, Page, owners::MAX_LINKS};
use crate::notification::{Notification, milestone};

/// How long an owner is waited for. A slow one does not hold up the messages without its links for longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// The links of one owner: by subject, where there is something to lead to; an error: it did not answer.
type Answers = Result<HashMap<String, WebLink>, Error>;

/// The links of a batch of messages. Each is a credential: they are not shown.
pub struct Minted {
    tickets: Answers,
    surveys: Answers,
    places: Answers,
}

/// Why a message cannot be written for want of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Missing {
    /// Where this page leads could not be asked.
    Unanswered(Page),
    /// This page is no longer there, and without it the message says nothing.
    Ended(Page),
}

impl LinkOwners {
    /// Asks each owner once for what these messages lead to: the pages that they are about, and each customer's place.
    pub async fn mint_for<'n>(
        &self,
        public_url: &PublicUrl,
        messages: impl Iterator<Item = &'n Notification>,
    ) -> Minted {
        let (mut tickets, mut surveys, mut places) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for message in messages {
            match page_of(message) {
                Some(Page::Ticket) => tickets.insert(message.page_subject().to_owned()),
                Some(Page::Survey) => surveys.insert(message.subject.clone()),
                _ => false,
            };
            places.insert(place_of(message));
        }
        let (tickets, surveys, places) = tokio::join!(
            ask(&*self.tickets, LinkPurpose::Ticket, Page::Ticket, tickets, public_url),
            ask(&*self.surveys, LinkPurpose::Survey, Page::Survey, surveys, public_url),
            ask(&*self.places, LinkPurpose::Place, Page::Place, places, public_url),
        );
        Minted { tickets, surveys, places }
    }
}

impl Minted {
    /// The links of one message.
    ///
    /// # Errors
    /// [`Missing`]: it cannot be written now, or ever.
    pub fn links_of(&self, message: &Notification) -> Result<Vec<(Page, WebLink)>, Missing> {
        let mut links = Vec::new();
        let lead = milestone::find(&message.milestone).and_then(|milestone| milestone.leads_to);
        if let Some(lead) = lead {
            match self.link(lead.page, message.page_subject())? {
                Some(link) => links.push((lead.page, link)),
                // NO13
                None if lead.is_needed => return Err(Missing::Ended(lead.page)),
                None => {}
            }
        }
        links.extend(self.link(Page::Place, &place_of(message))?.map(|link| (Page::Place, link)));
        Ok(links)
    }

    fn link(&self, page: Page, subject: &str) -> Result<Option<WebLink>, Missing> {
        let answers = match page {
            Page::Ticket => &self.tickets,
            Page::Survey => &self.surveys,
            Page::Place => &self.places,
            // These are signed here.
            Page::Preferences | Page::Unsubscribe => return Ok(None),
        };
        answers.as_ref().map(|links| links.get(subject).cloned()).map_err(|_| Missing::Unanswered(page))
    }
}

fn page_of(message: &Notification) -> Option<Page> {
    milestone::find(&message.milestone)?.leads_to.map(|lead| lead.page)
}

fn place_of(message: &Notification) -> String {
    format_name("customers", message.customer)
}

async fn ask(
    owner: &dyn LinkOwner,
    purpose: LinkPurpose,
    page: Page,
    subjects: BTreeSet<String>,
    public_url: &PublicUrl,
) -> Answers {
    let subjects: Vec<String> = subjects.into_iter().collect();
    let mut links = HashMap::with_capacity(subjects.len());
    for subjects in subjects.chunks(MAX_LINKS) {
        let answer = timeout(ANSWER_WITHIN, owner.mint(purpose, subjects)).await.unwrap_or_else(|_| Err(too_slow()));
        let tokens = answer.inspect_err(|error| {
            tracing::warn!(%error, page = page.word(), count = subjects.len(), "links cannot be asked for; trying again");
        })?;
        for (subject, token) in subjects.iter().zip(tokens) {
            let Some(token) = token else { continue };
            let link = public_url.link(page.word(), &token);
            links.insert(subject.clone(), link.ok_or_else(|| Error::internal("a token that no link can hold"))?);
        }
    }
    Ok(links)
}

fn too_slow() -> Error {
    Error::unavailable(ErrorReason::ServiceUnavailable, "links were not answered for in time", Duration::from_secs(1))
}
