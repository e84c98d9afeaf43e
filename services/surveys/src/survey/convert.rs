//! Surveys and their versions from and to the contract.

use seva_proto::{
    common::v1::Translation,
    surveys::v1::{self as pb, SurveyEvent, question::Kind, survey_version},
};
use seva_runtime::{Error, Violations};
use seva_store::{
    Etag,
    context::hex,
    event::proto_timestamp,
    paging::{PageKey, PageRequest},
};
use seva_values::{Invalid, Language, LocalizedText, format_name, text};
use uuid::Uuid;

use super::{
    commands::CreateVersion,
    model::{Choice, Content, Question, QuestionKind, State, Survey, SurveyVersion},
};

/// Collection of surveys' names.
pub const COLLECTION: &str = "surveys";
/// Longest name that staff give, in characters.
const MAX_NAME_CHARS: usize = 200;
/// Longest id of a question or choice, in bytes.
const MAX_WORD_BYTES: usize = 40;
/// What a draft may hold, faulty or not: so much is read at all.
const MAX_DRAFTED: usize = 100;
const MAX_DRAFTED_CHARS: usize = 4_000;

/// The resource name of a survey.
#[must_use]
pub fn name(id: Uuid) -> String {
    format_name(COLLECTION, id)
}

/// `surveys/{id}/versions/{number}`.
#[must_use]
pub fn version_name(survey: Uuid, number: i32) -> String {
    format!("{}/versions/{number}", name(survey))
}

/// Reads `surveys/{id}/versions/{number}`.
///
/// # Errors
/// `NAME_MALFORMED`.
pub fn parse_version_name(name: &str) -> Result<(Uuid, i32), Invalid> {
    let malformed = || Invalid::new("NAME_MALFORMED", "has to be surveys/{id}/versions/{number}");
    let (survey, number) = name.split_once("/versions/").ok_or_else(malformed)?;
    let survey = seva_values::parse_name(COLLECTION, survey)?;
    let number = number.parse().ok().filter(|parsed: &i32| *parsed > 0 && parsed.to_string() == number);
    Ok((survey, number.ok_or_else(malformed)?))
}

/// Reads the one field `name` of a request about a survey.
pub fn name_only(name: &str) -> Result<Uuid, Error> {
    seva_values::parse_name(COLLECTION, name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads the one field `name` of a request about a version.
pub fn version_name_only(name: &str) -> Result<(Uuid, i32), Error> {
    parse_version_name(name).map_err(|invalid| Error::invalid_field("name", invalid))
}

/// Reads a request for a list.
pub fn list_query(request: &pb::ListSurveysRequest, key: &PageKey) -> Result<PageRequest, Error> {
    PageRequest::parse(key, COLLECTION, "", request.page_size, &request.page_token)
}

/// Reads what staff call a new survey.
pub fn new_display_name(request: pb::CreateSurveyRequest) -> Result<String, Error> {
    let mut violations = Violations::default();
    let survey = violations.required("survey", request.survey);
    let display_name = survey.and_then(|survey| {
        violations.take("survey.display_name", text::required_line(&survey.display_name, MAX_NAME_CHARS))
    });
    violations.finish(display_name)
}

impl TryFrom<pb::CreateSurveyVersionRequest> for CreateVersion {
    type Error = Error;

    /// Refuses what is no draft at all: unknown kinds, tags and ids that cannot be read. What an author has still to do is no fault here.
    fn try_from(request: pb::CreateSurveyVersionRequest) -> Result<Self, Error> {
        let pb::CreateSurveyVersionRequest { parent, survey_version, request_id: _ } = request;
        let mut violations = Violations::default();
        let survey = violations.take("parent", seva_values::parse_name(COLLECTION, &parent));
        let draft = violations.required("survey_version", survey_version);
        let content = draft.and_then(|draft| content(&draft, &mut violations));
        violations.finish(survey.zip(content).map(|(survey, content)| Self { survey, content }))
    }
}

fn content(draft: &pb::SurveyVersion, violations: &mut Violations) -> Option<Content> {
    let titles = texts(&draft.titles, "survey_version.titles", violations);
    let questions = all(&draft.questions, "survey_version.questions", violations, question);
    Some(Content { titles: titles?, questions: questions? })
}

fn question(given: &pb::Question, field: &str, violations: &mut Violations) -> Option<Question> {
    let question_id =
        violations.take(format!("{field}.question_id"), text::word(&given.question_id, '_', MAX_WORD_BYTES));
    let kind = violations.take(format!("{field}.kind"), kind(given.kind));
    let texts = texts(&given.texts, &format!("{field}.texts"), violations);
    let choices = all(&given.choices, &format!("{field}.choices"), violations, choice);
    Some(Question {
        question_id: question_id?,
        kind: kind?,
        texts: texts?,
        required: given.required,
        choices: choices?,
    })
}

fn choice(given: &pb::Choice, field: &str, violations: &mut Violations) -> Option<Choice> {
    let choice_id = violations.take(format!("{field}.choice_id"), text::word(&given.choice_id, '_', MAX_WORD_BYTES));
    let texts = texts(&given.texts, &format!("{field}.texts"), violations);
    Some(Choice { choice_id: choice_id?, texts: texts? })
}

/// Reads each part; `None` when one is at fault, which is noted.
fn all<G, P>(
    given: &[G],
    field: &str,
    violations: &mut Violations,
    read: impl Fn(&G, &str, &mut Violations) -> Option<P>,
) -> Option<Vec<P>> {
    if given.len() > MAX_DRAFTED {
        violations.add(field, Invalid::new("DRAFT_TOO_LONG", format!("has {MAX_DRAFTED} parts at most")));
        return None;
    }
    let parts: Vec<_> =
        given.iter().enumerate().map(|(at, part)| read(part, &format!("{field}[{at}]"), violations)).collect();
    parts.into_iter().collect()
}

fn texts(given: &[Translation], field: &str, violations: &mut Violations) -> Option<LocalizedText> {
    if given.len() > MAX_DRAFTED {
        violations.add(field, Invalid::new("DRAFT_TOO_LONG", format!("has {MAX_DRAFTED} languages at most")));
        return None;
    }
    let mut texts = LocalizedText::new();
    for (at, translation) in given.iter().enumerate() {
        let field = format!("{field}[{at}]");
        let language = violations.take(format!("{field}.language"), Language::parse(&translation.language));
        let said = violations.take(format!("{field}.text"), bounded(&translation.text));
        if let Some((language, said)) = language.zip(said)
            && texts.insert(language, said).is_some()
        {
            violations.add(field, Invalid::new("LANGUAGE_REPEATED", "stands in the list before"));
        }
    }
    (texts.len() == given.len()).then_some(texts)
}

fn bounded(text: &str) -> Result<String, Invalid> {
    if text.chars().count() > MAX_DRAFTED_CHARS {
        return Err(Invalid::new("TEXT_TOO_LONG", format!("has {MAX_DRAFTED_CHARS} characters at most")));
    }
    // The one character that cannot be kept, so that not even a draft may hold it.
    if text.contains('\0') {
        return Err(Invalid::new("TEXT_CONTROL_CHARACTER", "cannot hold the character NUL"));
    }
    Ok(text.trim().to_owned())
}

fn kind(kind: i32) -> Result<QuestionKind, Invalid> {
    match Kind::try_from(kind) {
        Ok(Kind::Unspecified) => Err(Invalid::new("FIELD_REQUIRED", "is required")),
        Ok(Kind::Csat) => Ok(QuestionKind::Csat),
        Ok(Kind::Nps) => Ok(QuestionKind::Nps),
        Ok(Kind::SingleChoice) => Ok(QuestionKind::SingleChoice),
        Ok(Kind::Text) => Ok(QuestionKind::Text),
        Err(_) => Err(Invalid::new("KIND_UNKNOWN", "has to be a known kind")),
    }
}

impl From<QuestionKind> for Kind {
    fn from(kind: QuestionKind) -> Self {
        match kind {
            QuestionKind::Csat => Self::Csat,
            QuestionKind::Nps => Self::Nps,
            QuestionKind::SingleChoice => Self::SingleChoice,
            QuestionKind::Text => Self::Text,
        }
    }
}

impl From<State> for survey_version::State {
    fn from(state: State) -> Self {
        match state {
            State::Draft => Self::Draft,
            State::Published => Self::Published,
            State::Retired => Self::Retired,
        }
    }
}

impl From<&Survey> for pb::Survey {
    fn from(survey: &Survey) -> Self {
        let Survey { id, version, display_name, published_number, created_at } = survey;
        Self {
            name: name(*id),
            etag: Etag::format(*version),
            display_name: display_name.clone(),
            published_version: published_number.map(|number| version_name(*id, number)).unwrap_or_default(),
            create_time: Some(proto_timestamp(*created_at)),
        }
    }
}

impl From<&SurveyVersion> for pb::SurveyVersion {
    fn from(version: &SurveyVersion) -> Self {
        let SurveyVersion { survey, number, titles, questions, hash, created_at, published_at, is_current: _ } =
            version;
        Self {
            name: version_name(*survey, *number),
            state: survey_version::State::from(version.state()).into(),
            titles: translations(titles),
            questions: questions.iter().map(Into::into).collect(),
            hash: hex(hash),
            create_time: Some(proto_timestamp(*created_at)),
            publish_time: published_at.map(proto_timestamp),
        }
    }
}

impl From<&Question> for pb::Question {
    fn from(question: &Question) -> Self {
        let Question { question_id, kind, texts, required, choices } = question;
        Self {
            question_id: question_id.clone(),
            kind: Kind::from(*kind).into(),
            texts: translations(texts),
            required: *required,
            choices: choices.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Choice> for pb::Choice {
    fn from(choice: &Choice) -> Self {
        let Choice { choice_id, texts } = choice;
        Self { choice_id: choice_id.clone(), texts: translations(texts) }
    }
}

fn translations(texts: &LocalizedText) -> Vec<Translation> {
    let translation = |(language, text): (&Language, &str)| Translation {
        language: language.as_str().to_owned(),
        text: text.to_owned(),
    };
    texts.iter().map(translation).collect()
}

/// A new survey as its event tells it.
pub fn event_of(survey: &Survey) -> SurveyEvent {
    SurveyEvent { survey: name(survey.id), display_name: survey.display_name.clone(), version: survey.version }
}
