//! The `next` value of one channel: written lock-free by any thread, never torn.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering, fence};

use crate::image::{Quality, Sample};

const PATIENCE: u32 = 64;

/// A sequence lock over one sample. The sequence is odd while somebody writes, 0 when nobody ever did.
#[derive(Debug)]
pub(crate) struct Slot {
    sequence: AtomicU64,
    value: AtomicU64,
    time_ns: AtomicI64,
    quality: AtomicU8,
}

impl Slot {
    pub(crate) fn empty() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            value: AtomicU64::new(f64::NAN.to_bits()),
            time_ns: AtomicI64::new(i64::MIN),
            quality: AtomicU8::new(Quality::Stale as u8),
        }
    }

    /// Writes, waiting for another writer when needed. An older sample than the one held is left out.
    pub(crate) fn write(&self, sample: Sample) {
        let mut tries = 0_u32;
        while !self.try_write(sample) {
            tries = tries.saturating_add(1);
            if tries.is_multiple_of(PATIENCE) {
                std::thread::yield_now();
            }
            spin_loop();
        }
    }

    /// Writes with bounded patience, for the cycle: false when another writer kept the slot.
    pub(crate) fn write_bounded(&self, sample: Sample) -> bool {
        (0..PATIENCE).any(|_| {
            let done = self.try_write(sample);
            if !done {
                spin_loop();
            }
            done
        })
    }

    fn try_write(&self, sample: Sample) -> bool {
        let before = self.sequence.load(Ordering::Relaxed);
        if before & 1 == 1 || !self.claim(before) {
            return false;
        }
        if sample.time_ns < self.time_ns.load(Ordering::Relaxed) {
            self.sequence.store(before, Ordering::Release);
            return true;
        }
        self.value.store(sample.value.to_bits(), Ordering::Relaxed);
        self.time_ns.store(sample.time_ns, Ordering::Relaxed);
        self.quality.store(sample.quality as u8, Ordering::Relaxed);
        self.sequence.store(before.wrapping_add(2), Ordering::Release);
        true
    }

    fn claim(&self, before: u64) -> bool {
        let odd = before.wrapping_add(1);
        let claimed = self.sequence.compare_exchange(before, odd, Ordering::Acquire, Ordering::Relaxed).is_ok();
        fence(Ordering::Release);
        claimed
    }

    /// The sample, with bounded patience: None when never written, or when a writer kept it busy.
    pub(crate) fn read(&self) -> Read {
        for _ in 0..PATIENCE {
            let before = self.sequence.load(Ordering::Acquire);
            if before == 0 {
                return Read::Never;
            }
            let sample = self.load();
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.sequence.load(Ordering::Relaxed) == before {
                return Read::Sample(sample);
            }
            spin_loop();
        }
        Read::Busy
    }

    fn load(&self) -> Sample {
        Sample {
            value: f64::from_bits(self.value.load(Ordering::Relaxed)),
            time_ns: self.time_ns.load(Ordering::Relaxed),
            quality: Quality::from_code(self.quality.load(Ordering::Relaxed)),
        }
    }
}

/// What reading a slot gave.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    Never,
    /// A writer was at it all the time; what was latched before stays.
    Busy,
    Sample(Sample),
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    fn sample(n: i64) -> Sample {
        Sample { value: n as f64, time_ns: n, quality: Quality::from_code((n % 4) as u8) }
    }

    #[test]
    fn an_older_sample_is_left_out() {
        let slot = Slot::empty();
        assert!(matches!(slot.read(), Read::Never));
        slot.write(sample(8));
        slot.write(sample(3));
        let Read::Sample(read) = slot.read() else { panic!("nothing read") };
        assert_eq!(read.time_ns, 8);
    }

    #[test]
    fn value_time_and_quality_are_never_torn() {
        let slot = Arc::new(Slot::empty());
        let done = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..2_i64)
            .map(|offset| {
                let slot = Arc::clone(&slot);
                thread::spawn(move || (0..100_000_i64).for_each(|n| slot.write(sample(2 * n + offset))))
            })
            .collect();
        let reader = {
            let (slot, done) = (Arc::clone(&slot), Arc::clone(&done));
            thread::spawn(move || {
                let mut last = i64::MIN;
                while !done.load(Ordering::Relaxed) {
                    if let Read::Sample(read) = slot.read() {
                        assert_eq!(read.value, read.time_ns as f64);
                        assert_eq!(read.quality as i64, read.time_ns % 4);
                        assert!(read.time_ns >= last);
                        last = read.time_ns;
                    }
                }
            })
        };
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    }
}
