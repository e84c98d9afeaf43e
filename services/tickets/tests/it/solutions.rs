//! Whether articles helped, and which tickets were solved with them.

use std::sync::Arc;

use seva_proto::{
    common::v1::ErrorReason,
    tickets::v1::{
        CancelTicketRequest, ListSolutionsRequest, RateArticleRequest, RateArticleResponse, RecordSolutionRequest,
        Solution, article::Audience, article_rating::Verdict, knowledge_service_client::KnowledgeServiceClient, ticket,
    },
};
use seva_values::new_id;
use tokio::task::JoinSet;
use tonic::{Code, Status};

use crate::{
    knowledge::{create, draft, drips, get, noise, publish, published, reader, search},
    world::{World, a_ticket, invariant, is_refused},
};

async fn rate(world: &World, article: &str, ticket: &str, verdict: Verdict) -> Result<RateArticleResponse, Status> {
    let request = RateArticleRequest {
        name: article.to_owned(),
        ticket: ticket.to_owned(),
        verdict: verdict.into(),
        request_id: new_id().to_string(),
    };
    Ok(reader(world).rate_article(request).await?.into_inner())
}

async fn solved_with(world: &World, ticket: &str, article: &str) -> Result<Solution, Status> {
    let request = RecordSolutionRequest {
        parent: ticket.to_owned(),
        article: article.to_owned(),
        request_id: new_id().to_string(),
    };
    Ok(reader(world).record_solution(request).await?.into_inner().solution.unwrap())
}

/// TK82
#[tokio::test(flavor = "multi_thread")]
async fn an_article_is_rated_once_for_a_ticket_and_once_by_a_caller() {
    let world = Arc::new(World::new().await);
    let article = published(&world, Audience::Public, drips()).await;
    let ticket = world.create(a_ticket(world.customer("en").await)).await.unwrap().name;
    let mut raters = JoinSet::new();
    for at in 0..8 {
        let (world, article, ticket) = (world.clone(), article.name.clone(), ticket.clone());
        let verdict = if at % 2 == 0 { Verdict::Helpful } else { Verdict::NotHelpful };
        raters.spawn(async move { rate(&world, &article, &ticket, verdict).await });
    }
    let (rated, refused): (Vec<_>, Vec<_>) = raters.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((rated.len(), refused.len()), (1, 7));
    for refusal in refused {
        is_refused(refusal, ErrorReason::ResourceExists);
    }
    rate(&world, &article.name, "", Verdict::NotHelpful).await.unwrap();
    is_refused(rate(&world, &article.name, "", Verdict::Helpful).await, ErrorReason::ResourceExists);

    let article = get(&world, &article.name, "").await.unwrap().article.unwrap();
    assert_eq!(article.helpful_count + article.not_helpful_count, 2);
    assert_eq!(world.count("select count(*) from article_rating").await, 2);
    assert_eq!(
        world.count("select count(*) from seva.outbox where type = 'seva.tickets.article_rating.recorded.v1'").await,
        2
    );

    let nowhere = format!("tickets/{}", new_id());
    is_refused(rate(&world, &article.name, &nowhere, Verdict::Helpful).await, ErrorReason::ResourceNotFound);
    is_refused(rate(&world, &article.name, &ticket, Verdict::Unspecified).await, ErrorReason::FieldsInvalid);
    let unwritten = create(&world, Audience::Staff).await;
    let refused = is_refused(rate(&world, &unwritten.name, "", Verdict::Helpful).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK82");
    sqlx::query("update article_rating set helpful = true").execute(&world.database.owner).await.unwrap_err();
}

/// TK83
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_was_solved_with_an_article_once_and_both_sides_know() {
    let world = Arc::new(World::new().await);
    let department = world.department("support", &["question"]).await;
    let radha = world.member("radha", &department, &["en"], 5).await;
    let article = published(&world, Audience::Public, drips()).await;
    let customer = world.customer("en").await;
    let ticket = world.create(a_ticket(customer)).await.unwrap().name;
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (world, article, ticket) = (world.clone(), article.name.clone(), ticket.clone());
        callers.spawn(async move {
            loop {
                match solved_with(&world, &ticket, &article).await {
                    // The ticket is being assigned.
                    Err(status) if status.code() == Code::Aborted => {}
                    answer => return answer,
                }
            }
        });
    }
    let (solved, refused): (Vec<_>, Vec<_>) = callers.join_all().await.into_iter().partition(Result::is_ok);
    assert_eq!((solved.len(), refused.len()), (1, 7));
    for refusal in refused {
        is_refused(refusal, ErrorReason::ResourceExists);
    }

    // Another article, in a version that is no longer the published one, by somebody who is known.
    let other = published(&world, Audience::Staff, noise()).await;
    let first = other.published_version.clone();
    let drafted = draft(&world, &other, drips()).await.unwrap().article_version.unwrap().name;
    let refused = is_refused(solved_with(&world, &ticket, &drafted).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK83");
    publish(&world, &drafted).await.unwrap();
    let request =
        RecordSolutionRequest { parent: ticket.clone(), article: first.clone(), request_id: new_id().to_string() };
    let mut as_radha = KnowledgeServiceClient::new(world.as_user("radha"));
    let answer = as_radha.record_solution(request.clone()).await.unwrap().into_inner();
    assert_eq!(as_radha.record_solution(request).await.unwrap().into_inner(), answer, "the same again");
    let solution = answer.solution.unwrap();
    assert_eq!((solution.article_version, solution.staff_member), (first, radha));

    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListSolutionsRequest { parent: ticket.clone(), page_size: 1, page_token };
        let page = reader(&world).list_solutions(request).await.unwrap().into_inner();
        names.extend(page.solutions.into_iter().map(|solution| solution.article_version));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, [article.published_version.clone(), other.published_version]);
    assert_eq!(get(&world, &article.name, "").await.unwrap().article.unwrap().solved_count, 1);
    assert_eq!(search(&world, "drips", "en", Audience::Public).await[0].solved_count, 1);
    let kept: Vec<String> = sqlx::query_scalar(
        "select distinct correlation_id from seva.outbox where type = 'seva.tickets.solution.recorded.v1' or subject = $1",
    )
    .bind(&ticket)
    .fetch_all(&world.database.owner)
    .await
    .unwrap();
    assert_eq!(kept.len(), 1, "it is part of the ticket's story");

    let canceled = world.create(a_ticket(customer)).await.unwrap().name;
    let request = CancelTicketRequest {
        name: canceled.clone(),
        reason: ticket::CancelReason::Spam.into(),
        request_id: new_id().to_string(),
        ..CancelTicketRequest::default()
    };
    world.tickets().cancel_ticket(request).await.unwrap();
    let refused = is_refused(solved_with(&world, &canceled, &article.name).await, ErrorReason::StateForbids);
    assert_eq!(invariant(&refused), "TK83");
    is_refused(solved_with(&world, &ticket, &format!("articles/{}", new_id())).await, ErrorReason::ResourceNotFound);
    let nowhere = ListSolutionsRequest { parent: format!("tickets/{}", new_id()), ..ListSolutionsRequest::default() };
    is_refused(reader(&world).list_solutions(nowhere).await, ErrorReason::ResourceNotFound);
    sqlx::query("delete from solution").execute(&world.database.owner).await.unwrap_err();
}
