use super::*;

const ONE: &str = "0199a3c0-1111-7222-8333-444444444444";
const OTHER: &str = "0199a3c0-aaaa-7bbb-8ccc-dddddddddddd";
/// As long as a signature.
const SIGNATURE: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP_";

#[test]
fn ids_are_taken_out_wherever_they_stand() {
    let text = format!(r#"{{"id": "{ONE}", "cause": "orders/{OTHER}", "said": "आशा {ONE}, {OTHER}."}}"#);
    let found = nameless(&text);
    assert_eq!(found.text, r#"{"id": "◆", "cause": "orders/◆", "said": "आशा ◆, ◆."}"#);
    let [one, other] = [ONE, OTHER].map(|id| id.parse::<Uuid>().unwrap());
    assert_eq!(found.ids, [one, other, one, other]);
}

#[test]
fn what_only_looks_like_an_id_stays() {
    for text in [
        format!("x{ONE}"),
        format!("{ONE}0"),
        ONE.to_uppercase(),
        ONE.replace('-', ""),
        "0199a3c0-1111-7222-8333-44444444444".to_owned(),
    ] {
        assert_eq!(nameless(&text), Nameless { text: text.clone(), ids: Vec::new() });
    }
}

#[test]
fn of_a_link_only_the_port_and_the_signature_are_taken_out() {
    assert_eq!(SIGNATURE.len(), SIGNATURE_LENGTH);
    let text = format!(
        "See http://127.0.0.1:41234/survey/survey.{ONE}.1.1510000000.k1.{SIGNATURE}. Or https://shop.example/a.b?c=d."
    );
    let said = format!("See http://here/survey/survey.{ONE}.1.1510000000.k1. Or https://shop.example/a.b?c=d.");
    assert_eq!(without_secrets(&text), said);
    let text =
        format!(r#"<a href="http://127.0.0.1:1/x?token=place.{ONE}.2.1510000000.k1.{SIGNATURE}&amp;l=en">http</a>"#);
    let said = format!(r#"<a href="http://here/x?token=place.{ONE}.2.1510000000.k1&amp;l=en">http</a>"#);
    assert_eq!(without_secrets(&text), said);
}

#[test]
fn links_that_say_something_else_stay_different() {
    let link = |generation: u32| without_secrets(&format!("http://127.0.0.1:1/x.{ONE}.{generation}.7.k1.{SIGNATURE}"));
    assert_ne!(link(1), link(2));
}

#[test]
fn other_names_become_the_ids() {
    let mut names = OtherNames::default();
    names.add("000Z9K".to_owned(), ONE.to_owned());
    names.add("000ZB$".to_owned(), OTHER.to_owned());
    let text = r#"{"number": "000Z9K", "said": "(000ZB$) आशा, 000Z9K. 000Z9K1 1000Z9K"}"#;
    let told = format!(r#"{{"number": "{ONE}", "said": "({OTHER}) आशा, {ONE}. 000Z9K1 1000Z9K"}}"#);
    assert_eq!(names.replaced(text), told);
}
