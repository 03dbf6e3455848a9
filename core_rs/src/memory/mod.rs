//! Memory that several processes may map: regions, and typed views of them.
//!
//! A region is made once at its full size, touched at once (no page fault later) and never resized. Whoever attaches
//! gets it read-only unless its owner allows more. Never here: what the bytes mean.

mod plan;
mod region;
mod view;

pub(crate) use plan::{Plan, Span};
pub use region::Region;
pub(crate) use view::{One, Plain, View};
