//! What a cycle is made of, checked before anything runs.

use std::collections::HashSet;

use crate::arbitrate::{Limits, Range};
use crate::cycle::reasons::FALLBACK;
use crate::cycle::sharing::ClusterSpec;
use crate::error::{Error, Result, finite};
use crate::guard::{GuardSpec, Guards, Rated, Role};

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
#[derive(Clone, Debug, Default, PartialEq)]
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
    /// What it is to the site.
    pub role: Role,
    /// Its share where several of one class give way together; None: in the order given, the last one first.
    pub weight: Option<f64>,
    /// It stands at 0 or at this and above (0: anywhere).
    pub minimum_on: f64,
    /// Once switched on or off it stays so this long, if it can.
    pub dwell_s: f64,
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
        if !(self.minimum_on >= 0.0 && self.minimum_on <= maximum.max(0.0) && (0.0..=86_400.0).contains(&self.dwell_s))
        {
            return refuse(format!(
                "minimum_on must be 0 to its maximum and dwell_s 0 to 86400, not {} and {}",
                self.minimum_on, self.dwell_s
            ));
        }
        if self.weight.is_some_and(|weight| !(weight.is_finite() && weight > 0.0)) {
            return refuse("weight must be above 0".to_owned());
        }
        if self.role.is_limit() && minimum < 0.0 {
            return refuse(format!("a limit of generation or load cannot go below 0: minimum {minimum}"));
        }
        if self.role == Role::Load && minimum > 0.0 {
            return refuse(format!("a load must be able to stand at 0, not at {minimum} (minimum_on is for that)"));
        }
        if self.role == Role::Group && self.ramp_per_s.is_some() {
            return refuse("a cluster's members have ramps, its target has none".to_owned());
        }
        match self.ramp_per_s {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => {
                refuse(format!("ramp_per_s must be above 0, not {rate}"))
            }
            _ => Ok(()),
        }
    }

    /// What it may do in this cycle.
    pub(crate) fn range(&self, guards: &Guards, number: usize) -> Range {
        let rating = Limits::rating(self.minimum, self.maximum);
        Range { rating, usable: guards.usable(number, rating), fallback: self.fallback }
    }

    /// As [`Self::range`]; `shown`: what the device reads, `before`: its last setpoint.
    pub(crate) fn range_now(&self, guards: &Guards, number: usize, shown: f64, before: f64) -> Range {
        Range { fallback: self.unasked(shown, before), ..self.range(guards, number) }
    }

    // A request that nobody makes is what the device shows: nothing moves because a process ended, or begins.
    fn unasked(&self, shown: f64, before: f64) -> f64 {
        match self.role {
            Role::Request if (self.minimum..=self.maximum).contains(&shown) => shown,
            Role::Request => before,
            _ => self.fallback,
        }
    }

    /// What the guards know of it.
    pub(crate) fn rated(&self) -> Rated {
        let Self { minimum, maximum, ramp_per_s, role, weight, minimum_on, dwell_s, .. } = *self;
        Rated { minimum, maximum, ramp_per_s, role, weight, minimum_on, dwell_s }
    }
}

/// Everything but image and clock.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Seconds of the cycle's clock.
    pub period_s: f64,
    /// Order inside a class is this order.
    pub sources: Vec<Source>,
    /// What is decided.
    pub actuators: Vec<Actuator>,
    /// What holds whatever was decided.
    pub guards: Vec<GuardSpec>,
    /// Which actuators bring together what is asked of another.
    pub clusters: Vec<ClusterSpec>,
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
        unique("cluster", self.clusters.iter().map(|cluster| &cluster.name))?;
        unique("cluster member", self.clusters.iter().flat_map(|cluster| &cluster.members))?;
        self.actuators.iter().try_for_each(Actuator::validate)?;
        self.clusters.iter().try_for_each(|cluster| self.holds_all(cluster))
    }

    // A target stands at what its members bring: its rating must hold that, whatever they do.
    fn holds_all(&self, cluster: &ClusterSpec) -> Result<()> {
        let members = self.actuators.iter().filter(|actuator| cluster.members.contains(&actuator.address));
        let (least, most) = members.fold((0.0, 0.0), |sum, one| (sum.0 + one.minimum, sum.1 + one.maximum));
        let slack = 1e-9 * f64::max(least.abs(), most.abs());
        match self.actuators.iter().find(|actuator| actuator.address == cluster.target) {
            Some(target) if target.minimum > least + slack || target.maximum < most - slack => {
                Err(Error::invalid(format!(
                    "cluster {}: the rating {}..{} of its target must hold what its members can bring, {least}..{most}",
                    cluster.name, target.minimum, target.maximum
                )))
            }
            _ => Ok(()),
        }
    }

    /// What clusters are called in reasons.
    pub(crate) fn cluster_ids(&self) -> Vec<String> {
        self.clusters.iter().map(ClusterSpec::id).collect()
    }

    /// Class of each source.
    pub(crate) fn classes(&self) -> Vec<u32> {
        self.sources.iter().map(|source| u32::try_from(source.priority).unwrap_or(0)).collect()
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
