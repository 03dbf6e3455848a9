//! A wide belief as several narrow ones: a Gaussian sum (D. Alspach and H. Sorenson, IEEE Trans. Automatic Control 17
//! (1972)).
//!
//! On a curved and partly flat OCV one filter cannot tell a SOC 20 points off from hysteresis: it settles beside the truth
//! and is sure of it. So while little is known a filter is split into rivals, each sure of another SOC; each voltage
//! weighs them, what is left together is the belief, and one filter goes on when they agree. Storage is made once.

use crate::estimate::filter::{Filter, Innovation};
use crate::estimate::model::{CellModel, Circuit};

/// Places of the rivals, in standard deviations of the belief that is split.
const PLACES: [f64; 9] = [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0];
/// How sure each of them is, over the belief that is split.
const NARROWER: f64 = 0.35;
/// A belief wider than this (0..1) is split.
pub(super) const WIDE: f64 = 0.08;
/// Together narrower than this they have settled.
const SETTLED: f64 = 0.02;
/// Errors of the model last, so a voltage tells less than its noise says: exponent of the likelihood.
const TEMPER: f64 = 0.3;
/// A rival so much less likely than the best (natural logarithm) is out.
const OUT: f64 = 7.0;

#[derive(Clone, Debug)]
struct Rival {
    filter: Filter,
    /// Natural logarithm.
    weight: f64,
}

/// None, or what a wide belief was split into.
#[derive(Debug)]
pub(super) struct Rivals {
    all: Vec<Rival>,
}

impl Clone for Rivals {
    /// With the same room, so that a copy never allocates in a step either.
    fn clone(&self) -> Self {
        let mut copy = Self::none();
        copy.all.extend_from_slice(&self.all);
        copy
    }
}

impl Rivals {
    pub(super) fn none() -> Self {
        Self { all: Vec::with_capacity(PLACES.len()) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.all.clear();
    }

    /// Splits a belief, where it is wide.
    pub(super) fn split(&mut self, filter: &Filter) {
        let sigma = filter.soc_sigma();
        if sigma <= WIDE {
            return;
        }
        self.all.clear();
        for place in PLACES {
            let soc = filter.soc() + place * sigma;
            if (0.0..=1.0).contains(&soc) {
                let filter = filter.narrowed(soc, NARROWER * sigma);
                self.all.push(Rival { filter, weight: -0.5 * place * place });
            }
        }
    }

    pub(super) fn predict(&mut self, model: &CellModel, degc: f64, current_a: f64, sigma_a: f64, dt_s: f64) {
        for rival in &mut self.all {
            let circuit = model.circuit(rival.filter.soc(), degc);
            rival.filter.predict(model, &circuit, current_a, sigma_a, dt_s);
        }
    }

    /// Each takes the voltage and is weighed by it; the likeliest one's innovation.
    pub(super) fn update(
        &mut self,
        model: &CellModel,
        degc: f64,
        current_a: f64,
        voltage_v: f64,
    ) -> Option<Innovation> {
        let mut best: Option<(f64, Innovation)> = None;
        for rival in &mut self.all {
            let circuit: Circuit = model.circuit(rival.filter.soc(), degc);
            let found = rival.filter.update(model, &circuit, current_a, voltage_v);
            let off = found.voltage_v * found.voltage_v / found.variance_v2;
            rival.weight -= 0.5 * TEMPER * (off.min(LARGEST_OFF) + found.variance_v2.ln());
            if best.is_none_or(|(weight, _)| rival.weight > weight) {
                best = Some((rival.weight, found));
            }
        }
        if let Some((highest, _)) = best {
            self.all.iter_mut().for_each(|rival| rival.weight -= highest);
            self.all.retain(|rival| rival.weight > -OUT);
        }
        best.map(|(_, innovation)| innovation)
    }

    /// What they believe together; afterwards there are none when they agree.
    pub(super) fn together(&mut self) -> Option<Filter> {
        let sum: f64 = self.all.iter().map(|rival| rival.weight.exp()).sum();
        let likeliest = self.all.iter().max_by(|a, b| a.weight.total_cmp(&b.weight))?;
        let shares = self.all.iter().map(|rival| (rival.weight.exp() / sum, &rival.filter));
        let filter = likeliest.filter.mixed(shares);
        if self.all.len() == 1 || filter.soc_sigma() < SETTLED {
            self.all.clear();
        }
        Some(filter)
    }
}

/// More than this a single reading does not count against a rival.
const LARGEST_OFF: f64 = 25.0;
