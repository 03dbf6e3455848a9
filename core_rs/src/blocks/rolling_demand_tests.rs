use proptest::prelude::*;

use super::*;
use crate::clock::SECOND_NS;

const METER: RegisterSpec = RegisterSpec { maximum_power_w: 200e3, wrap_wh: None, resolution_wh: 0.0 };
const MINUTE: i64 = 60 * SECOND_NS;

fn quarter() -> RollingDemand {
    RollingDemand::new(900.0, METER).unwrap()
}

#[test]
fn the_last_quarter_of_an_hour_by_hand() {
    let mut demand = quarter();
    assert_eq!((demand.mean_w(), demand.allowed_w(60e3, 60.0).unwrap()), (0.0, None));
    demand.step(0, 1000.0);
    assert!((demand.step(10 * MINUTE, 11_000.0) - 60e3).abs() < 1e-6 && !demand.complete());
    assert!((demand.step(20 * MINUTE, 31_000.0) - 100e3).abs() < 1e-6, "5 min at 60 kW, 10 at 120 kW");
    assert!(demand.complete());
    let allowed = demand.allowed_w(80e3, 600.0).unwrap().unwrap();
    assert!((allowed - 60e3).abs() < 1e-6, "(20 kWh - 5 min x 120 kW) / 10 min");
    assert_eq!(demand.allowed_w(40e3, 60.0).unwrap(), Some(-200e3));
    assert!(demand.allowed_w(f64::NAN, 60.0).is_err() && demand.allowed_w(1.0, 0.0).is_err());
    let held = demand.mean_w();
    assert_eq!((demand.step(21 * MINUTE, f64::NAN), demand.valid()), (held, false));
}

#[test]
fn what_was_not_seen_counts_as_the_target() {
    let mut demand = quarter();
    demand.step(0, 0.0);
    demand.step(5 * MINUTE, 10_000.0);
    let allowed = demand.allowed_w(60e3, 300.0).unwrap().unwrap();
    assert!((allowed - 0.0).abs() < 1e-6, "15 kWh - 5 min x 60 kW - 10 kWh");
}

#[test]
fn a_reset_passes_through() {
    let mut demand = quarter();
    demand.step(0, 50_000.0);
    demand.step(15 * MINUTE, 65_000.0);
    assert!((demand.step(20 * MINUTE, 10.0) - 60e3).abs() < 1e-6 && !demand.complete(), "60 kW assumed");
    demand.step(34 * MINUTE, 14_010.0);
    assert!(!demand.complete());
    demand.step(35 * MINUTE, 15_010.0);
    assert!(demand.complete() && (demand.mean_w() - 60e3).abs() < 1e-6);
    demand.reset();
    assert_eq!((demand.mean_w(), demand.complete(), demand.valid()), (0.0, false, false));
}

proptest! {
    #[test]
    fn near_the_truth_bounded_by_what_flowed_and_of_fixed_memory(
        powers in proptest::collection::vec((1_i64..20, 0.0..150e3_f64), 500..1500),
    ) {
        let (mut demand, mut time_ns, mut energy_wh, mut all) = (quarter(), 0, 0.0, vec![(0, 0.0)]);
        let memory = demand.knots.capacity();
        demand.step(0, 0.0);
        for (wait_s, power_w) in powers {
            time_ns += wait_s * SECOND_NS;
            energy_wh += power_w * wait_s as f64 / 3600.0;
            all.push((time_ns, energy_wh));
            prop_assert!((0.0..=150e3 + 1e-3).contains(&demand.step(time_ns, energy_wh)));
        }
        let begin = all.iter().rposition(|&(then_ns, _)| then_ns <= time_ns - 15 * MINUTE).unwrap();
        let (from, to) = (all[begin], all[begin + 1]);
        let share = (time_ns - 15 * MINUTE - from.0) as f64 / (to.0 - from.0) as f64;
        let truth_w = (energy_wh - from.1 - share * (to.1 - from.1)) * 4.0;
        prop_assert!((demand.mean_w() - truth_w).abs() <= 150e3 * 2.0 * 20.0 / 900.0);
        prop_assert_eq!(demand.knots.capacity(), memory);
        prop_assert!(demand.knots.len() <= CAPACITY + 3);
    }

    #[test]
    fn no_input_makes_nan(readings in proptest::collection::vec((any::<i64>(), any::<f64>()), 1..60)) {
        let mut demand = RollingDemand::new(0.01, RegisterSpec { wrap_wh: Some(1e9), ..METER }).unwrap();
        for (time_ns, register_wh) in readings {
            prop_assert!(demand.step(time_ns / 4, register_wh).is_finite());
            prop_assert!(demand.step(time_ns / 4, register_wh % 1e9).is_finite());
            prop_assert!(demand.allowed_w(5e4, 1e-9).unwrap().is_none_or(f64::is_finite));
        }
    }
}
