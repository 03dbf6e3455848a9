//! Ramp limiter.

use crate::error::{Error, Result, finite};

/// Follows a target no faster than its rate.
#[derive(Clone, Debug)]
pub struct RampLimiter {
    rate_per_s: f64,
    value: f64,
}

impl RampLimiter {
    /// `rate_per_s` above 0.
    pub fn new(rate_per_s: f64, initial: f64) -> Result<Self> {
        if finite("rate_per_s", rate_per_s)? <= 0.0 {
            return Err(Error::invalid(format!("rate_per_s must be above 0, not {rate_per_s}")));
        }
        Ok(Self { rate_per_s, value: finite("initial", initial)? })
    }

    /// Where it stands.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Moves towards the target for `dt_s` seconds.
    pub fn step(&mut self, target: f64, dt_s: f64) -> Result<f64> {
        let target = finite("target", target)?;
        if finite("dt_s", dt_s)? < 0.0 {
            return Err(Error::invalid(format!("dt_s must be 0 or more, not {dt_s}")));
        }
        let step = self.rate_per_s * dt_s;
        self.value = target.max(self.value - step).min(self.value + step);
        Ok(self.value)
    }

    /// Stands at a value at once.
    pub fn reset(&mut self, value: f64) -> Result<()> {
        self.value = finite("value", value)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramp_reaches_its_target_and_no_further() {
        let mut ramp = RampLimiter::new(10.0, 0.0).unwrap();
        assert_eq!(ramp.step(25.0, 1.0).unwrap(), 10.0);
        assert_eq!(ramp.step(25.0, 1.0).unwrap(), 20.0);
        assert_eq!(ramp.step(25.0, 1.0).unwrap(), 25.0);
        assert_eq!(ramp.step(-25.0, 0.5).unwrap(), 20.0);
        assert!(ramp.step(f64::NAN, 1.0).is_err() && ramp.step(1.0, -1.0).is_err());
        assert_eq!(ramp.value(), 20.0);
        assert!(RampLimiter::new(0.0, 0.0).is_err() && RampLimiter::new(f64::INFINITY, 0.0).is_err());
    }
}
