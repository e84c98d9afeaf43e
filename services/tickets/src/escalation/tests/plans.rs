//! Lists are read from an index in their order, at a hundred thousand escalations of which one in fifty waits to be heard.

use seva_testkit::plans;
use uuid::Uuid;

use crate::{
    escalation::{
        model::State,
        queries::{self, ListEscalations, ORDERS},
    },
    risk::tests::plans::{a_busy_year, page},
};

const SOMEBODY: Uuid = Uuid::from_u128(1);

#[tokio::test]
async fn every_list_reads_an_index_in_order_on_the_first_page_and_in_the_middle() {
    let database = a_busy_year().await;
    let all = |order: usize, token: &str| ListEscalations {
        order: &ORDERS[order],
        ticket: None,
        department: None,
        owner: None,
        level: None,
        state: None,
        open: false,
        page: page("escalations", token),
    };
    let somebody = format!("'{SOMEBODY}'");
    let somebody = somebody.as_str();
    for order in [0, 1] {
        let first = queries::list(&database.db, &all(order, "")).await.unwrap();
        assert_eq!(first.items.len(), 50);
        for token in ["", first.next_page_token.as_str()] {
            let raised = if order == 0 { vec!["'raised'"] } else { vec![] };
            let mut lists = vec![
                (all(order, token), vec![]),
                (ListEscalations { level: Some(2), open: true, ..all(order, token) }, vec!["2::smallint"]),
                (ListEscalations { open: true, ..all(order, token) }, vec![]),
                (ListEscalations { state: Some(State::Raised), open: true, ..all(order, token) }, raised),
            ];
            if order == 0 {
                lists.push((ListEscalations { ticket: Some(SOMEBODY), ..all(order, token) }, vec![somebody]));
                lists.push((ListEscalations { department: Some(SOMEBODY), ..all(order, token) }, vec![somebody]));
                lists.push((ListEscalations { owner: Some(SOMEBODY), ..all(order, token) }, vec![somebody]));
            }
            for (list, filter) in lists {
                let after = ["'2026-01-01T05:00:00Z'", "'80000000-0000-0000-0000-000000000000'"];
                let values = if token.is_empty() { filter } else { [filter.as_slice(), &after].concat() };
                let sql = list.listing().sql();
                plans::expect_in_order(&database, &sql, &values).await;
            }
        }
    }
}
