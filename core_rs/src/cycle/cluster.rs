//! Clusters: an actuator whose value several members bring together.
//!
//! Sources propose to the cluster's target as to any actuator. What it decides is shared among the members by weight,
//! inside what each may do: bounds and reserves of sources down to the one that set the target, and protection. A
//! member whose own base comes from that source or a higher one keeps it, and the others bring the rest. Offsets on
//! members come on top. Members that must stand at 0 or above a smallest value take their turns.
//!
//! A member whose state of charge is not known gives nothing. Without a wish for the target, members decide alone.

use crate::arbitrate::{Limits, Mover, Outcome, Range, Row, Share, Standing, share, shifted};
use crate::cycle::config::Actuator;
use crate::cycle::sharing::{ClusterSpec, Shares};
use crate::error::{Error, Result};
use crate::guard::Guards;
use crate::image::{Image, Reader};

#[derive(Clone, Copy, Debug)]
enum Weight {
    Fixed(f64),
    Soc { soc: usize, capacity_wh: f64, minimum_pct: f64, maximum_pct: f64 },
}

impl Weight {
    fn of(self, reader: &Reader<'_>, discharging: bool) -> f64 {
        match self {
            Self::Fixed(weight) => weight,
            Self::Soc { soc, capacity_wh, minimum_pct, maximum_pct } => {
                let soc_pct = reader.value(soc);
                let left_pct = if discharging { soc_pct - minimum_pct } else { maximum_pct - soc_pct };
                // `max` takes the other side of a NaN.
                (capacity_wh * left_pct / 100.0).max(0.0)
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Member {
    actuator: usize,
    weight: Weight,
    /// Keeps what it has.
    own: bool,
    range: Limits,
}

/// A cluster with handles and storage.
#[derive(Debug)]
pub(crate) struct Cluster {
    number: usize,
    target: usize,
    members: Vec<Member>,
    shares: Vec<Share>,
    order: Vec<usize>,
}

/// What a cluster looks at beside the snapshot.
pub(crate) struct View<'a, R, P> {
    pub(crate) guards: &'a mut Guards,
    pub(crate) actuators: &'a [Actuator],
    /// Rows of an actuator in strict order.
    pub(crate) rows: R,
    /// Place of a source in the strict order.
    pub(crate) place: P,
}

impl<R, P> View<'_, R, P> {
    fn range(&self, actuator: usize) -> Range {
        let nothing = || Range::whole(Limits::rating(0.0, 0.0), 0.0);
        self.actuators.get(actuator).map_or_else(nothing, |known| known.range(self.guards, actuator))
    }
}

impl Cluster {
    pub(crate) fn resolve(number: usize, spec: &ClusterSpec, image: &Image, actuators: &[String]) -> Result<Self> {
        spec.validate()?;
        let find = |address: &String| {
            let place = actuators.iter().position(|known| known == address);
            place.ok_or_else(|| {
                Error::invalid(format!("cluster {}: {address:?} is no actuator of this cycle", spec.name))
            })
        };
        let mut members = Vec::with_capacity(spec.members.len());
        for (place, address) in spec.members.iter().enumerate() {
            let weight = weight(&spec.shares, place, image)?;
            let range = Limits::rating(0.0, 0.0);
            members.push(Member { actuator: find(address)?, weight, own: false, range });
        }
        let target = find(&spec.target)?;
        if members.iter().any(|member| member.actuator == target) {
            return Err(Error::invalid(format!("cluster {}: its target cannot be a member", spec.name)));
        }
        let count = members.len();
        Ok(Self { number, target, members, shares: vec![Share::default(); count], order: Vec::with_capacity(count) })
    }

    /// Before the guards: what the target decided becomes the members' values.
    pub(crate) fn divide<'a, I, R, P>(&mut self, reader: &Reader<'_>, outcomes: &mut [Outcome], view: View<'_, R, P>)
    where
        I: Iterator<Item = (usize, &'a Row)>,
        R: Fn(usize) -> I,
        P: Fn(usize) -> usize,
    {
        let Some(target) = outcomes.get(self.target).copied() else {
            return;
        };
        self.weigh(reader, target.value >= 0.0, view.guards);
        let Some(source) = target.source else {
            return;
        };
        let place = (view.place)(source);
        let mut total = target.value;
        for member in &mut self.members {
            let Some(outcome) = outcomes.get(member.actuator) else { continue };
            member.own = outcome.source.is_some_and(|own| (view.place)(own) <= place);
            total -= if member.own { outcome.value } else { 0.0 };
            let above = (view.rows)(member.actuator).filter(|&(source, _)| (view.place)(source) <= place);
            member.range = standing(&view.range(member.actuator), above);
        }
        self.open(total, view.guards, reader.time_ns());
        share(total, &mut self.shares);
        for (member, part) in self.members.iter().zip(&self.shares).filter(|(member, _)| !member.own) {
            if let Some(outcome) = outcomes.get_mut(member.actuator) {
                let (value, limited) = member.range.apply(part.value);
                let by = limited.or_else(|| ends(member, part)).unwrap_or(Mover::Cluster(self.number));
                let base = Outcome { value, source: Some(source), bound: Some(by) };
                *outcome = shifted(&view.range(member.actuator), base, (view.rows)(member.actuator));
            }
        }
    }

    // The same weights say who gives way when limits that members share bind.
    fn weigh(&mut self, reader: &Reader<'_>, discharging: bool, guards: &mut Guards) {
        for (member, share) in self.members.iter().zip(&mut self.shares) {
            share.weight = member.weight.of(reader, discharging);
            guards.weigh(member.actuator, share.weight);
        }
    }

    // Each member's range; those with a smallest value: at or above it for as many as the total carries, else 0.
    fn open(&mut self, total: f64, guards: &Guards, now_ns: i64) {
        for (member, share) in self.members.iter().zip(&mut self.shares) {
            (share.lower, share.upper) = (member.range.lower, member.range.upper);
            if member.own {
                (share.lower, share.upper, share.weight) = (0.0, 0.0, 0.0);
            }
        }
        self.order.clear();
        self.order.extend(0..self.members.len());
        let members = &self.members;
        let actuator = |place: usize| members.get(place).map_or(usize::MAX, |member| member.actuator);
        self.order.sort_unstable_by_key(|&place| (guards.turn(actuator(place), now_ns), place));
        let mut left = total;
        for &place in &self.order {
            let minimum = guards.smallest(actuator(place));
            let Some(share) = self.shares.get_mut(place).filter(|share| minimum > 0.0 && share.weight > 0.0) else {
                continue;
            };
            let able = share.upper >= minimum && left >= minimum && !guards.rests(actuator(place), now_ns);
            share.lower = if able { minimum } else { 0.0 };
            share.upper = if able { share.upper } else { 0.0 };
            left -= share.lower;
        }
    }

    /// After the guards: the target stands at what the members bring.
    pub(crate) fn sum(&self, outcomes: &mut [Outcome]) {
        let brought: f64 =
            self.members.iter().filter_map(|member| outcomes.get(member.actuator)).map(|outcome| outcome.value).sum();
        if let Some(target) = outcomes.get_mut(self.target) {
            let missed = (target.value - brought).abs() > 1e-6 * brought.abs().max(1.0);
            let bound =
                if missed && target.source.is_some() { Some(Mover::Cluster(self.number)) } else { target.bound };
            *target = Outcome { value: brought, bound, ..*target };
        }
    }
}

fn weight(shares: &Shares, place: usize, image: &Image) -> Result<Weight> {
    let missing = || Error::invalid("a cluster's member has no weight");
    match shares {
        Shares::Fixed(weights) => Ok(Weight::Fixed(*weights.get(place).ok_or_else(missing)?)),
        Shares::Soc { soc, capacity_wh, minimum_pct, maximum_pct } => Ok(Weight::Soc {
            soc: image.handle(soc.get(place).ok_or_else(missing)?)?,
            capacity_wh: *capacity_wh.get(place).ok_or_else(missing)?,
            minimum_pct: *minimum_pct,
            maximum_pct: *maximum_pct,
        }),
    }
}

fn standing<'a>(range: &Range, rows: impl Iterator<Item = (usize, &'a Row)>) -> Limits {
    let mut standing = Standing::new(range);
    rows.for_each(|(source, row)| standing.admit(source, row));
    let mut room = standing.room;
    let usable = &range.usable;
    if usable.lower > room.lower {
        room.narrow(usable.lower, f64::INFINITY, usable.lower_by, usable.lower_by);
    }
    if usable.upper < room.upper {
        room.narrow(f64::NEG_INFINITY, usable.upper, usable.upper_by, usable.upper_by);
    }
    room
}

// Who ended a share that stands at an end of its range.
fn ends(member: &Member, share: &Share) -> Option<Mover> {
    if share.value == 0.0 {
        None
    } else if share.value >= member.range.upper {
        Some(member.range.upper_by)
    } else if share.value <= member.range.lower {
        Some(member.range.lower_by)
    } else {
        None
    }
}
