//! What a view is, and who may do what with it (TK101).

use jiff::Timestamp;
use seva_runtime::mask::replace;
use seva_values::LocalizedText;
use uuid::Uuid;

use crate::ticket::filter::TicketFilter;

/// A filter that somebody has saved.
#[derive(Clone, PartialEq)]
pub struct View {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub version: i64,
    /// Who made it, as in the audit.
    pub owner: String,
    /// What it is called: personal data.
    pub titles: LocalizedText,
    /// Who sees it.
    pub sharing: Sharing,
    /// Which tickets it shows.
    pub filter: TicketFilter,
    /// In which order; empty: the usual one.
    pub order_by: String,
    /// Business time.
    pub created_at: Timestamp,
    /// Business time.
    pub updated_at: Timestamp,
}

impl std::fmt::Debug for View {
    /// Without anybody's words.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View({}, v{}, {:?})", self.id, self.version, self.sharing)
    }
}

/// Who sees a view, beside its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Nobody.
    Private,
    /// The members of a department.
    Department(Uuid),
    /// Everybody who reads tickets.
    Everybody,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// As in the audit.
    pub subject: String,
    /// The member, when they serve.
    pub member: Option<Uuid>,
    /// The member's department.
    pub department: Option<Uuid>,
    /// A lead or a manager.
    pub leads: bool,
}

/// What a new view is made of.
#[derive(Clone)]
pub struct NewView {
    pub titles: LocalizedText,
    pub sharing: Sharing,
    pub filter: TicketFilter,
    pub order_by: String,
}

/// Fields to change; `None` leaves one as it is.
#[derive(Clone, Default)]
pub struct Change {
    pub titles: Option<LocalizedText>,
    pub sharing: Option<Sharing>,
    pub filter: Option<TicketFilter>,
    pub order_by: Option<String>,
}

impl Viewer {
    /// Whether they may share a view so.
    pub fn may_share(&self, sharing: Sharing) -> bool {
        match sharing {
            Sharing::Private => true,
            Sharing::Department(department) => self.leads || self.department == Some(department),
            Sharing::Everybody => self.leads,
        }
    }

    /// Whether they see a view.
    pub fn sees(&self, view: &View) -> bool {
        let shared = match view.sharing {
            Sharing::Private => false,
            Sharing::Department(department) => self.department == Some(department),
            Sharing::Everybody => true,
        };
        // Whoever leads looks after what is shared, also when its owner has left.
        shared || view.owner == self.subject || (self.leads && view.sharing != Sharing::Private)
    }

    /// Whether they may change a view that they see, or take it away.
    pub fn may_change(&self, view: &View) -> bool {
        view.owner == self.subject || self.leads
    }
}

impl View {
    /// The view of whoever makes it.
    pub fn create(id: Uuid, owner: &Viewer, new: NewView, now: Timestamp) -> Self {
        let NewView { titles, sharing, filter, order_by } = new;
        let owner = owner.subject.clone();
        Self { id, version: 1, owner, titles, sharing, filter, order_by, created_at: now, updated_at: now }
    }

    /// The view after a change, and the names of the fields that it touched.
    pub fn update(&self, change: Change, now: Timestamp) -> (Self, Vec<&'static str>) {
        let Change { titles, sharing, filter, order_by } = change;
        let mut next = Self { version: self.version + 1, updated_at: now, ..self.clone() };
        let mut changed = Vec::new();
        replace(&mut next.titles, titles, "titles", &mut changed);
        replace(&mut next.sharing, sharing, "sharing", &mut changed);
        replace(&mut next.filter, filter, "filter", &mut changed);
        replace(&mut next.order_by, order_by, "order_by", &mut changed);
        (next, changed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OURS: Uuid = Uuid::from_u128(1);
    const THEIRS: Uuid = Uuid::from_u128(2);

    fn viewer() -> impl Strategy<Value = Viewer> {
        let department = prop_oneof![Just(None), Just(Some(OURS)), Just(Some(THEIRS))];
        ("user:[ab]", department, any::<bool>()).prop_map(|(subject, department, leads)| Viewer {
            subject,
            member: department,
            department,
            leads,
        })
    }

    fn sharing() -> impl Strategy<Value = Sharing> {
        prop_oneof![
            Just(Sharing::Private),
            Just(Sharing::Department(OURS)),
            Just(Sharing::Department(THEIRS)),
            Just(Sharing::Everybody)
        ]
    }

    proptest! {
        #[test]
        fn tk101_who_may_share_sees_it_and_a_private_view_is_its_owners_alone(
            owner in viewer(), other in viewer(), sharing in sharing()
        ) {
            let new = NewView {
                titles: LocalizedText::new(), sharing, filter: TicketFilter::default(), order_by: String::new(),
            };
            let view = View::create(OURS, &owner, new, Timestamp::UNIX_EPOCH);
            prop_assert!(owner.sees(&view) && owner.may_change(&view));
            if other.subject != owner.subject {
                prop_assert!(sharing != Sharing::Private || !other.sees(&view));
                prop_assert!(!other.may_share(sharing) || sharing == Sharing::Private || other.sees(&view));
                prop_assert!(!(other.sees(&view) && other.may_change(&view)) || other.leads);
            }
        }
    }
}
