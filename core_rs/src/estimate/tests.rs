//! The estimator as a whole, on a circuit whose truth is known, and on anything at all.

use std::sync::Arc;

use proptest::prelude::*;

use super::filter::Filter;
use super::identify::{PulseTest, identify};
use super::*;

const CAPACITY_AH: f64 = 2.0;

pub(super) fn cell(hysteresis_v: f64) -> Cell {
    let soc_pct: Vec<f64> = (0..=20).map(|number| 5.0 * f64::from(number)).collect();
    let ocv_v = soc_pct.iter().map(|soc| 3.0 + 0.008 * soc).collect();
    Cell {
        capacity_ah: CAPACITY_AH,
        ocv: Ocv {
            hysteresis_v: vec![hysteresis_v; soc_pct.len()],
            soc_pct,
            ocv_v,
            hysteresis_rate: 30.0,
            hysteresis_shares: vec![],
        },
        elements: Elements {
            soc_pct: vec![0.0, 100.0],
            temperature_degc: vec![0.0, 25.0],
            r0_ohm: vec![0.06, 0.06, 0.03, 0.03],
            r0_bend_a: vec![1e6, 1e6],
            r1_ohm: vec![0.03, 0.03, 0.015, 0.015],
            c1_f: vec![1000.0, 1000.0, 2000.0, 2000.0],
            r2_ohm: vec![0.02, 0.02, 0.01, 0.01],
            c2_f: vec![3e4, 3e4, 6e4, 6e4],
            lag_share: vec![],
            lag_time_s: vec![],
        },
        noise: Noise {
            voltage_v: 0.005,
            current_offset_a: 0.01,
            current_scale: 0.03,
            model_v: 0.002,
            model_share: 0.05,
            model_time_s: 3600.0,
        },
        limits: Limits {
            minimum_voltage_v: 2.0,
            maximum_voltage_v: 5.0,
            maximum_current_a: 40.0,
            longest_step_s: 120.0,
        },
    }
}

fn estimator(start: Start) -> Estimator {
    let model = Arc::new(CellModel::new(&cell(0.0)).unwrap());
    Estimator::new(model, Pack { series: 1, parallel: 1 }, start).unwrap()
}

fn start(soc_pct: f64) -> Start {
    Start::Soc { soc_pct, sigma_pct: 20.0 }
}

/// (current, voltage, SOC 0..1) each second of the cell at 25 degC.
pub(super) fn drive(soc: f64, seconds: u32) -> Vec<(f64, f64, f64)> {
    let (mut soc, mut u1, mut u2, mut before) = (soc, 0.0, 0.0, 0.0);
    (0..seconds)
        .map(|second| {
            let amps = 2.0 * (f64::from(second) / 30.0).sin() + if second % 600 < 300 { 1.0 } else { -0.5 };
            let mean = 0.5 * (amps + before);
            before = amps;
            soc -= mean / 3600.0 / CAPACITY_AH;
            u1 += (1.0 - (-1.0_f64 / 30.0).exp()) * (0.015 * mean - u1);
            u2 += (1.0 - (-1.0_f64 / 600.0).exp()) * (0.01 * mean - u2);
            (amps, 3.0 + 0.8 * soc - u1 - u2 - 0.03 * amps, soc)
        })
        .collect()
}

fn sample(current_a: f64, voltage_v: f64) -> Sample {
    Sample { current_a, voltage_v, temperature_degc: 25.0, dt_s: 1.0 }
}

#[test]
fn a_first_guess_whose_square_is_no_number_is_refused() {
    let model = Arc::new(CellModel::new(&cell(0.0)).unwrap());
    for sigma_pct in [0.0, -1.0, 1e-200, 1e200, f64::NAN] {
        let start = Start::Soc { soc_pct: 50.0, sigma_pct };
        assert!(Estimator::new(Arc::clone(&model), Pack { series: 1, parallel: 1 }, start).is_err(), "{sigma_pct}");
    }
}

#[test]
fn numbers_that_overflow_in_the_filter_are_refused_with_the_cell() {
    for number in [1e200, 1e-200, f64::MAX, 5e-324] {
        let spoilt: [fn(&mut Cell, f64); 4] = [
            |cell, number| cell.noise.voltage_v = number,
            |cell, number| cell.noise.model_time_s = number,
            |cell, number| cell.elements.r0_ohm[0] = number,
            |cell, number| cell.capacity_ah = number,
        ];
        for spoil in spoilt {
            let mut cell = cell(0.0);
            spoil(&mut cell, number);
            assert!(cell.check().unwrap_err().to_string().contains("must be"), "{number}");
        }
    }
}

#[test]
fn a_wrong_start_and_an_offset_are_corrected() {
    for wrong_pct in [40.0, 80.0, 100.0] {
        let mut estimator = estimator(start(wrong_pct));
        let truth = drive(0.6, 3600);
        let estimates: Vec<Estimate> = truth.iter().map(|(i, v, _)| estimator.step(&sample(i + 0.01, *v))).collect();
        let last = estimates.last().unwrap();
        let error = last.soc_pct - 100.0 * truth.last().unwrap().2;
        assert!(error.abs() < 1.0 && last.valid(), "{wrong_pct}: off by {error}");
        assert!(error.abs() < 3.0 * last.sigma_pct);
    }
}

#[test]
fn it_begins_from_the_first_good_voltage() {
    let mut estimator = estimator(Start::FromVoltage);
    let silent = estimator.step(&sample(f64::NAN, f64::NAN));
    assert_eq!(silent.reason, Reason::NotStarted);
    assert!(silent.soc_pct.is_finite() && silent.sigma_pct > 25.0);
    let first = estimator.step(&sample(0.0, 3.4));
    assert!((first.soc_pct - 50.0).abs() < 1.0 && first.valid());
}

#[test]
fn a_gap_widens_sigma_and_the_voltage_narrows_it_again() {
    let mut estimator = estimator(start(60.0));
    let truth = drive(0.6, 4200);
    let step = |estimator: &mut Estimator, second: usize| estimator.step(&sample(truth[second].0, truth[second].1));
    let before = (0..1800).map(|second| step(&mut estimator, second)).last().unwrap();
    let during = (1800..2400).map(|_| estimator.step(&sample(f64::NAN, f64::NAN))).last().unwrap();
    assert_eq!(during.reason, Reason::Missing);
    assert!(during.sigma_pct > 2.0 * before.sigma_pct);
    let after = (2400..4200).map(|second| step(&mut estimator, second)).last().unwrap();
    assert!(after.valid() && after.sigma_pct < during.sigma_pct);
    assert!((after.soc_pct - 100.0 * truth[4199].2).abs() < 1.5);
}

#[test]
fn time_that_jumps_or_stands_is_said() {
    let mut estimator = estimator(start(60.0));
    assert!(estimator.step(&Sample { dt_s: 0.0, ..sample(0.0, 3.48) }).valid());
    for dt_s in [0.0, -1.0, f64::NAN, 121.0, f64::INFINITY] {
        let estimate = estimator.step(&Sample { dt_s, ..sample(0.0, 3.48) });
        assert_eq!(estimate.reason, Reason::Time, "{dt_s}");
        assert!(estimate.soc_pct.is_finite() && estimate.sigma_pct.is_finite());
    }
}

#[test]
fn stuck_readings_are_said() {
    let mut stuck_voltage = estimator(start(60.0));
    let mut stuck_current = estimator(start(60.0));
    let truth = drive(0.6, 300);
    let voltages = truth.iter().map(|(i, _, _)| stuck_voltage.step(&sample(*i, 3.48)).reason);
    assert!(voltages.skip(100).all(|reason| reason == Reason::Stuck));
    let jumping = |second: usize| if second < 100 { 3.48 } else { 3.60 } + 1e-4 * (second % 3) as f64;
    let currents = (0..200).map(|second| stuck_current.step(&sample(1.0, jumping(second))).reason);
    assert!(currents.skip(100).all(|reason| reason == Reason::Stuck));
}

#[test]
fn a_voltage_that_comes_back_does_not_make_a_steady_current_stuck() {
    let mut estimator = estimator(start(60.0));
    let (amps, mut soc) = (-0.5, 0.5);
    for second in 0..5400 {
        soc -= amps / 3600.0 / CAPACITY_AH;
        let volts = 3.0 + 0.8 * soc - 0.055 * amps + 0.0005 * f64::from(second % 7);
        let shown = if (1800..3600).contains(&second) { 3.4567 } else { volts };
        estimator.step(&sample(amps, shown));
    }
    let last = estimator.step(&sample(amps, 3.0 + 0.8 * soc - 0.055 * amps));
    assert!((last.soc_pct - 100.0 * soc).abs() < 2.0 && last.valid(), "{last:?}, true {soc}");
}

#[test]
fn a_voltage_that_contradicts_is_refused_then_believed() {
    let mut estimator = estimator(Start::Soc { soc_pct: 90.0, sigma_pct: 0.5 });
    let truth = drive(0.3, 3600);
    let reasons: Vec<Reason> = truth.iter().map(|(i, v, _)| estimator.step(&sample(*i, *v)).reason).collect();
    assert!(reasons.iter().take(20).filter(|reason| **reason == Reason::Contradicted).count() > 10);
    let last = estimator.step(&sample(0.0, f64::NAN));
    assert!((last.soc_pct - 100.0 * truth.last().unwrap().2).abs() < 3.0, "{}", last.soc_pct);
}

#[test]
fn counting_takes_the_table_at_rest_only() {
    let model = Arc::new(CellModel::new(&cell(0.0)).unwrap());
    let mut plain = CoulombCounter::new(Arc::clone(&model), 50.0, None).unwrap();
    let mut corrected = CoulombCounter::new(model, 50.0, Some(RestCorrection::default())).unwrap();
    for _ in 0..3600 {
        plain.step(0.2, 3.48, 1.0);
        corrected.step(0.2, 3.48, 1.0);
    }
    assert!((plain.soc_pct() - 40.0).abs() < 0.01 && plain.soc_pct() == corrected.soc_pct());
    for _ in 0..1801 {
        plain.step(0.0, 3.48, 1.0);
        corrected.step(0.0, 3.48, 1.0);
    }
    assert!((plain.soc_pct() - 40.0).abs() < 0.02 && (corrected.soc_pct() - 60.0).abs() < 0.1);
}

#[test]
fn a_bank_is_its_cells() {
    let model = Arc::new(CellModel::new(&cell(0.01)).unwrap());
    let starts = [start(50.0), start(80.0), Start::FromVoltage];
    let one = Pack { series: 1, parallel: 1 };
    let mut bank = Bank::new(&model, one, &starts).unwrap();
    let mut strings = Bank::new(&model, Pack { series: 14, parallel: 3 }, &starts).unwrap();
    let mut cells = starts.map(|start| Estimator::new(Arc::clone(&model), one, start).unwrap());
    for (current, voltage, _) in drive(0.6, 100) {
        bank.step((0..3).map(|_| sample(current, voltage)));
        strings.step((0..3).map(|_| sample(3.0 * current, 14.0 * voltage)));
        for ((cell, of_bank), of_strings) in cells.iter_mut().zip(bank.estimates()).zip(strings.estimates()) {
            let estimate = cell.step(&sample(current, voltage));
            assert_eq!(*of_bank, estimate);
            assert!((of_strings.soc_pct - estimate.soc_pct).abs() < 1e-9);
        }
    }
    assert!(Bank::new(&model, one, &[]).is_err());
}

/// Flat from 40 to 70 %, a step on either side, steep ends, and a gap of the steps' height: as LFP.
fn flat_cell() -> Cell {
    let ends = |soc: f64| 0.15 * ((soc - 100.0) / 1.5).exp() - 0.6 * (-soc / 4.0).exp();
    let ocv = |soc: f64| 3.2 + 0.04 / (1.0 + ((30.0 - soc) / 3.0).exp()) + 0.04 / (1.0 + ((80.0 - soc) / 3.0).exp());
    let mut flat = cell(0.012);
    flat.ocv.ocv_v = flat.ocv.soc_pct.iter().map(|&soc| ocv(soc) + ends(soc) + 2e-5 * soc).collect();
    flat
}

/// The same charge pattern on that cell: (current, voltage, SOC).
fn flat_drive(model: &CellModel, soc: f64, seconds: u32) -> Vec<(f64, f64, f64)> {
    let (mut state, mut at) = (0.0, soc);
    let volts = |(amps, volts, now): (f64, f64, f64)| {
        let moved = now - at;
        let keep = (-30.0 * moved.abs()).exp();
        state = keep * state + (1.0 - keep) * moved.signum();
        at = now;
        (amps, model.ocv(now).0 + 0.012 * state + (volts - 3.0 - 0.8 * now), now)
    };
    drive(soc, seconds).into_iter().map(volts).collect()
}

#[test]
fn on_a_flat_ocv_no_wrong_start_is_believed() {
    let model = Arc::new(CellModel::new(&flat_cell()).unwrap());
    for (soc, wrong_pct) in [(0.55, 75.0), (0.55, 35.0), (0.45, 65.0), (0.75, 55.0), (0.25, 45.0)] {
        let one = Pack { series: 1, parallel: 1 };
        let mut estimator = Estimator::new(Arc::clone(&model), one, start(wrong_pct)).unwrap();
        let truth = flat_drive(&model, soc, 3 * 3600);
        let outside = truth.iter().enumerate().filter(|(second, (amps, volts, soc))| {
            let estimate = estimator.step(&sample(*amps, *volts));
            *second > 1800 && (estimate.soc_pct - 100.0 * soc).abs() > 2.0 * estimate.sigma_pct
        });
        let outside = outside.count();
        assert!(outside < truth.len() / 10, "from {wrong_pct}: outside two sigma in {outside} of {}", truth.len());
        let last = estimator.step(&sample(f64::NAN, f64::NAN));
        assert!(last.sigma_pct < 12.0, "{wrong_pct}: {last:?}");
    }
}

#[test]
fn through_a_gap_the_mean_current_goes_on() {
    let mut estimator = estimator(start(60.0));
    let truth = drive(0.6, 3600);
    truth.iter().for_each(|(i, v, _)| _ = estimator.step(&sample(*i, *v)));
    let (mean, before) = (0.25, truth.last().unwrap().2);
    let after = estimator.step(&Sample { dt_s: 3600.0, ..sample(4.0, f64::NAN) });
    let drawn_pct = 100.0 * mean / CAPACITY_AH;
    assert!((after.soc_pct - (100.0 * before - drawn_pct)).abs() < 12.0, "{after:?}");
    assert!(after.sigma_pct > 8.0 && after.reason == Reason::Missing || after.reason == Reason::Time);
}

#[test]
fn what_no_cell_can_be_is_refused() {
    let mut wrong = cell(0.0);
    wrong.ocv.ocv_v[3] = 1.0;
    assert!(CellModel::new(&wrong).is_err());
    let mut wrong = cell(0.0);
    wrong.elements.r0_ohm.pop();
    assert!(CellModel::new(&wrong).unwrap_err().to_string().contains("elements.r0_ohm must have 4 values"));
    let wrong = Cell { capacity_ah: f64::NAN, ..cell(0.0) };
    assert!(CellModel::new(&wrong).unwrap_err().to_string().starts_with("capacity_ah"));
}

fn pulses() -> PulseTest {
    let mut amps = vec![0.0; 60];
    for _ in 0..9 {
        for (seconds, current) in [(20, 2.0), (60, 0.0), (20, -1.0), (60, 0.0), (720, 1.0), (900, 0.0)] {
            amps.extend(std::iter::repeat_n(current, seconds));
        }
    }
    let (mut soc, mut u1, mut u2, mut before) = (1.0, 0.0, 0.0, 0.0);
    let volts = |&amps: &f64| {
        let mean = 0.5 * (amps + before);
        before = amps;
        soc -= mean / 3600.0 / CAPACITY_AH;
        u1 += (1.0 - (-1.0_f64 / 30.0).exp()) * (0.015 * mean - u1);
        u2 += (1.0 - (-1.0_f64 / 600.0).exp()) * (0.01 * mean - u2);
        3.0 + 0.8 * soc - u1 - u2 - 0.03 * amps
    };
    let voltage_v: Vec<f64> = amps.iter().map(volts).collect();
    PulseTest {
        time_s: (0..amps.len()).map(|second| second as f64).collect(),
        temperature_degc: vec![25.0; amps.len()],
        current_a: amps,
        voltage_v,
    }
}

#[test]
fn the_circuit_of_a_pulse_test_is_found_again() {
    let found = identify(&[pulses()], &cell(0.0).ocv, CAPACITY_AH).unwrap();
    assert!(found.reports[0].rmse_v < 5e-4, "{}", found.reports[0].rmse_v);
    let circuit = CellModel::new(&found.cell).unwrap().circuit(0.5, 25.0);
    assert!((circuit.r0_ohm - 0.03).abs() < 0.002, "{circuit:?}");
    assert!((circuit.total_ohm() - 0.055).abs() < 0.003, "{circuit:?}");
}

#[test]
fn a_test_that_shows_nothing_is_refused() {
    let ocv = cell(0.0).ocv;
    let still = PulseTest { current_a: vec![0.0; pulses().time_s.len()], ..pulses() };
    for (tests, text) in [
        (vec![], "one pulse test per temperature"),
        (vec![still], "without current"),
        (vec![pulses(); 2], "1 degC apart"),
    ] {
        assert!(identify(&tests, &ocv, CAPACITY_AH).unwrap_err().to_string().contains(text));
    }
}

/// Shares sum up to one but for rounding; a memory of more than 100 % would not be taken back.
#[test]
fn a_mix_of_full_beliefs_is_no_fuller() {
    let model = CellModel::new(&cell(0.0)).unwrap();
    let filter = Filter::new(&model, &model.circuit(1.0, 25.0), 1.0, 0.05);
    let mixed = filter.mixed([(1.0 + 2.0 * f64::EPSILON, &filter)].into_iter());
    assert!(mixed.soc() <= 1.0, "{}", mixed.soc());
    assert!(mixed.memory().soc_pct <= 100.0);
}

fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        5 => -50.0..50.0_f64,
        2 => 2.5..4.5_f64,
        1 => any::<f64>(),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(0.0), Just(f64::MAX)],
    ]
}

fn any_sample() -> impl Strategy<Value = Sample> {
    (anything(), anything(), anything(), prop_oneof![3 => Just(1.0), 1 => anything()]).prop_map(
        |(current_a, voltage_v, temperature_degc, dt_s)| Sample { current_a, voltage_v, temperature_degc, dt_s },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_in_finite_numbers_go_out(
        samples in prop::collection::vec(any_sample(), 1..60),
        begin in prop_oneof![Just(None), (0.0..=100.0_f64).prop_map(Some)],
        gap in 0.0..0.05_f64,
    ) {
        let model = Arc::new(CellModel::new(&cell(gap)).unwrap());
        let start = begin.map_or(Start::FromVoltage, |soc_pct| Start::Soc { soc_pct, sigma_pct: 20.0 });
        let mut estimator = Estimator::new(model, Pack { series: 1, parallel: 1 }, start).unwrap();
        for sample in &samples {
            let estimate = estimator.step(sample);
            prop_assert!((0.0..=100.0).contains(&estimate.soc_pct), "{estimate:?}");
            prop_assert!(estimate.sigma_pct >= 0.0 && estimate.sigma_pct <= 30.0, "{estimate:?}");
            prop_assert!(estimate.innovation_v.is_finite() && estimate.innovation_variance_v2.is_finite());
            let whole = [sample.current_a, sample.voltage_v, sample.temperature_degc].iter().all(|v| v.is_finite());
            prop_assert!(whole || !estimate.valid());
        }
    }
}
