//! One row of the tag table.

use std::collections::BTreeMap;

use crate::clock::seconds_to_ns;
use crate::error::{Error, Result};
use crate::image::Quality;

/// What a channel's number means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A measured quantity.
    Float,
    /// A whole number.
    Int,
    /// 0 or 1.
    Bool,
    /// A code with labels.
    Enum,
}

impl Kind {
    /// Its name in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Int => "int",
            Self::Bool => "bool",
            Self::Enum => "enum",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Float, Self::Int, Self::Bool, Self::Enum].into_iter().find(|kind| kind.name() == name)
    }

    fn admits(self, value: f64) -> bool {
        match self {
            Self::Float => true,
            Self::Int | Self::Enum => value.fract() == 0.0,
            Self::Bool => value == 0.0 || value == 1.0,
        }
    }
}

/// How a raw number becomes a value in the channel's unit: raw x factor + offset.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    /// Unit of the value per count of the raw number; never 0.
    pub factor: f64,
    /// Value of the raw number 0.
    pub offset: f64,
}

impl Scaling {
    /// What is published is the value.
    pub const NONE: Self = Self { factor: 1.0, offset: 0.0 };

    /// The value of a raw number. Without scaling it is the very same number, bit for bit.
    pub fn value(self, raw: f64) -> f64 {
        if self == Self::NONE { raw } else { raw * self.factor + self.offset }
    }
}

/// A point of a component; `address` is `component/channel`.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// `component/channel`, e.g. `ess0/active_power_w`.
    pub address: String,
    /// Unit of the value, empty when it has none.
    pub unit: String,
    /// What the number means.
    pub kind: Kind,
    /// Whether a person or controller may set it.
    pub writable: bool,
    /// Of the raw numbers that are published; limits and resolution are of the value.
    pub scaling: Scaling,
    /// Recorded as multiples of this; 0 keeps the full double.
    pub resolution: f64,
    /// Values below are bad.
    pub minimum: f64,
    /// Values above are bad.
    pub maximum: f64,
    /// Seconds after which a value is stale; infinite: never.
    pub stale_after_s: f64,
    /// Texts of an enumeration's codes.
    pub labels: BTreeMap<i64, String>,
}

impl Channel {
    /// A readable floating-point channel without limits, stale after 5 s.
    pub fn new(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            unit: String::new(),
            kind: Kind::Float,
            writable: false,
            scaling: Scaling::NONE,
            resolution: 0.0,
            minimum: f64::NEG_INFINITY,
            maximum: f64::INFINITY,
            stale_after_s: 5.0,
            labels: BTreeMap::new(),
        }
    }

    /// Sets kind and access by their names in the contract.
    pub fn with_kind(mut self, kind: &str, access: &str) -> Result<Self> {
        self.kind = Kind::from_name(kind)
            .ok_or_else(|| self.refusal(&format!("kind must be float, int, bool or enum, not {kind:?}")))?;
        self.writable = match access {
            "read" => false,
            "write" => true,
            _ => return Err(self.refusal(&format!("access must be read or write, not {access:?}"))),
        };
        Ok(self)
    }

    /// Refuses what makes no sense, naming the field.
    pub fn validate(&self) -> Result<()> {
        let (component, name) = self.address.split_once('/').unwrap_or_default();
        if component.is_empty() || name.is_empty() || self.address.chars().any(|c| c.is_whitespace() || c.is_control())
        {
            return Err(self.refusal("an address is component/channel, without blanks"));
        }
        self.validate_scaling()?;
        if !(self.resolution.is_finite() && self.resolution >= 0.0) {
            return Err(self.refusal(&format!("resolution must be 0 or more, not {}", self.resolution)));
        }
        if self.minimum.is_nan() || self.maximum.is_nan() || self.minimum > self.maximum {
            return Err(self.refusal(&format!("minimum {} must not be above maximum {}", self.minimum, self.maximum)));
        }
        if self.stale_after_s.is_nan() || self.stale_after_s <= 0.0 {
            return Err(self.refusal(&format!("stale_after_s must be above 0, not {}", self.stale_after_s)));
        }
        Ok(())
    }

    fn validate_scaling(&self) -> Result<()> {
        let Scaling { factor, offset } = self.scaling;
        if !factor.is_finite() || factor == 0.0 {
            return Err(self.refusal(&format!("scale must be a number other than 0, not {factor}")));
        }
        if !offset.is_finite() {
            return Err(self.refusal(&format!("offset must be a number, not {offset}")));
        }
        if self.scaling != Scaling::NONE && self.kind != Kind::Float {
            return Err(self.refusal(&format!("only a float is scaled, not {}", self.kind.name())));
        }
        Ok(())
    }

    fn refusal(&self, text: &str) -> Error {
        Error::invalid(format!("channel {:?}: {text}", self.address))
    }

    pub(crate) fn stale_after_ns(&self) -> i64 {
        seconds_to_ns(self.stale_after_s)
    }

    /// What a published value is worth at once: bad when not a number, outside its limits or its kind.
    pub(crate) fn judge(&self, value: f64, published: Quality) -> Quality {
        let usable = value.is_finite() && value >= self.minimum && value <= self.maximum && self.kind.admits(value);
        if usable { published } else { Quality::Bad }
    }
}
