//! Least squares with every unknown at or above a floor: normal equations, Cholesky, and an active set.

/// Accumulates `sum w (y - a.x)^2`, then solves.
#[derive(Clone, Debug)]
pub(super) struct Normal {
    size: usize,
    matrix: Vec<f64>,
    right: Vec<f64>,
    squares: f64,
}

impl Normal {
    pub(super) fn new(size: usize) -> Self {
        Self { size, matrix: vec![0.0; size * size], right: vec![0.0; size], squares: 0.0 }
    }

    /// One equation.
    pub(super) fn add(&mut self, row: &[f64], y: f64, weight: f64) {
        self.squares += weight * y * y;
        for ((&a, line), right) in row.iter().zip(self.matrix.chunks_exact_mut(self.size)).zip(&mut self.right) {
            if a != 0.0 {
                let factor = weight * a;
                *right += factor * y;
                line.iter_mut().zip(row).for_each(|(value, &b)| *value += factor * b);
            }
        }
    }

    /// Asks neighbours `a` and `b` to be alike, as strongly as `weight`.
    pub(super) fn tie(&mut self, a: usize, b: usize, weight: f64) {
        for (row, column, sign) in [(a, a, 1.0), (b, b, 1.0), (a, b, -1.0), (b, a, -1.0)] {
            if let Some(value) = self.matrix.get_mut(row * self.size + column) {
                *value += sign * weight;
            }
        }
    }

    /// Mean of the diagonal.
    pub(super) fn scale(&self) -> f64 {
        self.matrix.iter().step_by(self.size + 1).sum::<f64>() / self.size as f64
    }

    /// The solution, no unknown below `floor`.
    pub(super) fn solve(&self, floor: f64) -> Vec<f64> {
        let mut held = vec![false; self.size];
        for _ in 0..self.size {
            let solution = self.solve_held(&held, floor);
            let below = |(value, held): (&f64, &bool)| !*held && *value < floor;
            let again = solution.iter().zip(&held).any(below);
            held.iter_mut().zip(&solution).for_each(|(held, value)| *held |= *value < floor);
            if !again {
                return solution;
            }
        }
        vec![floor; self.size]
    }

    /// What is left of the sum at a solution.
    pub(super) fn residual(&self, solution: &[f64]) -> f64 {
        let lines = self.matrix.chunks_exact(self.size.max(1));
        let quadratic: f64 = lines.zip(solution).map(|(line, x)| x * product(line, solution)).sum();
        self.squares - 2.0 * product(&self.right, solution) + quadratic
    }

    fn solve_held(&self, held: &[bool], floor: f64) -> Vec<f64> {
        let fixed: Vec<f64> = held.iter().map(|&held| if held { floor } else { 0.0 }).collect();
        let (mut matrix, mut right) = (self.matrix.clone(), self.right.clone());
        let lines = matrix.chunks_exact_mut(self.size).zip(&mut right).zip(held).enumerate();
        for (number, ((line, right), &is_held)) in lines {
            *right = if is_held { floor } else { *right - product(line, &fixed) };
            for (column, (value, &other)) in line.iter_mut().zip(held).enumerate() {
                let unit = f64::from(u8::from(number == column));
                if is_held || other {
                    *value = unit * f64::from(u8::from(is_held));
                }
            }
        }
        cholesky_solve(&matrix, &right, self.size)
    }
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

/// `m x = right` for a symmetric positive definite `m`; a pivot that vanished is lifted.
#[allow(clippy::indexing_slicing, reason = "all indices run below `size`, all slices hold size or size^2 values")]
fn cholesky_solve(m: &[f64], right: &[f64], size: usize) -> Vec<f64> {
    let mut lower = m.to_vec();
    for column in 0..size {
        for row in column..size {
            let sum: f64 = (0..column).map(|k| lower[row * size + k] * lower[column * size + k]).sum();
            let rest = lower[row * size + column] - sum;
            lower[row * size + column] =
                if row == column { rest.max(1e-300).sqrt() } else { rest / lower[column * size + column] };
        }
    }
    let mut x = right.to_vec();
    for row in 0..size {
        let sum: f64 = (0..row).map(|k| lower[row * size + k] * x[k]).sum();
        x[row] = (x[row] - sum) / lower[row * size + row];
    }
    for row in (0..size).rev() {
        let sum: f64 = (row + 1..size).map(|k| lower[k * size + row] * x[k]).sum();
        x[row] = (x[row] - sum) / lower[row * size + row];
    }
    x
}
