//! All SQL of articles and their versions; search in [`search`], ratings and solutions in [`feedback`].

pub mod feedback;
pub mod search;

use prost::Message;
use seva_runtime::{Error, Write};
use seva_store::{Database, Fault, context};
use seva_values::{Language, format_name, new_id};
use sqlx::types::Json;
use uuid::Uuid;

use super::{
    convert::event_of,
    model::{Act, Article, ArticleVersion, Audience, COLLECTION, Change, Content, State},
    search::identifiers,
};
use crate::{publishing::format_version, stored::malformed};

/// Every list of articles begins so.
pub const SELECT: &str = "select * from article";

/// An article as the database holds it.
#[derive(Debug, sqlx::FromRow)]
pub struct ArticleRow {
    pub id: Uuid,
    version: i64,
    display_name: String,
    product: String,
    audience: String,
    state: String,
    published_number: Option<i32>,
    draft_number: Option<i32>,
    languages: Vec<String>,
    pub stale_at: Option<jiff_sqlx::Timestamp>,
    helpful_count: i64,
    not_helpful_count: i64,
    solved_count: i64,
    pub created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
}

impl TryFrom<ArticleRow> for Article {
    type Error = Error;

    fn try_from(row: ArticleRow) -> Result<Self, Error> {
        let ArticleRow {
            id,
            version,
            display_name,
            product,
            audience,
            state,
            published_number,
            draft_number,
            languages,
            stale_at,
            helpful_count,
            not_helpful_count,
            solved_count,
            created_at,
            updated_at,
        } = row;
        let languages = languages.iter().map(|tag| Language::parse(tag).map_err(malformed));
        Ok(Self {
            id,
            version,
            display_name,
            product,
            audience: Audience::from_name(&audience)?,
            state: State::from_name(&state)?,
            published_number,
            draft_number,
            languages: languages.collect::<Result<_, _>>()?,
            stale_at: stale_at.map(jiff_sqlx::Timestamp::to_jiff),
            helpful_count,
            not_helpful_count,
            solved_count,
            created_at: created_at.to_jiff(),
            updated_at: updated_at.to_jiff(),
        })
    }
}

/// One article.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load(db: &Database, id: Uuid) -> Result<Article, Error> {
    let row = sqlx::query_as!(ArticleRow, "select * from article where id = $1", id);
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    row.ok_or_else(|| Error::not_found(format_name(COLLECTION, id)))?.try_into()
}

/// One version.
///
/// # Errors
/// `RESOURCE_NOT_FOUND`.
pub async fn load_version(db: &Database, article: Uuid, number: i32) -> Result<ArticleVersion, Error> {
    let row = sqlx::query!(
        r#"select content as "content: Json<Content>", hash, created_at, published_at
           from article_version where article_id = $1 and number = $2"#,
        article,
        number
    );
    let row = row.fetch_optional(db.calls()).await.map_err(Fault::from)?;
    let row = row.ok_or_else(|| Error::not_found(format_version(COLLECTION, article, number)))?;
    Ok(ArticleVersion {
        article,
        number,
        content: row.content.0,
        hash: row.hash.try_into().map_err(|_| Error::internal("a stored hash is no SHA-256"))?,
        created_at: row.created_at.to_jiff(),
        published_at: row.published_at.map(jiff_sqlx::Timestamp::to_jiff),
    })
}

/// Records a new article with its event, its audit row and the answer.
///
/// # Errors
/// When the statement fails.
pub async fn insert(db: &Database, write: &Write, change: &Change, response: &impl Message) -> Result<(), Error> {
    let article = &change.article;
    let insert = sqlx::query!(
        r#"with created as (
               insert into article (id, version, display_name, product, audience, state, created_at, updated_at)
               values ($1, 1, $2, $3, $4, $5, $6, $6)
               returning id
           )
           select seva.emit($7, $8, $9, $10, 1, $6, $11), seva.note($7, $10, '{*}'), seva.remember($7, $12)
           from created"#,
        article.id,
        article.display_name,
        article.product,
        article.audience.name(),
        article.state.name(),
        jiff_sqlx::Timestamp::from(article.created_at) as _,
        context::of(write),
        new_id(),
        change.act.event_kind(),
        article.name(),
        event_of(article).encode_to_vec(),
        response.encode_to_vec(),
    );
    db.write(insert.fetch_one(db.calls())).await?;
    Ok(())
}

/// Saves what happened to an article: its version, and what is searched from now on (TK84). `false` when it has changed since it was read.
///
/// # Errors
/// When the statement fails.
pub async fn save(db: &Database, write: &Write, change: &Change, response: &impl Message) -> Result<bool, Error> {
    let Change { article, version, act } = change;
    let versions = version.as_slice();
    let shown = Shown::of(change);
    let (changed, name) = match (act, version) {
        (Act::Published, Some(version)) => ("state", version.name()),
        (Act::Drafted, Some(version)) => ("*", version.name()),
        _ => ("state", article.name()),
    };
    let update = sqlx::query!(
        r#"with saved as (
               update article
               set version = $2, state = $3, published_number = $4, draft_number = $5, languages = $6, stale_at = $7, updated_at = $8
               where id = $1 and version = $2::bigint - 1
               returning id
           ), versioned as (
               insert into article_version as v (article_id, number, content, hash, created_at, published_at)
               select saved.id, g.number, g.content, g.hash, g.created_at, g.published_at
               from saved, unnest($9::int[], $10::jsonb[], $11::bytea[], $12::timestamptz[], $13::timestamptz[])
                    as g (number, content, hash, created_at, published_at)
               on conflict on constraint article_version_pkey do update
               set content = excluded.content, hash = excluded.hash, created_at = excluded.created_at, published_at = excluded.published_at
           ), hidden as (
               delete from article_text t using saved where t.article_id = saved.id and $14 and t.language <> all($15::text[])
           ), shown as (
               insert into article_text as t (article_id, language, audience, product, title, body, identifiers)
               select saved.id, g.language, $16, $17, g.title, g.body, g.identifiers
               from saved, unnest($15::text[], $18::text[], $19::text[], $20::text[]) as g (language, title, body, identifiers)
               on conflict on constraint article_text_pkey do update
               set title = excluded.title, body = excluded.body, identifiers = excluded.identifiers
           )
           select seva.emit($21, $22, $23, $24, $2, $8, $25), seva.note($21, $26, $27), seva.remember($21, $28)
           from saved"#,
        article.id,
        article.version,
        article.state.name(),
        article.published_number,
        article.draft_number,
        &article.languages.iter().map(Language::as_str).collect::<Vec<_>>() as _,
        article.stale_at.map(jiff_sqlx::Timestamp::from) as _,
        jiff_sqlx::Timestamp::from(article.updated_at) as _,
        &versions.iter().map(|version| version.number).collect::<Vec<_>>(),
        &versions.iter().map(|version| Json(&version.content)).collect::<Vec<_>>() as _,
        &versions.iter().map(|version| version.hash.to_vec()).collect::<Vec<_>>(),
        &versions.iter().map(|version| jiff_sqlx::Timestamp::from(version.created_at)).collect::<Vec<_>>() as _,
        &versions.iter().map(|version| version.published_at.map(jiff_sqlx::Timestamp::from)).collect::<Vec<_>>() as _,
        *act != Act::Drafted,
        &shown.languages as _,
        article.audience.name(),
        article.product,
        &shown.titles as _,
        &shown.bodies as _,
        &shown.identifiers,
        context::of(write),
        new_id(),
        act.event_kind(),
        article.name(),
        event_of(article).encode_to_vec(),
        name,
        &[changed.to_owned()],
        response.encode_to_vec(),
    );
    Ok(db.write(update.fetch_optional(db.calls())).await?.is_some())
}

/// What is searched after a publication, by column; nothing after anything else.
#[derive(Default)]
struct Shown<'a> {
    languages: Vec<&'a str>,
    titles: Vec<&'a str>,
    bodies: Vec<&'a str>,
    identifiers: Vec<String>,
}

impl<'a> Shown<'a> {
    fn of(change: &'a Change) -> Self {
        let mut shown = Self::default();
        let published = change.version.as_ref().filter(|_| change.act == Act::Published);
        for (language, text) in published.iter().flat_map(|version| &version.content.texts) {
            shown.languages.push(language.as_str());
            shown.titles.push(&text.title);
            shown.bodies.push(&text.body);
            let found = identifiers(&format!("{} {}", text.title, text.body));
            shown.identifiers.push(found.into_iter().fold(String::new(), |all, one| all + " " + &one));
        }
        shown
    }
}
