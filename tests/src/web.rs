//! Requests to the portal over HTTP/1.1, as simple as they can be: nothing is followed, kept or guessed.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

/// What was answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Of HTTP.
    pub status: u16,
    /// Of the answer.
    pub headers: HeaderMap,
    /// The body as text.
    pub text: String,
}

/// Reads a page.
///
/// # Errors
/// There is no answer.
pub async fn get(url: &str) -> anyhow::Result<Answer> {
    send(Method::GET, url, &[], "").await
}

/// Sends a form.
///
/// # Errors
/// There is no answer.
pub async fn post_form(url: &str, headers: &[(&str, &str)], form: &str) -> anyhow::Result<Answer> {
    let form_headers = [&[("content-type", "application/x-www-form-urlencoded")], headers].concat();
    send(Method::POST, url, &form_headers, form).await
}

/// Sends any request and reads its answer.
///
/// # Errors
/// There is no answer.
pub async fn send(method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> anyhow::Result<Answer> {
    let mut request = Request::builder().method(method).uri(url.parse::<Uri>()?).header(header::CONNECTION, "close");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(Bytes::from(body.to_owned())))?;
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let (head, body) = client.request(request).await?.into_parts();
    let text = String::from_utf8_lossy(&body.collect().await?.to_bytes()).into_owned();
    Ok(Answer { status: head.status.as_u16(), headers: head.headers, text })
}
