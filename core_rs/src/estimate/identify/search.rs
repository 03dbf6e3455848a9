//! The outer search: time constants, and the pace of the hysteresis.

use crate::estimate::identify::SOC_POINTS_PCT;
use crate::estimate::identify::least_squares::Normal;
use crate::estimate::identify::overpotential::{ELEMENTS, Lost};
use crate::estimate::lag::Lag;
use crate::estimate::model::CellModel;

const POINTS: usize = SOC_POINTS_PCT.len();
const SIZE: usize = 3 * POINTS;
const LOWEST_PCT: f64 = SOC_POINTS_PCT[0];
const HIGHEST_PCT: f64 = SOC_POINTS_PCT[POINTS - 1];
const FAST_S: [f64; 2] = [2.0, 150.0];
const SLOW_S: [f64; 2] = [80.0, 6000.0];
/// Pairs from which the search begins.
const STARTS_S: [[f64; 2]; 3] = [[10.0, 100.0], [20.0, 300.0], [60.0, 900.0]];
const FIRST_LAG: Lag = Lag { share: 0.06, time_s: 300.0 };
const LAG_FACTORS: [f64; 2] = [1.8, 1.25];
const LARGEST_LAG: f64 = 0.3;
const LAG_S: [f64; 2] = [30.0, 3000.0];
/// While the lag is searched the series drop bends here.
const TYPICAL_BEND_C_RATE: f64 = 0.6;
/// Factors of the search, from coarse to fine.
const FACTORS: [f64; 4] = [2.0, 1.4, 1.15, 1.05];
const STRAIGHT_A: f64 = 1e6;
const BENDS_C_RATE: [f64; 9] = [0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 1.5, 2.5];
/// A bend must leave so much less.
const BEND_PAYS: f64 = 0.98;
/// Seconds after a change of current in which every sample counts; later ones are thinned.
const LIVELY_S: f64 = 60.0;
const THINNED_S: f64 = 20.0;
const LEAST_OHM: f64 = 1e-7;
const SMOOTHNESS: f64 = 1e-3;

/// Resistances over SOC for one temperature.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    pub time_constants_s: [f64; 2],
    /// Current above which the series drop bends.
    pub bend_a: f64,
    ohm: Vec<f64>,
    pub cost: f64,
}

impl Fit {
    /// Part 0: series resistance; 1: fast pair; 2: slow pair.
    pub(super) fn part(&self, part: usize) -> &[f64] {
        self.ohm.get(part * POINTS..(part + 1) * POINTS).unwrap_or(&[])
    }

    /// Of pair 0 or 1.
    pub(super) fn time_constant_s(&self, pair: usize) -> f64 {
        self.time_constants_s.get(pair).copied().unwrap_or(1.0)
    }

    /// Lost voltage measured minus fitted, per sample.
    pub(super) fn left_over(&self, lost: &Lost) -> Vec<f64> {
        let mut out = Vec::with_capacity(lost.soc.len());
        walk(lost, self.time_constants_s, self.bend_a, |row, number| {
            let fitted: f64 = row.iter().zip(&self.ohm).map(|(a, x)| a * x).sum();
            out.push(lost.lost_v.get(number).copied().unwrap_or(0.0) - fitted);
        });
        out
    }

    /// Voltage that all resistances together lose to the recent current: its slow mean square, rooted.
    pub(super) fn static_drop(&self, lost: &Lost) -> Vec<f64> {
        let mut square = 0.0;
        let mut keep_square = |(&amps, dt): (&f64, f64)| {
            let keep = (-dt / 1800.0).exp();
            square = keep * square + (1.0 - keep) * amps * amps;
            square
        };
        let squares = lost.current_a.iter().zip(lost.dt_s.iter().copied()).map(&mut keep_square).collect::<Vec<f64>>();
        squares.iter().zip(&lost.soc).map(|(square, &soc)| square.sqrt() * self.resistance(soc)).collect()
    }

    fn resistance(&self, soc: f64) -> f64 {
        let hats = hats(soc);
        (0..3).map(|part| self.part(part).iter().zip(&hats).map(|(ohm, hat)| ohm * hat).sum::<f64>()).sum()
    }
}

/// What an OCV with lag and hysteresis leaves to resistances.
#[derive(Clone, Debug)]
pub(super) struct Looked {
    pub lag: Lag,
    /// Of the hysteresis' elements.
    pub shares: Vec<f64>,
    times_s: [f64; 2],
    cost: f64,
}

/// Without a lag.
pub(super) fn without_lag(lost: &mut Lost, model: &CellModel) -> Looked {
    looked(lost, model, Lag::NONE, &STARTS_S)
}

/// The lag that leaves least, beside resistances and shares of the hysteresis; the search goes on from `found`.
pub(super) fn best_lag(lost: &mut Lost, model: &CellModel, found: &Looked) -> Looked {
    let known = found.lag != Lag::NONE;
    let starts: &[[f64; 2]] = if known { &[found.times_s] } else { &STARTS_S };
    let mut best = looked(lost, model, if known { found.lag } else { FIRST_LAG }, starts);
    for factor in if known { &LAG_FACTORS[1..] } else { &LAG_FACTORS[..] } {
        let mut improved = true;
        while improved {
            improved = false;
            for candidate in lags_beside(best.lag, *factor) {
                let found = looked(lost, model, candidate, &[best.times_s]);
                if found.cost < best.cost * (1.0 - 1e-6) {
                    (best, improved) = (found, true);
                }
            }
        }
    }
    best
}

fn lags_beside(lag: Lag, factor: f64) -> [Lag; 4] {
    let of = |share: f64, time_s: f64| Lag {
        share: (lag.share * share).min(LARGEST_LAG),
        time_s: (lag.time_s * time_s).clamp(LAG_S[0], LAG_S[1]),
    };
    [of(factor, 1.0), of(1.0 / factor, 1.0), of(1.0, factor), of(1.0, 1.0 / factor)]
}

/// The best of a few pairs of time constants, with shares of the hysteresis beside the resistances.
fn looked(lost: &mut Lost, model: &CellModel, lag: Lag, starts: &[[f64; 2]]) -> Looked {
    lost.look(model, lag, &[]);
    let mut best = Looked { lag, shares: vec![], times_s: STARTS_S[1], cost: f64::INFINITY };
    for &times_s in starts {
        let mut normal = Normal::new(SIZE + ELEMENTS);
        fill(&mut normal, lost, times_s, model.capacity_ah() * TYPICAL_BEND_C_RATE, |row, number| {
            let mut whole = [0.0; SIZE + ELEMENTS];
            let pulls = lost.hysteresis.get(number).copied().unwrap_or_default();
            whole.iter_mut().zip(row.iter().copied().chain(pulls.map(|pull| -pull))).for_each(|(to, from)| *to = from);
            whole
        });
        let mut solution = solved(&mut normal);
        let cost = normal.residual(&solution);
        if cost < best.cost {
            best = Looked { lag, shares: solution.split_off(SIZE), times_s, cost };
        }
    }
    best
}

/// The time constants that leave least, and their resistances.
pub(super) fn best_fit(lost: &Lost, capacity_ah: f64) -> Fit {
    let starts = STARTS_S.map(|times| fit(lost, times, STRAIGHT_A));
    let start = starts.iter().min_by(|a, b| a.cost.total_cmp(&b.cost)).map_or(STARTS_S[1], |fit| fit.time_constants_s);
    let best = best_times(lost, STRAIGHT_A, start);
    let bends = BENDS_C_RATE.map(|rate| fit(lost, best.time_constants_s, rate * capacity_ah));
    let bent = bends.into_iter().min_by(|a, b| a.cost.total_cmp(&b.cost));
    match bent {
        Some(bent) if bent.cost < BEND_PAYS * best.cost => best_times(lost, bent.bend_a, bent.time_constants_s),
        _ => best,
    }
}

fn best_times(lost: &Lost, bend_a: f64, start_s: [f64; 2]) -> Fit {
    let mut best = fit(lost, start_s, bend_a);
    for factor in FACTORS {
        let mut improved = true;
        while improved {
            improved = false;
            for candidate in neighbours(best.time_constants_s, factor) {
                let found = fit(lost, candidate, bend_a);
                if found.cost < best.cost * (1.0 - 1e-6) {
                    (best, improved) = (found, true);
                }
            }
        }
    }
    best
}

fn neighbours([fast, slow]: [f64; 2], factor: f64) -> [[f64; 2]; 8] {
    let within = |value: f64, [low, high]: [f64; 2]| value.clamp(low, high);
    [
        [within(fast * factor, FAST_S), slow],
        [within(fast / factor, FAST_S), slow],
        [fast, within(slow * factor, SLOW_S)],
        [fast, within(slow / factor, SLOW_S)],
        [within(fast * factor, FAST_S), within(slow * factor, SLOW_S)],
        [within(fast / factor, FAST_S), within(slow / factor, SLOW_S)],
        [within(fast * factor, FAST_S), within(slow / factor, SLOW_S)],
        [within(fast / factor, FAST_S), within(slow * factor, SLOW_S)],
    ]
}

fn fit(lost: &Lost, time_constants_s: [f64; 2], bend_a: f64) -> Fit {
    let mut normal = Normal::new(SIZE);
    fill(&mut normal, lost, time_constants_s, bend_a, |row, _| *row);
    let ohm = solved(&mut normal);
    let cost = normal.residual(&ohm);
    Fit { time_constants_s, bend_a, ohm, cost }
}

/// One equation per sample that tells something; `whole` makes its row from that of the resistances.
fn fill<const ALL: usize>(
    normal: &mut Normal,
    lost: &Lost,
    time_constants_s: [f64; 2],
    bend_a: f64,
    whole: impl Fn(&[f64; SIZE], usize) -> [f64; ALL],
) {
    let (mut calm_s, mut skipped_s, mut before_a) = (f64::INFINITY, 0.0, 0.0);
    walk(lost, time_constants_s, bend_a, |row, number| {
        let at = |values: &[f64]| values.get(number).copied().unwrap_or(0.0);
        let (amps, dt) = (at(&lost.current_a), at(&lost.dt_s));
        calm_s = if (amps - before_a).abs() > 1e-9 { 0.0 } else { calm_s + dt };
        (before_a, skipped_s) = (amps, skipped_s + dt);
        if calm_s <= LIVELY_S || skipped_s >= THINNED_S {
            normal.add(&whole(row, number), at(&lost.lost_v), skipped_s * at(&lost.weight));
            skipped_s = 0.0;
        }
    });
}

fn solved(normal: &mut Normal) -> Vec<f64> {
    let weight = SMOOTHNESS * normal.scale();
    for part in 0..3 {
        for point in 1..POINTS {
            normal.tie(part * POINTS + point - 1, part * POINTS + point, weight);
        }
    }
    normal.solve(LEAST_OHM)
}

/// Calls `with` for each sample with what each unknown resistance loses there per ohm.
fn walk(lost: &Lost, time_constants_s: [f64; 2], bend_a: f64, mut with: impl FnMut(&[f64; SIZE], usize)) {
    let mut row = [0.0; SIZE];
    let mut before = [0.0; POINTS];
    let samples = lost.dt_s.iter().zip(&lost.current_a).zip(&lost.soc);
    for (number, ((&dt, &amps), &soc)) in samples.enumerate() {
        let hats = hats(soc);
        let bent = bend_a * (amps / bend_a).asinh();
        let drive = hats.map(|hat| hat * amps);
        let (series, pairs) = row.split_at_mut(POINTS);
        series.copy_from_slice(&hats.map(|hat| hat * bent));
        for (pair, time_s) in pairs.chunks_exact_mut(POINTS).zip(time_constants_s) {
            let keep = (-dt / time_s).exp();
            for ((state, now), then) in pair.iter_mut().zip(&drive).zip(&before) {
                *state = keep * *state + (1.0 - keep) * 0.5 * (now + then);
            }
        }
        before = drive;
        with(&row, number);
    }
}

/// Hat functions of the SOC points; they add up to 1.
fn hats(soc: f64) -> [f64; POINTS] {
    let mut out = [0.0; POINTS];
    let soc_pct = (100.0 * soc).clamp(LOWEST_PCT, HIGHEST_PCT);
    let above = SOC_POINTS_PCT.partition_point(|&point| point <= soc_pct).clamp(1, POINTS - 1);
    if let (Some([low, high]), Some([a, b])) = (SOC_POINTS_PCT.get(above - 1..=above), out.get_mut(above - 1..=above)) {
        *b = (soc_pct - low) / (high - low);
        *a = 1.0 - *b;
    }
    out
}
