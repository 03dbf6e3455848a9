//! State of charge of batteries: what the coulomb counter and the voltage say together, and how sure that is.
//!
//! Enters: a cell's parameters ([`Cell`], found by [`identify`]) and samples of current, voltage and temperature.
//! Leaves: SOC, its standard deviation and whether it may be relied on. Never here: an allocation in a step, a number
//! that is not finite in an answer, Python, a clock. Signs: discharge > 0. Inside, SOC is 0..1; at the surface percent.
//!
//! The filter is an extended Kalman filter on a 2-RC equivalent circuit. Sources: G. Plett, *Battery Management Systems*,
//! vol. 2 (2015), ch. 3 (one-state hysteresis, sensor bias); R. Bucy and P. Joseph, *Filtering for Stochastic Processes*
//! (1968) (covariance update); I. Arasaratnam and S. Haykin, Proc. IEEE 95 (2007) (Gauss-Hermite points).

mod bank;
mod cell;
mod change;
mod coulomb;
mod estimator;
mod filter;
pub mod identify;
mod lag;
mod live;
mod matrix;
mod memory;
mod model;
mod rivals;
mod sample;
mod sensor;
mod start;

pub use bank::Bank;
pub use cell::{Cell, Elements, HYSTERESIS_RATES, Limits, Noise, Ocv};
pub use coulomb::{CoulombCounter, RestCorrection};
pub use estimator::{Estimate, Estimator, Reason};
pub use live::{LiveEstimator, LiveSpec};
pub use memory::{Memory, MemoryBoard};
pub use model::CellModel;
pub use sample::Sample;
pub use start::{Pack, Start};

#[cfg(test)]
mod live_tests;
#[cfg(test)]
mod tests;
