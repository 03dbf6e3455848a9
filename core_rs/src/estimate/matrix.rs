//! Arithmetic of fixed size: vectors of [`N`], matrices of [`N`] x [`N`], on the stack.

/// Number of states.
pub(super) const N: usize = 8;
/// Places of the states.
pub(super) const SOC: usize = 0;
pub(super) const U1: usize = 1;
pub(super) const U2: usize = 2;
pub(super) const HYSTERESIS: usize = 3;
pub(super) const OFFSET: usize = 4;
pub(super) const SCALE: usize = 5;
pub(super) const ERROR: usize = 6;
pub(super) const CONSIDERED: usize = 7;
/// A vector of states.
pub(super) type Vector = [f64; N];
/// A covariance, by rows.
pub(super) type Matrix = [Vector; N];

/// A diagonal matrix.
pub(super) fn diagonal(values: &Vector) -> Matrix {
    let mut out = [[0.0; N]; N];
    for (number, (row, value)) in out.iter_mut().zip(values).enumerate() {
        if let Some(cell) = row.get_mut(number) {
            *cell = *value;
        }
    }
    out
}

/// `m * v`.
#[inline]
pub(super) fn times(m: &Matrix, v: &Vector) -> Vector {
    let mut out = [0.0; N];
    for (result, row) in out.iter_mut().zip(m) {
        *result = dot(row, v);
    }
    out
}

/// `a . b`.
#[inline]
pub(super) fn dot(a: &Vector, b: &Vector) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `m += scale * a * b'`.
#[inline]
pub(super) fn add_outer(m: &mut Matrix, scale: f64, a: &Vector, b: &Vector) {
    for (row, x) in m.iter_mut().zip(a) {
        let factor = scale * x;
        for (value, y) in row.iter_mut().zip(b) {
            *value += factor * y;
        }
    }
}

/// The matrix with rows and columns exchanged.
#[inline]
#[allow(clippy::indexing_slicing, reason = "both indices run below the fixed size N")]
pub(super) fn transposed(m: &Matrix) -> Matrix {
    let mut out = [[0.0; N]; N];
    for row in 0..N {
        for column in 0..N {
            out[column][row] = m[row][column];
        }
    }
    out
}

/// Joseph's form of the measured covariance, `(I - K h') P (I - K h')' + r K K'`, for one measurement.
///
/// Each factor is a rank-one change, so the product is formed exactly in N^2 steps; symmetric afterwards.
#[inline]
pub(super) fn joseph(p: &Matrix, gain: &Vector, h: &Vector, r: f64) -> Matrix {
    let mut half = *p;
    add_outer(&mut half, -1.0, gain, &times(&transposed(p), h));
    let projected = times(&half, h);
    add_outer(&mut half, -1.0, &projected, gain);
    add_outer(&mut half, r, gain, gain);
    symmetric(&half)
}

/// The mean of the matrix and its transpose.
#[inline]
pub(super) fn symmetric(m: &Matrix) -> Matrix {
    let mut out = transposed(m);
    for (row, other) in out.iter_mut().zip(m) {
        for (value, same) in row.iter_mut().zip(other) {
            *value = 0.5 * (*value + same);
        }
    }
    out
}
