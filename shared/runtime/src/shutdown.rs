//! The order in which a process ends.
