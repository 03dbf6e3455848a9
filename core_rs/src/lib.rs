//! Process image, fixed-time cycle, arbitration and guards of Sim EMS.
//!
//! Enters: samples (any thread), proposals (any thread). Leaves: frozen snapshots, guarded setpoints with
//! their reason, recorded rows. Never here: Python outside `python/`, wall-clock time in control, a lock or
//! an allocation in the running cycle.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

pub mod arbitrate;
pub mod blocks;
pub mod clock;
pub mod cycle;
pub mod error;
pub mod estimate;
pub mod guard;
pub mod image;
pub mod memory;
pub mod pack;
pub mod record;
pub mod states;
mod sync;

#[cfg(all(loom, test))]
mod models;

#[cfg(feature = "python")]
mod python;
