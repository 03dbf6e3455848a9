//! How a battery is made of cells, and where its estimator begins.

use std::ops::RangeInclusive;

use crate::error::{Error, Result, finite};
use crate::estimate::memory::Memory;

/// A SOC remembered from before a restart is known no better than this.
pub const RETURNED_SIGMA: f64 = 0.02;
/// Standard deviation of a SOC that may be anything (uniform over 0..1).
pub(super) const KNOWING_NOTHING: f64 = 0.288_675_134_594_812_9;
/// Current in a gap is as unknown as this share of capacity per hour, at least.
pub(super) const GAP_C_RATE: f64 = 0.1;

/// A first guess is never surer than this, in percent, nor less sure: their squares are numbers.
const SIGMA_PCT: RangeInclusive<f64> = 1e-6..=1e3;

/// How cells are connected. One cell is `Pack { series: 1, parallel: 1 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pack {
    /// Cells (or groups) one after the other: the voltage is divided by it.
    pub series: u32,
    /// Cells side by side: the current is divided by it.
    pub parallel: u32,
}

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    /// From the first good voltage and the OCV table.
    FromVoltage,
    /// From a SOC in percent and its standard deviation.
    Soc {
        /// 0..100.
        soc_pct: f64,
        /// Above 0.
        sigma_pct: f64,
    },
    /// From what was known `away_s` ago. Never trusted blindly: sigma is larger by what may have flowed meanwhile, at
    /// least [`RETURNED_SIGMA`], and voltages that contradict throw it over as they do any SOC.
    Remembered {
        /// What was known.
        memory: Memory,
        /// 0 or more.
        away_s: f64,
    },
}

impl Start {
    pub(super) fn check(&self) -> Result<()> {
        match *self {
            Self::FromVoltage => Ok(()),
            Self::Soc { soc_pct, .. } if !(0.0..=100.0).contains(&soc_pct) => {
                Err(Error::invalid(format!("initial_soc_pct must be in 0..100, not {soc_pct}")))
            }
            Self::Soc { sigma_pct, .. } if !SIGMA_PCT.contains(&finite("initial_sigma_pct", sigma_pct)?) => {
                Err(Error::invalid(format!("initial_sigma_pct must be above 0, at most 1000, not {sigma_pct}")))
            }
            Self::Soc { .. } => Ok(()),
            Self::Remembered { away_s, .. } if finite("away_s", away_s)? < 0.0 => {
                Err(Error::invalid(format!("away_s must be 0 or more, not {away_s}")))
            }
            Self::Remembered { memory, .. } => memory.check(),
        }
    }

    /// SOC 0..1 and its standard deviation; None when only a voltage tells.
    pub(super) fn known(&self) -> Option<(f64, f64)> {
        match *self {
            Self::FromVoltage => None,
            Self::Soc { soc_pct, sigma_pct } => Some((soc_pct / 100.0, sigma_pct / 100.0)),
            Self::Remembered { memory, away_s } => {
                let grown = (memory.soc_sigma_pct / 100.0).hypot(GAP_C_RATE * away_s / 3600.0);
                Some((memory.soc_pct / 100.0, grown.clamp(RETURNED_SIGMA, KNOWING_NOTHING)))
            }
        }
    }
}
