//! The decision: rest, caps, connections, shedding, each at most twice.

use crate::arbitrate::split::{Part, Solved};
use crate::arbitrate::{Mover, Outcome};
use crate::guard::joint::rows::add_rows;
use crate::guard::joint::{Cap, Joint, Scene, class, set};

/// Levels start here where storage moves back towards 0.
const BACK: u32 = 1 << 20;
/// A device this near its limit may want more.
const USED: f64 = 0.95;
/// Share of the rating that a device may use more of from one sample to the next.
const MARGIN: f64 = 0.1;
/// Movements below this share of a value are rounding.
const ROUNDING: f64 = 1e-9;

#[allow(clippy::indexing_slicing, reason = "all vectors and slices hold one value an actuator")]
impl Joint {
    pub(super) fn decide(&mut self, scene: &Scene<'_>, outcomes: &mut [Outcome]) {
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
