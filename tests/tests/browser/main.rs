//! The customers' pages in a real browser, by the links of their mails: in English, and in Urdu from the right.
//!
//! What every page looks like is kept in `target/screenshots`.

#![expect(clippy::unwrap_used, reason = "a test stops at the first thing that is not as expected")]

mod chromium;

use jiff::{SignedDuration, Timestamp};
use seva_proto::tickets::v1::ticket::Kind;
use seva_tests::{
    Suite, SuiteOptions,
    agent::Agent,
    drained::drained_at,
    judge,
    mail::Mail,
    reader,
    scene::{self, AGENT, Words},
    shop::Shopper,
};

use chromium::Browser;

const ENGLISH: Words = Words {
    given_name: "Alice",
    family_name: "Baker",
    order_number: "T-1001",
    title: "Where is my parcel?",
    reply: "We are asking the carrier, and tell you as soon as we know.",
    note: "It was on the wrong lorry, and comes this afternoon.",
    rejection: "It has still not come.",
    answer: "The box was wet.",
};

const URDU: Words = Words {
    given_name: "سارہ",
    family_name: "احمد",
    order_number: "T-1002",
    title: "میرا پارسل کہاں ہے؟",
    reply: "ہم کیریئر سے پوچھ رہے ہیں اور جیسے ہی معلوم ہوا آپ کو بتائیں گے۔",
    note: "پارسل غلط لاری پر تھا۔ آج دوپہر آ رہا ہے۔",
    rejection: "پارسل ابھی تک نہیں آیا۔",
    answer: "ڈبہ گیلا تھا۔",
};

struct Visit {
    suite: Suite,
    now: Timestamp,
    browser: Browser,
    shopper: Shopper,
    words: &'static Words,
    ticket: String,
    language: &'static str,
    direction: &'static str,
}

impl Visit {
    async fn begin(language: &'static str, direction: &'static str, words: &'static Words) -> Self {
        let suite = Suite::start(SuiteOptions { clock: Some(scene::begin()), ..SuiteOptions::default() }).await;
        let name = (words.given_name.to_owned(), words.family_name.to_owned());
        let shopper = Shopper { name, ..Shopper::new(language) };
        let ticket = scene::play(&suite, &[(shopper.clone(), words)]).await.remove(0);
        let browser = Browser::start(suite.portal_url(), language).await;
        Self { suite, now: scene::end(), browser, shopper, words, ticket, language, direction }
    }

    /// The newest mail about a milestone.
    async fn mail(&self, milestone: &str) -> Mail {
        reader::mails_about(&self.suite, &self.shopper.email, milestone).await.pop().unwrap()
    }

    async fn open(&self, milestone: &str, path: &str) {
        let mail = self.mail(milestone).await;
        let link = mail.link(path).unwrap_or_else(|| panic!("no {path} in {:?}", mail.links()));
        self.browser.open(&link).await;
    }

    async fn look(&self, page: &str) {
        self.browser.look(page, self.language, self.direction).await;
    }

    async fn place(&self) {
        self.open("ticket_resolved", "/place/").await;
        self.look("place").await;
        self.browser.look_in_the_dark("place").await;
        assert!(self.browser.text().await.contains(self.words.order_number));
        self.browser.click("nav a[href='#tickets']").await;
    }

    /// Answered by clicking: the first answer is kept, and then all of them.
    async fn survey(&self) {
        let browser = &self.browser;
        self.open("survey_invitation", "/survey/").await;
        self.look("survey").await;
        browser.look_in_the_dark("survey").await;
        browser.go("button[value=complete]").await;
        assert!(
            browser.has("fieldset.faulty [name=q_csat]").await && browser.has(".alert").await,
            "an answer is required"
        );
        self.look("survey-faulty").await;
        browser.click("label:has([name=q_csat][value='2'])").await;
        browser.go("button[value=save]").await;
        assert!(browser.has(".note").await && browser.is_chosen("[name=q_csat][value='2']").await);
        browser.click("label:has([name=q_csat][value='4'])").await;
        browser.type_into("textarea[name=q_words]", self.words.answer).await;
        self.look("survey-filled").await;
        assert_eq!(browser.value("textarea[name=q_words]").await, self.words.answer, "looking changes nothing");
        browser.go("button[value=complete]").await;
        assert!(!browser.has("form").await);
        self.look("survey-thanks").await;
        self.follows().await;
        let said: Vec<String> = sqlx::query_scalar("select text from answer where text is not null")
            .fetch_all(self.suite.database("surveys"))
            .await
            .unwrap();
        assert_eq!(said, [self.words.answer]);
    }

    /// It is not solved, then it is.
    async fn ticket(&self) {
        let browser = &self.browser;
        self.open("ticket_resolved", "/ticket/").await;
        self.look("ticket").await;
        browser.go("form:has([name=solved][value=no]) button").await;
        assert!(browser.has("[aria-invalid=true]").await, "it has to be said what is wrong");
        self.look("ticket-faulty").await;
        browser.type_into("textarea[name=text]", self.words.rejection).await;
        browser.go("form:has([name=solved][value=no]) button").await;
        assert!(browser.text().await.contains(self.words.rejection) && !browser.has("[name=solved]").await);
        self.look("ticket-rejected").await;
        self.follows().await;
        // It is worked on again: something can be added, and nothing is not something.
        browser.go("form[action$='/message'] button").await;
        assert!(browser.has("[aria-invalid=true]").await, "it has to be said what is to be sent");
        self.look("ticket-nothing-written").await;
        browser.type_into("textarea[name=text]", self.words.answer).await;
        browser.go("form[action$='/message'] button").await;
        assert!(browser.text().await.contains(self.words.answer) && browser.has(".note").await);
        assert_eq!(browser.value("textarea[name=text]").await, "", "it was sent");
        self.look("ticket-written").await;
        self.follows().await;
        Agent::new(&self.suite, AGENT).resolve(&self.ticket, self.words.note).await;
        self.follows().await;
        self.open("ticket_resolved", "/ticket/").await;
        browser.go("form:has([name=solved][value=yes]) button").await;
        self.look("ticket-confirmed").await;
        self.follows().await;
        let closed: Vec<(String, Option<String>)> = sqlx::query_as("select state, closure from ticket")
            .fetch_all(self.suite.database("tickets"))
            .await
            .unwrap();
        assert_eq!(closed, [("closed".to_owned(), Some("verified".to_owned()))]);
    }

    /// A month later the customer may be asked again, after a ticket: with questions of every kind.
    async fn every_question(&mut self) {
        self.later(SignedDuration::from_hours(31 * 24)).await;
        let customer: String = sqlx::query_scalar("select 'customers/' || customer_id from ticket")
            .fetch_one(self.suite.database("tickets"))
            .await
            .unwrap();
        let mut agent = Agent::new(&self.suite, AGENT);
        let ticket = agent.create(&customer, Kind::Delivery, self.words.title).await.name;
        self.follows().await;
        agent.resolve(&ticket, self.words.note).await;
        self.follows().await;
        self.open("ticket_resolved", "/ticket/").await;
        self.browser.go("form:has([name=solved][value=yes]) button").await;
        self.follows().await;
        self.later(SignedDuration::from_mins(61)).await;

        let browser = &self.browser;
        self.open("survey_invitation", "/survey/").await;
        self.look("questions").await;
        for (question, choice) in [("q_csat", "5"), ("q_nps", "10"), ("q_reason", "delivery")] {
            browser.click(&format!("label:has([name={question}][value='{choice}'])")).await;
        }
        self.look("questions-chosen").await;
        browser.go("button[value=complete]").await;
        assert!(!browser.has("form").await);
        self.follows().await;
        let scores: Vec<i16> = sqlx::query_scalar("select score from answer where score is not null order by score")
            .fetch_all(self.suite.database("surveys"))
            .await
            .unwrap();
        assert_eq!(scores, [4, 5, 10]);
    }

    async fn preferences(&self) {
        let browser = &self.browser;
        self.open("ticket_resolved", "/preferences/").await;
        self.look("preferences").await;
        let surveys = "[name=wanted][value='categories/surveys']";
        assert!(browser.is_chosen(surveys).await);
        browser.click(&format!("label:has({surveys})")).await;
        browser.go("form button").await;
        assert!(browser.has(".note").await && !browser.is_chosen(surveys).await);
        self.look("preferences-saved").await;
    }

    async fn unsubscribe(&self) {
        let browser = &self.browser;
        self.open("ticket_resolved", "/unsubscribe/").await;
        self.look("unsubscribe").await;
        browser.go("form button").await;
        assert!(browser.has(".note").await && !browser.has("form").await);
        self.look("unsubscribe-done").await;
        self.follows().await;
        let unwanted: Vec<String> =
            sqlx::query_scalar("select category from preference where not wanted order by category")
                .fetch_all(self.suite.database("notifications"))
                .await
                .unwrap();
        assert_eq!(unwanted, ["surveys", "tickets"]);
    }

    async fn notices(&self) {
        self.browser.open(&format!("{}/ticket/none", self.suite.portal_url())).await;
        // Whose link it is nobody knows: the page is in the browser's language.
        self.browser.look("notice", "en", "ltr").await;
    }

    async fn follows(&self) {
        drained_at(&self.suite, self.now).await;
    }

    async fn later(&mut self, by: SignedDuration) {
        self.now += by;
        self.suite.advance_to(self.now);
        self.follows().await;
    }
}

async fn everything_is_done_by_clicking(language: &'static str, direction: &'static str, words: &'static Words) {
    let mut visit = Visit::begin(language, direction, words).await;
    visit.place().await;
    visit.survey().await;
    visit.ticket().await;
    visit.every_question().await;
    visit.preferences().await;
    visit.unsubscribe().await;
    visit.notices().await;
    visit.browser.stayed_at_home().await;
    assert_eq!(judge::broken(&visit.suite, &[]).await.unwrap(), Vec::<String>::new());
    visit.browser.close().await;
    visit.suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: run by make browser"]
async fn a_customer_who_reads_english_does_everything_by_clicking() {
    everything_is_done_by_clicking("en", "ltr", &ENGLISH).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: run by make browser"]
async fn a_customer_who_reads_urdu_does_everything_by_clicking_from_the_right() {
    everything_is_done_by_clicking("ur", "rtl", &URDU).await;
}
