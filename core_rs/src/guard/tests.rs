//! What could be wrong with guards.
