//! Thousands of cells (or strings, or packs) of one kind, a step at a time.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::estimate::estimator::{Estimate, Estimator};
use crate::estimate::model::CellModel;
use crate::estimate::sample::Sample;
use crate::estimate::start::{Pack, Start};

/// Estimators side by side; all storage is made at construction.
#[derive(Clone, Debug)]
pub struct Bank {
    cells: Vec<Estimator>,
    estimates: Vec<Estimate>,
}

impl Bank {
    /// One battery of `pack` for each start.
    pub fn new(model: &Arc<CellModel>, pack: Pack, starts: &[Start]) -> Result<Self> {
        if starts.is_empty() {
            return Err(Error::invalid("count must be 1 or more"));
        }
        let made = starts.iter().map(|&start| Estimator::new(Arc::clone(model), pack, start));
        let cells = made.collect::<Result<Vec<_>>>()?;
        let silent = Sample { current_a: f64::NAN, voltage_v: f64::NAN, temperature_degc: f64::NAN, dt_s: 0.0 };
        let estimates = cells.iter().map(|cell| cell.clone().step(&silent)).collect();
        Ok(Self { cells, estimates })
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Never: a bank has at least one cell.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// One sample for each cell, in order; a cell without one stays as it is.
    pub fn step(&mut self, samples: impl Iterator<Item = Sample>) {
        for ((cell, estimate), sample) in self.cells.iter_mut().zip(&mut self.estimates).zip(samples) {
            *estimate = cell.step(&sample);
        }
    }

    /// The last estimates, in order.
    pub fn estimates(&self) -> &[Estimate] {
        &self.estimates
    }
}
