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

use crate::arbitrate::split::{Part, Solved, Split};
use crate::arbitrate::{Limits, Mover, Outcome};
use crate::guard::connection::{Connection, Member};
use crate::guard::turns::Turns;
use crate::guard::{Guards, Rated, Role};
use crate::image::Reader;

/// Class of what nobody asked for, after all others.
pub(super) const NOBODY: u32 = 5;
/// Levels start here where storage moves back towards 0.
const BACK: u32 = 1 << 20;
/// A device this near its limit may want more.
const USED: f64 = 0.95;
/// Share of the rating that a device may use more of from one sample to the next.
const MARGIN: f64 = 0.1;
/// Movements below this share of a value are rounding.
const ROUNDING: f64 = 1e-9;

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

#[allow(clippy::indexing_slicing, reason = "all vectors and slices hold one value an actuator")]
impl Joint {
    fn decide(&mut self, scene: &Scene<'_>, outcomes: &mut [Outcome]) {
        let mut work = self.split.budget();
        self.off.fill(false);
        self.rest(scene, outcomes);
        self.load(outcomes);
        if self.solve_caps(scene, outcomes, &mut work) {
            if self.shed(scene, outcomes) {
                self.solve_caps(scene, outcomes, &mut work);
                self.shed_rest(scene);
            }
            self.store(scene, outcomes);
            self.load(outcomes);
        }
        self.count(scene, outcomes);
        self.solve(scene, outcomes, &mut work);
        if self.shed(scene, outcomes) {
            self.solve(scene, outcomes, &mut work);
            self.shed_rest(scene);
        }
        self.store(scene, outcomes);
    }

    // Too little to be on, or just shed: off from the beginning.
    fn rest(&mut self, scene: &Scene<'_>, outcomes: &mut [Outcome]) {
        for (actuator, outcome) in outcomes.iter_mut().enumerate() {
            let (minimum, value) = (scene.turns.minimum(actuator), outcome.value.abs());
            if value > 0.0 && (value < minimum || scene.turns.rests(actuator, scene.reader.time_ns())) {
                self.off[actuator] = value >= minimum;
                set(outcome, 0.0, Mover::Rating);
            }
        }
    }

    fn load(&mut self, outcomes: &[Outcome]) {
        for (wish, outcome) in self.wishes.iter_mut().zip(outcomes) {
            *wish = outcome.value;
        }
        self.decided.copy_from_slice(&self.wishes);
    }

    // What each limit counts: all of its wish where that is unknown or nearly used, else its reading and a margin.
    fn count(&mut self, scene: &Scene<'_>, outcomes: &[Outcome]) {
        self.counted.copy_from_slice(&self.wishes);
        for connection in scene.connections.iter().filter(|connection| connection.range.is_some()) {
            for member in connection.members.iter().filter(|member| member.role.is_limit()) {
                let (actuator, used) = (member.actuator, member.used(scene.reader));
                let rated = &scene.rated[actuator];
                if used < USED * scene.previous[actuator] {
                    let likely = used.max(0.0) + MARGIN * rated.maximum;
                    self.counted[actuator] = likely.max(rated.minimum_on).min(outcomes[actuator].value);
                }
            }
        }
        // Where a generator's limit is all that is known, all of it counts.
        for connection in scene.connections.iter().filter(|connection| connection.range.is_none()) {
            connection.members.iter().for_each(|member| self.counted[member.actuator] = self.wishes[member.actuator]);
        }
    }

    // Whether any cap had to be brought to hold, which always can be by moving back.
    fn solve_caps(&mut self, scene: &Scene<'_>, outcomes: &[Outcome], work: &mut u32) -> bool {
        let sum = |cap: &Cap| -> f64 { cap.members.iter().map(|&actuator| self.wishes[actuator]).sum() };
        if scene.caps.iter().all(|cap| (cap.lower..=cap.upper).contains(&sum(cap))) {
            return false;
        }
        self.counted.copy_from_slice(&self.wishes);
        self.split.clear();
        for cap in scene.caps {
            self.split.row(cap.members.iter().map(|&actuator| (actuator, 1.0)), cap.lower, cap.upper);
        }
        for place in 0..self.involved.len() {
            self.back(scene, outcomes, place);
        }
        self.end(scene, work);
        scene.caps.iter().for_each(|cap| self.trim(cap));
        true
    }

    // The split is as exact as the largest number in it, which may be a power where a cap is of a few amperes: what is
    // left over the cap goes from its largest members.
    fn trim(&mut self, cap: &Cap) {
        for _ in 0..cap.members.len() {
            let sum: f64 = cap.members.iter().map(|&actuator| self.decided[actuator]).sum();
            let excess = sum - sum.clamp(cap.lower.min(cap.upper), cap.upper);
            let reach = |actuator: &&usize| self.decided[**actuator] * excess.signum();
            let largest = cap.members.iter().max_by(|a, b| reach(a).total_cmp(&reach(b)));
            match largest.filter(|actuator| excess != 0.0 && reach(actuator) > 0.0) {
                Some(&actuator) => {
                    let decided = self.decided[actuator];
                    self.decided[actuator] = decided - excess.signum() * excess.abs().min(decided.abs());
                }
                None => return,
            }
        }
    }

    fn solve(&mut self, scene: &Scene<'_>, outcomes: &[Outcome], work: &mut u32) {
        self.split.clear();
        for connection in scene.connections {
            add_rows(&mut self.split, connection, scene, &self.counted);
        }
        for cap in scene.caps {
            let fixed = |actuator: &&usize| scene.rated[**actuator].role.is_limit();
            let sum: f64 = cap.members.iter().filter(fixed).map(|&actuator| self.wishes[actuator]).sum();
            let storage = cap.members.iter().filter(|actuator| !fixed(actuator)).map(|&actuator| (actuator, 1.0));
            self.split.row(storage, cap.lower - sum, cap.upper - sum);
        }
        for place in 0..self.involved.len() {
            self.back(scene, outcomes, place);
            self.drive(scene, outcomes, place);
        }
        self.end(scene, work);
    }

    fn end(&mut self, scene: &Scene<'_>, work: &mut u32) {
        let solved = self.split.solve(work);
        self.unfinished += u64::from(solved == Solved::Unfinished);
        self.read(scene);
    }

    // Towards 0.
    fn back(&mut self, scene: &Scene<'_>, outcomes: &[Outcome], place: usize) {
        let unit = self.involved[place];
        let (level, weight) = rank(scene, &outcomes[unit], unit, place);
        let limit = scene.rated[unit].role.is_limit();
        let desired = if self.off[unit] { 0.0 } else { self.counted[unit] };
        let (lower, upper) = (desired.min(0.0), desired.max(0.0));
        let level = if limit { level } else { BACK + level };
        self.split.part(Part { unit, lower, upper, desired, weight, level });
    }

    // To the other side, or further out.
    fn drive(&mut self, scene: &Scene<'_>, outcomes: &[Outcome], place: usize) {
        let unit = self.involved[place];
        if scene.rated[unit].role.is_limit() {
            return;
        }
        let (level, weight) = rank(scene, &outcomes[unit], unit, place);
        let (wish, limits) = (self.counted[unit], &scene.limits[unit]);
        let (lower, upper) = (limits.lower - wish.min(0.0), limits.upper - wish.max(0.0));
        self.split.part(Part {
            unit,
            lower: lower.min(0.0),
            upper: upper.max(0.0),
            desired: 0.0,
            weight,
            level: level + scene.rated.len() as u32 + 2,
        });
    }

    // A value that need not move is kept to the last bit; a limit that need not be lowered keeps its whole wish.
    fn read(&mut self, scene: &Scene<'_>) {
        for &actuator in &self.involved {
            let (value, counted, wish) = (self.split.value(actuator), self.counted[actuator], self.wishes[actuator]);
            let still = (value - counted).abs() <= ROUNDING * counted.abs().max(1.0);
            let inside = scene.limits[actuator].limit(value);
            self.decided[actuator] = match (self.off[actuator], still) {
                (true, _) => 0.0,
                (false, true) => wish,
                (false, false) => inside,
            };
        }
    }

    // Those left with too little go off, as many as the room they have together does not carry; whether any did.
    fn shed(&mut self, scene: &Scene<'_>, outcomes: &[Outcome]) -> bool {
        let now_ns = scene.reader.time_ns();
        self.visits.clear();
        let lowered = |joint: &Self, actuator: usize| joint.decided[actuator] < joint.wishes[actuator];
        for place in 0..self.involved.len() {
            let actuator = self.involved[place];
            if scene.turns.minimum(actuator) > 0.0 && lowered(self, actuator) && outcomes[actuator].value > 0.0 {
                self.visits.push(actuator);
            }
        }
        if !self.visits.iter().any(|&actuator| self.decided[actuator] < scene.turns.minimum(actuator)) {
            return false;
        }
        self.visits.sort_unstable_by_key(|&actuator| (scene.turns.rank(actuator, now_ns), actuator));
        let mut room: f64 = self.visits.iter().map(|&actuator| self.decided[actuator]).sum();
        for place in 0..self.visits.len() {
            let actuator = self.visits[place];
            let minimum = scene.turns.minimum(actuator);
            if room >= minimum { room -= minimum } else { self.off[actuator] = true }
        }
        true
    }

    fn shed_rest(&mut self, scene: &Scene<'_>) {
        for &actuator in &self.involved {
            if self.decided[actuator] > 0.0 && self.decided[actuator] < scene.turns.minimum(actuator) {
                self.off[actuator] = true;
                self.decided[actuator] = 0.0;
            }
        }
    }

    fn store(&self, scene: &Scene<'_>, outcomes: &mut [Outcome]) {
        for &actuator in &self.involved {
            let (value, outcome) = (self.decided[actuator], &mut outcomes[actuator]);
            if value != outcome.value {
                let by = self.culprit(scene, actuator, value > outcome.value);
                set(outcome, value, by.map_or(Mover::Rating, Mover::Guard));
            }
        }
    }
}

fn rank(scene: &Scene<'_>, outcome: &Outcome, unit: usize, place: usize) -> (u32, f64) {
    let weight = scene.weights.get(unit).copied().flatten();
    let order = if weight.is_some() { 0 } else { place as u32 + 1 };
    // Room in each class for the limits, then for storage driven.
    let level = 2 * class(scene.classes, outcome) * (scene.rated.len() as u32 + 2) + order;
    (level, weight.unwrap_or(1.0).max(1e-3))
}

// How far an actuator may stand from 0.
fn extent(scene: &Scene<'_>, actuator: usize) -> f64 {
    scene.limits.get(actuator).map_or(0.0, |limits| limits.lower.abs().max(limits.upper.abs()))
}

// What lies far beyond all that can be done pulls no harder than what lies a little beyond it: an absurd reading of one
// phase would drown the others in its own rounding.
fn within(limit_w: f64, reach_w: f64) -> f64 {
    if limit_w.is_finite() { limit_w.clamp(-2.0 * reach_w, 2.0 * reach_w) } else { limit_w }
}

// One row for import (loads can give way), one for export (generation can): what cannot give way stands as read.
fn add_rows(split: &mut Split, connection: &Connection, scene: &Scene<'_>, counted: &[f64]) {
    let reader = scene.reader;
    let row = |split: &mut Split, side: Role, least_w: f64, most_w: f64| {
        let moves = |member: &&Member| !member.role.is_limit() || member.role == side;
        let stands = |member: &Member| {
            let most = counted.get(member.actuator).copied().unwrap_or(0.0);
            member.effect() * member.used(reader).max(0.0).min(most)
        };
        let fixed_w: f64 = connection.members.iter().filter(|member| !moves(member)).map(stands).sum();
        let moving = || connection.members.iter().filter(moves).map(|member| (member.actuator, member.effect()));
        let reach_w = moving().map(|(actuator, effect)| effect.abs() * extent(scene, actuator)).sum();
        split.row(moving(), within(least_w - fixed_w, reach_w), within(most_w - fixed_w, reach_w));
    };
    match connection.range {
        Some((least_w, most_w)) => {
            row(split, Role::Load, least_w, f64::INFINITY);
            row(split, Role::Generation, f64::NEG_INFINITY, most_w);
        }
        None => {
            let generation = connection.members.iter().filter(|member| member.role == Role::Generation);
            let most_w = connection.blind_export_w();
            split.row(generation.map(|member| (member.actuator, member.effect())), f64::NEG_INFINITY, most_w);
        }
    }
}
