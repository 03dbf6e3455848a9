//! Several channels at one instant.

use crate::error::{Error, Result, finite};
use crate::image::{Image, Reader};

/// Weighted sum of channels, each at the same instant (interpolated in its history, as [`Reader::value_at`]): grid +
/// battery at the meter's own time, instead of two readings of different age. When one of them is not valid at that
/// instant, the last sum holds and `valid()` is false. Unit: the channels' (they must share one).
#[derive(Clone, Debug)]
pub struct ChannelSum {
    terms: Box<[(usize, f64)]>,
    value: f64,
    valid: bool,
}

impl ChannelSum {
    /// Addresses of the image with their weights (1: add, -1: subtract), at least one.
    pub fn new(image: &Image, terms: &[(String, f64)]) -> Result<Self> {
        if terms.is_empty() {
            return Err(Error::invalid("a sum needs at least one channel"));
        }
        let term = |(address, weight): &(String, f64)| {
            Ok((image.handle(address)?, finite(&format!("weight of {address}"), *weight)?))
        };
        let resolved: Box<[(usize, f64)]> = terms.iter().map(term).collect::<Result<_>>()?;
        let channels = || resolved.iter().filter_map(|&(handle, _)| image.channels().get(handle));
        for (first, other) in channels().zip(channels().skip(1)) {
            if first.unit != other.unit {
                let (first, other) = (&first.address, &other.address);
                return Err(Error::invalid(format!("{first} and {other} have different units: they cannot be added")));
            }
        }
        Ok(Self { terms: resolved, value: 0.0, valid: false })
    }

    /// The last sum; 0 before the first.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Whether all channels were valid at the last instant.
    pub fn valid(&self) -> bool {
        self.valid
    }

    /// The sum at an instant, of a snapshot of the image it was made for.
    pub fn step(&mut self, reader: &Reader<'_>, time_ns: i64) -> f64 {
        let sum: f64 = self.terms.iter().map(|&(handle, weight)| weight * reader.value_at(handle, time_ns)).sum();
        self.valid = sum.is_finite();
        if self.valid {
            self.value = sum;
        }
        self.value
    }

    /// As new.
    pub fn reset(&mut self) {
        (self.value, self.valid) = (0.0, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;
    use crate::image::{Channel, Latcher, Quality};

    fn terms(addresses: &[(&str, f64)]) -> Vec<(String, f64)> {
        addresses.iter().map(|&(address, weight)| (address.to_owned(), weight)).collect()
    }

    #[test]
    fn each_channel_at_the_same_instant() {
        let image = Image::new(["grid0/p", "ess0/p", "evcs0/p"].map(Channel::new).to_vec(), 8).unwrap();
        let mut latcher = Latcher::claim(&image).unwrap();
        let mut sum = ChannelSum::new(&image, &terms(&[("grid0/p", 1.0), ("ess0/p", 1.0), ("evcs0/p", -1.0)])).unwrap();
        for second in 1..=2_i64 {
            image.publish(1, 10e3 * second as f64, second * SECOND_NS, Quality::Good).unwrap();
            image.publish(2, 1e3, second * SECOND_NS, Quality::Good).unwrap();
            latcher.latch(second * SECOND_NS, true).unwrap();
        }
        let meter_ns = 3 * SECOND_NS / 2;
        assert_eq!((sum.step(&latcher.reader().unwrap(), meter_ns), sum.valid()), (0.0, false), "no meter yet");
        image.publish(0, 50e3, meter_ns, Quality::Good).unwrap();
        latcher.latch(2 * SECOND_NS + 1, true).unwrap();
        assert_eq!(sum.step(&latcher.reader().unwrap(), meter_ns), 64e3, "50 + 15 (halfway) - 1");
        assert!(sum.valid());
        image.publish(1, f64::NAN, 3 * SECOND_NS, Quality::Good).unwrap();
        latcher.latch(3 * SECOND_NS, true).unwrap();
        assert_eq!((sum.step(&latcher.reader().unwrap(), 3 * SECOND_NS), sum.valid()), (64e3, false));
        sum.reset();
        assert_eq!(sum.value(), 0.0);
    }

    #[test]
    fn what_cannot_be_added_is_refused() {
        let mut channels = ["a/p", "a/q"].map(Channel::new).to_vec();
        channels[1].unit = "var".to_owned();
        let image = Image::new(channels, 8).unwrap();
        let text = |list: &[(&str, f64)]| ChannelSum::new(&image, &terms(list)).unwrap_err().to_string();
        assert!(text(&[]).contains("at least one channel"));
        assert!(text(&[("a/x", 1.0)]).contains("no channel has the address"));
        assert!(text(&[("a/p", 1.0), ("a/x", 1.0)]).contains("no channel has the address"));
        assert!(text(&[("a/p", f64::NAN)]).contains("weight of a/p must be"));
        assert!(text(&[("a/p", 1.0), ("a/q", 1.0)]).contains("different units"));
    }
}
