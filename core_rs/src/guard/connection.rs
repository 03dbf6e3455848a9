//! The limits of the grid connection: of its power, and of the current of each phase.
//!
//! The meter may be late by an unknown time, so what the site takes without its actuators is estimated as a range
//! ([`SitePowerEstimate`]), from the actuators' summed readings and the summed setpoints on their way. The import limit
//! is held for the highest power of that range, the export limit for the lowest; where both cannot be held, the middle
//! makes the larger excess smallest.
//!
//! Promised, for meters up to `delay_max_s` late: with constant load the setpoints settle and never swing; a change of
//! load with the actuators at rest is answered in full in the first cycle that sees it. Not promised: a change of load
//! while they move may hide behind that movement, by no more than its extent, until they have rested for `delay_max_s`;
//! and before the first sample that sees a change, nobody knows of it.
//!
//! A phase's current is held as the active power that it leaves beside the reactive power now measured:
//! `P^2 + Q^2 <= (U I)^2`, with Q measured or `Q^2 = (U I_now)^2 - P^2`.

use crate::arbitrate::Outcome;
use crate::blocks::SitePowerEstimate;
use crate::guard::Role;
use crate::guard::dimming::Draw;
use crate::guard::external::External;
use crate::image::Reader;

/// No phase of a working public grid has less (EN 50160: 230 V - 10 %); what a blind phase is taken to have.
const LOWEST_V: f64 = 207.0;

/// Import positive. Sources are positive, so the site takes `grid + sum(measured)` without its actuators.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) number: usize,
    pub(crate) members: Vec<Member>,
    pub(crate) meter: usize,
    pub(crate) bound: Bound,
    /// Tighter limits that somebody outside sets.
    pub(crate) external: Option<External>,
    pub(crate) site: Site,
    /// What the members' sum may be in this cycle, in W; None: meter or members are not known.
    pub(crate) range: Option<(f64, f64)>,
}

/// An actuator behind the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) actuator: usize,
    pub(crate) role: Role,
    pub(crate) measured: usize,
    /// W a unit of its setpoint brings to the site (below 0: takes).
    pub(crate) gain: f64,
    /// The share of its power that flows here.
    pub(crate) share: f64,
}

/// What is held.
#[derive(Clone, Debug)]
pub(crate) enum Bound {
    Site {
        import_w: f64,
        export_w: f64,
    },
    Phase(Phase),
    /// What controllable devices draw from the grid; needs no meter.
    Draw(Draw),
}

/// One phase's current.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Phase {
    pub(crate) voltage: usize,
    pub(crate) other: Reading,
    pub(crate) limit_a: f64,
}

/// What tells its reactive power.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Reading {
    Reactive(usize),
    Current(usize),
}

/// What the estimate was told last, so that it is told each sample once.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    estimate: SitePowerEstimate,
    meter: Option<(i64, f64)>,
    battery: Option<(i64, f64)>,
    memory_ns: i64,
}

impl Site {
    /// `memory_ns`: after a silence longer than this, older readings of the actuators say nothing any more.
    pub(crate) fn new(estimate: SitePowerEstimate, memory_ns: i64) -> Self {
        Self { estimate, meter: None, battery: None, memory_ns }
    }

    // The meter is not known: what it said before is forgotten.
    fn restart(&mut self) {
        self.estimate.restart();
        self.meter = None;
    }

    fn battery(&mut self, time_ns: i64, power_w: f64) {
        if self.battery.is_some_and(|(last_ns, _)| time_ns.saturating_sub(last_ns) > self.memory_ns) {
            self.estimate.reset();
            self.meter = None;
        }
        if self.battery != Some((time_ns, power_w)) && self.estimate.battery(time_ns, power_w).is_ok() {
            self.battery = Some((time_ns, power_w));
        }
    }

    // A sample is new when its time or its value is.
    fn meter(&mut self, time_ns: i64, grid_w: f64) {
        if self.meter != Some((time_ns, grid_w)) && self.estimate.meter(time_ns, grid_w).is_ok() {
            self.meter = Some((time_ns, grid_w));
        }
    }

    fn range_w(&self) -> Option<(f64, f64)> {
        self.estimate.range_w().filter(|(low_w, high_w)| low_w.is_finite() && high_w.is_finite())
    }
}

impl Member {
    /// Its power here as read, source positive.
    pub(crate) fn measured_w(&self, reader: &Reader<'_>) -> f64 {
        let sign = if self.gain < 0.0 { -1.0 } else { 1.0 };
        sign * self.share * reader.value(self.measured)
    }

    // What is taken out of the meter's reading. A load that is not known stays in it, as a part of the house: whatever
    // it draws is seen there, so one silent charger neither closes the others nor hides from the limit.
    fn taken_out_w(&self, reader: &Reader<'_>) -> f64 {
        let measured_w = self.measured_w(reader);
        if self.role == Role::Load && measured_w.is_nan() { 0.0 } else { measured_w }
    }

    /// The setpoint that its reading would be, wherever it stands.
    pub(crate) fn used(&self, reader: &Reader<'_>) -> f64 {
        reader.value(self.measured) / self.gain.abs()
    }

    /// W here a unit of its setpoint.
    pub(crate) fn effect(&self) -> f64 {
        self.gain * self.share
    }
}

impl Bound {
    // Largest import and export in W; None: not known.
    fn limits_w(&self, reader: &Reader<'_>, grid_w: f64) -> Option<(f64, f64)> {
        match self {
            Self::Site { import_w, export_w } => Some((*import_w, *export_w)),
            Self::Phase(phase) => phase.active_w(reader, grid_w).map(|active_w| (active_w, active_w)),
            Self::Draw(_) => None,
        }
    }

    // Whether limits from outside, of import and export in W, are tighter than its own on that side.
    fn is_tightened(&self, outside_w: (f64, f64), import: bool) -> bool {
        match self {
            Self::Site { import_w, .. } if import => outside_w.0 < *import_w,
            Self::Site { export_w, .. } => outside_w.1 < *export_w,
            Self::Phase(_) | Self::Draw(_) => false,
        }
    }
}

impl Phase {
    fn active_w(&self, reader: &Reader<'_>, grid_w: f64) -> Option<f64> {
        let voltage_v = reader.value(self.voltage);
        let apparent_va = voltage_v * self.limit_a;
        let squared = match self.other {
            Reading::Reactive(handle) => reader.value(handle).powi(2),
            Reading::Current(handle) => ((voltage_v * reader.value(handle)).powi(2) - grid_w.powi(2)).max(-1.0),
        };
        // NaN must not pass: `max` would swallow it.
        let known = voltage_v > 0.0 && apparent_va.is_finite() && squared.is_finite() && self.other_known(reader);
        known.then(|| (apparent_va.powi(2) - squared.max(0.0)).max(0.0).sqrt())
    }

    fn other_known(&self, reader: &Reader<'_>) -> bool {
        let (Reading::Reactive(handle) | Reading::Current(handle)) = self.other;
        reader.value(handle).is_finite()
    }
}

impl Connection {
    /// Reads this cycle's samples.
    pub(crate) fn look(&mut self, reader: &Reader<'_>) {
        self.external.iter_mut().for_each(|external| external.look(reader));
        if let Bound::Draw(draw) = &mut self.bound {
            // A member that is not known brings nothing; `max` takes the other side of a NaN.
            let known =
                |member: &Member| if member.measured_w(reader).is_nan() { 0.0 } else { member.measured_w(reader) };
            self.range = Some(draw.range_w(reader, self.members.iter().map(known).sum()));
            return;
        }
        let (outside_import_w, outside_export_w) = self.outside_w();
        self.range = self.site_w(reader).and_then(|(low_w, high_w)| {
            let (import_w, export_w) = self.bound.limits_w(reader, reader.value(self.meter))?;
            let (import_w, export_w) = (import_w.min(outside_import_w), export_w.min(outside_export_w));
            let (least_w, most_w) = (high_w - import_w, low_w + export_w);
            let middle_w = least_w / 2.0 + most_w / 2.0;
            Some(if least_w <= most_w { (least_w, most_w) } else { (middle_w, middle_w) })
        });
    }

    /// What generators alone may give while nothing else is known: the load is never below 0.
    pub(crate) fn blind_export_w(&self) -> f64 {
        match &self.bound {
            Bound::Site { export_w, .. } => export_w.min(self.outside_w().1),
            Bound::Phase(phase) => LOWEST_V * phase.limit_a,
            Bound::Draw(_) => f64::INFINITY,
        }
    }

    /// The guard that a movement is told by: the one whose limit is the tighter on that side.
    pub(crate) fn told_by(&self, import: bool) -> usize {
        let outside = self.external.as_ref().filter(|external| self.bound.is_tightened(external.limits_w(), import));
        outside.map_or(self.number, |external| external.number)
    }

    fn outside_w(&self) -> (f64, f64) {
        self.external.as_ref().map_or((f64::INFINITY, f64::INFINITY), External::limits_w)
    }

    /// What was decided is on its way: storage by its setpoint, limits by what they leave of the reading.
    pub(crate) fn command(&mut self, reader: &Reader<'_>, outcomes: &[Outcome]) {
        let of = |member: &Member| {
            let value = outcomes.get(member.actuator).map_or(0.0, |outcome| outcome.value);
            match member.role.is_limit() {
                false => member.effect() * value,
                true => member.effect() * value.min(member.used(reader).max(0.0)),
            }
        };
        if matches!(self.bound, Bound::Draw(_)) {
            return;
        }
        let sum_w: f64 = self.members.iter().map(of).sum();
        if !sum_w.is_finite() || self.site.estimate.command(reader.time_ns(), sum_w).is_err() {
            self.site.restart();
        }
    }

    // What the site takes without the actuators, lowest and highest; None when meter or actuators are not known.
    fn site_w(&mut self, reader: &Reader<'_>) -> Option<(f64, f64)> {
        let own_w: f64 = self.members.iter().map(|member| member.taken_out_w(reader)).sum();
        if own_w.is_finite() {
            let time_ns = self.members.iter().map(|member| reader.time_of(member.measured)).max();
            self.site.battery(time_ns.unwrap_or_else(|| reader.time_ns()), own_w);
        }
        let grid_w = reader.value(self.meter);
        if !(grid_w.is_finite() && own_w.is_finite()) {
            self.site.restart();
            return None;
        }
        self.site.meter(reader.time_of(self.meter), grid_w);
        self.site.range_w()
    }
}
