//! First-order low-pass.

use super::{between, not_negative};
use crate::error::{Result, finite};

/// `T y' + y = u`, exact for an input that stands still during each step (zero-order hold): `y` moves by the share
/// `1 - exp(-dt / T)` of the way to `u`. So the answer does not depend on how time is cut into steps (within rounding,
/// 1e-9 of the input's span over 10^5 steps). `T` = 0 follows at once. Without `initial` the first sample is the output.
#[derive(Clone, Debug)]
pub struct LowPass {
    time_constant_s: f64,
    value: f64,
    primed: bool,
    valid: bool,
}

impl LowPass {
    /// `time_constant_s` 0 or more.
    pub fn new(time_constant_s: f64, initial: Option<f64>) -> Result<Self> {
        let value = finite("initial", initial.unwrap_or(0.0))?;
        let time_constant_s = not_negative("time_constant_s", time_constant_s)?;
        Ok(Self { time_constant_s, value, primed: initial.is_some(), valid: false })
    }

    /// The output; 0 (or `initial`) before the first sample.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether the last sample could be used.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// Takes the input of the last `dt_s` seconds; one that is not finite is ignored and the output stands still.
    /// A `dt_s` that is negative or not finite is refused.
    pub fn step(&mut self, input: f64, dt_s: f64) -> Result<f64> {
        let dt_s = not_negative("dt_s", dt_s)?;
        self.valid = input.is_finite();
        if self.valid {
            self.value = if self.primed { between(self.value, input, self.share(dt_s)) } else { input };
            self.primed = true;
        }
        Ok(self.value)
    }

    /// Another time constant; the output stays where it is.
    pub fn set_time_constant_s(&mut self, time_constant_s: f64) -> Result<()> {
        self.time_constant_s = not_negative("time_constant_s", time_constant_s)?;
        Ok(())
    }

    /// Stands at `value` at once; without one, the next sample becomes the output.
    pub fn reset(&mut self, value: Option<f64>) -> Result<()> {
        *self = Self::new(self.time_constant_s, value)?;
        Ok(())
    }

    fn share(&self, dt_s: f64) -> f64 {
        settled_share(dt_s, self.time_constant_s)
    }
}

/// `1 - exp(-dt / T)`; 1 when `T` is 0.
pub(super) fn settled_share(dt_s: f64, time_constant_s: f64) -> f64 {
    if time_constant_s > 0.0 { -(-dt_s / time_constant_s).exp_m1() } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_step_reaches_63_percent_after_its_time_constant() {
        let mut filter = LowPass::new(2.0, Some(0.0)).unwrap();
        assert!((filter.step(100.0, 2.0).unwrap() - 63.212_055_882_855_77).abs() < 1e-12);
        assert!((filter.step(100.0, 2.0).unwrap() - 86.466_471_676_338_73).abs() < 1e-12);
        assert_eq!((filter.step(f64::NAN, 5.0).unwrap(), filter.valid()), (filter.value(), false));
        assert!(filter.step(1.0, -1.0).is_err() && filter.step(1.0, f64::INFINITY).is_err());
        filter.set_time_constant_s(0.0).unwrap();
        assert_eq!(filter.step(7.0, 0.1).unwrap(), 7.0);
        filter.reset(None).unwrap();
        filter.set_time_constant_s(10.0).unwrap();
        assert_eq!((filter.step(f64::INFINITY, 1.0).unwrap(), filter.step(5.0, 1.0).unwrap()), (0.0, 5.0));
        assert!(LowPass::new(-1.0, None).is_err() && LowPass::new(1.0, Some(f64::NAN)).is_err());
    }

    proptest! {
        #[test]
        fn how_time_is_cut_does_not_matter(tau in 0.01..100.0_f64, cuts in 1..1000_u32, total in 0.01..100.0_f64) {
            let (mut whole, mut cut) = (LowPass::new(tau, Some(-5.0)).unwrap(), LowPass::new(tau, Some(-5.0)).unwrap());
            whole.step(20.0, total).unwrap();
            (0..cuts).for_each(|_| drop(cut.step(20.0, total / f64::from(cuts))));
            prop_assert!((whole.value() - cut.value()).abs() < 1e-9);
        }

        #[test]
        fn bounded_by_its_inputs_and_never_nan(
            tau in 0.0..1e3_f64, steps in proptest::collection::vec((any::<f64>(), 0.0..1e3_f64), 1..30),
        ) {
            let mut filter = LowPass::new(tau, None).unwrap();
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for (input, dt_s) in steps {
                let value = filter.step(input, dt_s).unwrap();
                if input.is_finite() {
                    (low, high) = (low.min(input), high.max(input));
                }
                prop_assert_eq!(filter.valid(), input.is_finite());
                prop_assert!(value.is_finite() && (low > high || (low <= value && value <= high)));
            }
        }
    }
}
