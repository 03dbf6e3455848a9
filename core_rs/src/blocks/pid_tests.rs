use proptest::prelude::*;

use super::*;

const FREE: Limits = Limits { minimum: -1e9, maximum: 1e9, ramp_per_s: None };

fn gains(kp: f64, ki: f64, kd: f64) -> Gains {
    Gains { kp, ki, kd, derivative_filter_s: if kd == 0.0 { 0.0 } else { 0.5 }, tracking_s: None }
}

fn pid(kp: f64, ki: f64, kd: f64, limits: Limits) -> Pid {
    Pid::new(gains(kp, ki, kd), limits, 0.0).unwrap()
}

#[test]
fn each_part_by_hand() {
    let mut pi = pid(2.0, 0.5, 0.0, FREE);
    assert_eq!(pi.step(10.0, 0.0, 1.0).unwrap(), 25.0, "2 x 10 + 0.5 x 10 x 1");
    assert_eq!(pi.step(10.0, 6.0, 2.0).unwrap(), 17.0, "2 x 4 + 5 + 0.5 x 4 x 2");
    let mut d = pid(0.0, 0.0, 3.0, FREE);
    d.step(0.0, 0.0, 1.0).unwrap();
    let expected = -3.0 * 4.0 * (1.0 - (-2.0_f64).exp());
    assert!((d.step(0.0, 4.0, 1.0).unwrap() - expected).abs() < 1e-12, "slope 4/s through a 0.5 s filter");
    assert_eq!(d.step(99.0, 4.0, 0.0).unwrap(), d.value(), "a setpoint never kicks the derivative");
}

#[test]
fn wound_up_for_an_hour_it_leaves_the_limit_as_soon_as_the_error_turns() {
    let limits = Limits { minimum: 0.0, maximum: 100.0, ramp_per_s: None };
    let mut held = pid(2.0, 0.5, 0.0, limits);
    for _ in 0..3600 {
        assert!(held.step(50.0, 0.0, 1.0).unwrap() <= 100.0);
    }
    assert!((held.integral() - 100.0).abs() < 1e-6, "I -> 100 - 2 x 50 + 0.5 x 50 x (2 / 0.5)");
    assert!(held.step(50.0, 52.0, 1.0).unwrap() < 100.0);
    let mut integral = pid(0.0, 1.0, 0.0, limits);
    (0..100).for_each(|_| drop(integral.step(10.0, 0.0, 1.0)));
    assert_eq!((integral.value(), integral.integral()), (100.0, 100.0));
    assert_eq!(integral.step(0.0, 10.0, 1.0).unwrap(), 90.0);
}

#[test]
fn the_ramp_holds_and_limits_beat_it() {
    let mut ramped = pid(10.0, 0.0, 0.0, Limits { minimum: -50.0, maximum: 50.0, ramp_per_s: Some(5.0) });
    assert_eq!(ramped.step(10.0, 0.0, 1.0).unwrap(), 5.0);
    assert_eq!(ramped.step(10.0, 0.0, 2.0).unwrap(), 15.0);
    ramped.set_limits(Limits { minimum: -50.0, maximum: 3.0, ramp_per_s: Some(5.0) }).unwrap();
    assert_eq!(ramped.value(), 3.0);
    assert_eq!(ramped.step(-10.0, 0.0, 0.1).unwrap(), 2.5);
}

#[test]
fn transfer_and_new_gains_make_no_bump() {
    let mut pi = pid(2.0, 0.5, 0.1, FREE);
    (0..5).for_each(|turn| drop(pi.step(10.0, f64::from(turn), 1.0)));
    pi.track(-40.0).unwrap();
    assert_eq!(pi.value(), -40.0);
    assert!((pi.step(10.0, 4.0, 0.0).unwrap() + 40.0).abs() < 1e-9);
    assert!(
        (pi.step(10.0, 4.0, 1.0).unwrap() + 37.0).abs() < 0.6,
        "goes on with ki e dt and the derivative dying away"
    );
    let before = pi.value();
    pi.set_gains(gains(9.0, 3.0, 0.7)).unwrap();
    assert!((pi.step(10.0, 4.0, 0.0).unwrap() - before).abs() < 1e-9);
}

#[test]
fn without_integral_action_it_is_a_plain_proportional_controller() {
    let mut p = Pid::new(gains(2.0, 0.0, 0.0), FREE, 5.0).unwrap();
    assert_eq!(p.step(10.0, 0.0, 1.0).unwrap(), 25.0);
    p.track(0.0).unwrap();
    assert_eq!(p.step(10.0, 0.0, 1.0).unwrap(), 25.0);
    p.set_gains(gains(3.0, 0.0, 0.0)).unwrap();
    assert_eq!(p.step(10.0, 0.0, 1.0).unwrap(), 35.0);
}

#[test]
fn what_is_no_number_holds_the_output() {
    let mut pi = pid(1.0, 1.0, 1.0, FREE);
    let held = pi.step(10.0, 0.0, 1.0).unwrap();
    for (setpoint, measurement) in [(f64::NAN, 0.0), (10.0, f64::INFINITY), (1.7e308, -1.7e308)] {
        assert_eq!((pi.step(setpoint, measurement, 1.0).unwrap(), pi.valid()), (held, false));
    }
    assert!(pi.step(10.0, 0.0, -1.0).is_err() && pi.track(f64::NAN).is_err());
    assert_eq!(pi.step(10.0, 0.0, 1.0).unwrap(), held + 10.0, "nothing was integrated meanwhile");
    assert!(pi.valid());
    pi.reset(3.0).unwrap();
    assert_eq!((pi.value(), pi.integral(), pi.valid()), (3.0, 3.0, false));
}

#[test]
fn settings_that_are_no_controller_are_refused() {
    assert!(Pid::new(gains(1.0, -1.0, 0.0), FREE, 0.0).unwrap_err().to_string().contains("one sign"));
    let unfiltered = Gains { derivative_filter_s: 0.0, ..gains(1.0, 0.0, 1.0) };
    assert!(unfiltered.validate().unwrap_err().to_string().contains("derivative_filter_s must be above 0"));
    assert!(Limits { minimum: 1.0, maximum: 0.0, ramp_per_s: None }.validate().is_err());
    assert!(Limits { ramp_per_s: Some(0.0), ..FREE }.validate().is_err());
    assert!(Pid::new(gains(1.0, 1.0, 0.0), FREE, f64::NAN).is_err());
}

// A first-order plant of 2 s in closed loop, ended at 20 s.
fn closed_loop(dt_s: f64, limits: Limits) -> Vec<f64> {
    let (mut loop_, mut y, share) = (pid(1.5, 0.75, 0.2, limits), 0.0, settled_share(dt_s, 2.0));
    let turns = (20.0 / dt_s).round() as usize;
    let mut seen = Vec::new();
    for turn in 1..=turns {
        y += share * (loop_.step(50.0, y, dt_s).unwrap() - y);
        if turn % (turns / 20) == 0 {
            seen.push(y);
        }
    }
    seen
}

#[test]
fn a_closed_loop_behaves_the_same_at_every_cycle_time() {
    for limits in [FREE, Limits { minimum: 0.0, maximum: 60.0, ramp_per_s: Some(20.0) }] {
        let reference = closed_loop(0.001, limits);
        for dt_s in [0.01, 0.1] {
            for (fine, coarse) in reference.iter().zip(closed_loop(dt_s, limits)) {
                assert!((fine - coarse).abs() <= 2.5, "5 % of 50: {fine} {coarse} at {dt_s}");
            }
        }
        let (highest, last) = (reference.iter().fold(0.0_f64, |high, &y| high.max(y)), reference[19]);
        assert!((last - 50.0).abs() < 0.5 && highest < 55.0, "{reference:?}");
    }
}

proptest! {
    #[test]
    fn always_inside_limits_and_ramp_whatever_comes(
        kp in 0.0..100.0_f64, ki in 0.0..100.0_f64, kd in 0.0..100.0_f64, ramp in 0.1..100.0_f64,
        steps in proptest::collection::vec((any::<f64>(), any::<f64>(), 0.0..10.0_f64), 1..40),
    ) {
        let mut block = pid(kp, ki, kd, Limits { minimum: -20.0, maximum: 80.0, ramp_per_s: Some(ramp) });
        for (setpoint, measurement, dt_s) in steps {
            let before = block.value();
            let after = block.step(setpoint, measurement, dt_s).unwrap();
            prop_assert!((-20.0..=80.0).contains(&after) && (after - before).abs() <= ramp * dt_s + 1e-9);
            prop_assert!(block.integral().is_finite());
        }
    }

    #[test]
    fn how_time_is_cut_does_not_matter(kp in 0.0..5.0_f64, ki in 0.0..5.0_f64, error in -5.0..5.0_f64, cuts in 1..500_u32) {
        let (mut whole, mut cut) = (pid(kp, ki, 0.0, FREE), pid(kp, ki, 0.0, FREE));
        whole.step(error, 0.0, 10.0).unwrap();
        (0..cuts).for_each(|_| drop(cut.step(error, 0.0, 10.0 / f64::from(cuts))));
        prop_assert!((whole.value() - cut.value()).abs() < 1e-9);
    }

    #[test]
    fn a_bumpless_transfer_from_anywhere(output in -50.0..50.0_f64, y in -1e3..1e3_f64, kp in 0.0..9.0_f64, ki in 0.01..9.0_f64) {
        let mut block = pid(kp, ki, 0.0, FREE);
        block.step(0.0, 1.0, 0.1).unwrap();
        block.track(output).unwrap();
        prop_assert!((block.step(0.0, y, 0.0).unwrap() - output).abs() < 1e-6);
    }
}
