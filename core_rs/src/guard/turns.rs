//! Actuators that stand at 0 or at a smallest value and above (a charger gives 6 A or nothing): who is on, in turns.
//!
//! One that was switched on stays on, and one that was switched off stays off, for its dwell time, unless a guard needs
//! it off; after that, who has waited longest comes before who was on longest. So where not all can be on, each has its
//! turn, and none flickers. Going off is never delayed.

use crate::clock::seconds_to_ns;
use crate::guard::Rated;

/// One actuator's switch.
#[derive(Clone, Copy, Debug)]
struct Switch {
    minimum: f64,
    dwell_ns: i64,
    on: bool,
    /// It was taken off for want of room, not of a wish.
    shed: bool,
    since_ns: i64,
}

/// The switches of all actuators; most have none (their smallest value is 0).
#[derive(Debug)]
pub(crate) struct Turns {
    switches: Box<[Switch]>,
    any: bool,
}

impl Turns {
    pub(crate) fn new(rated: &[Rated]) -> Self {
        let switch = |rated: &Rated| Switch {
            minimum: rated.minimum_on,
            dwell_ns: seconds_to_ns(rated.dwell_s),
            on: false,
            shed: false,
            since_ns: i64::MIN,
        };
        let switches: Box<[Switch]> = rated.iter().map(switch).collect();
        Self { any: switches.iter().any(|switch| switch.minimum > 0.0), switches }
    }

    /// Whether any actuator has a smallest value.
    pub(crate) fn any(&self) -> bool {
        self.any
    }

    /// An actuator's smallest value other than 0.
    pub(crate) fn minimum(&self, actuator: usize) -> f64 {
        self.switches.get(actuator).map_or(0.0, |switch| switch.minimum)
    }

    /// Whether it may not be on now: it was shed, and its dwell time is not over.
    pub(crate) fn rests(&self, actuator: usize, now_ns: i64) -> bool {
        self.switches.get(actuator).is_some_and(|switch| switch.shed && !switch.over(now_ns))
    }

    /// Who stays on first: smaller is sooner.
    pub(crate) fn rank(&self, actuator: usize, now_ns: i64) -> (u8, i64) {
        match self.switches.get(actuator) {
            Some(switch) if switch.on && !switch.over(now_ns) => (0, switch.since_ns),
            Some(switch) if !switch.on => (1, switch.since_ns),
            // On for long: the later it came, the sooner it stays.
            Some(switch) => (2, switch.since_ns.saturating_neg()),
            None => (3, 0),
        }
    }

    /// What was decided. `shed`: it would have been on, had there been room.
    pub(crate) fn decided(&mut self, actuator: usize, value: f64, shed: bool, now_ns: i64) {
        if let Some(switch) = self.switches.get_mut(actuator).filter(|switch| switch.minimum > 0.0) {
            let on = value.abs() >= switch.minimum;
            if on != switch.on || (shed && !switch.shed) {
                switch.since_ns = now_ns;
            }
            (switch.on, switch.shed) = (on, !on && (shed || (switch.shed && !switch.over(now_ns))));
        }
    }
}

impl Switch {
    fn over(&self, now_ns: i64) -> bool {
        now_ns.saturating_sub(self.since_ns) >= self.dwell_ns
    }
}
