//! What the cycle's thread asks of the machine: SCHED_FIFO, memory that stays, a core of its own.
//!
//! Nothing of it is needed to run. What is refused is told by number (errno), and the cycle beats without it: later
//! when the machine is busy, never wrong.

use std::io;
use std::mem;
use std::sync::atomic::{AtomicI32, Ordering};

use crate::cycle::pages;
use crate::error::{Error, Result};

const NOT_ASKED: i32 = -1;
const GRANTED: i32 = 0;

/// What to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Realtime {
    /// SCHED_FIFO priority, 1 to 99; None: the ordinary policy.
    pub priority: Option<i32>,
    /// The only core that the thread may run on; None: any.
    pub cpu: Option<usize>,
    /// Pages of the whole process stay in memory once touched (they are not touched in advance).
    pub lock_memory: bool,
}

impl Realtime {
    /// SCHED_FIFO in the middle of the range: above everything ordinary, below the kernel's own threads.
    pub const DEFAULT: Self = Self { priority: Some(50), cpu: None, lock_memory: false };

    /// Refuses what no machine could grant.
    pub fn validate(&self) -> Result<()> {
        if let Some(priority) = self.priority.filter(|priority| !(1..=99).contains(priority)) {
            return Err(Error::invalid(format!("priority must be 1 to 99, not {priority}")));
        }
        if let Some(cpu) = self.cpu.filter(|cpu| *cpu >= libc::CPU_SETSIZE as usize) {
            return Err(Error::invalid(format!("cpu must be 0 to {}, not {cpu}", libc::CPU_SETSIZE - 1)));
        }
        Ok(())
    }

    /// Asks for everything on the calling thread; called once, before its first cycle.
    pub(crate) fn ask(&self, grants: &Grants) {
        exact_timers();
        grants.cpu.tell(self.cpu.map(pin));
        grants.memory.tell(self.lock_memory.then(pages::lock));
        pages::touch();
        grants.realtime.tell(self.priority.map(fifo));
    }
}

/// One answer of the machine.
#[derive(Debug)]
pub struct Grant(AtomicI32);

impl Default for Grant {
    fn default() -> Self {
        Self(AtomicI32::new(NOT_ASKED))
    }
}

impl Grant {
    fn tell(&self, answer: Option<io::Result<()>>) {
        let code = answer.map_or(NOT_ASKED, |answer| answer.map_or_else(|error| errno(&error), |()| GRANTED));
        self.0.store(code, Ordering::Relaxed);
    }

    /// None when it was not asked for, 0 when granted, else the errno of the refusal.
    pub fn code(&self) -> Option<i32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|code| *code != NOT_ASKED)
    }
}

/// All answers; before the thread asked, nothing is granted.
#[derive(Debug, Default)]
pub struct Grants {
    /// SCHED_FIFO.
    pub realtime: Grant,
    /// Locked memory.
    pub memory: Grant,
    /// The wanted core.
    pub cpu: Grant,
}

impl Grants {
    /// Whether SCHED_FIFO was granted.
    pub fn realtime(&self) -> bool {
        self.realtime.code() == Some(GRANTED)
    }

    /// Whether memory is locked.
    pub fn memory_locked(&self) -> bool {
        self.memory.code() == Some(GRANTED)
    }
}

fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EINVAL)
}

// Only threads of the ordinary policy have timer slack (50 us), prctl(2).
pub(crate) fn exact_timers() {
    // SAFETY: concerns the calling thread only and takes no pointer.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64) };
}

fn fifo(priority: i32) -> io::Result<()> {
    let parameters = libc::sched_param { sched_priority: priority };
    // SAFETY: concerns the calling thread only; `parameters` outlives the call.
    let code = unsafe { libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_FIFO, &raw const parameters) };
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code)) }
}

fn pin(cpu: usize) -> io::Result<()> {
    // SAFETY: an all-zero cpu_set_t is the empty set; `validate` keeps `cpu` inside it; pid 0 is the calling thread.
    let code = unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, mem::size_of::<libc::cpu_set_t>(), &raw const set)
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(realtime: Realtime) -> Grants {
        let ask = move || {
            let grants = Grants::default();
            realtime.ask(&grants);
            grants
        };
        std::thread::spawn(ask).join().unwrap()
    }

    #[test]
    fn what_was_not_asked_for_is_not_granted() {
        let grants = asked(Realtime { priority: None, cpu: None, lock_memory: false });
        assert!(!grants.realtime() && !grants.memory_locked());
        assert_eq!((grants.realtime.code(), grants.memory.code(), grants.cpu.code()), (None, None, None));
    }

    #[test]
    fn a_core_is_pinned_or_refused_with_its_errno() {
        // SAFETY: no pointer is involved.
        let here = usize::try_from(unsafe { libc::sched_getcpu() }).unwrap();
        let pinned = |cpu| asked(Realtime { priority: None, cpu: Some(cpu), lock_memory: false }).cpu.code();
        assert_eq!(pinned(here), Some(0));
        assert_eq!(pinned(1023), Some(libc::EINVAL), "no such core");
    }

    #[test]
    fn nonsense_is_refused_before_anything_runs() {
        for priority in [-1, 0, 100] {
            assert!(Realtime { priority: Some(priority), ..Realtime::DEFAULT }.validate().is_err());
        }
        assert!(Realtime { cpu: Some(1024), ..Realtime::DEFAULT }.validate().is_err());
        assert!(Realtime { cpu: Some(0), ..Realtime::DEFAULT }.validate().is_ok());
    }
}
