//! All `next` values. A slot a channel, and a counter a group of channels, by which the latch sees whether a whole
//! group stood still while it was copied; only groups that did not are read slot by slot.

use std::sync::Arc;

use crate::error::Result;
use crate::image::sample::{Cell, Sample, copy};
use crate::image::slot::{Read, Slot};
use crate::memory::{Plain, Plan, Region, Span, View};
use crate::sync::{AtomicU64, Ordering, fence};

/// Channels per group.
pub(crate) const GROUP: usize = 256;

/// Writes begun and ended in a group, on a cache line of its own.
#[derive(Debug)]
#[repr(C, align(64))]
struct Gate {
    begun: AtomicU64,
    done: AtomicU64,
}

// SAFETY: atomics, and padding that nobody reads.
unsafe impl Plain for Gate {}

/// Where the parts lie.
pub(crate) struct InputPlan {
    sequences: Span<AtomicU64>,
    cells: Span<Cell>,
    gates: Span<Gate>,
}

impl InputPlan {
    pub(crate) fn new(plan: &mut Plan, channels: usize) -> Self {
        Self { sequences: plan.take(channels), cells: plan.take(channels), gates: plan.take(channels.div_ceil(GROUP)) }
    }
}

#[derive(Debug)]
pub(crate) struct Inputs {
    region: Arc<Region>,
    sequences: View<AtomicU64>,
    cells: View<Cell>,
    gates: View<Gate>,
}

impl Inputs {
    pub(crate) fn new(region: Arc<Region>, plan: &InputPlan) -> Result<Self> {
        Ok(Self {
            sequences: plan.sequences.view(&region)?,
            cells: plan.cells.view(&region)?,
            gates: plan.gates.view(&region)?,
            region,
        })
    }

    pub(crate) fn clear(&self) {
        self.cells.iter().for_each(Cell::clear);
    }

    pub(crate) fn region(&self) -> &Arc<Region> {
        &self.region
    }

    fn slot(&self, channel: usize) -> Option<(Slot<'_>, &Gate)> {
        let slot = Slot { sequence: self.sequences.get(channel)?, cell: self.cells.get(channel)? };
        Some((slot, self.gates.get(channel / GROUP)?))
    }

    pub(crate) fn write(&self, channel: usize, sample: Sample) {
        if let Some((slot, gate)) = self.slot(channel) {
            gate.pass(|| slot.write(sample));
        }
    }

    pub(crate) fn write_bounded(&self, channel: usize, sample: Sample) -> bool {
        self.slot(channel).is_some_and(|(slot, gate)| gate.pass(|| slot.write_bounded(sample)))
    }

    /// After the death of a channel's only writer: ends a write it may have been in.
    pub(crate) fn mend(&self, channel: usize) -> bool {
        let Some((slot, gate)) = self.slot(channel) else { return false };
        let mended = slot.mend();
        gate.done.fetch_add(u64::from(mended), Ordering::AcqRel);
        mended
    }

    /// Copies everything into `into`, what a writer kept busy from `before`.
    pub(crate) fn copy_all(&self, into: &[Cell], before: &[Cell], groups: &mut [Seen]) {
        let parts = self.cells.chunks(GROUP).zip(into.chunks(GROUP)).zip(before.chunks(GROUP));
        for (group, (((cells, into), before), (gate, seen))) in parts.zip(self.gates.iter().zip(groups)).enumerate() {
            let still = gate.stood_still(|| copy(cells, into));
            if still.is_none() {
                self.copy_slots(group * GROUP, into, before);
            }
            seen.note(still);
        }
    }

    pub(crate) fn groups(&self) -> usize {
        self.gates.len()
    }

    fn copy_slots(&self, first: usize, into: &[Cell], before: &[Cell]) {
        for (number, (into, before)) in into.iter().zip(before).enumerate() {
            let read = self.slot(first + number).map_or(Read::Never, |(slot, _)| slot.read());
            match (read, before.load()) {
                (Read::Sample(sample), _) | (Read::Busy, Some(sample)) => into.store(sample),
                (Read::Never, _) | (Read::Busy, None) => into.clear(),
            }
        }
    }
}

impl Gate {
    fn pass<T>(&self, write: impl FnOnce() -> T) -> T {
        self.begun.fetch_add(1, Ordering::AcqRel);
        fence(Ordering::Release);
        let done = write();
        self.done.fetch_add(1, Ordering::Release);
        done
    }

    // Runs `act`; how many writes there had been when nobody wrote meanwhile, so that what it copied is whole.
    fn stood_still(&self, act: impl FnOnce()) -> Option<u64> {
        let done = self.done.load(Ordering::Acquire);
        if self.begun.load(Ordering::Acquire) != done {
            return None;
        }
        act();
        fence(Ordering::SeqCst);
        (self.begun.load(Ordering::Relaxed) == done).then_some(done)
    }
}

/// What the latch knows of a group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Seen {
    writes: Option<u64>,
    /// It may hold samples that were not there before.
    pub(crate) changed: bool,
}

impl Seen {
    // A group that did not stand still may change again without a further write beginning.
    fn note(&mut self, still: Option<u64>) {
        self.changed |= still.is_none() || still != self.writes;
        self.writes = still;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;
    use crate::image::Quality;

    fn inputs(channels: usize) -> Inputs {
        let mut plan = Plan::new();
        let parts = InputPlan::new(&mut plan, channels);
        let inputs = Inputs::new(Region::private(plan.length().unwrap()).unwrap(), &parts).unwrap();
        inputs.clear();
        inputs
    }

    fn sample(n: i64) -> Sample {
        Sample { value: n as f64, time_ns: n, quality: Quality::Good }
    }

    fn cells(channels: usize) -> Vec<Cell> {
        (0..channels).map(|_| Cell::new()).collect()
    }

    #[test]
    fn a_dead_writer_costs_its_own_channel_only() {
        let (inputs, into, before) = (inputs(600), cells(600), cells(600));
        before[3].store(sample(3));
        (0..600).for_each(|channel| inputs.write(channel, sample(7)));
        inputs.gates[0].begun.fetch_add(1, Ordering::Relaxed);
        inputs.sequences[3].fetch_add(1, Ordering::Relaxed);
        let mut seen = vec![Seen::default(); inputs.groups()];
        for _ in 0..2 {
            inputs.copy_all(&into, &before, &mut seen);
            let expected = |channel| if channel == 3 { 3 } else { 7 };
            assert!((0..600).all(|channel| into[channel].load().unwrap().time_ns == expected(channel)));
            assert!(seen[0].changed, "looked at again and again");
        }
        assert!(inputs.mend(3) && !inputs.mend(4));
        inputs.write(3, sample(9));
        inputs.copy_all(&into, &before, &mut seen);
        assert_eq!(into[3].load().unwrap().time_ns, 9);
    }

    #[test]
    fn a_group_is_changed_once_per_write() {
        let (inputs, into, before) = (inputs(600), cells(600), cells(600));
        let mut seen = vec![Seen::default(); 3];
        let mut look = |expected: [bool; 3]| {
            seen.iter_mut().for_each(|seen| seen.changed = false);
            inputs.copy_all(&into, &before, &mut seen);
            assert_eq!(seen.iter().map(|seen| seen.changed).collect::<Vec<_>>(), expected);
        };
        look([true; 3]);
        look([false; 3]);
        inputs.write(599, sample(1));
        look([false, false, true]);
        look([false; 3]);
    }

    #[test]
    fn copies_are_whole_while_writers_write() {
        let (inputs, done) = (inputs(300), AtomicBool::new(false));
        thread::scope(|scope| {
            for writer in 0..2_i64 {
                let (inputs, done) = (&inputs, &done);
                scope.spawn(move || {
                    for n in 0.. {
                        inputs.write((n % 300) as usize, sample(2 * n + writer));
                        if done.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                });
            }
            let (into, before, mut seen) = (cells(300), cells(300), vec![Seen::default(); 2]);
            for _ in 0..3_000 {
                inputs.copy_all(&into, &before, &mut seen);
                for (cell, before) in into.iter().zip(&before) {
                    let read = cell.load().unwrap_or(sample(0));
                    assert_eq!(read.value, read.time_ns as f64);
                    assert!(before.load().is_none_or(|before| before.time_ns <= read.time_ns));
                }
                copy(&into, &before);
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
