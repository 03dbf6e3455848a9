//! Blocks that controllers share.

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

/// True above `on`, false below `off`, else as before.
#[derive(Clone, Debug)]
pub struct Hysteresis {
    on: f64,
    off: f64,
    active: bool,
}

impl Hysteresis {
    /// `on` above `off`.
    pub fn new(on: f64, off: f64, initial: bool) -> Result<Self> {
        if finite("on", on)? <= finite("off", off)? {
            return Err(Error::invalid(format!("on must be above off, not {on} and {off}")));
        }
        Ok(Self { on, off, active: initial })
    }

    /// Whether it is on.
    pub fn active(&self) -> bool {
        self.active
    }

    /// Takes a value; one that is not a number is refused and changes nothing.
    pub fn step(&mut self, value: f64) -> Result<bool> {
        if value.is_nan() {
            return Err(Error::invalid("value must be a number, not NaN"));
        }
        self.active = value > self.on || (self.active && value >= self.off);
        Ok(self.active)
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

    #[test]
    fn hysteresis_holds_between_its_thresholds() {
        let mut block = Hysteresis::new(60.0, 50.0, false).unwrap();
        let steps = [(60.0, false), (60.1, true), (50.0, true), (49.9, false), (55.0, false)];
        for (value, expected) in steps {
            assert_eq!(block.step(value).unwrap(), expected, "{value}");
        }
        assert!(block.step(f64::NAN).is_err());
        assert!(Hysteresis::new(1.0, 1.0, false).is_err());
    }
}
