//! The recorder: chosen channels at a fixed interval into a preallocated ring, inside the cycle.
//!
//! The cycle writes and never waits; one consumer drains. A slow consumer loses the oldest rows, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::clock::seconds_to_ns;
use crate::error::{Error, Result};
use crate::image::{Image, Reader};

/// Rows taken out of a recorder; row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rows {
    /// Channels per row.
    pub columns: usize,
    /// Time of each row: its snapshot's.
    pub times_ns: Vec<i64>,
    /// Values, `columns` per row.
    pub values: Vec<f64>,
    /// Qualities, `columns` per row.
    pub qualities: Vec<u8>,
}

/// Samples chosen channels.
#[derive(Debug)]
pub struct Recorder {
    image: Arc<Image>,
    handles: Box<[usize]>,
    interval_ns: i64,
    capacity: u64,
    last_slot: AtomicI64,
    written: AtomicU64,
    times_ns: Box<[AtomicI64]>,
    values: Box<[AtomicU64]>,
    qualities: Box<[AtomicU8]>,
    consumer: Mutex<Consumer>,
}

#[derive(Debug, Default)]
struct Consumer {
    next: u64,
    lost: u64,
}

const NO_SLOT: i64 = i64::MIN;

impl Recorder {
    /// `handles` must be the image's; `capacity`: rows kept for a slow consumer.
    pub fn new(image: Arc<Image>, handles: Vec<usize>, interval_s: f64, capacity: usize) -> Result<Arc<Self>> {
        if !(interval_s.is_finite() && (1e-3..=86_400.0).contains(&interval_s)) {
            return Err(Error::invalid(format!("interval_s must be 0.001 to 86400, not {interval_s}")));
        }
        if !(1..=1_000_000).contains(&capacity) {
            return Err(Error::invalid(format!("capacity must be 1 to 1000000 rows, not {capacity}")));
        }
        // One place more than promised, for the row being overwritten.
        let places = capacity + 1;
        let cells = places.saturating_mul(handles.len());
        Ok(Arc::new(Self {
            image,
            handles: handles.into_boxed_slice(),
            interval_ns: seconds_to_ns(interval_s),
            capacity: places as u64,
            last_slot: AtomicI64::new(NO_SLOT),
            written: AtomicU64::new(0),
            times_ns: (0..places).map(|_| AtomicI64::new(0)).collect(),
            values: (0..cells).map(|_| AtomicU64::new(0)).collect(),
            qualities: (0..cells).map(|_| AtomicU8::new(0)).collect(),
            consumer: Mutex::new(Consumer::default()),
        }))
    }

    /// The image it samples.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Its columns.
    pub fn handles(&self) -> &[usize] {
        &self.handles
    }

    /// Takes a row when this is the first snapshot at or after a multiple of the interval. Cycle only.
    pub fn sample(&self, reader: &Reader<'_>) {
        let slot = reader.time_ns().div_euclid(self.interval_ns);
        if slot > self.last_slot.load(Ordering::Relaxed) {
            self.last_slot.store(slot, Ordering::Relaxed);
            self.write(reader);
        }
    }

    fn write(&self, reader: &Reader<'_>) {
        let row = self.written.load(Ordering::Relaxed);
        let place = self.place(row);
        fence(Ordering::Release);
        if let Some(time_ns) = self.times_ns.get(place) {
            time_ns.store(reader.time_ns(), Ordering::Relaxed);
        }
        let first = place * self.handles.len();
        let cells = self.values.iter().zip(&self.qualities).skip(first);
        for (&handle, (value, quality)) in self.handles.iter().zip(cells) {
            value.store(reader.last_value(handle).to_bits(), Ordering::Relaxed);
            quality.store(reader.quality(handle) as u8, Ordering::Relaxed);
        }
        self.written.store(row.wrapping_add(1), Ordering::Release);
    }

    fn place(&self, row: u64) -> usize {
        (row % self.capacity) as usize
    }

    fn consumer(&self) -> MutexGuard<'_, Consumer> {
        self.consumer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows that were overwritten before anybody drained them.
    pub fn lost(&self) -> u64 {
        let consumer = self.consumer();
        let oldest = self.oldest();
        consumer.lost + oldest.saturating_sub(consumer.next)
    }

    // One place is left out: the cycle may be writing it.
    fn oldest(&self) -> u64 {
        self.written.load(Ordering::Acquire).saturating_sub(self.capacity - 1)
    }

    /// Takes out the oldest rows, at most `max_rows`.
    pub fn drain(&self, max_rows: usize) -> Rows {
        let mut consumer = self.consumer();
        let mut rows = Rows { columns: self.handles.len(), ..Rows::default() };
        while rows.times_ns.len() < max_rows {
            self.skip_lost(&mut consumer);
            if consumer.next >= self.written.load(Ordering::Acquire) {
                break;
            }
            if self.read(consumer.next, &mut rows) {
                consumer.next += 1;
            }
        }
        rows
    }

    fn skip_lost(&self, consumer: &mut Consumer) {
        let oldest = self.oldest();
        if consumer.next < oldest {
            consumer.lost += oldest - consumer.next;
            consumer.next = oldest;
        }
    }

    // False when the row was overwritten while it was read.
    fn read(&self, row: u64, rows: &mut Rows) -> bool {
        let (place, cells) = (self.place(row), rows.values.len());
        let first = place * rows.columns;
        let time_ns = self.times_ns.get(place).map_or(0, |time_ns| time_ns.load(Ordering::Relaxed));
        let values = self.values.iter().skip(first).take(rows.columns);
        rows.values.extend(values.map(|value| f64::from_bits(value.load(Ordering::Relaxed))));
        let qualities = self.qualities.iter().skip(first).take(rows.columns);
        rows.qualities.extend(qualities.map(|quality| quality.load(Ordering::Relaxed)));
        fence(Ordering::Acquire);
        if row < self.oldest() {
            rows.values.truncate(cells);
            rows.qualities.truncate(cells);
            return false;
        }
        rows.times_ns.push(time_ns);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND_NS;
    use crate::image::{Channel, Latcher, Quality};

    fn rig(capacity: usize) -> (Arc<Recorder>, Latcher) {
        let image = Image::new(vec![Channel::new("a/b"), Channel::new("a/c")], 4).unwrap();
        let latcher = Latcher::claim(&image).unwrap();
        (Recorder::new(image, vec![1, 0], 1.0, capacity).unwrap(), latcher)
    }

    fn at(latcher: &mut Latcher, recorder: &Recorder, time_ns: i64) {
        latcher.image().publish(1, time_ns as f64, time_ns, Quality::Good).unwrap();
        latcher.latch(time_ns, false).unwrap();
        recorder.sample(&latcher.reader().unwrap());
    }

    #[test]
    fn takes_the_first_cycle_at_or_after_each_multiple() {
        let (recorder, mut latcher) = rig(16);
        let tenths = [3, 9, 10, 11, 19, 21, 22, 55, 60];
        tenths.iter().for_each(|tenth| at(&mut latcher, &recorder, tenth * SECOND_NS / 10));
        let rows = recorder.drain(100);
        let taken: Vec<i64> = rows.times_ns.iter().map(|time_ns| time_ns * 10 / SECOND_NS).collect();
        assert_eq!(taken, [3, 10, 21, 55, 60]);
        assert_eq!(rows.values.len(), 10);
        assert_eq!(rows.values[0], rows.times_ns[0] as f64);
        assert!(rows.values[1].is_nan());
        assert_eq!(&rows.qualities[..2], &[0, 1]);
        assert_eq!(recorder.drain(100).times_ns.len(), 0);
    }

    #[test]
    fn a_slow_consumer_loses_the_oldest_counted() {
        let (recorder, mut latcher) = rig(4);
        (0..10).for_each(|second| at(&mut latcher, &recorder, second * SECOND_NS));
        assert_eq!(recorder.lost(), 6);
        let rows = recorder.drain(3);
        assert_eq!(rows.times_ns, [6 * SECOND_NS, 7 * SECOND_NS, 8 * SECOND_NS]);
        assert_eq!((recorder.lost(), recorder.drain(9).times_ns.len()), (6, 1));
    }
}
