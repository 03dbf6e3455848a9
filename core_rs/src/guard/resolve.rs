//! From addresses to handles: what a guard names must exist, and what it promises must be possible.

use crate::arbitrate::Limits;
use crate::blocks::{DelayBounds, SitePowerEstimate};
use crate::clock::SECOND_NS;
use crate::error::Result;
use crate::guard::circle::{Circle, Radius};
use crate::guard::connection::{Bound, Connection, Member, Phase, Reading, Site};
use crate::guard::joint::{Cap, Joint};
use crate::guard::outside::{DimmingSpec, Shown, draw};
use crate::guard::protection::{Protection, SocEstimate};
use crate::guard::spec::{Apparent, GuardSpec, Other};
use crate::guard::turns::Turns;
use crate::guard::window::{Edge, End};
use crate::guard::{Guards, Rated};
use crate::image::Image;

impl Guards {
    /// Resolves addresses; `actuators` are the addresses of `rated`, in the same order.
    pub fn resolve(specs: &[GuardSpec], image: &Image, actuators: &[String], rated: Vec<Rated>) -> Result<Self> {
        let mut guards = Self {
            limits: rated.iter().map(|rated| Limits::rating(rated.minimum, rated.maximum)).collect(),
            weights: rated.iter().map(|rated| rated.weight).collect(),
            turns: Turns::new(&rated),
            joint: Joint::default(),
            shown: Shown::find(image),
            classes: Vec::new(),
            protections: Vec::new(),
            circles: Vec::new(),
            connections: Vec::new(),
            caps: Vec::new(),
            rated,
        };
        for (number, spec) in specs.iter().enumerate() {
            spec.validate()?;
            guards.add(number, &Resolver { spec, image, actuators })?;
        }
        guards.joint = Joint::new(&guards);
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
            GuardSpec::Window { actuator, edges, .. } => edges.iter().try_for_each(|edge| {
                let Edge { limit, high, charge, discharge, .. } = *edge;
                let end = End { channel: resolver.handle(&edge.channel)?, limit, high, charge, discharge };
                self.add_protection(number, actuator, resolver, Protection::End(end))
            }),
            GuardSpec::Stop { actuator, channel } => {
                let guard = Protection::Stop { channel: resolver.handle(channel)? };
                self.add_protection(number, actuator, resolver, guard)
            }
            GuardSpec::Circle { active, reactive, apparent, reactive_first } => {
                let pair = [self.closable(active, resolver)?, self.closable(reactive, resolver)?];
                let radius = match apparent {
                    Apparent::Channel(address) => Radius::Channel(resolver.handle(address)?),
                    Apparent::Rating(rating) => Radius::Rating(*rating),
                };
                self.encircle(Circle { number, pair, radius, reactive_first: *reactive_first }, resolver)
            }
            GuardSpec::Cap { actuators, lower, upper, .. } => {
                let members = resolver.all(actuators, |address| self.closable(address, resolver))?;
                self.caps.push(Cap { number, members, lower: *lower, upper: *upper });
                Ok(())
            }
            GuardSpec::Grid { .. } => self.add_grid(number, resolver),
            GuardSpec::Phases { .. } => self.add_phases(number, resolver),
            GuardSpec::External(external) => self
                .add_external(number, external, resolver.image)
                .map_err(|error| resolver.spec.refusal(&error.to_string())),
            GuardSpec::Dimming(dimming) => self.add_dimming(number, dimming, resolver),
        }
    }

    fn add_protection(
        &mut self,
        number: usize,
        address: &str,
        resolver: &Resolver<'_>,
        guard: Protection,
    ) -> Result<()> {
        let actuator = self.closable(address, resolver)?;
        self.protections.push((number, actuator, guard));
        Ok(())
    }

    // One value cannot be decided by two circles in turn.
    fn encircle(&mut self, circle: Circle, resolver: &Resolver<'_>) -> Result<()> {
        let [active, reactive] = circle.pair;
        let taken = |actuator: usize| self.circles.iter().any(|other| other.pair.contains(&actuator));
        if active == reactive || taken(active) || taken(reactive) {
            return Err(resolver.spec.refusal("needs two actuators that stand in no other circle"));
        }
        self.circles.push(circle);
        Ok(())
    }

    fn add_grid(&mut self, number: usize, resolver: &Resolver<'_>) -> Result<()> {
        let GuardSpec::Grid { actuators, grid, measured, gains, import_limit_w, export_limit_w, delays } =
            resolver.spec
        else {
            return Ok(());
        };
        let members = self.members(actuators, measured, gains, resolver, |_| 1.0)?;
        self.only_once(&members, resolver)?;
        let bound = Bound::Site { import_w: *import_limit_w, export_w: *export_limit_w };
        let meter = resolver.handle(grid)?;
        self.connections.push(Connection {
            number,
            members,
            meter,
            bound,
            external: None,
            site: site(*delays)?,
            range: None,
        });
        Ok(())
    }

    fn add_phases(&mut self, number: usize, resolver: &Resolver<'_>) -> Result<()> {
        let GuardSpec::Phases { actuators, power, voltage, other, measured, gains, phases, limit_a, delays } =
            resolver.spec
        else {
            return Ok(());
        };
        for phase in 0..3_usize {
            let share = |place: usize| phases.get(place).map_or(0.0, |on| share_of(on, phase));
            let members = self.members(actuators, measured, gains, resolver, share)?;
            let name = |addresses: &[String; 3]| resolver.handle(addresses.get(phase).map_or("", String::as_str));
            let other = match other {
                Other::Reactive(addresses) => Reading::Reactive(name(addresses)?),
                Other::Current(addresses) => Reading::Current(name(addresses)?),
            };
            let bound = Bound::Phase(Phase { voltage: name(voltage)?, other, limit_a: *limit_a });
            let meter = name(power)?;
            self.connections.push(Connection {
                number,
                members,
                meter,
                bound,
                external: None,
                site: site(*delays)?,
                range: None,
            });
        }
        Ok(())
    }

    fn add_dimming(&mut self, number: usize, dimming: &DimmingSpec, resolver: &Resolver<'_>) -> Result<()> {
        let members = self.members(&dimming.actuators, &dimming.measured, &dimming.gains, resolver, |_| 1.0)?;
        let bound = draw(dimming, resolver.image).map_err(|error| resolver.spec.refusal(&error.to_string()))?;
        // It has no meter and estimates nothing.
        let (meter, site) = (usize::MAX, site(DelayBounds::DEFAULT)?);
        self.connections.push(Connection { number, members, meter, bound, external: None, site, range: None });
        Ok(())
    }

    fn members(
        &self,
        actuators: &[String],
        measured: &[String],
        gains: &[f64],
        resolver: &Resolver<'_>,
        share: impl Fn(usize) -> f64,
    ) -> Result<Vec<Member>> {
        let mut members = Vec::with_capacity(actuators.len());
        for (place, (address, measured)) in actuators.iter().zip(measured).enumerate() {
            let actuator = self.closable(address, resolver)?;
            let gain = gains.get(place).copied().unwrap_or(1.0);
            let role = self.rated.get(actuator).map(|rated| rated.role).unwrap_or_default();
            members.push(Member { actuator, role, measured: resolver.handle(measured)?, gain, share: share(place) });
        }
        members.retain(|member| member.share > 0.0);
        Ok(members)
    }

    // Two meters of one site would each take the other's share for load.
    fn only_once(&self, members: &[Member], resolver: &Resolver<'_>) -> Result<()> {
        let grids = || self.connections.iter().filter(|other| matches!(other.bound, Bound::Site { .. }));
        for (place, member) in members.iter().enumerate() {
            let same = |other: &Member| other.actuator == member.actuator;
            if members.iter().skip(place + 1).any(same) || grids().any(|other| other.members.iter().any(same)) {
                let address = resolver.actuators.get(member.actuator).map_or("", String::as_str);
                return Err(resolver.spec.refusal(&format!("actuator {address} already stands in a grid guard")));
            }
        }
        Ok(())
    }

    // The number of an actuator that can stand at 0.
    fn closable(&self, address: &str, resolver: &Resolver<'_>) -> Result<usize> {
        let actuator = resolver.actuator(address)?;
        match self.rated.get(actuator) {
            Some(rated) if rated.minimum <= 0.0 && rated.maximum >= 0.0 => Ok(actuator),
            _ => Err(resolver.spec.refusal("its actuator's minimum..maximum must hold 0")),
        }
    }
}

fn share_of(on: &[u8], phase: usize) -> f64 {
    let here = on.iter().filter(|&&number| usize::from(number) == phase + 1).count();
    here as f64 / on.len().max(1) as f64
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
