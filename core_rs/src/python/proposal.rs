//! Rows of proposals, as Python gives them.

use pyo3::prelude::*;

use super::CoreError;
use crate::cycle::Proposal;

type Term = Option<f64>;

/// A sequence of rows, or an error that says what they must be.
pub(super) fn read(proposals: &Bound<'_, PyAny>) -> PyResult<Vec<Proposal>> {
    let rows = proposals.try_iter().and_then(|rows| rows.map(|row| proposal(&row?)).collect());
    rows.map_err(|error| {
        CoreError::new_err(format!(
            "proposals must be rows of (actuator, preferred, lower, upper, offset) or with (.., reserve_up, reserve_down) more: {error}"
        ))
    })
}

fn proposal(row: &Bound<'_, PyAny>) -> PyResult<Proposal> {
    if row.len()? == 7 {
        let (actuator, preferred, lower, upper, offset, reserve_up, reserve_down): (
            i64,
            Term,
            Term,
            Term,
            Term,
            Term,
            Term,
        ) = row.extract()?;
        return Ok(Proposal { actuator, preferred, lower, upper, offset, reserve_up, reserve_down });
    }
    let (actuator, preferred, lower, upper, offset): (i64, Term, Term, Term, Term) = row.extract()?;
    Ok(Proposal { actuator, preferred, lower, upper, offset, ..Proposal::default() })
}
