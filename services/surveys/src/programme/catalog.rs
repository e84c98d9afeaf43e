//! The programmes that Seva brings along, and how they and their surveys are made known.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use seva_runtime::{BusinessClock, Error, call::Story};
use seva_store::{Database, Fault, NewEvent, event};
use seva_values::new_id;
use sqlx::PgConnection;

use super::{
    convert::{event_of, name},
    model::{NewProgramme, NothingToAsk, Programme, Trigger, USUAL_LIFETIME},
};
use crate::survey::catalog::{self, Kept};

/// Of the advisory lock that one starting process holds.
const LOCK: i64 = 0x5345_5641_5355_5256;

/// The settings of each programme, beside the survey of the same key.
static SETTINGS: [(&str, &str); 2] = [
    ("order_delivered", include_str!("../../catalog/order_delivered/programme.toml")),
    ("ticket_closed", include_str!("../../catalog/ticket_closed/programme.toml")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    display_name: String,
    trigger: String,
    delay_hours: i64,
    pause_days: i64,
    priority: i32,
}

/// Makes the surveys and programmes of the catalog known. Called at start, before events are read.
///
/// A survey is asked in its newest shipped version unless a person has published another; a programme is made once, active, and from then on
/// it is the installation's own. The same catalog again changes nothing (SU32).
///
/// # Errors
/// When the database cannot be written.
pub async fn ensure_catalog(db: &Database, clock: &BusinessClock) -> Result<(), Error> {
    let mut transaction = db.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *transaction).await.map_err(Fault::from)?;
    let now = clock.now();
    let mut events = Vec::new();
    for shipped in catalog::all() {
        let kept = catalog::ensure(&mut transaction, shipped, now, &mut events).await?;
        for (key, settings) in SETTINGS.iter().filter(|(key, _)| *key == shipped.key) {
            ensure_programme(&mut transaction, key, new_programme(key, settings, kept), now, &mut events).await?;
        }
    }
    event::append(&mut transaction, "worker:catalog", &events).await?;
    db.commit(transaction).await?;
    Ok(())
}

fn new_programme(key: &str, settings: &str, kept: Kept) -> NewProgramme {
    let SettingsFile { display_name, trigger, delay_hours, pause_days, priority } = read(key, settings);
    NewProgramme {
        display_name,
        survey_id: kept.survey,
        trigger: Trigger::from_name(&trigger).unwrap_or_else(|error| panic!("catalog/{key}: {error}")),
        delay: SignedDuration::from_hours(delay_hours),
        sampling_rate: 1.0,
        pause_between: SignedDuration::from_hours(24 * pause_days),
        lifetime: USUAL_LIFETIME,
        follow_low_scores: true,
        priority,
        active: kept.is_published,
    }
}

/// Reads a compiled-in file. Every file is read by the tests, so a failure never reaches an installation.
fn read(key: &str, text: &str) -> SettingsFile {
    toml::from_str(text).unwrap_or_else(|error| panic!("catalog/{key}: {error}"))
}

async fn ensure_programme(
    connection: &mut PgConnection,
    key: &str,
    new: NewProgramme,
    now: Timestamp,
    events: &mut Vec<NewEvent>,
) -> Result<(), Error> {
    let is_published = new.active;
    let programme = Programme::create(new_id(), new, rand::random(), is_published, now)
        .map_err(|NothingToAsk| Error::internal("a shipped programme asks though nothing is published"))?;
    let insert = sqlx::query!(
        r#"insert into programme (
               id, version, display_name, survey_id, trigger, delay_seconds, sampling_rate, pause_seconds, lifetime_seconds,
               follow_low_scores, priority, active, salt, catalog_key, created_at, updated_at
           )
           values ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)
           on conflict on constraint programme_catalog_key_once do nothing"#,
        programme.id,
        programme.display_name,
        programme.survey_id,
        programme.trigger.name(),
        programme.delay.as_secs(),
        programme.sampling_rate,
        programme.pause_between.as_secs(),
        programme.lifetime.as_secs(),
        programme.follow_low_scores,
        programme.priority,
        programme.active,
        programme.salt,
        key,
        jiff_sqlx::Timestamp::from(now) as _,
    );
    if insert.execute(connection).await.map_err(Fault::from)?.rows_affected() > 0 {
        let (kind, story) = ("seva.surveys.programme.created.v1", Story::begun_by("catalog"));
        events.push(NewEvent::new(kind, name(programme.id), 1, now, story, &event_of(&programme, &["*"])));
    }
    Ok(())
}
