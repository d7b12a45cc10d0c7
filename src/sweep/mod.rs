//! Searches that no anchor announces: they know the number they look for.

pub mod public_halves;
