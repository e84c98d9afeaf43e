//! Customers who read their mails, open what they link to, and fill in what is asked there.

use crate::{
    Installation,
    mail::{self, Mail},
    page::{self, Form},
    web,
};

/// A page that was opened.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its address.
    pub address: String,
    /// HTML.
    pub html: String,
}

impl Opened {
    /// Opens a page, which has to be there.
    ///
    /// # Panics
    /// When it is not.
    pub async fn at(address: &str) -> Self {
        let shown = web::get(address).await.expect("the portal answers");
        assert_eq!(shown.status, 200, "{address}: {}", page::text(&shown.text));
        Self { address: address.to_owned(), html: shown.text }
    }

    /// Opens the first page of this path that a mail leads to.
    ///
    /// # Panics
    /// When there is none.
    pub async fn from(mail: &Mail, path: &str) -> Self {
        let address = mail.link(path);
        let address = address.unwrap_or_else(|| panic!("{} leads to no {path}: {:?}", mail.subject, mail.links()));
        Self::at(&address).await
    }

    /// Its forms.
    pub fn forms(&self) -> Vec<Form> {
        page::forms(&self.address, &self.html)
    }

    /// The form that holds this field with this value as it is.
    ///
    /// # Panics
    /// When there is none.
    pub fn form(&self, name: &str, value: &str) -> Form {
        let form = self.forms().into_iter().find(|form| form.get(name) == Some(value));
        form.unwrap_or_else(|| panic!("{} has no form with {name}={value}: {}", self.address, self.text()))
    }

    /// Its only form.
    ///
    /// # Panics
    /// When it has none, or several.
    pub fn only_form(&self) -> Form {
        let forms = self.forms();
        let [form] = &forms[..] else { panic!("{} has {} forms: {}", self.address, forms.len(), self.text()) };
        form.clone()
    }

    /// Its words.
    pub fn text(&self) -> String {
        page::text(&self.html)
    }

    /// Sends a form of this page, which has to be taken, and answers the page that is shown then.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn submit(form: &Form) -> Self {
        let (address, shown) = form.submit().await;
        Self { address, html: shown.text }
    }
}

/// The mails to an address about a milestone, oldest first.
///
/// # Panics
/// When the database cannot be asked.
pub async fn mails_about(installation: &Installation, address: &str, milestone: &str) -> Vec<Mail> {
    let sql = "select id::text from notification where milestone = $1 and state = 'sent'";
    let ids = sqlx::query_scalar::<_, String>(sql).bind(milestone).fetch_all(installation.database("notifications"));
    let ids = ids.await.expect("the database can be asked");
    mail::to(&installation.mail, address).into_iter().filter(|mail| ids.contains(&mail.id)).collect()
}
