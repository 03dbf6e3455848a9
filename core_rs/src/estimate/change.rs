//! How a prediction changes the covariance: the sparse Jacobian of the filter's states.

use crate::estimate::matrix::{ERROR, HYSTERESIS, Matrix, N, SOC, U1, U2, Vector};

/// How one prediction changes the states: the sparse rows of the Jacobian.
pub(super) struct Change {
    pub keep1: f64,
    pub keep2: f64,
    pub keep_h: f64,
    pub keep_e: f64,
    pub drop1: f64,
    pub drop2: f64,
    pub per_amp: f64,
    pub current: f64,
}

impl Change {
    /// Jacobian times `p`.
    #[inline]
    pub(super) fn apply(&self, p: &Matrix) -> Matrix {
        let [soc, u1, u2, hysteresis, offset, scale, error, _] = p;
        let mut out = *p;
        let (by_offset, by_scale) = (-self.per_amp, self.per_amp * self.current);
        for (column, value) in out[SOC].iter_mut().enumerate().take(N) {
            let at = |row: &Vector| row.get(column).copied().unwrap_or(0.0);
            *value = at(soc) + by_offset * at(offset) + by_scale * at(scale);
        }
        combine(&mut out[U1], self.keep1, u1, -self.drop1, offset);
        combine(&mut out[U2], self.keep2, u2, -self.drop2, offset);
        combine(&mut out[HYSTERESIS], self.keep_h, hysteresis, 0.0, offset);
        combine(&mut out[ERROR], self.keep_e, error, 0.0, offset);
        out
    }

    /// What one ampere does to the states.
    #[inline]
    pub(super) fn input(&self) -> Vector {
        [self.per_amp, self.drop1, self.drop2, 0.0, 0.0, 0.0, 0.0, 0.0]
    }
}

#[inline]
fn combine(out: &mut Vector, a: f64, x: &Vector, b: f64, y: &Vector) {
    for ((value, first), second) in out.iter_mut().zip(x).zip(y) {
        *value = a * first + b * second;
    }
}
