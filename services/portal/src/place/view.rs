//! The place as its template shows it: parts of cards, all made alike.

use askama::Template;

use crate::page::Frame;

/// Everything.
#[derive(Debug, Template)]
#[template(path = "place.html")]
pub struct PlacePage<'p> {
    pub frame: Frame<'p>,
    pub greeting: Option<String>,
    pub parts: Vec<PartView<'p>>,
}

/// One part, such as the orders.
#[derive(Debug)]
pub struct PartView<'p> {
    /// Where links on the page lead to.
    pub id: &'static str,
    pub title: &'p str,
    /// How old it is, in words.
    pub age: Option<String>,
    /// It may be out of date.
    pub stale: bool,
    pub cards: Vec<CardView<'p>>,
    /// How many cards, as the reader writes it.
    pub count: String,
    /// What is said when there are none.
    pub empty: &'p str,
    /// There are more than are shown.
    pub more: bool,
}

/// One thing, such as an order.
#[derive(Debug, Default, PartialEq)]
pub struct CardView<'p> {
    pub title: String,
    pub state: Option<StateView<'p>>,
    /// What has to be said about it.
    pub note: Option<&'p str>,
    pub rows: Vec<RowView<'p>>,
    pub link: Option<LinkView<'p>>,
}

/// Where a thing stands.
#[derive(Debug, PartialEq)]
pub struct StateView<'p> {
    pub word: &'p str,
    pub tone: Tone,
}

/// How a state is coloured. Its word says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    /// It went well.
    Good,
    /// It did not.
    Bad,
    /// The customer is asked for something.
    Asks,
}

impl Tone {
    /// The name in the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Asks => "asks",
        }
    }
}

/// A fact.
#[derive(Debug, PartialEq)]
pub struct RowView<'p> {
    pub label: &'p str,
    pub value: String,
}

/// A way to another system, which is named so that nobody is surprised.
#[derive(Debug, PartialEq)]
pub struct LinkView<'p> {
    pub label: &'p str,
    pub address: String,
    pub host: String,
}
