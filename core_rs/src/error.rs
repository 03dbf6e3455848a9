//! The one error of the core.

use std::fmt;

/// Every refusal of the core.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// No channel has this address.
    UnknownAddress(String),
    /// A number that names nothing (handle, source, actuator).
    OutOfRange {
        /// What was numbered.
        what: &'static str,
        /// The number given.
        given: i64,
        /// How many there are.
        count: usize,
    },
    /// A value outside its domain.
    Invalid(String),
    /// Calls in the wrong order, or by the wrong owner.
    Order(&'static str),
}

impl Error {
    /// A value outside its domain, said in words.
    pub fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAddress(address) => write!(f, "no channel has the address {address:?}"),
            Self::OutOfRange { what, given, count } => {
                write!(f, "{what} {given} is outside 0..{count} (there are {count})")
            }
            Self::Invalid(text) => f.write_str(text),
            Self::Order(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}

/// Result of the core.
pub type Result<T> = std::result::Result<T, Error>;

/// Checks an index that came from outside.
pub fn checked_index(what: &'static str, given: i64, count: usize) -> Result<usize> {
    usize::try_from(given).ok().filter(|&index| index < count).ok_or(Error::OutOfRange { what, given, count })
}

/// A finite number, or an error that names it.
pub fn finite(name: &str, value: f64) -> Result<f64> {
    if value.is_finite() {
        Ok(value)
    } else {
        Err(Error::invalid(format!("{name} must be a finite number, not {value}")))
    }
}
