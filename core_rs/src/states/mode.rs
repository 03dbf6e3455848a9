//! Control modes inside RUN: which sources are heard.

use crate::error::{Error, Result};

/// What a person asks the site to do while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mode {
    /// Every source is heard, in its class and order.
    Auto = 0,
    /// Only what holds the peak below its threshold.
    PeakShaving = 1,
    /// Only what keeps own energy at home.
    SelfConsumption = 2,
    /// Only what follows a plan.
    Schedule = 3,
    /// Only what answers frequency and voltage.
    Droop = 4,
    /// Energy is kept for an outage.
    Backup = 5,
    /// The site is without grid: a reaction may be another one than on the grid.
    Island = 6,
}

impl Mode {
    /// All, in the order of their codes.
    pub const ALL: [Self; 7] =
        [Self::Auto, Self::PeakShaving, Self::SelfConsumption, Self::Schedule, Self::Droop, Self::Backup, Self::Island];

    /// Its name in channels, requests and specs of controllers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "AUTO",
            Self::PeakShaving => "PEAK_SHAVING",
            Self::SelfConsumption => "SELF_CONSUMPTION",
            Self::Schedule => "SCHEDULE",
            Self::Droop => "DROOP",
            Self::Backup => "BACKUP",
            Self::Island => "ISLAND",
        }
    }

    /// The mode of this name.
    pub fn from_name(name: &str) -> Result<Self> {
        let names = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|mode| mode.name() == name)
            .ok_or_else(|| Error::invalid(format!("{name:?} is no control mode; use one of {}", names())))
    }

    /// Whether it says how the site stands rather than who decides: it needs no controller of its own.
    pub fn is_situation(self) -> bool {
        matches!(self, Self::Auto | Self::Backup | Self::Island)
    }

    pub(crate) fn from_code(code: u8) -> Self {
        Self::ALL.get(usize::from(code)).copied().unwrap_or(Self::Auto)
    }
}
