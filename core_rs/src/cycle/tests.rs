//! What could be wrong with a cycle.
