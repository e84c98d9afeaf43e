//! Where the bench's messages end: it only notes when.

use std::{sync::Mutex, time::Instant};

use seva_notifications::provider::{Fault, OutgoingMail, Provider};

/// A provider that takes everything at once, as the null provider does, and remembers when.
#[derive(Debug, Default)]
pub struct Mailbox(Mutex<Vec<(String, Instant)>>);

impl Mailbox {
    /// Forgets what came so far.
    pub fn clear(&self) {
        self.0.lock().expect("no holder panics").clear();
    }

    /// How many messages came.
    pub fn count(&self) -> usize {
        self.0.lock().expect("no holder panics").len()
    }

    /// Order numbers of shipped orders, and when their messages came.
    pub fn shipped(&self) -> Vec<(String, Instant)> {
        let taken = self.0.lock().expect("no holder panics");
        let number = |text: &str| Some(text.split_once("BK")?.1.get(..8)?.trim_start_matches('0').to_owned());
        taken
            .iter()
            .filter_map(|(text, at)| {
                number(text).map(|digits| (if digits.is_empty() { "0".to_owned() } else { digits }, *at))
            })
            .map(|(digits, at)| (format!("T-{digits}"), at))
            .collect()
    }
}

#[async_trait::async_trait]
impl Provider for Mailbox {
    async fn deliver(&self, message: &OutgoingMail) -> Result<(), Fault> {
        let at = Instant::now();
        self.0.lock().expect("no holder panics").push((message.text.clone(), at));
        Ok(())
    }
}
