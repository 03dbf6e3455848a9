//! Demand: mean power over the meter's clock-aligned window, from its energy register.

use super::energy_register::{EnergyRegister, Flow, Reading, RegisterSpec};
use super::{FARTHEST_NS, hours, seconds, window_ns};
use crate::error::{Error, Result};

/// A window that is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// Begin, monotonic.
    pub start_ns: i64,
    /// End, monotonic.
    pub end_ns: i64,
    /// Energy in it.
    pub energy_wh: f64,
    /// Mean power over it: the demand.
    pub mean_w: f64,
    /// `energy_wh` may be wrong by this much: no reading stood exactly on the window's edges, and the register has a
    /// resolution.
    pub error_wh: f64,
    /// Seen from begin to end, with no reset of the register.
    pub complete: bool,
}

/// The window that runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunningDemand {
    /// Begin, monotonic (or the first reading, when that came later).
    pub start_ns: i64,
    /// End, monotonic.
    pub end_ns: i64,
    /// Energy so far, with what flowed since the last reading.
    pub energy_wh: f64,
    /// Mean power so far.
    pub mean_w: f64,
    /// Time left in seconds, above 0.
    pub left_s: f64,
    /// As in [`Demand`], of the begin.
    pub error_wh: f64,
    /// Seen from its begin, with no reset of the register, and read at least once.
    pub complete: bool,
}

/// The reading at a window's begin.
#[derive(Clone, Copy, Debug)]
struct Edge {
    time_ns: i64,
    energy_wh: f64,
    error_wh: f64,
    complete: bool,
}

/// Demand by register differences, as the meter bills it: energy between two edges of the meter's clock over their
/// distance. Energy in Wh, power in W, times in monotonic nanoseconds of the readings.
///
/// - The meter's clock: `clock_offset_ns` is what it shows (in ns since its origin, such as UTC 1970) less monotonic time;
///   edges are where it is a multiple of the window. Set anew, the running window ends at the next new edge that is at
///   least half a window after its begin.
/// - An edge between two readings: straight line between them; `error_wh` bounds what that may be wrong by.
/// - Missing readings cost nothing but that: registers go on counting. After a gap over several windows the energy is
///   spread evenly; of the windows inside only the last is told (they are all alike).
/// - A register that counts in steps (`resolution_wh`) widens `error_wh` by one; it rises when a step is full.
/// - Wraps are counted on, a reset (or an exchanged meter) assumes the mean so far and makes the window incomplete.
/// - A window whose begin was not seen starts at the first reading and is incomplete. After a restart, give it the reading
///   kept from before first: the register tells what flowed meanwhile.
/// - A register that is not finite is ignored: everything holds, `valid()` is false.
#[derive(Clone, Debug)]
pub struct DemandWindow {
    window_ns: i64,
    clock_offset_ns: i64,
    register: EnergyRegister,
    begin: Option<Edge>,
    end_ns: i64,
    valid: bool,
}

impl DemandWindow {
    /// `window_s` 0.001 to a leap year.
    pub fn new(window_s: f64, clock_offset_ns: i64, register: RegisterSpec) -> Result<Self> {
        let register = EnergyRegister::new(register)?;
        let clock_offset_ns = checked_offset(clock_offset_ns)?;
        Ok(Self { window_ns: window_ns(window_s)?, clock_offset_ns, register, begin: None, end_ns: 0, valid: false })
    }

    /// Whether the last reading could be used.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// The meter's clock was set, or its offset is known better.
    pub fn set_clock_offset_ns(&mut self, clock_offset_ns: i64) -> Result<()> {
        self.clock_offset_ns = checked_offset(clock_offset_ns)?;
        if let Some(begin) = self.begin {
            let newest_ns = self.register.newest().map_or(begin.time_ns, |newest| newest.0);
            self.end_ns = self.edge_after(newest_ns.max(begin.time_ns + self.window_ns / 2 - 1));
        }
        Ok(())
    }

    /// Takes a reading; gives the windows that ended with it: none, one, or after a gap the first and the last.
    pub fn step(&mut self, time_ns: i64, register_wh: f64) -> [Option<Demand>; 2] {
        let reading = self.register.read(time_ns, register_wh, self.mean_w());
        self.valid = reading != Reading::Nonsense;
        match reading {
            Reading::First => self.start(time_ns),
            Reading::Flowed(flow) => return self.flowed(&flow),
            Reading::Nonsense | Reading::Old => {}
        }
        [None; 2]
    }

    /// The running window at an instant; `power_w` is what flows since the last reading (not finite: the mean so far).
    /// None before the first reading. When `now_ns` lies beyond the window's end, the new window is told from `power_w`
    /// alone, incomplete until it is read.
    pub fn running(&self, now_ns: i64, power_w: f64) -> Option<RunningDemand> {
        let (begin, (read_ns, read_wh)) = (self.begin?, self.register.newest()?);
        let now_ns = now_ns.clamp(read_ns, FARTHEST_NS.max(read_ns));
        let power_w = self.credible(power_w);
        if now_ns < self.end_ns {
            let energy_wh = read_wh - begin.energy_wh + power_w * hours(now_ns - read_ns);
            return Some(self.told(begin, self.end_ns, now_ns, energy_wh, power_w));
        }
        let end_ns = self.edge_after(now_ns);
        let start_ns = (end_ns - self.window_ns).max(self.end_ns);
        let begin = Edge { time_ns: start_ns, energy_wh: 0.0, error_wh: 0.0, complete: false };
        Some(self.told(begin, end_ns, now_ns, power_w * hours(now_ns - start_ns), power_w))
    }

    /// Mean power that may flow until the window's end for it to end at `target_w`, within +-`maximum_power_w`. Below 0:
    /// the target is lost unless energy flows back through this register (an import register: lost). A part of the
    /// window that was not seen counts as drawn at the target. None before the first reading.
    pub fn allowed_w(&self, target_w: f64, now_ns: i64, power_w: f64) -> Option<f64> {
        let running = self.running(now_ns, power_w).filter(|_| target_w.is_finite())?;
        let budget_wh = target_w * hours(running.end_ns - running.start_ns);
        let most_w = self.register.spec().maximum_power_w;
        Some(((budget_wh - running.energy_wh) / (running.left_s / 3600.0)).clamp(-most_w, most_w))
    }

    /// Forgets everything but the settings.
    pub fn reset(&mut self) {
        self.register.reset();
        (self.begin, self.valid) = (None, false);
    }

    fn told(&self, begin: Edge, end_ns: i64, now_ns: i64, energy_wh: f64, power_w: f64) -> RunningDemand {
        let elapsed_h = hours(now_ns - begin.time_ns);
        RunningDemand {
            start_ns: begin.time_ns,
            end_ns,
            energy_wh,
            mean_w: if elapsed_h > 0.0 { energy_wh / elapsed_h } else { power_w },
            left_s: seconds(end_ns - now_ns),
            error_wh: begin.error_wh + self.register.spec().resolution_wh,
            complete: begin.complete,
        }
    }

    // Of the running window, up to the last reading; 0 when nothing is known.
    fn mean_w(&self) -> f64 {
        match (self.begin, self.register.newest()) {
            (Some(begin), Some((read_ns, read_wh))) if read_ns > begin.time_ns => {
                (read_wh - begin.energy_wh) / hours(read_ns - begin.time_ns)
            }
            _ => 0.0,
        }
    }

    fn credible(&self, power_w: f64) -> f64 {
        let power_w = if power_w.is_finite() { power_w } else { self.mean_w() };
        power_w.clamp(0.0, self.register.spec().maximum_power_w)
    }

    fn start(&mut self, time_ns: i64) {
        let complete = self.edge_after(time_ns - 1) == time_ns;
        let energy_wh = self.register.newest().map_or(0.0, |newest| newest.1);
        self.begin = Some(Edge { time_ns, energy_wh, error_wh: 0.0, complete });
        self.end_ns = self.edge_after(time_ns);
    }

    fn flowed(&mut self, flow: &Flow) -> [Option<Demand>; 2] {
        let first = self.end_one(flow);
        let last_edge_ns = self.edge_after(flow.to_ns) - self.window_ns;
        if self.end_ns < last_edge_ns {
            // The windows in between all hold the same mean; the last of them speaks for them.
            self.begin_at(last_edge_ns - self.window_ns, flow);
            self.end_ns = last_edge_ns;
        }
        let last = self.end_one(flow);
        if let Some(begin) = self.begin.as_mut() {
            begin.complete &= flow.known;
        }
        [first, last]
    }

    fn end_one(&mut self, flow: &Flow) -> Option<Demand> {
        let (begin, end_ns) = (self.begin.filter(|_| self.end_ns <= flow.to_ns)?, self.end_ns);
        let energy_wh = flow.at(end_ns) - begin.energy_wh;
        self.begin_at(end_ns, flow);
        self.end_ns = self.edge_after(end_ns);
        Some(Demand {
            start_ns: begin.time_ns,
            end_ns,
            energy_wh,
            mean_w: energy_wh / hours(end_ns - begin.time_ns),
            error_wh: begin.error_wh + flow.error_at(end_ns) + self.register.spec().resolution_wh,
            complete: begin.complete && flow.known,
        })
    }

    fn begin_at(&mut self, time_ns: i64, flow: &Flow) {
        let (energy_wh, error_wh) = (flow.at(time_ns), flow.error_at(time_ns));
        self.begin = Some(Edge { time_ns, energy_wh, error_wh, complete: true });
    }

    // First edge of the meter's clock later than an instant.
    fn edge_after(&self, time_ns: i64) -> i64 {
        let clock_ns = time_ns + self.clock_offset_ns;
        (clock_ns.div_euclid(self.window_ns) + 1) * self.window_ns - self.clock_offset_ns
    }
}

fn checked_offset(clock_offset_ns: i64) -> Result<i64> {
    // The year 2116: with a sane time its sum still fits.
    let farthest_ns = 2 * FARTHEST_NS;
    if (-farthest_ns..=farthest_ns).contains(&clock_offset_ns) {
        return Ok(clock_offset_ns);
    }
    Err(Error::invalid(format!("clock_offset_ns must be within +-{farthest_ns}, not {clock_offset_ns}")))
}

#[cfg(test)]
#[path = "demand_tests.rs"]
mod tests;
