//! What could be wrong with one actuator's decision.

use proptest::prelude::*;

use super::*;

const RATING: (f64, f64) = (-100.0, 100.0);

fn want(preferred: f64) -> Row {
    Row { preferred: Some(preferred), ..Row::NONE }
}

fn bounds(lower: f64, upper: f64) -> Row {
    Row { lower, upper, ..Row::NONE }
}

fn offset(offset: f64) -> Row {
    Row { offset, ..Row::NONE }
}

fn decide(rows: &[Row]) -> Outcome {
    arbitrate(&Range::whole(Limits::rating(RATING.0, RATING.1), 0.0), rows.iter().enumerate())
}

fn outcome(value: f64, source: Option<usize>, bound: Option<Mover>) -> Outcome {
    Outcome { value, source, bound }
}

fn reserve(reserve_up: f64, reserve_down: f64) -> Row {
    Row { reserve_up, reserve_down, ..Row::NONE }
}

#[test]
fn table_of_reserves() {
    use Mover::{Rating, Source};
    let table = [
        (vec![reserve(30.0, 0.0), want(90.0)], outcome(70.0, Some(1), Some(Source(0)))),
        (vec![reserve(30.0, 0.0), want(60.0)], outcome(60.0, Some(1), None)),
        (vec![reserve(0.0, 30.0), want(-90.0)], outcome(-70.0, Some(1), Some(Source(0)))),
        (vec![want(90.0), reserve(30.0, 0.0)], outcome(90.0, Some(0), None)),
        (vec![Row { offset: 30.0, ..reserve(30.0, 30.0) }, want(90.0)], outcome(100.0, Some(1), Some(Source(0)))),
        (
            vec![Row { offset: 20.0, preferred: Some(95.0), ..reserve(20.0, 0.0) }],
            outcome(100.0, Some(0), Some(Source(0))),
        ),
        (vec![reserve(10.0, 0.0), reserve(15.0, 0.0), want(99.0)], outcome(75.0, Some(2), Some(Source(1)))),
        (vec![reserve(30.0, 0.0), bounds(-5.0, 40.0), want(90.0)], outcome(40.0, Some(2), Some(Source(1)))),
        (vec![bounds(-5.0, 40.0), reserve(30.0, 0.0), want(90.0)], outcome(10.0, Some(2), Some(Source(1)))),
        (vec![reserve(500.0, 0.0), want(90.0)], outcome(0.0, Some(1), Some(Source(0)))),
        (vec![bounds(20.0, 60.0), reserve(30.0, 30.0), want(90.0)], outcome(40.0, Some(2), Some(Source(1)))),
        (vec![want(500.0), reserve(1.0, 1.0)], outcome(100.0, Some(0), Some(Rating))),
    ];
    for (rows, expected) in table {
        assert_eq!(decide(&rows), expected, "{rows:?}");
    }
}

#[test]
fn headroom_is_measured_from_what_protection_leaves() {
    let usable = Limits { upper: 50.0, upper_by: Mover::Guard(0), ..Limits::rating(RATING.0, RATING.1) };
    let range = Range { rating: Limits::rating(RATING.0, RATING.1), usable, fallback: 0.0 };
    let decide = |rows: &[Row]| arbitrate(&range, rows.iter().enumerate()).value;
    assert_eq!(decide(&[reserve(20.0, 0.0), want(90.0)]), 30.0);
    assert_eq!(decide(&[want(90.0)]), 90.0, "without a reserve, protection comes after");
}

#[test]
fn table_of_decisions() {
    use Mover::{Collapsed, Rating, Source};
    let table = [
        (vec![], outcome(0.0, None, None)),
        (vec![want(5.0), want(9.0)], outcome(5.0, Some(0), None)),
        (vec![bounds(-1.0, 3.0), want(9.0)], outcome(3.0, Some(1), Some(Source(0)))),
        (vec![want(9.0), bounds(-1.0, 3.0)], outcome(9.0, Some(0), None)),
        (vec![bounds(2.0, 3.0)], outcome(2.0, None, Some(Source(0)))),
        (vec![bounds(0.0, 10.0), bounds(20.0, 30.0), want(5.0)], outcome(10.0, Some(2), Some(Collapsed(1)))),
        (vec![bounds(0.0, 10.0), bounds(20.0, 30.0), want(50.0)], outcome(10.0, Some(2), Some(Source(0)))),
        (vec![want(500.0)], outcome(100.0, Some(0), Some(Rating))),
        (vec![bounds(200.0, 300.0)], outcome(100.0, None, Some(Collapsed(0)))),
        (vec![want(5.0), offset(2.0), offset(-4.0)], outcome(3.0, Some(0), None)),
        (vec![offset(2.0)], outcome(2.0, None, None)),
        (vec![bounds(0.0, 6.0), want(5.0), offset(9.0)], outcome(6.0, Some(1), Some(Source(0)))),
        (vec![want(5.0), bounds(0.0, 3.0), offset(9.0)], outcome(5.0, Some(0), Some(Source(1)))),
        (vec![want(99.0), offset(9.0)], outcome(100.0, Some(0), Some(Rating))),
    ];
    for (rows, expected) in table {
        assert_eq!(decide(&rows), expected, "{rows:?}");
    }
}

fn any_row() -> impl Strategy<Value = Row> {
    let number = || prop_oneof![-150.0..150.0_f64, Just(1e308), Just(-1e308)];
    let reserve = || prop_oneof![3 => Just(0.0), 1 => 0.0..150.0_f64, 1 => Just(1e308)];
    let offset = prop_oneof![Just(0.0), number()];
    (proptest::option::of(number()), number(), number(), offset, reserve(), reserve()).prop_map(
        |(preferred, a, b, offset, reserve_up, reserve_down)| Row {
            preferred,
            lower: a.min(b),
            upper: a.max(b),
            offset,
            reserve_up,
            reserve_down,
        },
    )
}

proptest! {
    #[test]
    fn never_outside_the_rating(rows in proptest::collection::vec(any_row(), 0..6)) {
        let value = decide(&rows).value;
        prop_assert!((RATING.0..=RATING.1).contains(&value));
    }

    #[test]
    fn the_highest_source_gets_its_own_way(rows in proptest::collection::vec(any_row(), 1..6)) {
        let rows: Vec<Row> = rows.into_iter().map(|row| Row { offset: 0.0, reserve_up: 0.0, reserve_down: 0.0, ..row }).collect();
        let first = rows[0];
        if let Some(preferred) = first.preferred {
            let wanted = preferred.max(first.lower).min(first.upper).max(RATING.0).min(RATING.1);
            prop_assert_eq!(decide(&rows).value, wanted);
        }
    }

    #[test]
    fn an_offset_inside_its_reserve_is_delivered_in_full(
        below in proptest::collection::vec(any_row(), 0..5),
        up in 0.0..90.0_f64,
        down in 0.0..90.0_f64,
        share in -1.0..1.0_f64,
    ) {
        let amount = if share > 0.0 { share * up } else { share * down };
        let below = below.into_iter().map(|row| Row { offset: 0.0, ..row });
        let decided = |offset: f64| {
            let rows: Vec<Row> = [Row { offset, ..reserve(up, down) }].into_iter().chain(below.clone()).collect();
            decide(&rows).value
        };
        prop_assert!((decided(amount) - decided(0.0) - amount).abs() < 1e-9);
    }

    #[test]
    fn what_stands_below_a_base_never_moves_it(rows in proptest::collection::vec(any_row(), 1..6), below in any_row()) {
        let below = Row { offset: 0.0, ..below };
        let mut longer = rows.clone();
        longer.push(below);
        if decide(&rows).source.is_some() {
            prop_assert_eq!(decide(&rows), decide(&longer));
        }
    }
}
