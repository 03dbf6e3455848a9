//! What could be wrong with a split.

use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;

use super::*;
use crate::arbitrate::split::reference::{Rows, lexicographic};

fn part(unit: usize, lower: f64, upper: f64, desired: f64, level: u32) -> Part {
    Part { unit, lower, upper, desired, weight: 1.0, level }
}

fn solved(units: usize, parts: &[Part], rows: &Rows) -> (Solved, Vec<f64>) {
    let mut split = Split::new(units, parts.len(), rows.len());
    parts.iter().for_each(|part| assert!(split.part(*part)));
    for (coefficients, lower, upper) in rows {
        assert!(split.row(coefficients.iter().copied().enumerate(), *lower, *upper));
    }
    let solved = split.solve(&mut 20_000);
    (solved, (0..units).map(|unit| split.value(unit)).collect())
}

fn close(found: &[f64], expected: &[f64]) -> bool {
    found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6)
}

#[test]
fn table_of_splits() {
    let inf = f64::INFINITY;
    let same =
        |desired: [f64; 3]| desired.iter().enumerate().map(|(u, d)| part(u, 0.0, 100.0, *d, 0)).collect::<Vec<_>>();
    let one = vec![1.0, 1.0, 1.0];
    let table = [
        (same([10.0, 20.0, 30.0]), vec![(one.clone(), -inf, 60.0)], Solved::Kept, [10.0, 20.0, 30.0]),
        (same([10.0, 20.0, 30.0]), vec![(one.clone(), -inf, 48.0)], Solved::Kept, [6.0, 16.0, 26.0]),
        (same([10.0, 20.0, 30.0]), vec![(one.clone(), -inf, 24.0)], Solved::Kept, [0.0, 7.0, 17.0]),
        (same([10.0, 20.0, 30.0]), vec![(one.clone(), 400.0, inf)], Solved::Violated, [100.0, 100.0, 100.0]),
        (
            vec![part(0, 0.0, 100.0, 10.0, 0), part(1, 0.0, 100.0, 20.0, 1), part(2, 0.0, 100.0, 30.0, 2)],
            vec![(one.clone(), -inf, 24.0)],
            Solved::Kept,
            [10.0, 14.0, 0.0],
        ),
        (
            same([10.0, 20.0, 30.0]),
            vec![(one.clone(), -inf, 48.0), (vec![0.0, 0.0, 1.0], -inf, 10.0)],
            Solved::Kept,
            [10.0, 20.0, 10.0],
        ),
        (
            vec![Part { weight: 3.0, ..part(0, 0.0, 100.0, 50.0, 4) }, part(1, 0.0, 100.0, 50.0, 4)],
            vec![(vec![1.0, 1.0, 0.0], -inf, 80.0)],
            Solved::Kept,
            [35.0, 45.0, 0.0],
        ),
        // Two rows that cannot both be kept: each is missed by the same.
        (
            same([10.0, 0.0, 0.0]),
            vec![(vec![1.0, 0.0, 0.0], 30.0, inf), (vec![1.0, 0.0, 0.0], -inf, 20.0)],
            Solved::Violated,
            [25.0, 0.0, 0.0],
        ),
    ];
    for (parts, rows, how, expected) in table {
        let (found, values) = solved(3, &parts, &rows);
        assert!(found == how && close(&values, &expected), "{rows:?}: {found:?} {values:?}");
    }
}

static TRIED: AtomicU32 = AtomicU32::new(0);
static DEVIATING: AtomicU32 = AtomicU32::new(0);
static UNFINISHED: AtomicU32 = AtomicU32::new(0);

/// A problem of random size, its numbers in a few decades.
pub(super) fn problem() -> impl Strategy<Value = (usize, Vec<Part>, Rows)> {
    (1_usize..8, 1_usize..6, 1_u32..5).prop_flat_map(|(units, rows, levels)| {
        let coefficient = prop_oneof![2 => Just(0.0), 3 => Just(1.0), 1 => Just(1.0 / 3.0), 2 => (-20..=20_i32).prop_map(|tenths| f64::from(tenths) / 10.0)];
        let part = (0..units, -50.0..0.0_f64, 0.0..50.0_f64, 0.0..1.0_f64, 0.2..5.0_f64, 0..levels).prop_map(
            |(unit, lower, upper, share, weight, level)| Part {
                unit,
                lower,
                upper,
                desired: lower + share * (upper - lower),
                weight,
                level,
            },
        );
        let end = || prop_oneof![1 => Just(None), 2 => (-80.0..80.0_f64).prop_map(Some)];
        let row = (proptest::collection::vec(coefficient, units), end(), end()).prop_map(|(a, low, high)| {
            let (low, high) = (low.unwrap_or(f64::NEG_INFINITY), high.unwrap_or(f64::INFINITY));
            (a, low.min(high), high.max(low))
        });
        (Just(units), proptest::collection::vec(part, 1..12), proptest::collection::vec(row, rows))
    })
}

pub(crate) fn cases(short: u32) -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(short)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(500), failure_persistence: None, max_global_rejects: u32::MAX, ..ProptestConfig::default() })]
    #[test]
    fn it_is_the_definition((units, parts, rows) in problem()) {
        let (how, found) = solved(units, &parts, &rows);
        let reference = lexicographic(&parts, &rows);
        prop_assume!(reference.is_some());
        let (values, violation) = reference.unwrap();
        let mut expected = vec![0.0; units];
        parts.iter().zip(&values).for_each(|(part, value)| expected[part.unit] += value);
        // Rows in conflict that are nearly one another may be beyond the precision: rarely, and then only the limits hold.
        let (of, rare) = (TRIED.fetch_add(1, Ordering::Relaxed) + 1, u32::from(how == Solved::Unfinished));
        let unfinished = UNFINISHED.fetch_add(rare, Ordering::Relaxed) + rare;
        prop_assert!(unfinished <= 5 + of / 100, "{unfinished} of {of}");
        prop_assume!(how != Solved::Unfinished);
// Where the rows can just be kept, rounding decides what that is called; the values are compared all the same.
        prop_assert!(how == Solved::Violated || violation < 1e-5, "{violation}");
        // Relative to the problem's own size: its widest range.
        let size = parts.iter().fold(1.0_f64, |size, part| size.max(part.upper - part.lower));
        let far = found.iter().zip(&expected).any(|(found, expected)| (found - expected).abs() >= 1e-6 * size);
        let deviating = DEVIATING.fetch_add(u32::from(far), Ordering::Relaxed) + u32::from(far);
        // Where Newton's method went round in circles a level may be taken for one that cannot help: seen in two or
        // three of a million. All limits hold there too (`guard::shared_tests`).
        prop_assert!(!far || deviating <= cases(500) / 50_000, "{how:?} {found:?} {expected:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(500), failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn without_steps_every_part_keeps_its_range_and_rows_that_hold_0_are_kept((units, parts, rows) in problem()) {
        let mut split = Split::new(units, parts.len(), rows.len());
        parts.iter().for_each(|part| assert!(split.part(*part)));
        let holds_0 = |(a, lower, upper): &(Vec<f64>, f64, f64)| (a.clone(), lower.min(0.0), upper.max(0.0));
        let rows: Rows = rows.iter().map(holds_0).collect();
        for (a, lower, upper) in &rows {
            split.row(a.iter().copied().enumerate(), *lower, *upper);
        }
        split.solve(&mut 0);
        prop_assert!(split.slots.iter().all(|slot| (slot.part.lower..=slot.part.upper).contains(&slot.value)));
        for (a, lower, upper) in &rows {
            let sum: f64 = a.iter().enumerate().map(|(unit, a)| a * split.value(unit)).sum();
            prop_assert!(sum >= lower - 1e-5 && sum <= upper + 1e-5, "{lower} <= {sum} <= {upper}");
        }
    }
}
