//! What a cycle is made of, checked before anything runs.

use std::collections::HashSet;

use crate::cycle::reasons::FALLBACK;
use crate::error::{Error, Result, finite};
use crate::guard::GuardSpec;

/// Classes of preferences, highest first: manual, safety, grid, optimisation, auxiliary.
pub const CLASSES: i64 = 5;

/// Somebody who may propose.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Unique name.
    pub id: String,
    /// Class, 0 (manual) to 4 (auxiliary).
    pub priority: i64,
    /// Cycles that a set stands after the one it was made for.
    pub lifetime_cycles: u64,
}

impl Source {
    /// Checks class, lifetime and id.
    pub fn new(id: String, priority: i64, lifetime_cycles: i64) -> Result<Self> {
        if id.is_empty() || id == FALLBACK || id.contains(';') {
            return Err(Error::invalid(format!("source id {id:?} is empty, reserved or holds a semicolon")));
        }
        if !(0..CLASSES).contains(&priority) {
            return Err(Error::invalid(format!(
                "source {id}: priority must be 0 (manual) to 4 (auxiliary), not {priority}"
            )));
        }
        let lifetime = u64::try_from(lifetime_cycles).ok().filter(|cycles| (1..=1_000_000).contains(cycles));
        let lifetime_cycles = lifetime.ok_or_else(|| {
            Error::invalid(format!("source {id}: lifetime_cycles must be 1 to 1000000, not {lifetime_cycles}"))
        })?;
        Ok(Self { id, priority, lifetime_cycles })
    }
}

/// A settable channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Actuator {
    /// Its address.
    pub address: String,
    /// Lower end of its rating.
    pub minimum: f64,
    /// Upper end of its rating.
    pub maximum: f64,
    /// What it does when nobody wants anything.
    pub fallback: f64,
    /// Fastest change of its setpoint.
    pub ramp_per_s: Option<f64>,
}

impl Actuator {
    /// Checks that rating, fallback and ramp make sense.
    pub fn validate(&self) -> Result<()> {
        let refuse = |text: String| Err(Error::invalid(format!("actuator {:?}: {text}", self.address)));
        let (minimum, maximum) = (finite("minimum", self.minimum)?, finite("maximum", self.maximum)?);
        if minimum > maximum {
            return refuse(format!("minimum {minimum} must not be above maximum {maximum}"));
        }
        if !(minimum..=maximum).contains(&self.fallback) {
            return refuse(format!("fallback {} must lie in {minimum}..{maximum}", self.fallback));
        }
        match self.ramp_per_s {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => {
                refuse(format!("ramp_per_s must be above 0, not {rate}"))
            }
            _ => Ok(()),
        }
    }
}

/// Everything but image and clock.
#[derive(Clone, Debug)]
pub struct Configuration {
    /// Seconds of the cycle's clock.
    pub period_s: f64,
    /// Order inside a class is this order.
    pub sources: Vec<Source>,
    /// What is decided.
    pub actuators: Vec<Actuator>,
    /// What holds whatever was decided.
    pub guards: Vec<GuardSpec>,
    /// Share of the period after which proposals are late.
    pub propose_share: f64,
}

impl Configuration {
    /// Refuses what cannot run.
    pub fn validate(&self) -> Result<()> {
        if !(1e-4..=3600.0).contains(&self.period_s) {
            return Err(Error::invalid(format!("period_s must be 0.0001 to 3600, not {}", self.period_s)));
        }
        if !(self.propose_share > 0.0 && self.propose_share < 1.0) {
            return Err(Error::invalid(format!("propose_share must be between 0 and 1, not {}", self.propose_share)));
        }
        unique("source", self.sources.iter().map(|source| &source.id))?;
        unique("actuator", self.actuators.iter().map(|actuator| &actuator.address))?;
        self.actuators.iter().try_for_each(Actuator::validate)
    }

    /// What clusters are called in reasons.
    pub(crate) fn cluster_ids(&self) -> Vec<String> {
        Vec::new()
    }

    /// Source numbers in strict order: class, then the order given.
    pub(crate) fn strict_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.sources.len()).collect();
        order.sort_by_key(|&number| self.sources.get(number).map(|source| source.priority));
        order
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Error::invalid(format!("{what} {name:?} is given twice")));
        }
    }
    Ok(())
}
