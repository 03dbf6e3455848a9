//! Does a fault's cause hold? From good data only; what cannot be known is told apart.

use crate::error::{Error, Result, finite};
use crate::image::{Image, Quality, Reader};

/// How a value is compared with a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// value < limit
    Below,
    /// value <= limit
    AtOrBelow,
    /// value > limit
    Above,
    /// value >= limit
    AtOrAbove,
    /// value = limit
    Equal,
    /// value differs from the limit by more than 1 % of it
    Differs,
}

impl Relation {
    const ALL: [(&'static str, Self); 6] = [
        ("below", Self::Below),
        ("at_or_below", Self::AtOrBelow),
        ("above", Self::Above),
        ("at_or_above", Self::AtOrAbove),
        ("equal", Self::Equal),
        ("differs", Self::Differs),
    ];

    /// The relation of this name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find_map(|(known, relation)| (known == name).then_some(relation)).ok_or_else(|| {
            Error::invalid(format!("{name:?} is no relation; use one of {}", Self::ALL.map(|r| r.0).join(", ")))
        })
    }

    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtOrBelow => value <= limit,
            Self::Above => value > limit,
            Self::AtOrAbove => value >= limit,
            Self::Equal => value == limit,
            Self::Differs => (value - limit).abs() > 0.01 * limit.abs(),
        }
    }
}

/// A cause as configured, by addresses.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// A valid value stands in a relation to a limit.
    Compare {
        /// What is compared.
        channel: String,
        /// How.
        relation: Relation,
        /// With what, in the channel's unit.
        limit: f64,
    },
    /// The device gives a value that cannot be: not a number, or outside the channel's minimum..maximum.
    Implausible {
        /// The value's channel.
        channel: String,
    },
    /// A bool that was once given is false, bad or stale (a connection).
    Lost {
        /// The bool's channel.
        channel: String,
    },
    /// A bool is anything but a valid false (an emergency stop: a broken wire counts as pressed).
    Tripped {
        /// The bool's channel.
        channel: String,
    },
    /// Two valid values are further apart than `at_least`, and than `share` of what `scale` shows (when given).
    Deviation {
        /// What is.
        channel: String,
        /// What should be.
        reference: String,
        /// In the channels' unit.
        at_least: f64,
        /// Of the scale, 0.1 = 10 %.
        share: f64,
        /// The scale's channel.
        scale: Option<String>,
    },
    /// Raised from outside; nothing to look at.
    Told,
}

/// What a look at the data says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Holds,
    Gone,
    /// The data are missing: neither can be said.
    Unknown,
}

impl Verdict {
    fn of(known: bool, holds: bool) -> Self {
        match (known, holds) {
            (false, _) => Self::Unknown,
            (true, true) => Self::Holds,
            (true, false) => Self::Gone,
        }
    }
}

/// A cause with the handles of what it reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Check {
    Compare { channel: usize, relation: Relation, limit: f64 },
    Implausible { channel: usize },
    Lost { channel: usize },
    Tripped { channel: usize },
    Deviation { channel: usize, reference: usize, at_least: f64, share: f64, scale: Option<usize> },
    Told,
}

impl Cause {
    /// Refuses numbers that make no sense.
    pub fn validate(&self) -> Result<()> {
        match self {
            Self::Compare { limit, .. } => finite("limit", *limit).map(|_| ()),
            Self::Deviation { at_least, share, .. } => {
                if finite("at_least", *at_least)? < 0.0 || finite("share", *share)? < 0.0 {
                    return Err(Error::invalid("at_least and share must be 0 or more"));
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn resolve(&self, image: &Image) -> Result<Check> {
        Ok(match self {
            Self::Compare { channel, relation, limit } => {
                Check::Compare { channel: image.handle(channel)?, relation: *relation, limit: *limit }
            }
            Self::Implausible { channel } => Check::Implausible { channel: image.handle(channel)? },
            Self::Lost { channel } => Check::Lost { channel: image.handle(channel)? },
            Self::Tripped { channel } => Check::Tripped { channel: image.handle(channel)? },
            Self::Deviation { channel, reference, at_least, share, scale } => Check::Deviation {
                channel: image.handle(channel)?,
                reference: image.handle(reference)?,
                at_least: *at_least,
                share: *share,
                scale: scale.as_deref().map(|address| image.handle(address)).transpose()?,
            },
            Self::Told => Check::Told,
        })
    }
}

impl Check {
    pub(crate) fn verdict(&self, reader: &Reader<'_>) -> Verdict {
        match *self {
            Self::Compare { channel, relation, limit } => {
                let value = reader.value(channel);
                Verdict::of(!value.is_nan(), relation.holds(value, limit))
            }
            Self::Implausible { channel } => {
                let quality = reader.quality(channel);
                Verdict::of(quality != Quality::Stale, quality == Quality::Bad)
            }
            Self::Lost { channel } => {
                // A simulated clock begins at 0, the time of what was never given: there the quality tells.
                let bad = reader.quality(channel) == Quality::Bad;
                let given = bad || !reader.last_value(channel).is_nan() || reader.time_of(channel) != 0;
                Verdict::of(given, !truth(reader.value(channel)))
            }
            Self::Tripped { channel } => Verdict::of(true, reader.value(channel) != 0.0),
            Self::Deviation { channel, reference, at_least, share, scale } => {
                let apart = (reader.value(channel) - reader.value(reference)).abs();
                let allowed = scale.map_or(0.0, |scale| share * reader.value(scale).abs());
                let known = !apart.is_nan() && !allowed.is_nan();
                Verdict::of(known, apart > allowed.max(at_least))
            }
            Self::Told => Verdict::Gone,
        }
    }
}

fn truth(value: f64) -> bool {
    !value.is_nan() && value != 0.0
}
