use super::*;

#[test]
fn the_public_url_is_a_host_by_https_or_this_machine() {
    for (text, read) in [
        ("https://help.example.com", "https://help.example.com"),
        ("https://help.example.com/", "https://help.example.com"),
        ("https://help.example.com:8443", "https://help.example.com:8443"),
        ("HTTPS://Help.Example.com:443", "https://help.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://localhost:8080", "http://localhost:8080"),
    ] {
        assert_eq!(PublicUrl::parse(text).unwrap().as_str(), read, "{text}");
    }
    for text in [
        "",
        "help.example.com",
        "http://help.example.com",
        "http://10.0.0.7:8080",
        "http://localhost.example.com",
        "ftp://help.example.com",
        "https://",
        "https:///help.example.com",
        "https:help.example.com",
        "https://help.example.com/shop",
        "https://help.example.com?x=1",
        "https://help.example.com#x",
        "https://me:secret@help.example.com",
        "https://help.example.com\\shop",
        " https://help.example.com",
    ] {
        let fault = PublicUrl::parse(text).unwrap_err();
        assert!(!fault.contains("secret"), "{text}: {fault}");
    }
}

#[test]
fn a_token_that_would_change_the_path_makes_no_link() {
    let url = PublicUrl::parse("https://help.example.com").unwrap();
    for token in ["", "a/b", "..%2f", "a?b", "a#b", "a b", "é"] {
        assert_eq!(url.link("ticket", token), None, "{token}");
    }
}
