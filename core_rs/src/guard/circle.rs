//! Active and reactive power of one device inside its apparent power: `P^2 + Q^2 <= S^2`.
//!
//! The one whose base was asked for by the higher class keeps its value, the other gives way; inside one class, active
//! power keeps it unless the setting says otherwise. Where a limit of the site then drives the active power further,
//! reactive power gives way whoever asked: a guard stands above every wish. An apparent power that is not valid is 0.

use crate::arbitrate::{Limits, Mover, Outcome};
use crate::image::Reader;

/// The pair of a device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circle {
    pub(crate) number: usize,
    /// Active, reactive.
    pub(crate) pair: [usize; 2],
    pub(crate) radius: Radius,
    pub(crate) reactive_first: bool,
}

/// Where the apparent power comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Radius {
    Channel(usize),
    Rating(f64),
}

impl Circle {
    /// Neither alone beyond the radius.
    pub(crate) fn narrow(&self, reader: &Reader<'_>, limits: &mut [Limits]) {
        let radius = self.radius(reader);
        for actuator in self.pair {
            if let Some(limits) = limits.get_mut(actuator) {
                limits.narrow(-radius, radius, Mover::Guard(self.number), Mover::Guard(self.number));
            }
        }
    }

    /// Before the site's limits: the two wishes against each other.
    pub(crate) fn wishes(&self, reader: &Reader<'_>, outcomes: &mut [Outcome], class: impl Fn(&Outcome) -> u32) {
        let [active, reactive] = self.pair;
        let (Some(p), Some(q)) = (outcomes.get(active).copied(), outcomes.get(reactive).copied()) else {
            return;
        };
        let (of_p, of_q) = (class(&p), class(&q));
        let reactive_keeps = of_q < of_p || (of_q == of_p && self.reactive_first);
        let (keeps, gives) = if reactive_keeps { (q.value, active) } else { (p.value, reactive) };
        self.give(gives, keeps, reader, outcomes);
    }

    /// After them: reactive power has what active power leaves.
    pub(crate) fn finish(&self, reader: &Reader<'_>, outcomes: &mut [Outcome]) {
        let [active, reactive] = self.pair;
        if let Some(p) = outcomes.get(active).copied() {
            self.give(reactive, p.value, reader, outcomes);
        }
    }

    fn give(&self, actuator: usize, other: f64, reader: &Reader<'_>, outcomes: &mut [Outcome]) {
        let left = rest(self.radius(reader), other);
        if let Some(outcome) = outcomes.get_mut(actuator) {
            let value = outcome.value.clamp(-left, left);
            if value != outcome.value {
                *outcome = Outcome { value, bound: Some(Mover::Guard(self.number)), ..*outcome };
            }
        }
    }

    fn radius(&self, reader: &Reader<'_>) -> f64 {
        match self.radius {
            Radius::Rating(rating) => rating,
            // `max` takes the other side of a NaN, so an unknown one is 0.
            Radius::Channel(handle) => reader.value(handle).max(0.0),
        }
    }
}

// What one side of the circle leaves to the other. The product form keeps its precision near the edge.
fn rest(radius: f64, other: f64) -> f64 {
    ((radius - other.abs()).max(0.0) * (radius + other.abs())).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_closes_the_circle() {
        assert_eq!((rest(5.0, 3.0), rest(5.0, -4.0), rest(5.0, 9.0), rest(0.0, 0.0)), (4.0, 3.0, 0.0, 0.0));
    }
}
