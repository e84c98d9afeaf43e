//! What clients were told, in a file that is on the disk before the next call: the judge of what may never be lost.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Something that a server has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Acknowledged {
    /// A customer was made.
    Customer {
        /// `customers/{id}`.
        name: String,
        /// The request that made it.
        request_id: String,
    },
    /// An event of a shop was taken, or was there already.
    Event {
        /// Its source.
        source: String,
        /// Its id.
        id: String,
    },
    /// A step of a ticket was taken: it was opened, or something was said, or it was resolved.
    Ticket {
        /// `tickets/{id}`.
        name: String,
        /// The request that asked for it.
        request_id: String,
    },
}

/// A journal of one run.
#[derive(Debug)]
pub struct Journal {
    file: Mutex<File>,
    path: PathBuf,
}

impl Journal {
    /// A new journal in this file.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn create(path: PathBuf) -> Self {
        let file = OpenOptions::new().create(true).append(true).open(&path).expect("a journal can be written");
        Self { file: Mutex::new(file), path }
    }

    /// Writes down what was acknowledged together, and returns when it is on the disk.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn note(&self, acknowledged: &[Acknowledged]) {
        let lines: String = acknowledged
            .iter()
            .map(|entry| match entry {
                Acknowledged::Customer { name, request_id } => format!("customer\t{name}\t{request_id}\n"),
                Acknowledged::Event { source, id } => format!("event\t{source}\t{id}\n"),
                Acknowledged::Ticket { name, request_id } => format!("ticket\t{name}\t{request_id}\n"),
            })
            .collect();
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(lines.as_bytes()).and_then(|()| file.sync_data()).expect("a journal can be written");
    }

    /// Everything that was written down, from the disk.
    ///
    /// # Panics
    /// When the file is damaged.
    pub fn read(&self) -> Vec<Acknowledged> {
        read(&self.path)
    }
}

fn read(path: &Path) -> Vec<Acknowledged> {
    let text = std::fs::read_to_string(path).expect("the journal can be read");
    let lines = text.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    lines
        .map(|fields| match fields[..] {
            ["customer", name, request_id] => {
                Acknowledged::Customer { name: name.to_owned(), request_id: request_id.to_owned() }
            }
            ["event", source, id] => Acknowledged::Event { source: source.to_owned(), id: id.to_owned() },
            ["ticket", name, request_id] => {
                Acknowledged::Ticket { name: name.to_owned(), request_id: request_id.to_owned() }
            }
            _ => panic!("a line of the journal is damaged: {fields:?}"),
        })
        .collect()
}
