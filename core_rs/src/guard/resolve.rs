//! From addresses to handles: what a guard names must exist, and what it promises must be possible.

use crate::arbitrate::Limits;
use crate::blocks::{DelayBounds, SitePowerEstimate};
use crate::clock::SECOND_NS;
use crate::error::{Error, Result, finite};
use crate::guard::protection::SocEstimate;
use crate::guard::{Connection, Protection, Rated, Site};
use crate::image::Image;

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
        /// The actuators' own readings, same order.
        measured: Vec<String>,
        /// Largest import.
        import_limit_w: f64,
        /// Largest export.
        export_limit_w: f64,
        /// How late the meter and how slow the actuators may be.
        delays: DelayBounds,
    },
    /// 0 while the channel is true or not valid.
    Stop {
        /// Actuator.
        actuator: String,
        /// The bool channel.
        channel: String,
    },
}

impl GuardSpec {
    /// `device:ess0`, `soc:ess0`, `grid:grid0` or `stop:ess0`: the kind and the component.
    pub fn id(&self) -> String {
        let (kind, address) = match self {
            Self::DeviceLimits { actuator, .. } => ("device", actuator),
            Self::Soc { actuator, .. } => ("soc", actuator),
            Self::Grid { grid, .. } => ("grid", grid),
            Self::Stop { actuator, .. } => ("stop", actuator),
        };
        format!("{kind}:{}", address.split('/').next().unwrap_or_default())
    }

    /// Refuses limits that make no sense.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Soc { minimum_pct, maximum_pct, .. } => {
                if !(0.0 <= *minimum_pct && minimum_pct < maximum_pct && *maximum_pct <= 100.0) {
                    return Err(self.refusal(&format!(
                        "needs 0 <= minimum_pct < maximum_pct <= 100, not {minimum_pct} and {maximum_pct}"
                    )));
                }
            }
            Self::Grid { actuators, measured, import_limit_w, export_limit_w, delays, .. } => {
                delays.validate().map_err(|error| self.refusal(&error.to_string()))?;
                if actuators.is_empty() || actuators.len() != measured.len() {
                    return Err(self.refusal("needs one measured channel for each of at least one actuator"));
                }
                for (name, limit_w) in [("import_limit_w", *import_limit_w), ("export_limit_w", *export_limit_w)] {
                    if finite(name, limit_w)? < 0.0 {
                        return Err(self.refusal(&format!("{name} must be 0 or more, not {limit_w}")));
                    }
                }
            }
            Self::DeviceLimits { .. } | Self::Stop { .. } => {}
        }
        Ok(())
    }

    fn refusal(&self, text: &str) -> Error {
        Error::invalid(format!("guard {}: {text}", self.id()))
    }
}

/// All guards of a cycle, with handles.
#[derive(Debug)]
pub struct Guards {
    pub(crate) rated: Vec<Rated>,
    /// (guard number, actuator, guard)
    pub(crate) protections: Vec<(usize, usize, Protection)>,
    pub(crate) connections: Vec<Connection>,
    /// What protection leaves of each actuator in this cycle.
    pub(crate) limits: Vec<Limits>,
}

impl Guards {
    /// Resolves addresses; `actuators` are the addresses of `rated`, in the same order.
    pub fn resolve(specs: &[GuardSpec], image: &Image, actuators: &[String], rated: Vec<Rated>) -> Result<Self> {
        let limits = rated.iter().map(|rated| Limits::rating(rated.minimum, rated.maximum)).collect();
        let mut guards = Self { rated, protections: Vec::new(), connections: Vec::new(), limits };
        for (number, spec) in specs.iter().enumerate() {
            spec.validate()?;
            guards.add(number, &Resolver { spec, image, actuators })?;
        }
        Ok(guards)
    }

    fn add(&mut self, number: usize, resolver: &Resolver<'_>) -> Result<()> {
        match resolver.spec {
            GuardSpec::DeviceLimits { actuator, charge_limit, discharge_limit } => {
                let (charge, discharge) = (resolver.handle(charge_limit)?, resolver.handle(discharge_limit)?);
                self.add_protection(number, actuator, resolver, Protection::DeviceLimits { charge, discharge })
            }
            GuardSpec::Soc { actuator, soc, estimate, minimum_pct, maximum_pct } => {
                let (minimum_pct, maximum_pct) = (*minimum_pct, *maximum_pct);
                let estimate = estimate.as_ref().map(|addresses| resolver.estimate(addresses)).transpose()?;
                let guard = Protection::Soc { soc: resolver.handle(soc)?, estimate, minimum_pct, maximum_pct };
                self.add_protection(number, actuator, resolver, guard)
            }
            GuardSpec::Stop { actuator, channel } => {
                let guard = Protection::Stop { channel: resolver.handle(channel)? };
                self.add_protection(number, actuator, resolver, guard)
            }
            GuardSpec::Grid { actuators, grid, measured, import_limit_w, export_limit_w, delays } => {
                let connection = Connection {
                    number,
                    actuators: resolver.all(actuators, |address| resolver.actuator(address))?,
                    grid: resolver.handle(grid)?,
                    measured: resolver.all(measured, |address| resolver.handle(address))?,
                    import_limit_w: *import_limit_w,
                    export_limit_w: *export_limit_w,
                    site: site(*delays)?,
                };
                self.connect(connection, resolver)
            }
        }
    }

    fn add_protection(
        &mut self,
        number: usize,
        address: &str,
        resolver: &Resolver<'_>,
        guard: Protection,
    ) -> Result<()> {
        let actuator = resolver.actuator(address)?;
        self.can_stand_at_zero(actuator, resolver)?;
        self.protections.push((number, actuator, guard));
        Ok(())
    }

    // Two sums over one actuator would need a solver to be kept both.
    fn connect(&mut self, connection: Connection, resolver: &Resolver<'_>) -> Result<()> {
        for (place, actuator) in connection.actuators.iter().enumerate() {
            self.can_stand_at_zero(*actuator, resolver)?;
            let again = connection.actuators.iter().skip(place + 1).any(|other| other == actuator);
            if again || self.connections.iter().any(|other| other.actuators.contains(actuator)) {
                let address = resolver.actuators.get(*actuator).map_or("", String::as_str);
                return Err(resolver.spec.refusal(&format!("actuator {address} already stands in a grid guard")));
            }
        }
        self.connections.push(connection);
        Ok(())
    }

    fn can_stand_at_zero(&self, actuator: usize, resolver: &Resolver<'_>) -> Result<()> {
        match self.rated.get(actuator) {
            Some(rated) if rated.minimum <= 0.0 && rated.maximum >= 0.0 => Ok(()),
            _ => Err(resolver.spec.refusal("its actuator's minimum..maximum must hold 0")),
        }
    }
}

fn site(delays: DelayBounds) -> Result<Site> {
    let memory_s = delays.delay_max_s + delays.settle_s;
    Ok(Site::new(SitePowerEstimate::new(delays)?, (memory_s * SECOND_NS as f64).round() as i64))
}

struct Resolver<'a> {
    spec: &'a GuardSpec,
    image: &'a Image,
    actuators: &'a [String],
}

impl Resolver<'_> {
    fn handle(&self, address: &str) -> Result<usize> {
        self.image.handle(address).map_err(|error| self.spec.refusal(&error.to_string()))
    }

    fn estimate(&self, [soc, sigma, valid]: &[String; 3]) -> Result<SocEstimate> {
        Ok(SocEstimate::new([self.handle(soc)?, self.handle(sigma)?, self.handle(valid)?]))
    }

    fn actuator(&self, address: &str) -> Result<usize> {
        self.actuators
            .iter()
            .position(|known| known == address)
            .ok_or_else(|| self.spec.refusal(&format!("{address:?} is not an actuator of this cycle")))
    }

    fn all(&self, addresses: &[String], find: impl Fn(&str) -> Result<usize>) -> Result<Vec<usize>> {
        addresses.iter().map(|address| find(address)).collect()
    }
}
