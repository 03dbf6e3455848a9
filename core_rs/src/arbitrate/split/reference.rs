//! The definition once more, for tests: each level a linear complementarity problem, solved by Lemke's pivoting method
//! (exact but for rounding). Shares no code with the split.

use super::Part;

/// Coefficients by unit, and the range.
pub(crate) type Rows = Vec<(Vec<f64>, f64, f64)>;

/// Keeps pivots unique; far below the precision that is compared.
const JITTER: f64 = 1e-11;

/// `min 1/2 x'Px + q'x` over `x >= 0`, `G x <= h`, with diagonal P.
#[derive(Default)]
struct Problem {
    p: Vec<f64>,
    q: Vec<f64>,
    lines: Vec<(Vec<f64>, f64)>,
}

impl Problem {
    fn solve(&self) -> Option<Vec<f64>> {
        (0..8).find_map(|seed| self.pivoted(seed))
    }

    fn pivoted(&self, seed: usize) -> Option<Vec<f64>> {
        let (n, size) = (self.p.len(), self.p.len() + self.lines.len());
        // Tableau: w - M z - z0 = r, columns w, z, z0, r.
        let mut rows = vec![vec![0.0; 2 * size + 2]; size];
        for (place, row) in rows.iter_mut().enumerate() {
            row[place] = 1.0;
            row[2 * size] = -1.0;
            let jitter = JITTER * (1.0 + (((place + seed) * 7919 + 13 * seed) % 101) as f64 / 101.0);
            if place < n {
                row[size + place] = -self.p[place];
                self.lines.iter().enumerate().for_each(|(line, (g, _))| row[size + n + line] = -g[place]);
                row[2 * size + 1] = self.q[place] + jitter;
            } else {
                let (g, h) = &self.lines[place - n];
                row[size..size + n].copy_from_slice(g);
                row[2 * size + 1] = h + jitter;
            }
        }
        let mut basis: Vec<usize> = (0..size).collect();
        lemke(&mut rows, &mut basis, size)?;
        let mut x = vec![0.0; n];
        for (row, &variable) in rows.iter().zip(&basis) {
            if (size..size + n).contains(&variable) {
                x[variable - size] = row[2 * size + 1];
            }
        }
        Some(x)
    }
}

fn lemke(rows: &mut [Vec<f64>], basis: &mut [usize], size: usize) -> Option<()> {
    let last = 2 * size + 1;
    let lowest = (0..size).min_by(|&a, &b| rows[a][last].total_cmp(&rows[b][last]))?;
    if rows[lowest][last] >= 0.0 {
        return Some(());
    }
    let (mut entering, mut leaving) = (2 * size, lowest);
    for _ in 0..5_000 {
        let left = basis[leaving];
        pivot(rows, leaving, entering);
        basis[leaving] = entering;
        if left == 2 * size {
            return Some(());
        }
        entering = if left < size { left + size } else { left - size };
        let ratio = |row: &Vec<f64>| row[last] / row[entering];
        let able = (0..size).filter(|&row| rows[row][entering] > 1e-9);
        let least = able.clone().map(|row| ratio(&rows[row])).fold(f64::INFINITY, f64::min);
        // Among ties the artificial variable leaves first.
        leaving = able
            .filter(|&row| ratio(&rows[row]) <= least + 1e-14)
            .max_by(|&a, &b| (basis[a], rows[a][entering]).partial_cmp(&(basis[b], rows[b][entering])).unwrap())?;
    }
    None
}

fn pivot(rows: &mut [Vec<f64>], place: usize, column: usize) {
    let factor = rows[place][column];
    rows[place].iter_mut().for_each(|value| *value /= factor);
    let own = rows[place].clone();
    for (_, row) in rows.iter_mut().enumerate().filter(|(other, row)| *other != place && row[column] != 0.0) {
        let factor = row[column];
        row.iter_mut().zip(&own).for_each(|(value, own)| *value -= factor * own);
    }
}

/// The level's problem (None: the rows' violations) with known values put in; `give`: how far each row may be missed.
fn stage(parts: &[Part], rows: &Rows, known: &[Option<f64>], give: &[f64], level: Option<u32>) -> Option<Vec<f64>> {
    let free: Vec<usize> = (0..parts.len()).filter(|&place| known[place].is_none()).collect();
    let count = free.len() + if level.is_none() { rows.len() } else { 0 };
    let mut problem = Problem { p: vec![0.0; count], q: vec![0.0; count], lines: Vec::new() };
    let line = |column: usize| {
        let mut line = vec![0.0; count];
        line[column] = 1.0;
        line
    };
    for (column, &place) in free.iter().enumerate() {
        let part = parts[place];
        problem.lines.push((line(column), part.upper - part.lower));
        if Some(part.level) == level {
            problem.p[column] = 1.0 / part.weight;
            problem.q[column] = (part.lower - part.desired) / part.weight;
        }
    }
    for (row, (a, lower, upper)) in rows.iter().enumerate() {
        let largest = a.iter().fold(0.0, |most: f64, a| most.max(a.abs()));
        if largest == 0.0 {
            continue;
        }
        let base = |place: usize| known[place].unwrap_or(parts[place].lower) * a[parts[place].unit];
        let fixed: f64 = (0..parts.len()).map(base).sum();
        for (sign, end) in [(1.0, *upper), (-1.0, *lower)] {
            let mut line: Vec<f64> = vec![0.0; count];
            free.iter().enumerate().for_each(|(column, &place)| line[column] = sign * a[parts[place].unit]);
            if level.is_none() {
                line[free.len() + row] = -1.0;
                problem.p[free.len() + row] = 1.0;
            }
            if end.is_finite() {
                problem.lines.push((line, sign * (end - fixed) + give[row]));
            }
        }
    }
    let mut x = problem.solve()?;
    free.iter().zip(&mut x).for_each(|(&place, x)| *x += parts[place].lower);
    Some(x)
}

/// Values by part, and the largest violation; None when the pivoting method itself fails.
pub(crate) fn lexicographic(parts: &[Part], rows: &Rows) -> Option<(Vec<f64>, f64)> {
    let mut known = vec![None; parts.len()];
    let violations = stage(parts, rows, &known, &vec![0.0; rows.len()], None)?[parts.len()..].to_vec();
    let worst = violations.iter().copied().fold(0.0, f64::max);
    let give: Vec<f64> = violations.iter().map(|violation| violation.max(0.0) + 1e-8).collect();
    let mut levels: Vec<u32> = parts.iter().map(|part| part.level).collect();
    levels.sort_unstable();
    levels.dedup();
    for level in levels {
        let free: Vec<usize> = (0..parts.len()).filter(|&place| known[place].is_none()).collect();
        let values = stage(parts, rows, &known, &give, Some(level))?;
        for (&place, value) in free.iter().zip(values).filter(|(place, _)| parts[**place].level == level) {
            known[place] = Some(value.clamp(parts[place].lower, parts[place].upper));
        }
    }
    Some((known.into_iter().flatten().collect(), if worst > 1e-7 { worst } else { 0.0 }))
}

/// The rows' least violations.
pub(crate) fn least_violation(parts: &[Part], rows: &Rows) -> Option<Vec<f64>> {
    Some(stage(parts, rows, &vec![None; parts.len()], &vec![0.0; rows.len()], None)?[parts.len()..].to_vec())
}
