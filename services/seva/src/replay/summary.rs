//! What came of it.
