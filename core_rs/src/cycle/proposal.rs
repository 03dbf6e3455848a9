//! What a source asks for: checked the same way in the cycle's process and in a controller's.

use crate::arbitrate::Row;
use crate::error::{Error, Result, checked_index};

/// One proposal of a source, as it comes from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Proposal {
    /// Number of the actuator.
    pub actuator: i64,
    /// The value it would like.
    pub preferred: Option<f64>,
    /// Not below this.
    pub lower: Option<f64>,
    /// Not above this.
    pub upper: Option<f64>,
    /// Added to the base.
    pub offset: Option<f64>,
    /// Headroom upwards that its offset may need.
    pub reserve_up: Option<f64>,
    /// Headroom downwards that its offset may need.
    pub reserve_down: Option<f64>,
}

/// One row per actuator, or what is wrong. `address` names an actuator in an error.
pub(crate) fn rows(actuators: usize, address: impl Fn(usize) -> String, proposals: &[Proposal]) -> Result<Box<[Row]>> {
    let mut rows = vec![Row::NONE; actuators];
    for proposal in proposals {
        let number = checked_index("actuator", proposal.actuator, actuators)?;
        if let Some(row) = rows.get_mut(number) {
            merge(row, proposal).map_err(|text| Error::invalid(format!("proposal for {}: {text}", address(number))))?;
        }
    }
    Ok(rows.into_boxed_slice())
}

// Several rows for one actuator: bounds narrow, the last preferred stands, offsets and reserves add.
fn merge(row: &mut Row, proposal: &Proposal) -> std::result::Result<(), String> {
    for (name, value) in [("preferred", proposal.preferred), ("offset", proposal.offset)] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return Err(format!("{name} must be a finite number, not {value}"));
        }
    }
    let (lower, upper) = (proposal.lower.unwrap_or(row.lower), proposal.upper.unwrap_or(row.upper));
    if lower.is_nan() || upper.is_nan() || lower == f64::INFINITY || upper == f64::NEG_INFINITY {
        return Err(format!("bounds {lower}..{upper} are not limits"));
    }
    (row.lower, row.upper) = (row.lower.max(lower), row.upper.min(upper));
    if row.lower > row.upper {
        return Err(format!("lower {} must not be above upper {}", row.lower, row.upper));
    }
    row.preferred = proposal.preferred.or(row.preferred);
    row.offset += proposal.offset.unwrap_or(0.0);
    row.reserve_up += reserve("reserve_up", proposal.reserve_up)?;
    row.reserve_down += reserve("reserve_down", proposal.reserve_down)?;
    if sound(row) { Ok(()) } else { Err("it adds up to no finite number".to_owned()) }
}

fn reserve(name: &str, value: Option<f64>) -> std::result::Result<f64, String> {
    match value {
        Some(value) if !(value >= 0.0 && value.is_finite()) => Err(format!("{name} must be 0 or more, not {value}")),
        value => Ok(value.unwrap_or(0.0)),
    }
}

/// Whether arbitration can take it: everything finite but the bounds' infinities, bounds in order, reserves >= 0.
pub(crate) fn sound(row: &Row) -> bool {
    let bounds = row.lower <= row.upper && row.lower < f64::INFINITY && row.upper > f64::NEG_INFINITY;
    let reserves = row.reserve_up >= 0.0 && row.reserve_down >= 0.0;
    let sums = [row.offset, row.reserve_up, row.reserve_down, row.preferred.unwrap_or(0.0)];
    bounds && reserves && sums.iter().all(|sum| sum.is_finite())
}
