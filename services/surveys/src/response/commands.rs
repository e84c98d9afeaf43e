//! Saving answers.

use std::sync::Arc;

use jiff::Timestamp;
use seva_proto::common::v1::ErrorReason;
use seva_runtime::{BusinessClock, Error, Write, auth::LinkSigner, call::Story, telemetry};
use seva_store::{Database, due::Bell, fault::write_conflict};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    links::{PURPOSE, invalid_link},
    model::{self, Response, Save, State},
    store::{self, Write as Writing},
};
use crate::{
    invitation::{self, Invitation},
    loop_case::{self, LoopCase},
    programme,
    survey::{SurveyVersion, Versions},
};

/// How often a save is tried again when other writes come between.
const TRIES: usize = 3;

/// The story of an answer: the question's, taken up by the call, whose trace is linked to the question's.
fn answered(question: &Story, call: &Story) -> Story {
    if let Some(traceparent) = &question.traceparent {
        telemetry::link(&tracing::Span::current(), traceparent);
    }
    Story {
        correlation_id: question.correlation_id.clone(),
        causation_id: call.causation_id.clone(),
        hops: question.hops + 1,
        traceparent: call.traceparent.clone().or_else(|| question.traceparent.clone()),
    }
}

/// What the holder of a link sees.
#[derive(Debug)]
pub struct Questionnaire {
    pub invitation: Invitation,
    pub version: Arc<SurveyVersion>,
    pub response: Option<Response>,
    pub is_closed: bool,
}

/// What reading and saving by link need.
#[derive(Debug, Clone)]
pub struct ByLink {
    db: Database,
    clock: BusinessClock,
    versions: Versions,
    links: LinkSigner,
    expiries: Bell,
}

/// An invitation that a link leads to.
#[derive(Debug, Clone, Copy)]
pub struct Linked {
    id: Uuid,
    generation: u32,
}

impl ByLink {
    pub const fn new(
        db: Database,
        clock: BusinessClock,
        versions: Versions,
        links: LinkSigner,
        expiries: Bell,
    ) -> Self {
        Self { db, clock, versions, links, expiries }
    }

    /// Where a link leads.
    pub fn verified(&self, token: &str) -> Result<Linked, Error> {
        let link = self.links.verify(token, PURPOSE, self.clock.now())?;
        let id = Uuid::try_parse(&link.subject).map_err(|_| invalid_link())?;
        Ok(Linked { id, generation: link.generation })
    }

    /// The questions, and what was answered so far. Changes nothing, however often it is called (SU15).
    pub async fn questionnaire(&self, linked: Linked) -> Result<Questionnaire, Error> {
        let (invitation, response, version) = self.load(linked).await?;
        let is_closed = model::is_closed(&invitation, response.as_ref(), self.clock.now());
        Ok(Questionnaire { invitation, version, response, is_closed })
    }

    /// Saves answers. The same request again saves nothing and is answered with what it saved.
    pub async fn save(&self, write: &Write, linked: Linked, save: Save) -> Result<Questionnaire, Error> {
        for _ in 0..TRIES {
            let (invitation, response, version) = self.load(linked).await?;
            let now = self.clock.now();
            match response.as_ref().map(|response| response.saved_by) {
                Some(saved_by) if saved_by == save.request => {
                    let is_closed = model::is_closed(&invitation, response.as_ref(), now);
                    return Ok(Questionnaire { invitation, version, response, is_closed });
                }
                Some((id, _)) if id == save.request.0 => {
                    return Err(Error::invalid(
                        ErrorReason::RequestIdReused,
                        "this request id was used before with another message; use a new id",
                    ));
                }
                _ => {}
            }
            let story = answered(&invitation.story, &write.story);
            let saved = model::save(&invitation, response, &version, &save, new_id(), story, now)?;
            let opened = self.low_scores(&invitation, &saved.change.after, now).await?;
            let writing = Writing { known: &invitation, saved: &saved, opened: &opened, given: &save.answers };
            if store::save(&self.db, write, &writing).await? {
                self.expiries.ring();
                let invitation = saved.invitation.map_or(invitation, |change| change.after);
                let is_closed = model::is_closed(&invitation, Some(&saved.change.after), now);
                return Ok(Questionnaire { invitation, version, response: Some(saved.change.after), is_closed });
            }
        }
        Err(write_conflict())
    }

    /// Cases for what was answered low, where the answers are complete, the programme wants that and there are none yet (SU5).
    async fn low_scores(
        &self,
        invitation: &Invitation,
        response: &Response,
        now: Timestamp,
    ) -> Result<Vec<LoopCase>, Error> {
        if response.state == State::InProgress || !response.has_low_score() {
            return Ok(Vec::new());
        }
        let programmes = programme::store::find(self.db.calls(), &[invitation.programme]).await?;
        if !programmes.iter().any(|programme| programme.follow_low_scores) {
            return Ok(Vec::new());
        }
        let followed = loop_case::store::followed(self.db.calls(), &[response.id]).await?;
        Ok(response.low_scores(invitation, &followed, new_id, now))
    }

    async fn load(&self, linked: Linked) -> Result<(Invitation, Option<Response>, Arc<SurveyVersion>), Error> {
        let invitation = invitation::store::find(self.db.calls(), &[linked.id]).await?.remove(&linked.id);
        let invitation = invitation.filter(|invitation| invitation.link_generation == linked.generation);
        let invitation = invitation.ok_or_else(invalid_link)?;
        let (survey, number) = invitation.survey_version.ok_or_else(invalid_link)?;
        let response = store::of_invitation(self.db.calls(), linked.id).await?;
        let version = self.versions.get(survey, number).await?;
        Ok((invitation, response, version))
    }
}
