//! A headless Chromium, driven through its own driver, and what has to be so on every page that it shows.

use std::{
    collections::BTreeSet,
    env, fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, key::Key, wd::WebDriverCompatibleCommand};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use seva_tests::process::free_port;
use url::{ParseError, Url};

/// Much longer than a driver or a page takes.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(20);

/// How wide a page is.
#[derive(Debug, Clone, Copy)]
pub enum Screen {
    Phone,
    Desktop,
}

impl Screen {
    const fn width(self) -> u32 {
        match self {
            Self::Phone => 390,
            Self::Desktop => 1100,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Desktop => "desktop",
        }
    }
}

/// A browser. It ends with this value.
pub struct Browser {
    client: Client,
    driver: Driver,
    /// The only place that it may ask for anything.
    origin: String,
    /// How its pages are told apart.
    name: String,
}

/// The driver's process, which ends the browser's with itself.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A command beyond what all browsers know.
#[derive(Debug)]
struct Beyond {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Beyond {
    fn endpoint(&self, base_url: &Url, session_id: Option<&str>) -> Result<Url, ParseError> {
        base_url.join(&format!("session/{}/{}", session_id.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Browser {
    /// Starts one for the pages of `origin`; `name` tells its screenshots apart.
    pub async fn start(origin: &str, name: &str) -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let driver = Driver(driver.expect("chromedriver can be started: make browser installs it"));
        // A root user has no other way; the browser sees pages of ours only.
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "performance": "ALL", "browser": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it was made as an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let give_up = Instant::now() + PATIENCE;
        let client = loop {
            match builder.connect(&format!("http://127.0.0.1:{port}")).await {
                Ok(client) => break client,
                Err(error) => assert!(Instant::now() < give_up, "Chromium does not start: {error}"),
            }
            tokio::time::sleep(PAUSE).await;
        };
        Self { client, driver, origin: origin.to_owned(), name: name.to_owned() }
    }

    /// Opens a page.
    pub async fn open(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// Clicks on the first thing that a selector finds.
    pub async fn click(&self, selector: &str) {
        self.find(selector).await.click().await.unwrap();
    }

    /// Clicks on something that leads to another page, and waits for that.
    pub async fn go(&self, selector: &str) {
        // What was shown is gone when the next page is there.
        let before = self.find("html").await;
        self.click(selector).await;
        let give_up = Instant::now() + PATIENCE;
        while before.tag_name().await.is_ok() {
            assert!(Instant::now() < give_up, "{selector} leads nowhere");
            tokio::time::sleep(PAUSE).await;
        }
        self.client.wait().at_most(PATIENCE).for_element(Locator::Css("footer")).await.unwrap();
    }

    /// Types into the first thing that a selector finds.
    pub async fn type_into(&self, selector: &str, text: &str) {
        let field = self.find(selector).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Whether a choice is made.
    pub async fn is_chosen(&self, selector: &str) -> bool {
        self.find(selector).await.is_selected().await.unwrap()
    }

    /// What stands in a field.
    pub async fn value(&self, selector: &str) -> String {
        self.find(selector).await.prop("value").await.unwrap().unwrap_or_default()
    }

    /// The words that a page shows.
    pub async fn text(&self) -> String {
        self.find("body").await.text().await.unwrap()
    }

    /// Whether anything of a selector is on the page.
    pub async fn has(&self, selector: &str) -> bool {
        !self.client.find_all(Locator::Css(selector)).await.unwrap().is_empty()
    }

    async fn find(&self, selector: &str) -> Element {
        let found = self.client.find(Locator::Css(selector)).await;
        match found {
            Ok(found) => found,
            Err(error) => panic!("{selector}: {error}\n{}", self.client.source().await.unwrap_or_default()),
        }
    }

    async fn asked(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Asks the page what has to be so on every one, in both widths, and keeps how it looks.
    pub async fn look(&self, page: &str, language: &str, direction: &str) {
        let told = self.asked("return [document.documentElement.lang, document.documentElement.dir]").await;
        assert_eq!(told, json!([language, direction]), "{page}");
        self.runs_nothing(page).await;
        for screen in [Screen::Desktop, Screen::Phone] {
            self.client.set_window_size(screen.width(), 900).await.unwrap();
            let sizes = self
                .asked(
                    "return [document.documentElement.scrollWidth, innerWidth, document.documentElement.scrollHeight]",
                )
                .await;
            let [wide, inner, high] = [0, 1, 2].map(|place| sizes[place].as_u64().unwrap());
            assert!(wide <= inner, "{page} on a {screen:?}: {wide} of {inner} pixels");
            self.client.set_window_size(screen.width(), u32::try_from(high).unwrap() + 200).await.unwrap();
            self.keep(&format!("{page}-{}", screen.name())).await;
        }
        self.keyboard_reaches_everything(page).await;
    }

    /// Keeps how the page looks to those who prefer the dark.
    pub async fn look_in_the_dark(&self, page: &str) {
        let media = |value: &str| json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        for scheme in ["dark", "light"] {
            let body = json!({ "cmd": "Emulation.setEmulatedMedia", "params": media(scheme) });
            self.client.issue_cmd(Beyond { path: "goog/cdp/execute", body }).await.unwrap();
            if scheme == "dark" {
                self.keep(&format!("{page}-dark")).await;
            }
        }
    }

    async fn keep(&self, page: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        let folder = env::var_os("SCREENSHOTS").map_or(folder, PathBuf::from);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}-{page}.png", self.name)), self.client.screenshot().await.unwrap()).unwrap();
    }

    /// No page has a script or the attribute of one, and none that gets into it would run.
    async fn runs_nothing(&self, page: &str) {
        let found = self
            .asked(
                "const all = [...document.querySelectorAll('*')];
                 const acting = all.filter(one => one.getAttributeNames().some(name => name.startsWith('on')));
                 const script = document.createElement('script');
                 script.textContent = 'window.ran = true';
                 document.body.append(script);
                 script.remove();
                 document.body.setAttribute('onclick', 'window.ran = true');
                 document.body.click();
                 document.body.removeAttribute('onclick');
                 return [document.scripts.length, acting.length, document.cookie, window.ran === undefined]",
            )
            .await;
        assert_eq!(found, json!([0, 0, "", true]), "{page}");
    }

    /// Tab by Tab everything that can be used is reached, and can be seen to be.
    async fn keyboard_reaches_everything(&self, page: &str) {
        // A group of radio buttons is one stop; the arrows choose in it.
        let names = "const can = 'a[href], button, input:not([type=hidden]), textarea, select, iframe, [tabindex]';
            const all = [...document.querySelectorAll(can)].filter(one => one.checkVisibility());
            const name = one => one.type === 'radio' ? 'radio ' + one.name : one.tagName + ' ' + all.indexOf(one);";
        let all = self.asked(&format!("{names} return all.map(name)")).await;
        let all: BTreeSet<_> = all.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        self.asked("document.activeElement.blur(); window.getSelection().removeAllRanges(); scrollTo(0, 0)").await;
        let mut reached = BTreeSet::new();
        // It goes on from where somebody was last, over the end of the page to its beginning.
        for _ in 0..all.len() + 2 {
            self.client.active_element().await.unwrap().send_keys(&Key::Tab.to_string()).await.unwrap();
            let told = self
                .asked(&format!(
                    "{names} const one = document.activeElement, style = getComputedStyle(one);
                     return [name(one), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2]"
                ))
                .await;
            let name = told[0].as_str().unwrap().to_owned();
            if name.starts_with("BODY") {
                continue;
            }
            assert_eq!(told[1], json!(true), "{page}: {name} is not seen to be reached");
            reached.insert(name);
        }
        assert_eq!(reached, all, "{page}");
    }

    /// Everything that was asked for since the last time: of our own origin, and no script, image or frame.
    pub async fn stayed_at_home(&self) {
        let body = json!({ "type": "performance" });
        let entries = self.client.issue_cmd(Beyond { path: "se/log", body }).await.unwrap();
        let mut asked = 0;
        for entry in entries.as_array().unwrap() {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            let (method, params) = (&message["message"]["method"], &message["message"]["params"]);
            if method != "Network.requestWillBeSent" {
                continue;
            }
            let (url, kind) = (params["request"]["url"].as_str().unwrap(), params["type"].as_str().unwrap_or_default());
            assert!(url.starts_with(&format!("{}/", self.origin)), "{kind} {url}");
            assert!(matches!(kind, "Document" | "Stylesheet"), "{kind} {url}");
            asked += 1;
        }
        assert!(asked > 0, "what was asked for is not told");
    }

    /// Ends it.
    pub async fn close(self) {
        let Self { client, driver, .. } = self;
        client.close().await.unwrap();
        drop(driver);
    }
}
