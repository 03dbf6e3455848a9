//! Sums over rows, a few numbers at a time.

/// Numbers that are worked on at a time.
pub(super) const LANES: usize = 4;

// Both in whole lanes.
#[inline]
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.as_chunks::<LANES>().0.iter().zip(b.as_chunks::<LANES>().0) {
        sums.iter_mut().zip(a.iter().zip(b)).for_each(|(sum, (a, b))| *sum += a * b);
    }
    sums.iter().sum()
}

#[inline]
pub(super) fn add(sum: &mut [f64], a: &[f64], factor: f64) {
    for (sum, a) in sum.as_chunks_mut::<LANES>().0.iter_mut().zip(a.as_chunks::<LANES>().0) {
        sum.iter_mut().zip(a).for_each(|(sum, a)| *sum += a * factor);
    }
}

#[inline]
pub(super) fn take(from: &mut [[f64; LANES]], what: &[[f64; LANES]], factor: f64) {
    for (from, what) in from.iter_mut().zip(what) {
        from.iter_mut().zip(what).for_each(|(from, what)| *from -= what * factor);
    }
}

#[allow(clippy::indexing_slicing, reason = "`a` holds at most `room` values")]
pub(super) fn add_slope(matrix: &mut [f64], room: usize, a: &[f64], weight: f64) {
    for (row, outer) in a.iter().enumerate().filter(|(_, outer)| **outer != 0.0) {
        // Whole lanes: what is added below the diagonal is never read.
        let first = row - row % LANES;
        add(&mut matrix[row * room + first..row * room + a.len()], &a[first..], weight * outer);
    }
}
