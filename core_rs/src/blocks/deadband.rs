//! Deadband around a centre.

use super::not_negative;
use crate::error::{Result, finite};

/// 0 while the value is within `half_width` of `centre`. Outside: how far it is beyond the edge (continuous), or with
/// `jump` how far it is from the centre. Output in the unit of the value.
#[derive(Clone, Debug)]
pub struct Deadband {
    centre: f64,
    half_width: f64,
    jump: bool,
    value: f64,
    valid: bool,
}

impl Deadband {
    /// `half_width` 0 or more.
    pub fn new(half_width: f64, centre: f64, jump: bool) -> Result<Self> {
        let half_width = not_negative("half_width", half_width)?;
        Ok(Self { centre: finite("centre", centre)?, half_width, jump, value: 0.0, valid: false })
    }

    /// The last output; 0 before the first.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether the last sample could be used.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// Takes a value; one that is not finite (or too large to subtract from) is ignored.
    pub fn step(&mut self, value: f64) -> f64 {
        let deviation = value - self.centre;
        self.valid = deviation.is_finite();
        if self.valid {
            self.value = self.beyond(deviation);
        }
        self.value
    }

    /// As new.
    pub fn reset(&mut self) {
        (self.value, self.valid) = (0.0, false);
    }

    fn beyond(&self, deviation: f64) -> f64 {
        if deviation.abs() <= self.half_width {
            0.0
        } else if self.jump {
            deviation
        } else {
            deviation - self.half_width.copysign(deviation)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_inside_and_the_rest_outside() {
        let mut band = Deadband::new(0.02, 50.0, false).unwrap();
        assert_eq!((band.value(), band.valid()), (0.0, false));
        for (value, expected) in [(50.02, 0.0), (49.98, 0.0), (50.05, 0.03), (49.9, -0.08)] {
            assert!((band.step(value) - expected).abs() < 1e-12, "{value}");
        }
        let held = band.value();
        assert_eq!((band.step(f64::NAN), band.valid()), (held, false));
        assert_eq!((band.step(50.0), band.valid()), (0.0, true));
        let mut jump = Deadband::new(2.0, 10.0, true).unwrap();
        assert_eq!([12.0, 13.0, 7.5].map(|value| jump.step(value)), [0.0, 3.0, -2.5]);
        jump.reset();
        assert_eq!((jump.value(), jump.valid()), (0.0, false));
        assert!(Deadband::new(-1.0, 0.0, false).is_err() && Deadband::new(1.0, f64::NAN, false).is_err());
    }

    proptest! {
        #[test]
        fn monotone_and_never_larger_than_the_deviation(
            width in 0.0..10.0_f64, one in -50.0..50.0_f64, other in -50.0..50.0_f64, jump: bool,
        ) {
            let mut band = Deadband::new(width, 1.0, jump).unwrap();
            let (low, high) = (band.step(one.min(other)), band.step(one.max(other)));
            prop_assert!(low <= high && high.abs() <= (one.max(other) - 1.0).abs());
        }

        #[test]
        fn no_input_makes_nan(values in proptest::collection::vec(any::<f64>(), 1..20), centre in -1e308..1e308_f64) {
            let mut band = Deadband::new(1.0, centre, false).unwrap();
            prop_assert!(values.iter().all(|&value| band.step(value).is_finite()));
        }
    }
}
