//! What a customer was asked, to the contract.

use seva_proto::customers::v1::SurveyView;
use seva_store::event::proto_timestamp;
use seva_values::format_name;

use super::store::SurveyRow;

/// Collection of invitations' names.
pub const COLLECTION: &str = "invitations";

impl From<&SurveyRow> for SurveyView {
    fn from(survey: &SurveyRow) -> Self {
        let SurveyRow { id, subject, state, suppress_reason, score, created_at, updated_at } = survey;
        Self {
            invitation: format_name(COLLECTION, *id),
            subject: subject.clone(),
            state: *state,
            suppress_reason: *suppress_reason,
            score: *score,
            create_time: Some(proto_timestamp(created_at.to_jiff())),
            update_time: Some(proto_timestamp(updated_at.to_jiff())),
        }
    }
}
