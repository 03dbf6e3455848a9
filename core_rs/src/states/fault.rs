//! One fault's life: its cause must last, it is raised, its cause must be gone for a while, a person clears it.
//!
//! ```text
//! idle -> pending (delay) -> active -> (cause gone for a while) -> waiting -clear-> cleared -> holding -> idle
//!                              ^ cause back or unknown -------------'     (not latched: straight to holding)
//! ```

use std::sync::atomic::{AtomicU8, Ordering};

use crate::clock::seconds_to_ns;
use crate::error::{Error, Result};
use crate::image::Reader;
use crate::states::cause::{Cause, Check, Verdict};
use crate::states::{Mode, Reaction};

/// A fault as configured.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultSpec {
    /// Unique name, e.g. `cell_undervoltage:ess0`.
    pub id: String,
    /// What raises it.
    pub cause: Cause,
    /// The cause must last this long.
    pub delay_s: f64,
    /// Recovery, first step: the cause must be gone this long.
    pub gone_s: f64,
    /// Recovery, last step: the reaction goes on this long.
    pub hold_s: f64,
    /// Recovery, between them: a person must clear it.
    pub latch: bool,
    /// What it does.
    pub reaction: Reaction,
    /// Numbers of the actuators it does that to (`Stop` takes all).
    pub actuators: Vec<usize>,
}

impl FaultSpec {
    /// Refuses what cannot work.
    pub fn validate(&self) -> Result<()> {
        let refuse = |text: String| Err(Error::invalid(format!("fault {}: {text}", self.id)));
        for (name, seconds) in [("delay_s", self.delay_s), ("gone_s", self.gone_s), ("hold_s", self.hold_s)] {
            if !(0.0..=86_400.0).contains(&seconds) {
                return refuse(format!("{name} must be 0 to 86400, not {seconds}"));
            }
        }
        if self.cause == Cause::Told && !self.latch {
            return refuse("nothing would ever raise it again: what is told must latch".to_owned());
        }
        self.cause.validate().or_else(|error| refuse(error.to_string()))
    }
}

/// Where a fault is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// Nothing is wrong.
    Idle = 0,
    /// Its cause holds, not long enough yet.
    Pending = 1,
    /// Raised; its cause stands, or was not gone long enough.
    Active = 2,
    /// Raised; its cause is gone, a person must clear it.
    Waiting = 3,
    /// A person has cleared it; the next cycle goes on.
    Cleared = 4,
    /// Over; its reaction still holds for a while.
    Holding = 5,
}

impl Phase {
    const ALL: [Self; 6] = [Self::Idle, Self::Pending, Self::Active, Self::Waiting, Self::Cleared, Self::Holding];

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Cleared => "cleared",
            Self::Holding => "holding",
        }
    }

    /// Whether people see it as a fault.
    pub fn is_raised(self) -> bool {
        matches!(self, Self::Active | Self::Waiting)
    }

    /// Whether its reaction holds.
    pub fn reacts(self) -> bool {
        !matches!(self, Self::Idle | Self::Pending)
    }
}

/// A phase that the cycle writes and a person's clear may move from waiting to cleared, without a lock.
#[derive(Debug, Default)]
pub(crate) struct PhaseCell(AtomicU8);

impl PhaseCell {
    pub(crate) fn get(&self) -> Phase {
        // A code that is none of ours cannot come; if it did, the fault would count as raised.
        Phase::ALL.get(usize::from(self.0.load(Ordering::SeqCst))).copied().unwrap_or(Phase::Active)
    }

    pub(crate) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::SeqCst);
    }

    /// Moves on unless somebody else has moved it since it was `from`.
    pub(crate) fn swap(&self, from: Phase, to: Phase) -> bool {
        self.0.compare_exchange(from as u8, to as u8, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

/// The cycle's side of one fault.
#[derive(Debug)]
pub(crate) struct Fault {
    check: Check,
    delay_ns: i64,
    gone_ns: i64,
    hold_ns: i64,
    latch: bool,
    pub(crate) reaction: Reaction,
    pub(crate) actuators: Box<[usize]>,
    /// Pending: since when the cause holds. Active: since when it is gone (`None`: it stands). Holding: since when.
    since_ns: Option<i64>,
}

impl Fault {
    pub(crate) fn new(spec: &FaultSpec, check: Check) -> Self {
        Self {
            check,
            delay_ns: seconds_to_ns(spec.delay_s),
            gone_ns: seconds_to_ns(spec.gone_s),
            hold_ns: seconds_to_ns(spec.hold_s),
            latch: spec.latch,
            reaction: spec.reaction,
            actuators: spec.actuators.clone().into_boxed_slice(),
            since_ns: None,
        }
    }

    /// What it does in this mode.
    pub(crate) fn reaction(&self, mode: Mode) -> Reaction {
        self.reaction.in_mode(mode)
    }

    /// One cycle; whether the phase changed.
    pub(crate) fn step(&mut self, cell: &PhaseCell, reader: &Reader<'_>) -> bool {
        let before = cell.get();
        let after = self.after(before, self.check.verdict(reader), reader.time_ns());
        after != before && cell.swap(before, after)
    }

    fn after(&mut self, phase: Phase, verdict: Verdict, now_ns: i64) -> Phase {
        match phase {
            Phase::Idle => self.watched(verdict, now_ns),
            Phase::Pending => self.pending(verdict, now_ns),
            Phase::Active => self.active(verdict, now_ns),
            Phase::Waiting if verdict == Verdict::Gone => Phase::Waiting,
            Phase::Waiting => self.again(),
            // A cause that came back with the clear: the clear is void, not one cycle is open.
            Phase::Cleared if verdict == Verdict::Gone => self.over(now_ns),
            Phase::Cleared => self.again(),
            Phase::Holding => self.holding(verdict, now_ns),
        }
    }

    fn watched(&mut self, verdict: Verdict, now_ns: i64) -> Phase {
        if verdict != Verdict::Holds {
            return Phase::Idle;
        }
        self.since_ns = Some(now_ns);
        self.pending(verdict, now_ns)
    }

    // A value that went missing neither raises it nor takes back that it was there.
    fn pending(&mut self, verdict: Verdict, now_ns: i64) -> Phase {
        match verdict {
            Verdict::Gone => Phase::Idle,
            Verdict::Holds if self.lasts(now_ns, self.delay_ns) => self.again(),
            Verdict::Holds | Verdict::Unknown => Phase::Pending,
        }
    }

    fn active(&mut self, verdict: Verdict, now_ns: i64) -> Phase {
        if verdict != Verdict::Gone {
            return self.again();
        }
        self.since_ns = self.since_ns.or(Some(now_ns));
        match (self.lasts(now_ns, self.gone_ns), self.latch) {
            (false, _) => Phase::Active,
            (true, true) => Phase::Waiting,
            (true, false) => self.over(now_ns),
        }
    }

    fn holding(&mut self, verdict: Verdict, now_ns: i64) -> Phase {
        if verdict == Verdict::Holds {
            return self.again();
        }
        if self.lasts(now_ns, self.hold_ns) { Phase::Idle } else { Phase::Holding }
    }

    fn again(&mut self) -> Phase {
        self.since_ns = None;
        Phase::Active
    }

    fn over(&mut self, now_ns: i64) -> Phase {
        self.since_ns = Some(now_ns);
        if self.hold_ns > 0 { Phase::Holding } else { Phase::Idle }
    }

    fn lasts(&self, now_ns: i64, needed_ns: i64) -> bool {
        self.since_ns.is_some_and(|since_ns| now_ns.saturating_sub(since_ns) >= needed_ns)
    }
}
