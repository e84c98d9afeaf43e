//! The search: which published texts fit, and the best of them.

use seva_runtime::Error;
use seva_store::{Database, Fault};
use seva_values::Language;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::super::{model::Audience, search::SearchArticles};

/// Texts that are ranked at most: who asks for a word that stands everywhere does not wait for all of them.
const MOST_RANKED: i64 = 1_000;
/// Characters of a body that are shown.
const EXCERPT: i64 = 240;

/// An article that fits.
#[derive(Debug, sqlx::FromRow)]
pub struct Hit {
    pub article_id: Uuid,
    pub published_number: i32,
    pub language: String,
    pub title: String,
    pub excerpt: String,
    pub product: String,
    pub audience: String,
    pub solved_count: i64,
}

/// What fits best, the best first.
pub async fn search(db: &Database, query: &SearchArticles) -> Result<Vec<Hit>, Error> {
    Ok(statement(query).build_query_as().fetch_all(db.calls()).await.map_err(Fault::from)?)
}

/// The statement of a search. What is asked for is worked out once, in a query of its own, and not for each text.
pub fn statement(query: &SearchArticles) -> QueryBuilder<Postgres> {
    let SearchArticles { words, identifiers, languages, audience, product, limit } = query;
    let languages: Vec<String> = languages.iter().map(Language::to_string).collect();
    let mut sql = QueryBuilder::new("with fitting as materialized (select article_id, language, ");
    if words.is_empty() {
        sql.push("0::real as rank from article_text where true");
    } else {
        sql.push("ts_rank(document, (select words_query(")
            .push_bind(words.clone())
            .push("))) as rank from article_text");
        sql.push(" where document @@ (select words_query(").push_bind(words.clone()).push("))");
    }
    for identifier in identifiers {
        sql.push(" and identifiers like ").push_bind(format!("% {identifier}%"));
    }
    if !languages.is_empty() {
        sql.push(" and language = any(").push_bind(languages.clone()).push(")");
    }
    if let Some(audience) = audience {
        sql.push(" and audience = ").push_bind(Audience::name(*audience));
    }
    if let Some(product) = product {
        sql.push(" and product = ").push_bind(product.clone());
    }
    sql.push(" limit ").push(MOST_RANKED);
    sql.push("), best as (select distinct on (article_id) article_id, language, rank from fitting order by article_id, array_position(");
    sql.push_bind(languages).push("::text[], language), rank desc)");
    sql.push(" select t.article_id, a.published_number, t.language, t.title, left(t.body, ").push(EXCERPT);
    sql.push(
        ") as excerpt, t.product, t.audience, a.solved_count
         from (
             select best.article_id, best.language, best.rank, article.published_number, article.solved_count
             from best join article on article.id = best.article_id
             order by best.rank desc, article.solved_count desc, best.article_id limit ",
    );
    sql.push(*limit);
    sql.push(
        ") as a join article_text t on t.article_id = a.article_id and t.language = a.language
         order by a.rank desc, a.solved_count desc, a.article_id",
    );
    sql
}
