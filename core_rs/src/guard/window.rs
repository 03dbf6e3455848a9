//! A battery's direction is open only while what limits it lies inside its window: cell temperature, cell voltage.
//!
//! Each end belongs to a direction and reads the channel that is nearest to it (the coldest cell for the low end, the
//! hottest for the high one). At an end, beyond it, and while the channel is not valid, the direction is closed.

use crate::image::Reader;

/// One end of a window as configured: at `limit` and beyond it the direction is closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Edge {
    /// Address of what is looked at.
    pub channel: String,
    /// In the channel's unit.
    pub limit: f64,
    /// The end is the high one.
    pub high: bool,
    /// It closes charging.
    pub charge: bool,
    /// It closes discharging.
    pub discharge: bool,
}

/// One end with its handle.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) channel: usize,
    pub(crate) limit: f64,
    pub(crate) high: bool,
    pub(crate) charge: bool,
    pub(crate) discharge: bool,
}

impl End {
    /// What it leaves.
    pub(crate) fn range(self, reader: &Reader<'_>) -> (f64, f64) {
        let open = self.is_open(reader.value(self.channel));
        let charge = if open || !self.charge { f64::NEG_INFINITY } else { 0.0 };
        let discharge = if open || !self.discharge { f64::INFINITY } else { 0.0 };
        (charge, discharge)
    }

    // A value that is not known is beyond any limit.
    fn is_open(self, value: f64) -> bool {
        if self.high { value < self.limit } else { value > self.limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_itself_and_what_is_not_known_close() {
        let cold = End { channel: 0, limit: 0.0, high: false, charge: true, discharge: false };
        let hot = End { high: true, limit: 55.0, discharge: true, ..cold };
        for (end, value, open) in [
            (cold, 0.0, false),
            (cold, -0.0, false),
            (cold, 0.1, true),
            (cold, f64::NAN, false),
            (hot, 54.9, true),
            (hot, 55.0, false),
            (hot, f64::NAN, false),
        ] {
            assert_eq!(end.is_open(value), open, "{end:?} {value}");
        }
    }
}
