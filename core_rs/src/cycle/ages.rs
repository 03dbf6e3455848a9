//! How old the inputs of control are when a cycle latches them.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::SECOND_NS;
use crate::image::Reader;

/// Median and largest age of the watched inputs at the latch; a number only once each was written.
#[derive(Debug)]
pub struct Ages {
    median_s: AtomicU64,
    largest_s: AtomicU64,
}

impl Default for Ages {
    fn default() -> Self {
        let unknown = || AtomicU64::new(f64::NAN.to_bits());
        Self { median_s: unknown(), largest_s: unknown() }
    }
}

impl Ages {
    /// Seconds at the last time they were published; NaN when unknown.
    pub fn median_s(&self) -> f64 {
        f64::from_bits(self.median_s.load(Ordering::Relaxed))
    }

    /// The largest since they were published before; NaN when an input was never written.
    pub fn largest_s(&self) -> f64 {
        f64::from_bits(self.largest_s.load(Ordering::Relaxed))
    }

    pub(crate) fn store(&self, median_s: f64, largest_s: f64) {
        self.median_s.store(median_s.to_bits(), Ordering::Relaxed);
        self.largest_s.store(largest_s.to_bits(), Ordering::Relaxed);
    }
}

/// Handles to look at in each cycle; nothing is allocated after it was made.
#[derive(Debug, Default)]
pub(crate) struct Watched {
    handles: Box<[usize]>,
    ages_s: Vec<f64>,
    largest_s: f64,
}

impl Watched {
    pub(crate) fn new(handles: Vec<usize>) -> Self {
        Self { ages_s: vec![f64::NAN; handles.len()], handles: handles.into_boxed_slice(), largest_s: 0.0 }
    }

    /// Once per cycle, on what was latched. An input that was never written has no age: NaN, and it stays NaN.
    pub(crate) fn look(&mut self, reader: &Reader<'_>) {
        self.ages_s.clear();
        self.ages_s.extend(self.handles.iter().map(|handle| age_s(reader, *handle)));
        self.largest_s = self.ages_s.iter().copied().fold(self.largest_s, larger);
    }

    /// Tells median (of this cycle) and largest (since it was told last), and begins again.
    pub(crate) fn tell(&mut self, ages: &Ages) {
        self.ages_s.sort_unstable_by(f64::total_cmp);
        let median_s = self.ages_s.get(self.ages_s.len() / 2).copied().unwrap_or(f64::NAN);
        let largest_s = if self.ages_s.is_empty() { f64::NAN } else { self.largest_s };
        ages.store(median_s, largest_s);
        self.largest_s = 0.0;
    }
}

// f64::max forgets what is not a number; here it is the answer.
fn larger(one: f64, other: f64) -> f64 {
    if one.is_nan() || other.is_nan() { f64::NAN } else { one.max(other) }
}

fn age_s(reader: &Reader<'_>, handle: usize) -> f64 {
    let time_ns = reader.time_of(handle);
    if time_ns == 0 && reader.last_value(handle).is_nan() {
        return f64::NAN;
    }
    reader.time_ns().saturating_sub(time_ns).max(0) as f64 / SECOND_NS as f64
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::image::{Channel, Image, Latcher, Quality};

    fn seen(image: &Arc<Image>, watched: &mut Watched, time_s: i64) {
        let mut latcher = Latcher::claim(image).unwrap();
        latcher.latch(time_s * SECOND_NS, true).unwrap();
        watched.look(&latcher.reader().unwrap());
    }

    #[test]
    fn median_of_now_and_the_largest_since_it_was_told() {
        let image = Image::new(["a/a", "a/b", "a/c"].map(Channel::new).to_vec(), 4).unwrap();
        let (mut watched, ages) = (Watched::new(vec![0, 1, 2]), Ages::default());
        seen(&image, &mut watched, 1);
        watched.tell(&ages);
        assert!(ages.median_s().is_nan() && ages.largest_s().is_nan(), "nothing was ever read");
        for handle in 0..3 {
            image.publish(handle, 1.0, (2 + handle as i64) * SECOND_NS, Quality::Good).unwrap();
        }
        seen(&image, &mut watched, 10);
        image.publish(0, 1.0, 10 * SECOND_NS, Quality::Bad).unwrap();
        seen(&image, &mut watched, 11);
        watched.tell(&ages);
        assert_eq!((ages.median_s(), ages.largest_s()), (7.0, 8.0), "1, 7 and 8 s now; 8 s in the cycle before");
        seen(&image, &mut watched, 12);
        watched.tell(&ages);
        assert_eq!((ages.median_s(), ages.largest_s()), (8.0, 9.0));
    }

    #[test]
    fn one_input_that_was_never_read_makes_the_largest_age_unknown() {
        let image = Image::new(["a/a", "a/b", "a/c"].map(Channel::new).to_vec(), 4).unwrap();
        let (mut watched, ages) = (Watched::new(vec![0, 1, 2]), Ages::default());
        for handle in [0, 2] {
            image.publish(handle, 1.0, SECOND_NS, Quality::Good).unwrap();
        }
        seen(&image, &mut watched, 3);
        watched.tell(&ages);
        assert_eq!(ages.median_s(), 2.0);
        assert!(ages.largest_s().is_nan());
    }

    #[test]
    fn without_inputs_there_is_no_age() {
        let (mut watched, ages) = (Watched::default(), Ages::default());
        watched.tell(&ages);
        assert!(ages.median_s().is_nan() && ages.largest_s().is_nan());
    }
}
