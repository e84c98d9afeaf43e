//! Names under which enums are stored.

use seva_runtime::Error;

/// A stored word that this program does not know: a fault of ours.
pub(crate) fn unknown(what: &str, name: &str) -> Error {
    Error::internal(format!("a stored {what} cannot be read: {name}"))
}

/// Gives the variants of an enum the names under which they are stored.
macro_rules! stored_names {
    ($type:ident, $what:literal { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name under which it is stored.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Reads a stored name.
            ///
            /// # Errors
            /// `INTERNAL`: what was written was known.
            pub fn from_name(name: &str) -> Result<Self, seva_runtime::Error> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    unknown => Err(crate::stored::unknown($what, unknown)),
                }
            }
        }
    };
}
pub(crate) use stored_names;

/// The first of several faults: one is enough for an event that cannot be applied.
pub(crate) fn first(faults: seva_values::proto::Faults) -> seva_values::Invalid {
    let malformed = || seva_values::Invalid::new("HOURS_MALFORMED", "hours that cannot be read");
    faults.into_iter().next().map_or_else(malformed, |(_, invalid)| invalid)
}

/// An event of another service that does not hold what the contract says; it can never be applied.
pub(crate) fn malformed(invalid: seva_values::Invalid) -> seva_store::Fault {
    let reason = seva_proto::common::v1::ErrorReason::EventDataMalformed;
    seva_store::Fault::Decided(Error::invalid(reason, format!("{}: {}", invalid.reason, invalid.description)))
}
