//! Enums as the contract says them.

/// Gives the two ways between an enum of the model and one of the contract; unspecified reads as none.
macro_rules! spoken_enums {
    ($($read:ident $type:ident = $proto:path, $unknown:literal, $($variant:ident),+ $(,)?;)+) => {$(
        impl From<$type> for $proto {
            fn from(value: $type) -> Self {
                match value { $($type::$variant => Self::$variant),+ }
            }
        }

        /// Reads a value that may be left out.
        pub(crate) fn $read(given: i32) -> Result<Option<$type>, seva_values::Invalid> {
            type Proto = $proto;
            match Proto::try_from(given) {
                Ok(Proto::Unspecified) => Ok(None),
                $(Ok(Proto::$variant) => Ok(Some($type::$variant)),)+
                Err(_) => Err(seva_values::Invalid::new($unknown, "has to be a known value")),
            }
        }
    )+};
}
pub(crate) use spoken_enums;
