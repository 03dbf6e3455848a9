//! A meter's energy register, read now and then.

use super::{hours, not_negative, positive, sane_time};
use crate::error::Result;

/// A register may lag behind the energy that flowed by this long, and then catch up at once.
const LAG_S: f64 = 60.0;

/// Energy that flowed from one reading to the next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Flow {
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
    /// Unwrapped register at the begin, in Wh.
    pub(super) from_wh: f64,
    pub(super) to_wh: f64,
    /// False: the register was reset in between, the energy is what was assumed.
    pub(super) known: bool,
}

impl Flow {
    /// Unwrapped register at an instant in between, as if the power had been even.
    pub(super) fn at(&self, time_ns: i64) -> f64 {
        let share = hours(time_ns - self.from_ns) / hours(self.to_ns - self.from_ns);
        super::between(self.from_wh, self.to_wh, share.clamp(0.0, 1.0))
    }

    /// How wrong that may be, when the register is never behind: 0 at a reading, else what the fact that it never falls
    /// leaves open.
    pub(super) fn error_at(&self, time_ns: i64) -> f64 {
        if time_ns == self.from_ns || time_ns == self.to_ns {
            return 0.0;
        }
        let at_wh = self.at(time_ns);
        (at_wh - self.from_wh).max(self.to_wh - at_wh)
    }

    pub(super) fn mean_w(&self) -> f64 {
        (self.to_wh - self.from_wh) / hours(self.to_ns - self.from_ns)
    }
}

/// What a reading was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// No number, or one no such register can show.
    Nonsense,
    /// No newer than the last.
    Old,
    /// The first one.
    First,
    /// Energy since the last.
    Flowed(Flow),
}

/// What is known of an energy register.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RegisterSpec {
    /// More than this never flows: a steeper rise is a reset.
    pub maximum_power_w: f64,
    /// The register shows 0 instead of this.
    pub wrap_wh: Option<f64>,
    /// It counts in steps of this.
    pub resolution_wh: f64,
}

impl RegisterSpec {
    /// Refuses what no register has.
    pub fn validate(&self) -> Result<()> {
        positive("maximum_power_w", self.maximum_power_w)?;
        positive("register_wrap_wh", self.wrap_wh.unwrap_or(1.0))?;
        not_negative("register_resolution_wh", self.resolution_wh)?;
        Ok(())
    }
}

/// Makes one growing energy of readings in Wh, across wraps and resets (a fall that is no wrap, or a rise beyond what
/// `maximum_power_w` delivers in a minute and the time since the register last moved, and one step of it).
#[derive(Clone, Debug)]
pub(super) struct EnergyRegister {
    spec: RegisterSpec,
    offset_wh: f64,
    moved_ns: i64,
    last: Option<(i64, f64)>,
}

impl EnergyRegister {
    pub(super) fn new(spec: RegisterSpec) -> Result<Self> {
        spec.validate()?;
        Ok(Self { spec, offset_wh: 0.0, moved_ns: 0, last: None })
    }

    pub(super) fn spec(&self) -> &RegisterSpec {
        &self.spec
    }

    /// (time, unwrapped energy) of the newest reading.
    pub(super) fn newest(&self) -> Option<(i64, f64)> {
        self.last.map(|(time_ns, register_wh)| (time_ns, register_wh + self.offset_wh))
    }

    pub(super) fn reset(&mut self) {
        (self.offset_wh, self.last) = (0.0, None);
    }

    /// Takes a reading; across a reset the power is assumed to have been `assumed_w`.
    pub(super) fn read(&mut self, time_ns: i64, register_wh: f64, assumed_w: f64) -> Reading {
        if !self.possible(time_ns, register_wh) {
            return Reading::Nonsense;
        }
        let Some((from_ns, before_wh)) = self.last else {
            (self.last, self.moved_ns) = (Some((time_ns, register_wh)), time_ns);
            return Reading::First;
        };
        if time_ns <= from_ns {
            return Reading::Old;
        }
        let from_wh = before_wh + self.offset_wh;
        let counted = self.counted_wh(register_wh - before_wh, time_ns - self.moved_ns);
        let assumed_w = assumed_w.clamp(0.0, self.spec.maximum_power_w);
        let to_wh = from_wh + counted.unwrap_or(assumed_w * hours(time_ns - from_ns));
        // Without a wrap the offset stands: the energy is as exact as the register.
        if register_wh < before_wh || counted.is_none() {
            self.offset_wh = to_wh - register_wh;
        }
        if register_wh != before_wh {
            self.moved_ns = time_ns;
        }
        self.last = Some((time_ns, register_wh));
        Reading::Flowed(Flow { from_ns, to_ns: time_ns, from_wh, to_wh, known: counted.is_some() })
    }

    // Beyond 10^12 Wh (and its wraps) a difference would not be exact to a milliwatt-hour.
    fn possible(&self, time_ns: i64, register_wh: f64) -> bool {
        sane_time(time_ns) && register_wh.abs() <= self.spec.wrap_wh.unwrap_or(1e12).min(1e12)
    }

    fn counted_wh(&self, risen_wh: f64, span_ns: i64) -> Option<f64> {
        let most_wh = self.spec.maximum_power_w * (hours(span_ns) + LAG_S / 3600.0) + self.spec.resolution_wh;
        let plausible = |wh: &f64| (0.0..=most_wh).contains(wh);
        Some(risen_wh)
            .filter(plausible)
            .or_else(|| self.spec.wrap_wh.map(|wrap_wh| risen_wh + wrap_wh).filter(plausible))
    }
}
