//! States, control modes and faults of a site, evaluated in the cycle.
//!
//! Enters: the latched snapshot, a person's requests. Leaves: per actuator and direction whether it is blocked, which
//! sources are heard, state and mode. Never here: an allocation or a lock in the cycle, files, wall-clock time. A dead
//! controller process cannot lift what a fault blocks: blocks are laid on the guards by the cycle itself.

mod cause;
mod fault;
mod machine;
mod mode;
mod reaction;
mod shared;
mod table;

pub use cause::{Cause, Relation};
pub use fault::{FaultSpec, Phase};
pub use machine::Machine;
pub use mode::Mode;
pub use reaction::{Block, Reaction};
pub use shared::{StateSpec, States};
pub use table::{Event, State, next};

#[cfg(test)]
mod tests;
