//! Batteries: hostile cell files, then hostile readings. An estimate is finite, always.

use std::sync::Arc;

use simems_core::estimate::{Cell, CellModel, Elements, Estimator, Limits, Noise, Ocv, Pack, Sample, Start};

use super::Dice;

const STEPS: u64 = 40;

pub fn run(dice: &mut Dice) -> u64 {
    let Ok(model) = CellModel::new(&cell(dice)) else { return 1 };
    let pack = Pack { series: dice.below(4) as u32, parallel: dice.below(4) as u32 };
    let start = if dice.chance(2) {
        Start::FromVoltage
    } else {
        Start::Soc { soc_pct: dice.positive(100.0), sigma_pct: dice.positive(50.0) }
    };
    let Ok(mut estimator) = Estimator::new(Arc::new(model), pack, start) else { return 1 };
    (0..STEPS).for_each(|_| step(dice, &mut estimator));
    STEPS
}

fn step(dice: &mut Dice, estimator: &mut Estimator) {
    let sample = Sample {
        current_a: dice.number(20.0),
        voltage_v: if dice.chance(2) { 3.2 + 0.4 * dice.share() } else { dice.number(8.0) },
        temperature_degc: dice.number(60.0),
        dt_s: dice.positive(2.0),
    };
    let found = estimator.step(&sample);
    let numbers = [found.soc_pct, found.sigma_pct, found.innovation_v, found.innovation_variance_v2];
    assert!(numbers.iter().all(|number| number.is_finite()), "{found:?} after {sample:?}");
    assert!((0.0..=100.0).contains(&found.soc_pct) && found.sigma_pct >= 0.0, "{found:?} after {sample:?}");
}

// Well-formed as often as not, else nothing would come past the check.
fn cell(dice: &mut Dice) -> Cell {
    let points = 2 + dice.below(4);
    let rows = 1 + dice.below(3);
    let half = dice.chance(2);
    let rising = |count: usize, from: f64, to: f64| -> Vec<f64> {
        (0..count).map(|n| from + (to - from) * n as f64 / (count.max(2) - 1) as f64).collect()
    };
    let mut table = |scale: f64| -> Vec<f64> { (0..rows * points).map(|_| scale * (1.5 + dice.share())).collect() };
    let lag = if half { vec![(); rows] } else { Vec::new() };
    let elements = Elements {
        soc_pct: rising(points, 0.0, 100.0),
        temperature_degc: rising(rows, -10.0, 45.0),
        r0_ohm: table(0.01),
        r0_bend_a: vec![1e9; rows],
        r1_ohm: table(0.01),
        c1_f: table(1e3),
        r2_ohm: table(0.01),
        c2_f: table(1e5),
        lag_share: lag.iter().map(|_| 0.02).collect(),
        lag_time_s: lag.iter().map(|_| 2000.0).collect(),
    };
    let mut cell = Cell {
        capacity_ah: 5.0,
        ocv: Ocv {
            soc_pct: rising(points, 0.0, 100.0),
            ocv_v: rising(points, 3.0, 3.6),
            hysteresis_v: vec![0.02; points],
            hysteresis_rate: 30.0,
            hysteresis_shares: if half { vec![0.5, 0.3, 0.2] } else { Vec::new() },
        },
        elements,
        noise: Noise {
            voltage_v: 0.005,
            current_offset_a: 0.02,
            current_scale: 0.01,
            model_v: 0.005,
            model_share: 0.1,
            model_time_s: 1000.0,
        },
        limits: Limits {
            minimum_voltage_v: 2.0,
            maximum_voltage_v: 4.5,
            maximum_current_a: 50.0,
            longest_step_s: 60.0,
        },
    };
    (0..dice.below(3)).for_each(|_| spoil(dice, &mut cell));
    cell
}

fn spoil(dice: &mut Dice, cell: &mut Cell) {
    let number = dice.number(100.0);
    let place = dice.below(19);
    let lists: [&mut Vec<f64>; 11] = [
        &mut cell.ocv.soc_pct,
        &mut cell.ocv.ocv_v,
        &mut cell.ocv.hysteresis_v,
        &mut cell.elements.r0_ohm,
        &mut cell.elements.c1_f,
        &mut cell.elements.r0_bend_a,
        &mut cell.elements.temperature_degc,
        &mut cell.elements.soc_pct,
        &mut cell.elements.lag_share,
        &mut cell.elements.lag_time_s,
        &mut cell.ocv.hysteresis_shares,
    ];
    match (place, lists) {
        (0, _) => cell.capacity_ah = number,
        (1, _) => cell.ocv.hysteresis_rate = number,
        (2, _) => cell.noise.voltage_v = number,
        (3, _) => cell.noise.model_time_s = number,
        (4, _) => cell.limits.maximum_current_a = number,
        (5, _) => cell.limits.longest_step_s = number,
        (6, _) => cell.noise.current_scale = number,
        (7, _) => cell.noise.model_v = number,
        (n, lists) => spoil_list(dice, lists.into_iter().nth(n - 8), number),
    }
}

fn spoil_list(dice: &mut Dice, list: Option<&mut Vec<f64>>, number: f64) {
    let Some(list) = list.filter(|list| !list.is_empty()) else { return };
    let place = dice.below(list.len());
    match dice.below(3) {
        0 => list.truncate(place),
        1 => list.push(number),
        _ => list[place] = number,
    }
}
