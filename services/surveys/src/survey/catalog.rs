//! The surveys that Seva brings along, in four languages.
//!
//! The texts are files, compiled in: `catalog/<key>/survey.toml` says what is asked, `catalog/<key>/<language>.toml` how.

use std::{collections::BTreeMap, sync::LazyLock};

use jiff::Timestamp;
use serde::Deserialize;
use seva_proto::surveys::v1::SurveyVersionEvent;
use seva_runtime::{Error, call::Story};
use seva_store::{Fault, NewEvent, context::hex};
use seva_values::{Language, LocalizedText, new_id};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use super::{
    check::{Asked, check},
    convert::{event_of, name, version_name},
    model::{Choice, Content, Question, QuestionKind, Survey, SurveyVersion},
    store::AskedColumns,
};

/// A survey of the catalog.
#[derive(Debug)]
pub struct Shipped {
    /// Names it in the catalog.
    pub key: &'static str,
    /// What staff call it.
    pub display_name: String,
    /// What it asks.
    pub content: Content,
}

/// The files of one survey.
struct Source {
    key: &'static str,
    survey: &'static str,
    /// Each language and its text.
    texts: [(&'static str, &'static str); 4],
}

macro_rules! source {
    ($key:literal) => {
        Source {
            key: $key,
            survey: include_str!(concat!("../../catalog/", $key, "/survey.toml")),
            texts: [
                ("en", include_str!(concat!("../../catalog/", $key, "/en.toml"))),
                ("hi", include_str!(concat!("../../catalog/", $key, "/hi.toml"))),
                ("bn", include_str!(concat!("../../catalog/", $key, "/bn.toml"))),
                ("ur", include_str!(concat!("../../catalog/", $key, "/ur.toml"))),
            ],
        }
    };
}

static SOURCES: [Source; 2] = [source!("order_delivered"), source!("ticket_closed")];
static CATALOG: LazyLock<Vec<Shipped>> = LazyLock::new(|| SOURCES.iter().map(shipped).collect());

/// Every survey that Seva brings along.
pub fn all() -> &'static [Shipped] {
    &CATALOG
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SurveyFile {
    display_name: String,
    questions: Vec<QuestionEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QuestionEntry {
    id: String,
    kind: QuestionKind,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    choices: Vec<String>,
}

/// What translators write: texts by the ids of questions and choices.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextFile {
    title: String,
    questions: BTreeMap<String, String>,
    #[serde(default)]
    choices: BTreeMap<String, BTreeMap<String, String>>,
}

fn shipped(source: &Source) -> Shipped {
    let SurveyFile { display_name, questions } = read(source.key, source.survey);
    let files = source.texts.iter().map(|(tag, text)| {
        let language = Language::parse(tag).expect("the tags stand in this file");
        (language, read::<TextFile>(source.key, text))
    });
    let files: Vec<(Language, TextFile)> = files.collect();
    let question = |QuestionEntry { id, kind, required, choices }: QuestionEntry| {
        let choice = |choice_id: String| {
            let texts = localized(&files, |file| file.choices.get(&id)?.get(&choice_id));
            Choice { choice_id, texts }
        };
        let choices = choices.into_iter().map(choice).collect();
        Question { texts: localized(&files, |file| file.questions.get(&id)), question_id: id, kind, required, choices }
    };
    let questions = questions.into_iter().map(question).collect();
    let titles = localized(&files, |file| Some(&file.title));
    Shipped { key: source.key, display_name, content: Content { titles, questions } }
}

/// One text from each language's file; where it is missing, the tests find it.
fn localized(files: &[(Language, TextFile)], text: impl Fn(&TextFile) -> Option<&String>) -> LocalizedText {
    files.iter().filter_map(|(language, file)| Some((language.clone(), text(file)?.clone()))).collect()
}

/// Reads a compiled-in file. Every file is read by the tests, so a failure never reaches an installation.
fn read<T: serde::de::DeserializeOwned>(key: &str, text: &str) -> T {
    toml::from_str(text).unwrap_or_else(|error| panic!("catalog/{key}: {error}"))
}

/// A survey of the catalog as the database has it.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// Its id.
    pub survey: Uuid,
    /// Some version of it is asked.
    pub is_published: bool,
}

/// Makes a survey of the catalog known, and asks it where no person's version was published. Known ones change nothing; a text that differs
/// is one more version. Adds what happened to `events`.
pub async fn ensure(
    connection: &mut PgConnection,
    shipped: &Shipped,
    now: Timestamp,
    events: &mut Vec<NewEvent>,
) -> Result<Kept, Error> {
    let story = || Story::begun_by("catalog");
    let new = Survey::create(new_id(), shipped.display_name.clone(), now);
    let insert = sqlx::query!(
        r#"insert into survey (id, version, display_name, catalog_key, created_at) values ($1, 1, $2, $3, $4)
           on conflict on constraint survey_catalog_key_once do nothing"#,
        new.id,
        new.display_name,
        shipped.key,
        jiff_sqlx::Timestamp::from(now) as _,
    );
    if insert.execute(&mut *connection).await.map_err(Fault::from)?.rows_affected() > 0 {
        events.push(NewEvent::new("seva.surveys.survey.created.v1", name(new.id), 1, now, story(), &event_of(&new)));
    }
    let hash = shipped.content.hash();
    let known = sqlx::query!(
        r#"select s.id, s.published_number is not null as "is_published!",
                  exists (select from survey_version v where v.survey_id = s.id and v.hash = $2) as "is_known!",
                  coalesce((select max(v.number) from survey_version v where v.survey_id = s.id), 0) + 1 as "next!",
                  not exists (
                      select from survey_version v
                      where v.survey_id = s.id and v.number = s.published_number and v.origin = 'person'
                  ) as "takes_over!"
           from survey s where s.catalog_key = $1
           for update"#,
        shipped.key,
        hash.as_slice(),
    );
    let known = known.fetch_one(&mut *connection).await.map_err(Fault::from)?;
    if known.is_known {
        return Ok(Kept { survey: known.id, is_published: known.is_published });
    }
    // What a person has asked since under one of our ids is the one thing that may keep a shipped version from being asked.
    let takes_over = known.takes_over && check(&shipped.content, &asked(connection, known.id).await?).is_empty();
    let draft = SurveyVersion::draft(known.id, known.next, shipped.content.clone(), now);
    let version = if takes_over { draft.publish(now) } else { draft };
    insert_version(connection, &version).await?;
    if takes_over {
        let name = version_name(version.survey, version.number);
        let payload = SurveyVersionEvent { survey_version: name.clone(), hash: hex(&version.hash) };
        let kind = "seva.surveys.survey_version.published.v1";
        events.push(NewEvent::new(kind, name, 1, now, story(), &payload));
    }
    Ok(Kept { survey: known.id, is_published: known.is_published || takes_over })
}

async fn asked(connection: &mut PgConnection, survey: Uuid) -> Result<Asked, Error> {
    let rows = sqlx::query!("select question_id, scale_hash from asked_question where survey_id = $1", survey);
    let rows = rows.fetch_all(connection).await.map_err(Fault::from)?;
    let hash = |stored: Vec<u8>| stored.try_into().map_err(|_| Error::internal("a stored hash is no SHA-256"));
    rows.into_iter().map(|row| Ok((row.question_id, hash(row.scale_hash)?))).collect()
}

async fn insert_version(connection: &mut PgConnection, version: &SurveyVersion) -> Result<(), Error> {
    let AskedColumns { ids, kinds, scales } = AskedColumns::of(version);
    let insert = sqlx::query!(
        r#"with created as (
               insert into survey_version (survey_id, number, origin, content, hash, created_at, published_at)
               values ($1, $2, 'catalog', $3, $4, $5, $6)
               returning survey_id, number, published_at
           ), current as (
               update survey s set published_number = created.number, version = s.version + 1
               from created where s.id = created.survey_id and created.published_at is not null
           )
           insert into asked_question as a (survey_id, question_id, kind, scale_hash, asked_at)
           select created.survey_id, q.question_id, q.kind, q.scale_hash, created.published_at
           from created, unnest($7::text[], $8::text[], $9::bytea[]) as q (question_id, kind, scale_hash)
           where created.published_at is not null
           on conflict on constraint asked_question_pkey do update set asked_at = excluded.asked_at"#,
        version.survey,
        version.number,
        Json(version.content()) as _,
        &version.hash,
        jiff_sqlx::Timestamp::from(version.created_at) as _,
        version.published_at.map(jiff_sqlx::Timestamp::from) as _,
        &ids as _,
        &kinds as _,
        &scales,
    );
    insert.execute(connection).await.map_err(Fault::from)?;
    Ok(())
}

#[cfg(test)]
mod tests;
