//! Piecewise linear characteristic.

use super::between;
use crate::error::{Error, Result, finite};

const LARGEST: usize = 1024;

/// Straight lines between points of growing x, the ends held beyond them. P(f), Q(U), cos phi(P), derating by
/// temperature. Units are the points'.
#[derive(Clone, Debug)]
pub struct Curve {
    points: Box<[(f64, f64)]>,
    value: f64,
    valid: bool,
}

impl Curve {
    /// 1 to 1024 finite points, each x above the one before. `initial` is the output before the first sample.
    pub fn new(points: &[(f64, f64)], initial: f64) -> Result<Self> {
        if points.is_empty() || points.len() > LARGEST {
            return Err(Error::invalid(format!("a curve needs 1 to {LARGEST} points, not {}", points.len())));
        }
        for (number, &(x, y)) in points.iter().enumerate() {
            finite(&format!("x of point {number}"), x)?;
            finite(&format!("y of point {number}"), y)?;
        }
        for (pair, number) in points.windows(2).zip(1..) {
            if let [(before, _), (x, _)] = pair
                && x <= before
            {
                return Err(Error::invalid(format!("x must grow: point {number} has {x} after {before}")));
            }
        }
        Ok(Self { points: points.into(), value: finite("initial", initial)?, valid: false })
    }

    /// Its points.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The last output.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether the last sample could be used.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// y at x; None for what is no finite number.
    pub fn at(&self, x: f64) -> Option<f64> {
        if !x.is_finite() {
            return None;
        }
        let after = self.points.partition_point(|&(point_x, _)| point_x <= x);
        let left = after.checked_sub(1).and_then(|index| self.points.get(index));
        match (left, self.points.get(after)) {
            (Some(&from), Some(&to)) => Some(between(from.1, to.1, share(from.0, to.0, x))),
            (Some(&(_, y)), None) | (None, Some(&(_, y))) => Some(y),
            (None, None) => None,
        }
    }

    /// Takes a sample; one that is not finite is ignored.
    pub fn step(&mut self, x: f64) -> f64 {
        let value = self.at(x);
        (self.value, self.valid) = (value.unwrap_or(self.value), value.is_some());
        self.value
    }

    /// Stands at an output until the next sample.
    pub fn reset(&mut self, value: f64) -> Result<()> {
        (self.value, self.valid) = (finite("value", value)?, false);
        Ok(())
    }
}

// Halved: the distance of two finite numbers may not be one.
fn share(from: f64, to: f64, x: f64) -> f64 {
    ((x * 0.5 - from * 0.5) / (to * 0.5 - from * 0.5)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_between_points_and_held_ends() {
        let mut curve = Curve::new(&[(0.0, 0.0), (10.0, 100.0), (30.0, 50.0)], 7.0).unwrap();
        assert_eq!((curve.value(), curve.valid(), curve.points().len()), (7.0, false, 3));
        let wanted = [(-5.0, 0.0), (0.0, 0.0), (2.5, 25.0), (10.0, 100.0), (20.0, 75.0), (30.0, 50.0), (1e9, 50.0)];
        for (x, y) in wanted {
            assert_eq!(curve.step(x), y, "{x}");
        }
        assert_eq!((curve.step(f64::NAN), curve.valid(), curve.at(f64::INFINITY)), (50.0, false, None));
        curve.reset(1.0).unwrap();
        assert_eq!(curve.value(), 1.0);
        assert_eq!(Curve::new(&[(1.0, 2.0)], 0.0).unwrap().at(-9.0), Some(2.0));
    }

    #[test]
    fn points_that_are_no_curve_are_refused() {
        let text = |points: &[(f64, f64)]| Curve::new(points, 0.0).unwrap_err().to_string();
        assert!(text(&[]).contains("1 to 1024 points, not 0"));
        assert!(text(&[(1.0, 0.0), (1.0, 1.0)]).contains("x must grow: point 1 has 1 after 1"));
        assert!(text(&[(1.0, 0.0), (2.0, f64::NAN)]).contains("y of point 1 must be a finite number"));
    }

    proptest! {
        #[test]
        fn bounded_by_its_points_and_never_nan(
            steps in proptest::collection::vec((1e-3..1e3_f64, -1e308..1e308_f64), 1..20), x in any::<f64>(),
        ) {
            let mut sum = -1e3;
            let points: Vec<_> = steps.iter().map(|&(step, y)| { sum += step; (sum, y) }).collect();
            let mut curve = Curve::new(&points, 0.0).unwrap();
            let y = curve.step(x);
            let low = points.iter().fold(f64::INFINITY, |low, point| low.min(point.1));
            let high = points.iter().fold(f64::NEG_INFINITY, |high, point| high.max(point.1));
            let expected = if x.is_finite() { low..=high } else { 0.0..=0.0 };
            prop_assert!(expected.contains(&y));
        }

        #[test]
        fn falling_points_make_a_falling_curve(
            steps in proptest::collection::vec((1e-3..10.0_f64, 0.0..10.0_f64), 2..20),
            one in -20.0..220.0_f64, other in -20.0..220.0_f64,
        ) {
            let (mut x, mut y) = (0.0, 0.0);
            let points: Vec<_> = steps.iter().map(|step| { (x, y) = (x + step.0, y - step.1); (x, y) }).collect();
            let curve = Curve::new(&points, 0.0).unwrap();
            prop_assert!(curve.at(one.min(other)).unwrap() >= curve.at(one.max(other)).unwrap());
        }
    }
}
