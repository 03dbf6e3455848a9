//! The cell resampled to even grids, so that a look-up is two multiplications and never a search.

use crate::error::Result;
use crate::estimate::cell::{Cell, Elements, HYSTERESIS_RATES, Limits, Noise, Ocv};

const OCV_POINTS: usize = 401;
const SOC_POINTS: usize = 101;
const COLDEST_DEGC: f64 = -30.0;
const TEMPERATURE_STEP_DEGC: f64 = 5.0;
const TEMPERATURES: usize = 19;
const KELVIN: f64 = 273.15;
/// A drop that bends only above this current is a straight line.
const STRAIGHT_A: f64 = 1e6;

/// r0, bend, r1, r2, rate1, rate2, share of the lag, its rate.
type Point = [f64; 8];

/// Elements of the circuit at one SOC and temperature.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Circuit {
    /// Series resistance at small currents in ohm.
    pub r0_ohm: f64,
    /// Current in A above which the series drop bends.
    pub bend_a: f64,
    /// Resistance of the fast pair in ohm.
    pub r1_ohm: f64,
    /// Resistance of the slow pair in ohm.
    pub r2_ohm: f64,
    /// One over the fast time constant in 1/s.
    pub rate1_per_s: f64,
    /// One over the slow time constant in 1/s.
    pub rate2_per_s: f64,
    /// How far the surface is behind the SOC after a long time at 1C.
    pub lag_share: f64,
    /// One over the time constant of its slowest mode in 1/s.
    pub lag_rate_per_s: f64,
}

/// Made once from a [`Cell`], read by any number of filters.
#[derive(Clone, Debug)]
pub struct CellModel {
    pub(super) capacity_as: f64,
    pub(super) hysteresis_rate: f64,
    /// (rate, share of the gap) of each element.
    pub(super) hysteresis: [(f64, f64); HYSTERESIS_RATES.len()],
    pub(super) noise: Noise,
    pub(super) limits: Limits,
    gap_v: f64,
    ocv: Vec<[f64; 2]>,
    circuit: Vec<Point>,
}

impl CellModel {
    /// Refuses a cell that cannot be ([`Cell::check`]).
    pub fn new(cell: &Cell) -> Result<Self> {
        cell.check()?;
        Ok(Self {
            capacity_as: cell.capacity_ah * 3600.0,
            hysteresis_rate: cell.ocv.hysteresis_rate,
            hysteresis: elements_of(&cell.ocv),
            noise: cell.noise,
            limits: cell.limits,
            gap_v: typical_gap_v(cell),
            ocv: even_ocv(cell),
            circuit: even_circuit(&cell.elements),
        })
    }

    /// Charge between empty and full in Ah.
    pub fn capacity_ah(&self) -> f64 {
        self.capacity_as / 3600.0
    }

    /// (mean OCV, half the gap between its branches) in V at `soc` 0..1; held outside.
    #[inline]
    pub fn ocv(&self, soc: f64) -> (f64, f64) {
        let (index, share) = place(soc * (OCV_POINTS - 1) as f64, OCV_POINTS);
        match self.ocv.get(index..index + 2) {
            Some([low, high]) => (mix(low[0], high[0], share), mix(low[1], high[1], share)),
            _ => (0.0, 0.0),
        }
    }

    /// The circuit at `soc` 0..1; held outside the tables.
    #[inline]
    pub fn circuit(&self, soc: f64, temperature_degc: f64) -> Circuit {
        let (row, down) = place((temperature_degc - COLDEST_DEGC) / TEMPERATURE_STEP_DEGC, TEMPERATURES);
        let (column, across) = place(soc * (SOC_POINTS - 1) as f64, SOC_POINTS);
        let start = row * SOC_POINTS + column;
        let cold = self.circuit.get(start..start + 2);
        let warm = self.circuit.get(start + SOC_POINTS..start + SOC_POINTS + 2);
        match (cold, warm) {
            (Some([a, b]), Some([c, d])) => Circuit::mixed(a, b, c, d, across, down),
            _ => Circuit::default(),
        }
    }

    /// The typical half gap between the branches, in V.
    pub fn typical_gap_v(&self) -> f64 {
        self.gap_v
    }

    /// SOC 0..1 at which the mean OCV is `voltage_v`; the middle of a flat stretch, and of everything for NaN.
    pub fn soc_at(&self, voltage_v: f64) -> f64 {
        if voltage_v.is_nan() {
            return 0.5;
        }
        let below = self.ocv.partition_point(|point| point[0] < voltage_v);
        let upto = self.ocv.partition_point(|point| point[0] <= voltage_v);
        let place = match (below.checked_sub(1).and_then(|index| self.ocv.get(index)), self.ocv.get(below)) {
            (Some(low), Some(high)) if below == upto => below as f64 - 1.0 + (voltage_v - low[0]) / (high[0] - low[0]),
            (None, _) if below == upto => 0.0,
            (_, None) => (OCV_POINTS - 1) as f64,
            _ => (below + upto - 1) as f64 / 2.0,
        };
        place / (OCV_POINTS - 1) as f64
    }

    /// Slope of the mean OCV in V per unit of SOC, over a window of 2 points of SOC.
    pub fn slope(&self, soc: f64) -> f64 {
        let (low, high) = ((soc - 0.01).max(0.0), (soc + 0.01).min(1.0));
        (self.ocv(high).0 - self.ocv(low).0) / (high - low)
    }
}

impl Circuit {
    fn mixed(a: &Point, b: &Point, c: &Point, d: &Point, across: f64, down: f64) -> Self {
        let point = mix_points(&mix_points(a, b, across), &mix_points(c, d, across), down);
        let [r0_ohm, bend_a, r1_ohm, r2_ohm, rate1_per_s, rate2_per_s, lag_share, lag_rate_per_s] = point;
        Self { r0_ohm, bend_a, r1_ohm, r2_ohm, rate1_per_s, rate2_per_s, lag_share, lag_rate_per_s }
    }

    /// All resistances together in ohm, at small currents.
    #[inline]
    pub fn total_ohm(&self) -> f64 {
        self.r0_ohm + self.r1_ohm + self.r2_ohm
    }

    /// (drop, its slope) over the series resistance at `current_a`, in V and ohm.
    #[inline]
    pub fn series(&self, current_a: f64) -> (f64, f64) {
        let bent = current_a / self.bend_a;
        (self.r0_ohm * self.bend_a * bent.asinh(), self.r0_ohm / (1.0 + bent * bent).sqrt())
    }
}

#[inline]
fn mix(low: f64, high: f64, share: f64) -> f64 {
    low + share * (high - low)
}

#[inline]
fn mix_points(low: &Point, high: &Point, share: f64) -> Point {
    let mut out = *low;
    for (value, &towards) in out.iter_mut().zip(high) {
        *value = mix(*value, towards, share);
    }
    out
}

/// Index of the point below and the share of the way to the next; NaN goes to the first point.
#[inline]
fn place(position: f64, points: usize) -> (usize, f64) {
    let within = position.max(0.0).min((points - 1) as f64);
    let index = (within as usize).min(points - 2);
    (index, within - index as f64)
}

/// Linear interpolation between breakpoints, held outside.
pub(super) fn between(at: f64, points: &[f64], values: impl Fn(usize) -> f64) -> f64 {
    let above = points.partition_point(|&point| point <= at);
    let ends = above.checked_sub(1).and_then(|below| Some((*points.get(below)?, *points.get(above)?)));
    match ends {
        Some((low, high)) => mix(values(above - 1), values(above), (at - low) / (high - low)),
        None => values(above.saturating_sub(1)),
    }
}

/// Median of the half gaps: the ends of a slow test show lag as well.
fn typical_gap_v(cell: &Cell) -> f64 {
    let mut gaps = cell.ocv.hysteresis_v.clone();
    gaps.sort_by(f64::total_cmp);
    gaps.get(gaps.len() / 2).copied().unwrap_or(0.0)
}

/// Without shares, one element of the whole gap.
fn elements_of(ocv: &Ocv) -> [(f64, f64); HYSTERESIS_RATES.len()] {
    let mut elements = [(ocv.hysteresis_rate, 0.0); HYSTERESIS_RATES.len()];
    let shares = ocv.hysteresis_shares.iter().copied();
    elements.iter_mut().zip(HYSTERESIS_RATES.into_iter().zip(shares)).for_each(|(element, found)| *element = found);
    if let ([first, ..], true) = (&mut elements, ocv.hysteresis_shares.is_empty()) {
        first.1 = 1.0;
    }
    elements
}

fn even_ocv(cell: &Cell) -> Vec<[f64; 2]> {
    let value = |table: &[f64], index: usize| table.get(index).copied().unwrap_or(0.0);
    let at = |number: usize| {
        let soc_pct = 100.0 * number as f64 / (OCV_POINTS - 1) as f64;
        let points = &cell.ocv.soc_pct;
        [
            between(soc_pct, points, |index| value(&cell.ocv.ocv_v, index)),
            between(soc_pct, points, |index| value(&cell.ocv.hysteresis_v, index)),
        ]
    };
    (0..OCV_POINTS).map(at).collect()
}

/// Over temperature the logarithms are linear in 1/T (Arrhenius), over SOC the values are linear.
fn even_circuit(elements: &Elements) -> Vec<Point> {
    let inverse: Vec<f64> = elements.temperature_degc.iter().map(|degc| -1.0 / (degc + KELVIN)).collect();
    let at = |row: usize, column: usize| {
        let degc = COLDEST_DEGC + TEMPERATURE_STEP_DEGC * row as f64;
        let soc_pct = 100.0 * column as f64 / (SOC_POINTS - 1) as f64;
        let of = |table: &[f64]| over(table, elements, &inverse, degc, soc_pct);
        let (r1, r2) = (of(&elements.r1_ohm), of(&elements.r2_ohm));
        let rates = [1.0 / (r1 * of(&elements.c1_f)), 1.0 / (r2 * of(&elements.c2_f))];
        let bend = |row: usize| elements.r0_bend_a.get(row).copied().unwrap_or(f64::MAX).min(STRAIGHT_A).ln();
        let bend_a = between(-1.0 / (degc + KELVIN), &inverse, bend).exp();
        let warm = -1.0 / (degc + KELVIN);
        let lag_share = between(warm, &inverse, |row| elements.lag_share.get(row).copied().unwrap_or(0.0));
        let lag_s = between(warm, &inverse, |row| elements.lag_time_s.get(row).copied().unwrap_or(1.0).ln()).exp();
        [of(&elements.r0_ohm), bend_a, r1, r2, rates[0], rates[1], lag_share, 1.0 / lag_s]
    };
    (0..TEMPERATURES).flat_map(|row| (0..SOC_POINTS).map(move |column| (row, column))).map(|(r, c)| at(r, c)).collect()
}

fn over(table: &[f64], elements: &Elements, inverse: &[f64], degc: f64, soc_pct: f64) -> f64 {
    let columns = elements.soc_pct.len();
    let value = |row: usize, column: usize| table.get(row * columns + column).copied().unwrap_or(f64::MIN_POSITIVE);
    let logarithm = |row: usize| between(soc_pct, &elements.soc_pct, |column| value(row, column)).ln();
    between(-1.0 / (degc + KELVIN), inverse, logarithm).exp()
}
