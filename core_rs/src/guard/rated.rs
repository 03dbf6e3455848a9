//! What the guards know of each actuator.

use crate::error::{Error, Result};

/// What an actuator is to the site: which way it can give way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// A battery's power: it does what it is told, in both directions.
    #[default]
    Storage,
    /// A limit of what a generator gives: it may give less.
    Generation,
    /// A limit of what a load takes: it may take less.
    Load,
    /// Reactive power.
    Reactive,
    /// What a cluster's members bring together: no device.
    Group,
    /// A contact: whole numbers, 0 when everything is stopped.
    Switch,
    /// What another device is asked for (to open, to hold the voltage): whole numbers. No fault moves it: the device
    /// asked decides by itself, and the safe state of a request is not 0.
    Request,
}

impl Role {
    /// All, with their names.
    pub const ALL: [(&'static str, Self); 7] = [
        ("storage", Self::Storage),
        ("generation", Self::Generation),
        ("load", Self::Load),
        ("reactive", Self::Reactive),
        ("group", Self::Group),
        ("switch", Self::Switch),
        ("request", Self::Request),
    ];

    /// The role of this name.
    pub fn from_name(name: &str) -> Result<Self> {
        let names = || Self::ALL.map(|role| role.0).join(", ");
        Self::ALL
            .into_iter()
            .find_map(|(known, role)| (known == name).then_some(role))
            .ok_or_else(|| Error::invalid(format!("{name:?} is no role; use one of {}", names())))
    }

    /// Whether it takes whole numbers only.
    pub(crate) fn is_whole(self) -> bool {
        matches!(self, Self::Switch | Self::Request)
    }

    /// Whether its setpoint is a limit, of which nobody knows how much is used but by the device's own reading.
    pub(crate) fn is_limit(self) -> bool {
        matches!(self, Self::Generation | Self::Load)
    }
}

/// What the guards know of an actuator.
#[derive(Clone, Copy, Debug)]
pub struct Rated {
    /// Lower end of its rating.
    pub minimum: f64,
    /// Upper end of its rating.
    pub maximum: f64,
    /// Fastest change of its setpoint.
    pub ramp_per_s: Option<f64>,
    /// What it is.
    pub role: Role,
    /// Its share where several of one class give way together; None: in the order listed, the last one first.
    pub weight: Option<f64>,
    /// It stands at 0 or at this and above (0: anywhere).
    pub minimum_on: f64,
    /// Once switched on or off it stays so this long, if it can.
    pub dwell_s: f64,
}

impl Rated {
    /// A battery of this rating.
    pub fn storage(minimum: f64, maximum: f64, ramp_per_s: Option<f64>) -> Self {
        Self { minimum, maximum, ramp_per_s, role: Role::Storage, weight: None, minimum_on: 0.0, dwell_s: 0.0 }
    }
}
