//! What a browser reads in a page or a mail: links, forms, outline. Parsed by a browser's rules, so that no markup passes that only looks harmless.

use http::header::LOCATION;
use scraper::{ElementRef, Html, Selector};
use url::{Url, form_urlencoded};

use crate::web::{self, Answer};

/// A form as the page has it, to be filled in and sent.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// What is sent, in the page's order: as somebody sends it who touches nothing.
    pub fields: Vec<(String, String)>,
    /// The names and values of its buttons.
    pub buttons: Vec<(String, String)>,
}

impl Form {
    /// What stands in a field.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The form with another value of a field; a field that is not sent yet, such as a choice, is added.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The form without a field.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self
    }

    /// As a browser encodes it.
    pub fn encoded(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish()
    }

    /// Sends it as a browser does from a page that asks for no referrer.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self) -> Answer {
        let headers = [("origin", "null"), ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")];
        web::post_form(&self.action, &headers, &self.encoded()).await.expect("the portal answers")
    }

    /// Sends it, expects that it is taken, and answers the page that is shown then, with its address.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn submit(&self) -> (String, Answer) {
        let taken = self.send().await;
        assert_eq!(taken.status, 303, "{}: {}", self.action, text(&taken.text));
        let location = taken.headers.get(LOCATION).expect("it says where to go on").to_str().expect("it is an address");
        let next = absolute(&self.action, location).expect("it is an address");
        let shown = web::get(&next).await.expect("the portal answers");
        assert_eq!(shown.status, 200, "{next}: {}", text(&shown.text));
        (next, shown)
    }
}

/// Where the links of a page lead, in its order.
pub fn links(base: &str, html: &str) -> Vec<String> {
    let (page, linking) = (Html::parse_document(html), selector("[href], [src]"));
    let links = page.select(&linking);
    let address = |link: ElementRef<'_>| link.attr("href").or_else(|| link.attr("src")).map(str::to_owned);
    links.filter_map(address).filter_map(|link| absolute(base, &link)).collect()
}

/// The forms of a page, in its order.
pub fn forms(base: &str, html: &str) -> Vec<Form> {
    let page = Html::parse_document(html);
    let [form, fields, buttons] = ["form", "input, textarea", "button[name]"].map(selector);
    page.select(&form)
        .map(|form| Form {
            action: absolute(base, form.attr("action").unwrap_or_default()).expect("a form has an address"),
            fields: form.select(&fields).filter_map(field).collect(),
            buttons: form.select(&buttons).filter_map(named).collect(),
        })
        .collect()
}

/// What is sent of a field that nobody touched.
fn field(field: ElementRef<'_>) -> Option<(String, String)> {
    if field.value().name() == "textarea" {
        return Some((field.attr("name")?.to_owned(), field.text().collect()));
    }
    let is_choice = matches!(field.attr("type"), Some("checkbox" | "radio"));
    if is_choice && field.attr("checked").is_none() { None } else { named(field) }
}

fn named(field: ElementRef<'_>) -> Option<(String, String)> {
    Some((field.attr("name")?.to_owned(), field.attr("value").unwrap_or_default().to_owned()))
}

/// The words of a page, one blank between them.
pub fn text(html: &str) -> String {
    let page = Html::parse_document(html);
    let text: String = page.root_element().text().collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Language and direction of a page.
pub fn language(html: &str) -> (String, String) {
    let page = Html::parse_document(html);
    let of = |name: &str| page.root_element().attr(name).unwrap_or_default().to_owned();
    (of("lang"), of("dir"))
}

/// Every element with the names of its attributes, in order: what differs by somebody's words alone has the same outline.
pub fn outline(html: &str) -> Vec<String> {
    let (page, all) = (Html::parse_document(html), selector("*"));
    let outline = page.select(&all).map(|element| {
        let mut names: Vec<_> = element.value().attrs().map(|(name, _)| name).collect();
        names.sort_unstable();
        format!("{}[{}]", element.value().name(), names.join(" "))
    });
    outline.collect()
}

fn selector(text: &str) -> Selector {
    Selector::parse(text).expect("the selectors of this file are selectors")
}

/// The address of a link on the page at `base`, without the place in the page.
fn absolute(base: &str, link: &str) -> Option<String> {
    let mut address = Url::parse(base).expect("a page has an address").join(link).ok()?;
    address.set_fragment(None);
    Some(address.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<html lang=ur dir=rtl><a href='/style.css'>one</a> <a href=#here>two</a><form action=there method=post>\
        <input type=hidden name=seal value=a><input type=radio name=q value=1><input type=radio name=q value=2 checked>\
        <textarea name=words>\nsaid</textarea><button name=action value=save>go</button></form>";

    #[test]
    fn a_page_is_read_as_a_browser_reads_it() {
        let base = "http://shop.example/page/token?query";
        assert_eq!(links(base, PAGE), ["http://shop.example/style.css", base]);
        let [form] = &forms(base, PAGE)[..] else { panic!("there is one form") };
        assert_eq!(form.action, "http://shop.example/page/there");
        assert_eq!(form.encoded(), "seal=a&q=2&words=said");
        assert_eq!(form.buttons, [("action".to_owned(), "save".to_owned())]);
        assert_eq!(form.clone().with("q", "1").without("seal").encoded(), "words=said&q=1");
        assert_eq!((text(PAGE).as_str(), language(PAGE)), ("one two said go", ("ur".to_owned(), "rtl".to_owned())));
    }

    #[test]
    fn words_leave_the_outline_as_it_is_and_markup_does_not() {
        let page = |words: &str| outline(&format!("<p title='{words}'>{words}</p>"));
        assert_eq!(page("said"), page("&lt;script&gt;"));
        assert_ne!(page("said"), page("<b>"));
        assert_ne!(page("said"), page("' onclick='"));
    }
}
