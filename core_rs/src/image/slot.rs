//! The `next` value of one channel: written lock-free by any thread of any process, never torn.

use crate::image::sample::{Cell, Sample};
use crate::sync::{AtomicU64, Ordering, fence, spin_loop, yield_now};

const PATIENCE: u32 = if cfg!(loom) { 2 } else { 64 };

/// A sequence lock over one cell. The sequence is odd while somebody writes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot<'a> {
    pub(crate) sequence: &'a AtomicU64,
    pub(crate) cell: &'a Cell,
}

impl Slot<'_> {
    /// Writes, waiting for another writer when needed. An older sample than the one held is left out.
    pub(crate) fn write(self, sample: Sample) {
        let mut tries = 0_u32;
        while !self.try_write(sample) {
            tries = tries.saturating_add(1);
            if tries.is_multiple_of(PATIENCE) {
                yield_now();
            }
            spin_loop();
        }
    }

    /// Writes with bounded patience, for the cycle: false when another writer kept the slot.
    pub(crate) fn write_bounded(self, sample: Sample) -> bool {
        (0..PATIENCE).any(|_| {
            let done = self.try_write(sample);
            if !done {
                spin_loop();
            }
            done
        })
    }

    fn try_write(self, sample: Sample) -> bool {
        let before = self.sequence.load(Ordering::Relaxed);
        if before & 1 == 1 || !self.claim(before) {
            return false;
        }
        let newer = self.cell.load().is_none_or(|held| sample.time_ns >= held.time_ns);
        if newer {
            self.cell.store(sample);
        }
        self.sequence.store(before.wrapping_add(2), Ordering::Release);
        true
    }

    fn claim(self, before: u64) -> bool {
        let odd = before.wrapping_add(1);
        let claimed = self.sequence.compare_exchange(before, odd, Ordering::Acquire, Ordering::Relaxed).is_ok();
        fence(Ordering::Release);
        claimed
    }

    /// The sample, with bounded patience.
    pub(crate) fn read(self) -> Read {
        for _ in 0..PATIENCE {
            let before = self.sequence.load(Ordering::Acquire);
            let sample = self.cell.load();
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.sequence.load(Ordering::Relaxed) == before {
                return sample.map_or(Read::Never, Read::Sample);
            }
            spin_loop();
        }
        Read::Busy
    }

    /// Ends a write whose writer died in it; true when there was one. The sample held may be torn.
    pub(crate) fn mend(self) -> bool {
        let before = self.sequence.load(Ordering::Acquire);
        before & 1 == 1
            && self
                .sequence
                .compare_exchange(before, before.wrapping_add(1), Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
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
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;
    use crate::image::Quality;

    fn sample(n: i64) -> Sample {
        Sample { value: n as f64, time_ns: n, quality: Quality::from_code((n % 4) as u8) }
    }

    #[test]
    fn an_older_sample_is_left_out() {
        let (sequence, cell) = (AtomicU64::new(0), Cell::new());
        let slot = Slot { sequence: &sequence, cell: &cell };
        assert!(matches!(slot.read(), Read::Never));
        slot.write(sample(8));
        slot.write(sample(3));
        let Read::Sample(read) = slot.read() else { panic!("nothing read") };
        assert_eq!(read.time_ns, 8);
    }

    #[test]
    fn a_writer_that_died_keeps_nobody_for_ever() {
        let (sequence, cell) = (AtomicU64::new(0), Cell::new());
        let slot = Slot { sequence: &sequence, cell: &cell };
        slot.write(sample(8));
        assert!(!slot.mend(), "nothing to mend");
        assert!(slot.claim(sequence.load(Ordering::Relaxed)));
        assert!(!slot.write_bounded(sample(9)) && matches!(slot.read(), Read::Busy));
        assert!(slot.mend());
        slot.write(sample(9));
        assert!(matches!(slot.read(), Read::Sample(read) if read.time_ns == 9));
    }

    #[test]
    fn value_time_and_quality_are_never_torn() {
        let (sequence, cell, done) = (AtomicU64::new(0), Cell::new(), AtomicBool::new(false));
        let slot = Slot { sequence: &sequence, cell: &cell };
        thread::scope(|scope| {
            let writers: Vec<_> = (0..2_i64)
                .map(|offset| scope.spawn(move || (0..100_000_i64).for_each(|n| slot.write(sample(2 * n + offset)))))
                .collect();
            scope.spawn(|| {
                let mut last = i64::MIN;
                while !done.load(Ordering::Relaxed) {
                    if let Read::Sample(read) = slot.read() {
                        assert_eq!(read.value, read.time_ns as f64);
                        assert_eq!(read.quality as i64, read.time_ns % 4);
                        assert!(read.time_ns >= last);
                        last = read.time_ns;
                    }
                }
            });
            writers.into_iter().for_each(|writer| writer.join().unwrap());
            done.store(true, Ordering::Relaxed);
        });
    }
}
