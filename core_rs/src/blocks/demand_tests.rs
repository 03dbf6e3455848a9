use proptest::prelude::*;

use super::*;
use crate::clock::SECOND_NS;

const MINUTE: i64 = 60 * SECOND_NS;
const METER: RegisterSpec = RegisterSpec { maximum_power_w: 200e3, wrap_wh: None, resolution_wh: 0.0 };
const NONE: [Option<Demand>; 2] = [None; 2];

fn quarter() -> DemandWindow {
    DemandWindow::new(900.0, 0, METER).unwrap()
}

// What flowed up to a minute at an even power.
fn kw(power_kw: f64, minutes: i64) -> f64 {
    power_kw * 1e3 * minutes as f64 / 60.0
}

#[test]
fn a_quarter_of_an_hour_by_hand() {
    let mut demand = quarter();
    assert_eq!((demand.running(0, 1.0), demand.allowed_w(60e3, 0, 0.0)), (None, None));
    assert_eq!(demand.step(0, 1_000_000.0), NONE);
    demand.step(5 * MINUTE, 1_000_000.0 + kw(90.0, 5));
    let now = demand.running(5 * MINUTE, f64::NAN).unwrap();
    assert_eq!((now.start_ns, now.end_ns, now.left_s, now.complete), (0, 15 * MINUTE, 600.0, true));
    assert!((now.energy_wh - 7500.0).abs() < 1e-6 && (now.mean_w - 90e3).abs() < 1e-6);
    let allowed =
        |demand: &DemandWindow, minute: i64, power_w: f64| demand.allowed_w(60e3, minute * MINUTE, power_w).unwrap();
    assert!((allowed(&demand, 5, 0.0) - 45e3).abs() < 1e-6, "(15 kWh - 7.5 kWh) / 10 min");
    assert!((allowed(&demand, 10, 90e3)).abs() < 1e-6, "another 5 min at 90 kW and all is drawn");
    assert!((allowed(&demand, 10, f64::NAN)).abs() < 1e-6, "not told: the mean so far");
    assert!((allowed(&demand, 12, 90e3) + 60e3).abs() < 1e-6, "lost by 3 kWh in 3 min");
    assert_eq!(demand.allowed_w(1e9, 5 * MINUTE, 0.0), Some(200e3));
    let [first, second] = demand.step(15 * MINUTE, 1_000_000.0 + kw(90.0, 5) + kw(45.0, 10));
    let first = first.unwrap();
    assert!((first.mean_w - 60e3).abs() < 1e-6 && (first.error_wh, first.complete, second) == (0.0, true, None));
    assert_eq!(demand.running(15 * MINUTE, 5.0).unwrap().mean_w, 5.0);
}

#[test]
fn an_edge_between_readings_is_interpolated_and_says_how_wrong_it_may_be() {
    let mut demand = quarter();
    demand.step(0, 0.0);
    demand.step(14 * MINUTE, kw(60.0, 14));
    let ended = demand.step(16 * MINUTE, kw(60.0, 14) + 3000.0)[0].unwrap();
    assert!((ended.energy_wh - (14_000.0 + 1500.0)).abs() < 1e-6 && (ended.error_wh - 1500.0).abs() < 1e-6);
    let now = demand.running(16 * MINUTE, 0.0).unwrap();
    assert!((now.energy_wh - 1500.0).abs() < 1e-6 && (now.error_wh - 1500.0).abs() < 1e-6 && now.complete);
}

#[test]
fn the_meters_clock_decides_where_windows_end() {
    let mut demand = DemandWindow::new(900.0, 20 * SECOND_NS, METER).unwrap();
    demand.step(0, 0.0);
    let now = demand.running(0, 0.0).unwrap();
    assert_eq!((now.left_s, now.complete), (880.0, false), "20 s of it were over");
    demand.set_clock_offset_ns(30 * SECOND_NS).unwrap();
    assert_eq!(demand.running(0, 0.0).unwrap().left_s, 870.0);
    let ended = demand.step(870 * SECOND_NS, 870.0)[0].unwrap();
    assert!(!ended.complete && (ended.mean_w - 3600.0).abs() < 1e-9);
    demand.set_clock_offset_ns(0).unwrap();
    let now = demand.running(870 * SECOND_NS, 0.0).unwrap();
    assert_eq!((now.start_ns, now.left_s, now.complete), (870 * SECOND_NS, 930.0, true), "not one of 30 s");
    assert!(demand.set_clock_offset_ns(i64::MAX).is_err());
}

#[test]
fn what_the_part_not_seen_drew_is_taken_for_the_target() {
    let mut demand = quarter();
    demand.step(10 * MINUTE, 500.0);
    assert!((demand.allowed_w(60e3, 10 * MINUTE, 0.0).unwrap() - 60e3).abs() < 1e-6);
    let mut resumed = quarter();
    resumed.step(-5 * MINUTE, 0.0);
    let ended = resumed.step(10 * MINUTE, 15_000.0)[0].unwrap();
    assert!(!ended.complete, "begun with a reading kept from before a restart");
    let now = resumed.running(10 * MINUTE, 0.0).unwrap();
    assert!(now.complete && (now.energy_wh - 10_000.0).abs() < 1e-6);
}

#[test]
fn after_a_gap_over_several_windows_the_first_and_the_last_are_told() {
    let mut demand = quarter();
    demand.step(0, 0.0);
    demand.step(10 * MINUTE, kw(120.0, 10));
    let [first, last] = demand.step(100 * MINUTE, kw(120.0, 10) + kw(30.0, 90)).map(Option::unwrap);
    assert_eq!((first.start_ns, first.end_ns, last.start_ns, last.end_ns), (0, 15 * MINUTE, 75 * MINUTE, 90 * MINUTE));
    assert!((first.mean_w - 90e3).abs() < 1e-6 && (last.mean_w - 30e3).abs() < 1e-6, "(120 x 10 + 30 x 5) / 15");
    assert!((demand.running(100 * MINUTE, 0.0).unwrap().energy_wh - 5000.0).abs() < 1e-6);
    let early = demand.running(107 * MINUTE, 60e3).unwrap();
    assert!(!early.complete && (early.energy_wh - 2000.0).abs() < 1e-6, "the new window, not read yet");
    assert_eq!((early.start_ns, early.end_ns), (105 * MINUTE, 120 * MINUTE));
}

#[test]
fn registers_wrap_are_reset_and_read_nonsense() {
    let mut demand = DemandWindow::new(900.0, 0, RegisterSpec { wrap_wh: Some(100e3), ..METER }).unwrap();
    demand.step(0, 99_000.0);
    demand.step(5 * MINUTE, 4000.0);
    let now = demand.running(5 * MINUTE, 0.0).unwrap();
    assert!((now.energy_wh - 5000.0).abs() < 1e-6 && now.complete, "over the wrap");
    for nonsense in [f64::NAN, f64::INFINITY, 100_001.0, -1e13] {
        assert_eq!((demand.step(6 * MINUTE, nonsense), demand.valid()), (NONE, false));
    }
    demand.step(4 * MINUTE, 0.0);
    assert!(demand.valid(), "an old reading is none of its business");
    demand.step(10 * MINUTE, 77_777.0);
    let now = demand.running(10 * MINUTE, 0.0).unwrap();
    assert!((now.energy_wh - 10_000.0).abs() < 1e-6 && !now.complete, "a new meter: the mean so far is assumed");
    let ended = demand.step(15 * MINUTE, 78_777.0)[0].unwrap();
    assert!((ended.energy_wh - 11_000.0).abs() < 1e-6 && !ended.complete);
    demand.step(30 * MINUTE, 79_777.0)[0].filter(|ended| ended.complete).unwrap();
    demand.reset();
    assert_eq!(demand.running(0, 0.0), None);
    assert!(DemandWindow::new(0.0, 0, METER).is_err() && DemandWindow::new(900.0, i64::MAX, METER).is_err());
    let wrong = [
        RegisterSpec { maximum_power_w: 0.0, ..METER },
        RegisterSpec { wrap_wh: Some(-1.0), ..METER },
        RegisterSpec { resolution_wh: f64::NAN, ..METER },
    ];
    assert!(wrong.into_iter().all(|spec| DemandWindow::new(900.0, 0, spec).is_err()));
}

#[test]
fn a_coarse_register_that_stands_for_minutes_and_jumps_is_no_reset() {
    let site = RegisterSpec { maximum_power_w: 10e3, wrap_wh: None, resolution_wh: 1000.0 };
    let (mut demand, mut flowed_wh) = (DemandWindow::new(900.0, 0, site).unwrap(), 0.0);
    for second in 0..=900 {
        for ended in
            demand.step(second * SECOND_NS, 5000.0 + 1000.0 * f64::floor(flowed_wh / 1000.0)).into_iter().flatten()
        {
            assert!(ended.complete && ended.error_wh == 1000.0, "{ended:?}");
            assert!((ended.energy_wh - flowed_wh).abs() <= ended.error_wh, "{ended:?} {flowed_wh}");
        }
        flowed_wh += 7e3 / 3600.0;
    }
    assert_eq!(demand.running(900 * SECOND_NS, 0.0).unwrap().error_wh, 1000.0);
}

proptest! {
    #[test]
    fn readings_at_other_times_give_the_same_windows_within_their_error(
        powers in proptest::collection::vec((1_i64..200, 0.0..150e3_f64), 30..200), keep in 2_usize..9,
    ) {
        let (mut dense, mut sparse) = (quarter(), quarter());
        let (mut time_ns, mut energy_wh, mut all, mut few) = (0, 5e6, Vec::new(), Vec::new());
        for (turn, (wait_s, power_w)) in powers.iter().enumerate() {
            all.extend(dense.step(time_ns, energy_wh).into_iter().flatten());
            if turn % keep == 0 {
                few.extend(sparse.step(time_ns, energy_wh).into_iter().flatten());
            }
            time_ns += wait_s * SECOND_NS;
            energy_wh += power_w * *wait_s as f64 / 3600.0;
        }
        for one in &few {
            let other = all.iter().find(|other| other.end_ns == one.end_ns).unwrap();
            let tolerance = one.error_wh + other.error_wh + 1e-6;
            prop_assert!(one.start_ns != other.start_ns || (one.energy_wh - other.energy_wh).abs() <= tolerance);
        }
    }

    #[test]
    fn drawing_what_is_allowed_ends_at_the_target(
        powers in proptest::collection::vec(0.0..70e3_f64, 1..14), target_w in 71e3..100e3_f64,
    ) {
        let (mut demand, mut energy_wh) = (quarter(), 0.0);
        demand.step(0, 0.0);
        for (minute, power_w) in powers.iter().enumerate() {
            energy_wh += power_w / 60.0;
            demand.step((minute as i64 + 1) * MINUTE, energy_wh);
        }
        let now_ns = powers.len() as i64 * MINUTE;
        let (mut held, allowed_w) = (demand.clone(), demand.allowed_w(target_w, now_ns, 0.0).unwrap());
        energy_wh += allowed_w * hours(15 * MINUTE - now_ns);
        let ended = held.step(15 * MINUTE, energy_wh)[0].unwrap();
        prop_assert!(ended.mean_w <= target_w + 1e-6 && (allowed_w >= 200e3 || (ended.mean_w - target_w).abs() < 1e-6));
    }

    #[test]
    fn no_input_makes_nan(
        readings in proptest::collection::vec((any::<i64>(), any::<f64>(), any::<i64>()), 1..60), offset: i64,
    ) {
        let mut demand = DemandWindow::new(0.01, offset / 2, RegisterSpec { wrap_wh: Some(1e9), ..METER }).unwrap();
        for (time_ns, register_wh, now_ns) in readings {
            let register_wh = if time_ns % 2 == 0 { register_wh } else { register_wh % 1e9 };
            for ended in demand.step(time_ns / 4, register_wh).into_iter().flatten() {
                prop_assert!(ended.mean_w.is_finite() && ended.end_ns > ended.start_ns);
            }
            let allowed_w = demand.allowed_w(50e3, now_ns, register_wh);
            prop_assert!(allowed_w.is_none_or(f64::is_finite));
            prop_assert!(demand.running(now_ns, register_wh).is_none_or(|now| now.mean_w.is_finite() && now.left_s > 0.0));
        }
    }
}
