//! Writes of customers: load, decide, save.

use seva_proto::customers::v1::{CreateCustomerResponse, RecordConsentResponse, UpdateCustomerResponse};
use seva_runtime::{BusinessClock, Error, Write};
use seva_store::{Database, Etag, fault::write_conflict, idempotency::once};
use seva_values::new_id;
use uuid::Uuid;

use super::{
    mailbox::Mailboxes,
    model::{Change, Consent, Customer, NewCustomer},
    store,
};

/// How often a transition is tried again when other writes come between.
const TRIES: usize = 3;

/// What customers' writes need.
#[derive(Debug, Clone)]
pub struct Commands {
    db: Database,
    clock: BusinessClock,
    mailboxes: Mailboxes,
}

/// A change of one customer.
#[derive(Debug)]
pub struct UpdateCustomer {
    pub id: Uuid,
    pub etag: Etag,
    pub change: Change,
}

/// What one customer agreed to or refused; the time is the clock's.
#[derive(Debug)]
pub struct RecordConsent {
    pub id: Uuid,
    pub etag: Etag,
    pub consent: Consent,
}

impl Commands {
    pub fn new(db: Database, clock: BusinessClock) -> Self {
        Self { mailboxes: Mailboxes::new(db.clone()), db, clock }
    }

    /// Records a customer.
    pub async fn create(&self, write: &Write, new: NewCustomer) -> Result<CreateCustomerResponse, Error> {
        let customer = Customer::create(new_id(), new, self.clock.now());
        let response = CreateCustomerResponse { customer: Some((&customer).into()) };
        once(&self.db, write, async {
            let mailboxes = self.mailboxes.key().await?;
            store::insert(&self.db, &mailboxes, write, &customer, &response).await?;
            Ok(response)
        })
        .await
    }

    /// Changes the fields given.
    pub async fn update(&self, write: &Write, command: UpdateCustomer) -> Result<UpdateCustomerResponse, Error> {
        let UpdateCustomer { id, etag, change } = command;
        once(&self.db, write, async {
            let mailboxes = self.mailboxes.key().await?;
            for _ in 0..TRIES {
                let customer = store::load(&self.db, id).await?;
                etag.check(customer.version)?;
                let (updated, changed) = customer.update(change.clone(), self.clock.now());
                let ends_links = customer.loses_an_address(&updated);
                let response = UpdateCustomerResponse { customer: Some((&updated).into()) };
                if store::save_updated(&self.db, &mailboxes, write, &updated, &changed, ends_links, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }

    /// Records what the customer agreed to or refused.
    pub async fn record_consent(&self, write: &Write, command: RecordConsent) -> Result<RecordConsentResponse, Error> {
        let RecordConsent { id, etag, consent } = command;
        once(&self.db, write, async {
            let mailboxes = self.mailboxes.key().await?;
            for _ in 0..TRIES {
                let customer = store::load(&self.db, id).await?;
                etag.check(customer.version)?;
                let consent = Consent { captured_at: self.clock.now(), ..consent.clone() };
                let updated = customer.record_consent(consent.clone());
                let response = RecordConsentResponse { customer: Some((&updated).into()) };
                if store::save_consent(&self.db, &mailboxes, write, &updated, &consent, &response).await? {
                    return Ok(response);
                }
            }
            Err(write_conflict())
        })
        .await
    }
}
