//! A cycle from inside a controller's process: snapshots in, proposals and own channels out.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::arbitrate::Row;
use crate::clock::host_now_ns;
use crate::cycle::desk::Seat;
use crate::cycle::event::{Bell, Event};
use crate::cycle::mailbox::Mailbox;
use crate::cycle::proposal::{Proposal, rows};
use crate::cycle::vigil::Vigil;
use crate::error::{Error, Result, checked_index};
use crate::image::{Image, Quality, Snapshot};
use crate::memory::{One, Region};
use crate::sync::{AtomicU64, Ordering};

/// Attached to an image and to a desk of its cycle. When the cycle's process dies, every wait ends at its deadline.
#[derive(Debug)]
pub struct Guest {
    image: Arc<Image>,
    seat: Seat,
    answered: Event,
    actuators: usize,
    vigil: Vigil,
    scratch: Mailbox,
}

impl Guest {
    /// From the descriptors that the cycle's process handed over.
    pub fn attach(board: OwnedFd, desk: OwnedFd, bell: OwnedFd) -> Result<Self> {
        let seat = Seat::attach(desk)?;
        let image = Image::attach(board, None, seat.places())?;
        seat.fits(image.len())?;
        let bell = Region::attach(bell, true)?;
        let answered = Event::of(One::<Bell>::of(&bell, 0)?);
        let scratch = Mailbox::local(seat.actuators)?;
        Ok(Self { scratch, actuators: seat.actuators, image, seat, answered, vigil: Vigil::default() })
    }

    /// The image, to read.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// Number of the cycle latched last.
    pub fn number(&self) -> u64 {
        self.image.pulse().number.load(Ordering::Acquire)
    }

    /// Whether the cycle was stopped.
    pub fn has_stopped(&self) -> bool {
        self.image.pulse().stopped.load(Ordering::SeqCst) != 0
    }

    /// Sleeps until shortly before the snapshot after `after` is due; true: there is time to prepare, then to
    /// [`Guest::wait`], which watches for it. False: wait at once.
    pub fn vigil(&self, after: u64, timeout_ns: i64) -> bool {
        let deadline_ns = host_now_ns().saturating_add(timeout_ns);
        self.vigil.keep(self.image.pulse(), &self.seat.parts.wake, deadline_ns, || self.number() > after)
    }

    /// The first snapshot newer than `after`; None on time-out or stop, an error when too many are held.
    pub fn wait(&self, after: u64, timeout_ns: i64) -> Result<Option<Snapshot>> {
        self.vigil.prepared();
        let deadline_ns = host_now_ns().saturating_add(timeout_ns);
        loop {
            let seen = self.seat.parts.wake.count();
            if self.has_stopped() {
                return Ok(None);
            }
            if self.number() > after {
                let snapshot = self.image.snapshot()?;
                if snapshot.reader().is_some_and(|reader| reader.cycle() > after) {
                    return Ok(Some(snapshot));
                }
            }
            if host_now_ns() >= deadline_ns {
                return Ok(None);
            }
            if !self.vigil.watch(&self.seat.parts.wake, seen) {
                self.seat.parts.wake.wait(seen, deadline_ns);
            }
        }
    }

    /// Replaces the standing set of a source, by its number on the desk. One that is refused withdraws what stood.
    /// False: too late for its cycle; it counts from the next one.
    pub fn propose(&self, source: i64, cycle: i64, proposals: &[Proposal]) -> Result<bool> {
        let mailbox = checked_index("source", source, self.seat.parts.boxes.len())?;
        let rows = rows(self.actuators, |number| format!("actuator {number}"), proposals);
        let number = self.number();
        let asked = u64::try_from(cycle).unwrap_or(0);
        let known = asked >= 1 && asked <= number;
        let cycle = if known { asked } else { number };
        let in_time = match &rows {
            Ok(rows) if known => self.put(mailbox, cycle, rows),
            _ => self.put(mailbox, cycle, &vec![Row::NONE; self.actuators]),
        };
        rows?;
        if known {
            Ok(in_time)
        } else {
            Err(Error::invalid(format!("cycle {asked} was never latched: the last one is {number}")))
        }
    }

    /// Takes the way of [`Guest::propose`] as far as a box that nobody looks into: code and memory are at hand then.
    pub fn rehearse(&self, proposals: &[Proposal]) -> Result<()> {
        let rows = rows(self.actuators, |number| format!("actuator {number}"), proposals)?;
        self.scratch.put(1, &rows, &AtomicU64::new(0));
        Ok(())
    }

    /// Withdraws a source's standing set, for callers whose proposal could not even be read.
    pub fn withdraw(&self, source: i64) -> Result<()> {
        let mailbox = checked_index("source", source, self.seat.parts.boxes.len())?;
        self.put(mailbox, self.number(), &vec![Row::NONE; self.actuators]);
        Ok(())
    }

    fn put(&self, mailbox: usize, cycle: u64, rows: &[Row]) -> bool {
        let closed = &self.image.pulse().closed;
        let in_time = self.seat.parts.boxes.get(mailbox).is_some_and(|mailbox| mailbox.put(cycle, rows, closed));
        self.answered.signal();
        in_time
    }

    /// Publishes one of the channels of this desk; the cycle takes it over when it next decides.
    pub fn publish(&self, handle: usize, raw: f64, time_ns: i64) -> Result<()> {
        let number = self.seat.channel(handle).ok_or_else(|| {
            let address = self.image.channels().get(handle).map_or("", |channel| channel.address.as_str());
            Error::invalid(format!(
                "channel {handle} ({address}) is not of this desk: only its own channels may be published"
            ))
        })?;
        let value = self.image.scaled(handle, raw);
        let sample = self.image.judged(handle, value, time_ns, Quality::Good)?;
        if let Some(slot) = self.seat.parts.slot(number) {
            slot.write(sample);
        }
        Ok(())
    }
}
