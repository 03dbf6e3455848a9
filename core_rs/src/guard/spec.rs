//! Guards as configured, by addresses.

use crate::blocks::DelayBounds;
use crate::error::{Error, Result, finite};
use crate::guard::outside::{DimmingSpec, ExternalSpec};
use crate::guard::window::Edge;

/// A guard as configured, by addresses.
#[derive(Clone, Debug, PartialEq)]
pub enum GuardSpec {
    /// -charge_limit <= setpoint <= discharge_limit.
    DeviceLimits {
        /// Actuator.
        actuator: String,
        /// Channel of the largest charge power (>= 0).
        charge_limit: String,
        /// Channel of the largest discharge power (>= 0).
        discharge_limit: String,
    },
    /// No discharge at or below the minimum, no charge at or above the maximum.
    Soc {
        /// Actuator.
        actuator: String,
        /// Channel of the state of charge in percent.
        soc: String,
        /// Channels of our own estimate of it, its standard deviation and its validity: the stricter of both SOC counts.
        estimate: Option<[String; 3]>,
        /// Lowest SOC.
        minimum_pct: f64,
        /// Highest SOC.
        maximum_pct: f64,
    },
    /// Grid power inside -export..import.
    Grid {
        /// Actuators whose sum is bounded; earlier ones keep their request first.
        actuators: Vec<String>,
        /// Channel of the grid meter's power.
        grid: String,
        /// The actuators' own readings in W, same order.
        measured: Vec<String>,
        /// W that a unit of each setpoint brings to the site (below 0: takes); empty: 1 each.
        gains: Vec<f64>,
        /// Largest import.
        import_limit_w: f64,
        /// Largest export.
        export_limit_w: f64,
        /// How late the meter and how slow the actuators may be.
        delays: DelayBounds,
    },
    /// Current of each phase of the connection inside -limit..limit.
    Phases {
        /// Actuators whose sums are bounded.
        actuators: Vec<String>,
        /// Channels of the meter's power of each phase in W.
        power: [String; 3],
        /// Channels of its voltages in V.
        voltage: [String; 3],
        /// Channels of its reactive powers in var, or of its currents in A.
        other: Other,
        /// The actuators' own readings in W, same order.
        measured: Vec<String>,
        /// As of the grid's guard.
        gains: Vec<f64>,
        /// Phases (1 to 3) that each actuator stands on, in equal shares.
        phases: Vec<Vec<u8>>,
        /// Largest current of a phase.
        limit_a: f64,
        /// As of the grid's guard.
        delays: DelayBounds,
    },
    /// The sum of setpoints inside lower..upper, which hold 0.
    Cap {
        /// Name of what is bounded.
        name: String,
        /// Actuators, of one unit.
        actuators: Vec<String>,
        /// Not below this.
        lower: f64,
        /// Not above this.
        upper: f64,
    },
    /// P^2 + Q^2 <= S^2.
    Circle {
        /// Actuator of the active power.
        active: String,
        /// Actuator of the reactive power.
        reactive: String,
        /// The largest apparent power.
        apparent: Apparent,
        /// Who gives way when both were asked for by one class: active power keeps its value unless this is set.
        reactive_first: bool,
    },
    /// A direction is closed at and beyond each of these ends, and while its channel is not valid.
    Window {
        /// Actuator.
        actuator: String,
        /// What the reason calls it, e.g. `temperature`.
        name: String,
        /// At least one.
        edges: Vec<Edge>,
    },
    /// 0 while the channel is true or not valid.
    Stop {
        /// Actuator.
        actuator: String,
        /// The bool channel.
        channel: String,
    },
    /// Tighter limits of a grid connection that somebody outside sets.
    External(ExternalSpec),
    /// What controllable devices draw from the grid, while the grid operator asks.
    Dimming(DimmingSpec),
}

/// What a meter tells of a phase beside power and voltage.
#[derive(Clone, Debug, PartialEq)]
pub enum Other {
    /// Reactive powers.
    Reactive([String; 3]),
    /// Currents.
    Current([String; 3]),
}

/// An apparent power in VA.
#[derive(Clone, Debug, PartialEq)]
pub enum Apparent {
    /// A channel; while it is not valid, 0.
    Channel(String),
    /// A rating.
    Rating(f64),
}

impl GuardSpec {
    /// `device:ess0`, `soc:ess0`, `grid:grid0`, `phase:grid0`, `cap:NAME`, `circle:ess0`, `stop:ess0`, `external:grid0`,
    /// `dimming:site`, or of a window its own name, `temperature:ess0`.
    pub fn id(&self) -> String {
        let (kind, address) = match self {
            Self::DeviceLimits { actuator, .. } => ("device", actuator),
            Self::Soc { actuator, .. } => ("soc", actuator),
            Self::Grid { grid, .. } => ("grid", grid),
            Self::Phases { power: [first, ..], .. } => ("phase", first),
            Self::Cap { name, .. } => ("cap", name),
            Self::Circle { active, .. } => ("circle", active),
            Self::Stop { actuator, .. } => ("stop", actuator),
            Self::Window { name, actuator, .. } => (name.as_str(), actuator),
            Self::External(external) => ("external", &external.grid),
            Self::Dimming(_) => return "dimming:site".to_owned(),
        };
        format!("{kind}:{}", address.split('/').next().unwrap_or_default())
    }

    /// Refuses limits that make no sense.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Soc { minimum_pct, maximum_pct, .. } => self.soc(*minimum_pct, *maximum_pct),
            Self::Grid { actuators, measured, gains, import_limit_w, export_limit_w, delays, .. } => {
                self.readings(actuators, measured, gains, *delays)?;
                self.not_below_0("import_limit_w", *import_limit_w)?;
                self.not_below_0("export_limit_w", *export_limit_w)
            }
            Self::Phases { actuators, measured, gains, phases, limit_a, delays, .. } => {
                self.readings(actuators, measured, gains, *delays)?;
                let known = |on: &Vec<u8>| !on.is_empty() && on.iter().all(|phase| (1..=3).contains(phase));
                if phases.len() != actuators.len() || !phases.iter().all(known) {
                    return Err(self.refusal("needs for each actuator the phases that it stands on, of 1, 2 and 3"));
                }
                self.not_below_0("limit_a", *limit_a)
            }
            Self::Cap { actuators, lower, upper, .. } => {
                if actuators.is_empty() || !(*lower <= 0.0 && 0.0 <= *upper) {
                    return Err(
                        self.refusal(&format!("needs actuators and lower <= 0 <= upper, not {lower} and {upper}"))
                    );
                }
                Ok(())
            }
            Self::Circle { apparent: Apparent::Rating(rating), .. } => self.not_below_0("apparent_va", *rating),
            Self::Window { name, edges, .. } => {
                if edges.is_empty() || name.is_empty() || name.contains([';', ':']) {
                    return Err(self.refusal("needs a plain name and at least one end"));
                }
                edges.iter().try_for_each(|edge| finite("limit", edge.limit).map(|_| ()))
            }
            Self::External(external) => external.validate().map_err(|error| self.refusal(&error.to_string())),
            Self::Dimming(dimming) => dimming.validate().map_err(|error| self.refusal(&error.to_string())),
            Self::DeviceLimits { .. } | Self::Stop { .. } | Self::Circle { .. } => Ok(()),
        }
    }

    fn soc(&self, minimum_pct: f64, maximum_pct: f64) -> Result<()> {
        if 0.0 <= minimum_pct && minimum_pct < maximum_pct && maximum_pct <= 100.0 {
            return Ok(());
        }
        Err(self.refusal(&format!("needs 0 <= minimum_pct < maximum_pct <= 100, not {minimum_pct} and {maximum_pct}")))
    }

    fn readings(&self, actuators: &[String], measured: &[String], gains: &[f64], delays: DelayBounds) -> Result<()> {
        delays.validate().map_err(|error| self.refusal(&error.to_string()))?;
        if actuators.is_empty() || actuators.len() != measured.len() {
            return Err(self.refusal("needs one measured channel for each of at least one actuator"));
        }
        let sensible = gains.iter().all(|gain| gain.is_finite() && *gain != 0.0);
        if !(sensible && (gains.is_empty() || gains.len() == actuators.len())) {
            return Err(self.refusal("needs one gain other than 0 for each actuator, or none"));
        }
        Ok(())
    }

    fn not_below_0(&self, name: &str, value: f64) -> Result<()> {
        if finite(name, value)? < 0.0 {
            return Err(self.refusal(&format!("{name} must be 0 or more, not {value}")));
        }
        Ok(())
    }

    pub(crate) fn refusal(&self, text: &str) -> Error {
        Error::invalid(format!("guard {}: {text}", self.id()))
    }
}
