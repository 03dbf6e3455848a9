//! Limits that somebody outside sets while the site runs: a grid operator, a contract, a box beside this one.
//!
//! A value below 0 counts as 0. A value that is no longer valid holds on: a limit is not gone because nobody hears of
//! it any more. With a failsafe, the declared limit takes its place after the time declared, also when no value ever
//! came. Without one, a channel that was written but never valid counts as 0, and one that was never written as none.

use crate::image::Reader;

/// What stands in for a value that is not known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Failsafe {
    /// The limit, W.
    pub limit_w: f64,
    /// Without a valid value for this long, s.
    pub after_s: f64,
}

/// Where an outside limit stands; the number is what its channel shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    None = 0,
    Given = 1,
    Held = 2,
    Failsafe = 3,
}

/// One outside limit.
#[derive(Clone, Debug)]
pub(crate) struct ExternalLimit {
    channel: usize,
    failsafe: Option<(f64, i64)>,
    last_w: Option<f64>,
    /// When the last valid value was measured; before one, when it was first looked at.
    known_ns: Option<i64>,
    pub(crate) standing: Standing,
    /// The limit in force in this cycle, W; infinite: none.
    pub(crate) limit_w: f64,
}

impl ExternalLimit {
    /// `failsafe`: limit in W, and nanoseconds without a valid value.
    pub(crate) fn new(channel: usize, failsafe: Option<(f64, i64)>) -> Self {
        Self { channel, failsafe, last_w: None, known_ns: None, standing: Standing::None, limit_w: f64::INFINITY }
    }

    /// Reads this cycle's sample.
    pub(crate) fn look(&mut self, reader: &Reader<'_>) {
        let (now_ns, value_w) = (reader.time_ns(), reader.value(self.channel));
        if !value_w.is_nan() {
            (self.last_w, self.known_ns) = (Some(value_w.max(0.0)), Some(reader.time_of(self.channel)));
        }
        let silent_ns = now_ns.saturating_sub(*self.known_ns.get_or_insert(now_ns));
        let written = reader.sample(self.channel).is_some();
        (self.standing, self.limit_w) = match (self.last_w, self.failsafe) {
            (Some(last_w), _) if !value_w.is_nan() => (Standing::Given, last_w),
            (_, Some((limit_w, after_ns))) if silent_ns >= after_ns => (Standing::Failsafe, limit_w),
            (Some(last_w), _) => (Standing::Held, last_w),
            (None, Some((limit_w, _))) if written => (Standing::Failsafe, limit_w),
            (None, None) if written => (Standing::Held, 0.0),
            (None, _) => (Standing::None, f64::INFINITY),
        };
    }
}

/// Outside limits of import and export at one connection.
#[derive(Clone, Debug)]
pub(crate) struct External {
    pub(crate) number: usize,
    pub(crate) import: Option<ExternalLimit>,
    pub(crate) export: Option<ExternalLimit>,
}

impl External {
    pub(crate) fn look(&mut self, reader: &Reader<'_>) {
        self.import.iter_mut().chain(&mut self.export).for_each(|limit| limit.look(reader));
    }

    /// Import and export in W; infinite: none.
    pub(crate) fn limits_w(&self) -> (f64, f64) {
        let of = |limit: &Option<ExternalLimit>| limit.as_ref().map_or(f64::INFINITY, |limit| limit.limit_w);
        (of(&self.import), of(&self.export))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;
    use crate::image::{Channel, Image, Latcher, Quality};

    const NONE: f64 = f64::INFINITY;

    /// One row a second: value written (None: nothing) -> limit.
    fn told(failsafe: Option<(f64, i64)>, rows: &[Option<f64>]) -> Vec<(Standing, f64)> {
        let mut channel = Channel::new("site/limit");
        channel.stale_after_s = 2.5;
        let image = Image::new(vec![channel], 2).unwrap();
        let mut latcher = Latcher::claim(&image).unwrap();
        let mut limit = ExternalLimit::new(0, failsafe.map(|(limit_w, after_s)| (limit_w, after_s * SECOND_NS)));
        let mut seen = Vec::new();
        for (second, value) in rows.iter().enumerate() {
            let time_ns = (second as i64 + 1) * SECOND_NS;
            if let Some(value) = value {
                image.publish(0, *value, time_ns, Quality::Good).unwrap();
            }
            latcher.fill(time_ns, true).unwrap();
            limit.look(&latcher.reader().unwrap());
            latcher.show().unwrap();
            seen.push((limit.standing, limit.limit_w));
        }
        seen
    }

    #[test]
    fn a_value_holds_until_another_comes() {
        use Standing::{Given, Held};
        let rows = [None, Some(5e3), None, None, None, Some(f64::NAN), Some(-7.0), Some(9e3)];
        let expected = [
            (Standing::None, NONE),
            (Given, 5e3),
            (Given, 5e3),
            (Given, 5e3),
            (Held, 5e3),
            (Held, 5e3),
            (Given, 0.0),
            (Given, 9e3),
        ];
        assert_eq!(told(None, &rows), expected);
    }

    #[test]
    fn what_was_written_but_never_valid_closes() {
        assert_eq!(told(None, &[Some(f64::NAN)]), [(Standing::Held, 0.0)]);
        assert_eq!(told(Some((4e3, 60)), &[Some(f64::NAN)]), [(Standing::Failsafe, 4e3)]);
    }

    #[test]
    fn a_failsafe_takes_over_after_its_time_and_gives_back_at_once() {
        use Standing::{Failsafe, Given, Held};
        let silent = [None, None, None, Some(8e3)];
        let expected = [(Standing::None, NONE), (Standing::None, NONE), (Failsafe, 4e3), (Given, 8e3)];
        assert_eq!(told(Some((4e3, 2)), &silent), expected);
        let lost = [Some(1e3), Some(f64::NAN), Some(f64::NAN), Some(f64::NAN)];
        let expected = [(Given, 1e3), (Held, 1e3), (Held, 1e3), (Failsafe, 4e3)];
        assert_eq!(told(Some((4e3, 3)), &lost), expected);
    }
}
