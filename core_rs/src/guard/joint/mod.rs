//! What several actuators share: connections, phases and caps, decided together.
//!
//! Each actuator becomes one or two parts of a [`Split`]. Storage is moved back towards 0 (its first part) before any
//! is driven, to the other side or further out (its second part): nobody charges so that another may discharge. A
//! limit of generation or of a load is only ever lowered. The levels, from the one that is moved least:
//!
//! 1. for each class from the highest: loads shed and generation curtailed; then storage driven;
//! 2. for each class from the highest: storage moved back towards 0.
//!
//! So all storage moves back first, the lowest class before the others; then, again the lowest class first, storage
//! is driven up to its own limits, and then loads and generation of that class give way. Inside a class, those with a weight share by
//! least squares, the others give way one after the other, the last listed first.
//!
//! A limit's setpoint says what a device may use; its reading what it does use. Where it uses less than it may, only
//! that and a margin ([`MARGIN`] of its rating) count, so that an idle charger takes no room from others; a load
//! counts for import, a generator for export. A limit that need not be lowered keeps its wish.

mod decide;
mod rows;

use crate::arbitrate::split::Split;
use crate::arbitrate::{Limits, Mover, Outcome};
use crate::guard::connection::{Connection, Member};
use crate::guard::turns::Turns;
use crate::guard::{Guards, Rated, Role};
use crate::image::Reader;

/// Class of what nobody asked for, after all others.
pub(super) const NOBODY: u32 = 5;

/// A limit of the sum of setpoints.
#[derive(Clone, Debug)]
pub(crate) struct Cap {
    pub(crate) number: usize,
    pub(crate) members: Vec<usize>,
    pub(crate) lower: f64,
    pub(crate) upper: f64,
}

/// Storage for the shared limits' decision, made once.
#[derive(Debug)]
pub(crate) struct Joint {
    split: Split,
    /// Who stands in a connection or a cap, in the order in which they keep their requests.
    pub(super) involved: Vec<usize>,
    pub(super) wishes: Vec<f64>,
    /// What a limit counts at most, by actuator.
    pub(super) counted: Vec<f64>,
    pub(super) decided: Vec<f64>,
    pub(super) off: Vec<bool>,
    pub(super) visits: Vec<usize>,
    /// One connection of plain batteries: no solver is needed.
    plain: bool,
    /// Splits that could not be ended within the bound on work.
    unfinished: u64,
}

impl Default for Joint {
    fn default() -> Self {
        Self {
            split: Split::new(0, 0, 0),
            involved: Vec::new(),
            wishes: Vec::new(),
            counted: Vec::new(),
            decided: Vec::new(),
            off: Vec::new(),
            visits: Vec::new(),
            plain: true,
            unfinished: 0,
        }
    }
}

impl Joint {
    pub(crate) fn new(guards: &Guards) -> Self {
        let mut involved: Vec<usize> = Vec::new();
        let of_connections = guards.connections.iter().flat_map(|c| c.members.iter().map(|member| member.actuator));
        for actuator in of_connections.chain(guards.caps.iter().flat_map(|cap| cap.members.iter().copied())) {
            if !involved.contains(&actuator) {
                involved.push(actuator);
            }
        }
        let (count, rows) = (guards.rated.len(), 2 * guards.connections.len() + guards.caps.len());
        Self {
            split: Split::new(count, 2 * count, rows),
            wishes: vec![0.0; count],
            counted: vec![0.0; count],
            decided: vec![0.0; count],
            off: vec![false; count],
            visits: Vec::with_capacity(involved.len()),
            plain: is_plain(guards),
            unfinished: 0,
            involved,
        }
    }

    /// How often limits were kept by the simpler split, because the bound on work was met.
    pub(crate) fn unfinished(&self) -> u64 {
        self.unfinished
    }

    /// Whether clusters may give members weights: then the order listed decides no more.
    pub(crate) fn share(&mut self) {
        self.plain = false;
    }
}

fn is_plain(guards: &Guards) -> bool {
    let plain = |member: &Member| {
        let rated = guards.rated.get(member.actuator);
        let unweighted = rated.is_some_and(|rated| rated.weight.is_none() && rated.minimum_on == 0.0);
        unweighted && member.role == Role::Storage && member.effect() == 1.0
    };
    guards.caps.is_empty()
        && guards.connections.len() <= 1
        && guards.connections.iter().all(|c| c.members.iter().all(plain))
}

/// What a decision looks at.
pub(super) struct Scene<'a> {
    pub(super) reader: &'a Reader<'a>,
    pub(super) rated: &'a [Rated],
    pub(super) limits: &'a [Limits],
    pub(super) weights: &'a [Option<f64>],
    pub(super) classes: &'a [u32],
    pub(super) connections: &'a [Connection],
    pub(super) caps: &'a [Cap],
    pub(super) turns: &'a Turns,
    pub(super) previous: &'a [f64],
}

impl Guards {
    /// The class of who asked for a value.
    pub(crate) fn class(&self, outcome: &Outcome) -> u32 {
        class(&self.classes, outcome)
    }

    /// Moves the outcomes to where every shared limit holds, if that can be.
    pub(crate) fn join(&mut self, reader: &Reader<'_>, outcomes: &mut [Outcome], previous: &[f64]) {
        for connection in &mut self.connections {
            connection.look(reader);
        }
        self.close_blind(outcomes);
        if self.joint.plain && !self.turns.any() {
            self.join_plain(outcomes);
            return;
        }
        let Self { joint, rated, limits, weights, classes, connections, caps, turns, .. } = self;
        let scene = Scene { reader, rated, limits, weights, classes, connections, caps, turns, previous };
        joint.decide(&scene, outcomes);
        let now_ns = reader.time_ns();
        for (actuator, outcome) in outcomes.iter().enumerate() {
            turns.decided(actuator, outcome.value, joint.off.get(actuator) == Some(&true), now_ns);
        }
    }

    // Behind a connection that nobody sees, storage and loads stand at 0.
    fn close_blind(&mut self, outcomes: &mut [Outcome]) {
        for connection in self.connections.iter().filter(|connection| connection.range.is_none()) {
            let by = Mover::Guard(connection.number);
            for member in connection.members.iter().filter(|member| member.role != Role::Generation) {
                if let Some((outcome, limits)) =
                    outcomes.get_mut(member.actuator).zip(self.limits.get_mut(member.actuator))
                {
                    limits.narrow(0.0, 0.0, by, by);
                    set(outcome, limits.limit(outcome.value), by);
                }
            }
        }
    }
}

pub(super) fn set(outcome: &mut Outcome, value: f64, by: Mover) {
    if value != outcome.value {
        *outcome = Outcome { value, bound: Some(by), ..*outcome };
    }
}

pub(super) fn class(classes: &[u32], outcome: &Outcome) -> u32 {
    outcome.source.map_or(NOBODY, |source| classes.get(source).copied().unwrap_or(0))
}
