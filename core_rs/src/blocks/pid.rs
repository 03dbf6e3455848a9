//! PID controller.

use super::low_pass::settled_share;
use super::not_negative;
use crate::error::{Error, Result, finite};

/// Gains of the parallel form, all of one sign (negative: the output falls when the measurement is too low).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gains {
    /// Output per error.
    pub kp: f64,
    /// Output per error and second.
    pub ki: f64,
    /// Output per (measurement / second).
    pub kd: f64,
    /// Time constant of the derivative's filter; above 0 when `kd` is not 0.
    pub derivative_filter_s: f64,
    /// Time constant of back-calculation; None: sqrt(kd/ki), without kd the integral time kp/ki, 0 without both.
    pub tracking_s: Option<f64>,
}

impl Gains {
    /// Refuses what is no controller.
    pub fn validate(&self) -> Result<()> {
        let all = [finite("kp", self.kp)?, finite("ki", self.ki)?, finite("kd", self.kd)?];
        if all.iter().any(|&gain| gain > 0.0) && all.iter().any(|&gain| gain < 0.0) {
            return Err(Error::invalid(format!("kp, ki and kd must have one sign, not {all:?}")));
        }
        not_negative("derivative_filter_s", self.derivative_filter_s)?;
        not_negative("tracking_s", self.tracking_s.unwrap_or(0.0))?;
        if self.kd != 0.0 && self.derivative_filter_s == 0.0 {
            return Err(Error::invalid("derivative_filter_s must be above 0 when kd is not 0"));
        }
        Ok(())
    }

    fn tracking_s(&self) -> f64 {
        let natural_s = if self.kd != 0.0 { (self.kd / self.ki).sqrt() } else { self.kp / self.ki };
        self.tracking_s.unwrap_or(natural_s)
    }
}

/// What the output may do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Lowest output.
    pub minimum: f64,
    /// Highest output.
    pub maximum: f64,
    /// Fastest movement per second; None: free. A limit that narrows is obeyed at once, whatever the ramp.
    pub ramp_per_s: Option<f64>,
}

impl Limits {
    /// Refuses what is no range.
    pub fn validate(&self) -> Result<()> {
        if finite("minimum", self.minimum)? > finite("maximum", self.maximum)? {
            let (low, high) = (self.minimum, self.maximum);
            return Err(Error::invalid(format!("minimum {low} must not be above maximum {high}")));
        }
        super::positive("ramp_per_s", self.ramp_per_s.unwrap_or(1.0))?;
        Ok(())
    }
}

#[derive(Clone, Copy, Debug)]
struct State {
    output: f64,
    integral: f64,
    error: f64,
    rate_per_s: f64,
    measurement: Option<f64>,
    elapsed_s: f64,
    // The next sample's proportional part is taken into the integral.
    take_up: bool,
}

impl State {
    fn at(output: f64) -> Self {
        Self {
            output,
            integral: output,
            error: 0.0,
            rate_per_s: 0.0,
            measurement: None,
            elapsed_s: 0.0,
            take_up: false,
        }
    }

    fn is_finite(&self) -> bool {
        [self.output, self.integral, self.error, self.rate_per_s].iter().all(|value| value.is_finite())
    }
}

/// `u = kp e + I - kd dy/dt`, `I' = ki e`, `e = setpoint - y` (Astrom and Hagglund, Advanced PID Control, 2006, ch. 3).
///
/// - Derivative on the measurement, through a first-order filter, exact for a measurement on a straight line.
/// - Anti-windup by back-calculation: while limits or ramp hold the output, `I' = ki e + (output - u) / tracking_s`,
///   solved exactly over the step.
/// - [`Pid::track`] follows a hand (or another controller) and leaves it without a bump; new gains take effect without
///   one. With `ki` = 0 nothing can take a bump up: the output is `kp e` + the value last given to new/reset, and only
///   the ramp softens a change.
/// - With constant inputs and no limit reached, the output does not depend on how time is cut (within rounding); where a
///   limit is reached or left inside a step, by what changes within one step.
/// - A setpoint or measurement that is not finite (or numbers too large to compute with): the output holds and the
///   integral stands still.
#[derive(Clone, Debug)]
pub struct Pid {
    gains: Gains,
    limits: Limits,
    bias: f64,
    state: State,
    valid: bool,
}

impl Pid {
    /// Stands at `initial` (inside the limits) until the first sample; with zero error it stays there.
    pub fn new(gains: Gains, limits: Limits, initial: f64) -> Result<Self> {
        gains.validate()?;
        limits.validate()?;
        let bias = finite("initial", initial)?.clamp(limits.minimum, limits.maximum);
        Ok(Self { gains, limits, bias, state: State::at(bias), valid: false })
    }

    /// The output.
    pub fn value(&self) -> f64 {
        self.state.output
    }

    /// The integral part, in units of the output.
    pub fn integral(&self) -> f64 {
        self.state.integral
    }

    /// Whether the last samples could be used.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// One step; `dt_s` is the time since the last one, refused when negative or not finite.
    pub fn step(&mut self, setpoint: f64, measurement: f64, dt_s: f64) -> Result<f64> {
        let dt_s = not_negative("dt_s", dt_s)?;
        self.state.elapsed_s = (self.state.elapsed_s + dt_s).min(f64::MAX);
        let next = self.after(setpoint - measurement, measurement, dt_s);
        self.valid = next.is_finite();
        if self.valid {
            self.state = next;
        }
        Ok(self.state.output)
    }

    /// Somebody else sets the output: stands there (inside the limits) and goes on from there at the next step.
    pub fn track(&mut self, output: f64) -> Result<()> {
        let output = finite("output", output)?.clamp(self.limits.minimum, self.limits.maximum);
        (self.state.output, self.state.take_up) = (output, true);
        Ok(())
    }

    /// New gains, without a bump.
    pub fn set_gains(&mut self, gains: Gains) -> Result<()> {
        gains.validate()?;
        let before = self.direct(&self.state);
        self.gains = gains;
        let integral = self.state.integral + before - self.direct(&self.state);
        self.state.integral = if gains.ki == 0.0 || !integral.is_finite() { self.bias } else { integral };
        Ok(())
    }

    /// New limits: an output outside them moves inside at once.
    pub fn set_limits(&mut self, limits: Limits) -> Result<()> {
        limits.validate()?;
        self.limits = limits;
        self.state.output = self.state.output.clamp(limits.minimum, limits.maximum);
        Ok(())
    }

    /// As new, standing at `output`.
    pub fn reset(&mut self, output: f64) -> Result<()> {
        *self = Self::new(self.gains, self.limits, output)?;
        Ok(())
    }

    fn after(&self, error: f64, measurement: f64, dt_s: f64) -> State {
        let mut next = State { error, ..self.state };
        if self.state.elapsed_s > 0.0 || self.state.measurement.is_none() {
            next.rate_per_s = self.rate_per_s(measurement);
            (next.measurement, next.elapsed_s) = (Some(measurement), 0.0);
        }
        let direct = self.direct(&next);
        let taken_up = self.state.take_up && self.gains.ki != 0.0;
        let held = if taken_up { self.state.output - direct } else { self.state.integral };
        next.integral = held + self.gains.ki * error * dt_s;
        let wanted = direct + next.integral;
        next.output = self.limited(wanted, dt_s);
        if next.output != wanted && self.gains.ki != 0.0 {
            next.integral = self.held_back(held, next.output - direct, error, dt_s);
        }
        // Numbers beyond all reason must not pass for an output at its limit.
        next.output = if wanted.is_finite() { next.output } else { f64::NAN };
        next.take_up = false;
        next
    }

    fn direct(&self, state: &State) -> f64 {
        self.gains.kp * state.error - self.gains.kd * state.rate_per_s
    }

    fn rate_per_s(&self, measurement: f64) -> f64 {
        let Some(before) = self.state.measurement.filter(|_| self.gains.kd != 0.0) else {
            return 0.0;
        };
        let slope = (measurement - before) / self.state.elapsed_s;
        let share = settled_share(self.state.elapsed_s, self.gains.derivative_filter_s);
        self.state.rate_per_s + share * (slope - self.state.rate_per_s)
    }

    fn limited(&self, wanted: f64, dt_s: f64) -> f64 {
        let step = self.limits.ramp_per_s.map_or(f64::INFINITY, |ramp_per_s| ramp_per_s * dt_s);
        let ramped = wanted.max(self.state.output - step).min(self.state.output + step);
        ramped.max(self.limits.minimum).min(self.limits.maximum)
    }

    // I' = ki e + (room - I) / T with everything but I standing still.
    fn held_back(&self, held: f64, room: f64, error: f64, dt_s: f64) -> f64 {
        let tracking_s = self.gains.tracking_s();
        let end = room + self.gains.ki * error * tracking_s;
        held + settled_share(dt_s, tracking_s) * (end - held)
    }
}

#[cfg(test)]
#[path = "pid_tests.rs"]
mod tests;
