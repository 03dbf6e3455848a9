//! One connection of batteries that give way one after the other: the definition of [`super::joint`] in closed form.

use crate::arbitrate::{Limits, Mover, Outcome};
use crate::guard::Guards;
use crate::guard::joint::{Joint, NOBODY, class, set};

impl Guards {
    // The definition for one sum of batteries, where each gives way alone.
    pub(super) fn join_plain(&mut self, outcomes: &mut [Outcome]) {
        let Some((connection, (least_w, most_w))) =
            self.connections.first().and_then(|c| c.range.map(|range| (c, range)))
        else {
            return;
        };
        let sum_w: f64 = connection.members.iter().filter_map(|m| outcomes.get(m.actuator)).map(|o| o.value).sum();
        let target_w = sum_w.max(least_w).min(most_w);
        let by = Mover::Guard(connection.told_by(target_w > sum_w));
        let Self { joint: Joint { visits, involved, .. }, classes, limits, .. } = self;
        in_turn(visits, involved, classes, outcomes);
        let mut left_w = target_w - sum_w;
        for to_zero in [true, false] {
            for &actuator in visits.iter() {
                if let Some((outcome, limits)) = outcomes.get_mut(actuator).zip(limits.get(actuator)) {
                    left_w -= give(outcome, limits, left_w, to_zero, by);
                }
            }
        }
    }
}

// Who gives way first: the lowest class, inside it the last listed.
fn in_turn(visits: &mut Vec<usize>, involved: &[usize], classes: &[u32], outcomes: &[Outcome]) {
    let of = |actuator: usize| outcomes.get(actuator).map_or(NOBODY, |outcome| class(classes, outcome));
    visits.clear();
    visits.extend_from_slice(involved);
    let place = |actuator: usize| involved.iter().position(|&other| other == actuator);
    visits.sort_unstable_by_key(|&actuator| std::cmp::Reverse((of(actuator), place(actuator))));
}

fn give(outcome: &mut Outcome, limits: &Limits, wanted_w: f64, to_zero: bool, by: Mover) -> f64 {
    let before_w = outcome.value;
    let mut target_w = limits.limit(before_w + wanted_w);
    if to_zero {
        let gives_way = (before_w > 0.0 && wanted_w < 0.0) || (before_w < 0.0 && wanted_w > 0.0);
        target_w = match gives_way {
            true if before_w > 0.0 => target_w.max(0.0),
            true => target_w.min(0.0),
            false => before_w,
        };
    }
    set(outcome, target_w, by);
    target_w - before_w
}
