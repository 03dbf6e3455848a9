//! Arbitration: strict order of sources, bounds narrow, preferred values fit, offsets add with their headroom reserved;
//! and the split of several actuators behind common limits.
//!
//! Pure: rows in strict order in, value and reason out. Bounds of a higher source narrow what lower ones may
//! do; a disjoint lower one collapses to the nearest point of what stands. The first preferred value, limited
//! by the bounds and reserves down to its own source, is the base; what stands below does not move it. Offsets of all
//! sources are summed on the base; each moves it only inside the bounds down to its own source. Guards come after.
//!
//! A reserve is the headroom that an offset may need: it keeps the base of its own source and of all below so far from
//! the nearer of bounds and protection that every offset inside its reserve is delivered in full, whatever the lower
//! ones prefer. It does not move a higher source's base, does not drive an actuator past 0, and is not kept free behind
//! a limit that several actuators share.

mod decide;
mod limits;
mod row;
mod share;
pub mod split;

pub use decide::{Range, arbitrate};
pub(crate) use decide::{Standing, shifted};
pub use limits::{Limits, Mover, Outcome};
pub use row::Row;
pub use share::{Share, share};

#[cfg(test)]
mod tests;
