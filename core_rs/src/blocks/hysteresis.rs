//! Hysteresis.

use crate::error::{Error, Result, finite};

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
