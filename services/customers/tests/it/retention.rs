//! What the intake keeps for a time only.

use jiff::SignedDuration;
use seva_customers::workers::retention::{INTAKE_KEPT, Retention};
use seva_runtime::clock::machine_now;
use seva_store::due::DueWork;

use crate::world::World;

/// Identities and bodies of these ages in seconds beyond what is kept.
async fn received(world: &World, beyond: &[i64]) {
    for beyond in beyond {
        let at = jiff_sqlx::Timestamp::from(machine_now() - INTAKE_KEPT - SignedDuration::from_secs(*beyond));
        sqlx::query(
            "insert into intake_event (source, id, hash, outcome, subject, received_at)
             values ('//shop.example', gen_random_uuid()::text, '', 'accepted', '', $1)",
        )
        .bind(at)
        .execute(&world.database.owner)
        .await
        .unwrap();
        sqlx::query(
            "insert into intake_quarantine (id, source, event_id, reason, hash, body, received_at)
             values (gen_random_uuid(), '//shop.example', gen_random_uuid()::text, 'EVENT_TYPE_UNKNOWN', '', 'x', $1)",
        )
        .bind(at)
        .execute(&world.database.owner)
        .await
        .unwrap();
    }
}

#[tokio::test]
async fn what_is_older_than_ninety_days_of_machine_time_goes_and_the_rest_stays() {
    let world = World::new().await;
    // Ten minutes on either side of the limit; business time stands elsewhere altogether.
    received(&world, &[600, 1_000_000, -600, -1_000_000]).await;
    let retention = Retention::new(world.foundation.db.clone());

    let removed = retention.run_batch(world.now(), 200).await.unwrap();

    assert_eq!(removed, 4);
    for table in ["select count(*) from intake_event", "select count(*) from intake_quarantine"] {
        assert_eq!(world.count(table).await, 2);
    }
    assert_eq!(retention.next_due().await.unwrap(), None, "nobody waits for it");
}

#[tokio::test]
async fn after_a_round_without_work_it_rests() {
    let world = World::new().await;
    let retention = Retention::new(world.foundation.db.clone());
    assert_eq!(retention.run_batch(world.now(), 200).await.unwrap(), 0);

    received(&world, &[600]).await;

    assert_eq!(retention.run_batch(world.now(), 200).await.unwrap(), 0);
    assert_eq!(retention.forget(machine_now()).await.unwrap(), 2);
}
