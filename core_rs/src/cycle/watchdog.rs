//! Tells a service manager that cycles complete (sd_notify(3)): a thread of its own that takes no GIL and no lock.
//!
//! Enters: the count of completed cycles. Leaves: READY=1 after the first one, then WATCHDOG=1, each only when cycles
//! completed since the message before. Nothing else kicks: a hung or dead cycle thread ends the kicks, and the
//! manager restarts the service; a hung event loop does not, for control goes on without it. Who runs bridges in the
//! same interpreter gives a patience: when no pulse came for that long, no thread of it runs, no setpoint can reach a
//! device, and the kicks are withheld.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::clock::host_now_ns;
use crate::cycle::Cycle;
use crate::cycle::event::Event;
use crate::cycle::shared::Shared;
use crate::error::{Error, Result};

/// Where messages go.
#[derive(Debug)]
struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
}

impl Manager {
    /// `address` as in NOTIFY_SOCKET: a path, or a name after `@`.
    fn new(address: &str) -> io::Result<Self> {
        let address = match address.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address })
    }

    // A manager that is away or slow is not waited for: it hears the next message or restarts the service.
    fn tell(&self, kick: Kick) -> bool {
        self.socket.send_to_addr(kick.message(), &self.address).is_ok()
    }
}

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kick {
    /// The first cycle completed.
    Ready,
    /// Cycles completed since the last message.
    Alive,
}

impl Kick {
    fn message(self) -> &'static [u8] {
        match self {
            Self::Ready => b"READY=1",
            Self::Alive => b"WATCHDOG=1",
        }
    }
}

/// Decides what to tell from the count of completed cycles alone.
#[derive(Debug, Default)]
struct Kicker {
    told: Option<u64>,
    ready: bool,
}

impl Kicker {
    fn next(&self, completed: u64) -> Option<Kick> {
        let fresh = completed > self.told.unwrap_or(0);
        fresh.then_some(if self.ready { Kick::Alive } else { Kick::Ready })
    }

    fn told(&mut self, completed: u64) {
        (self.told, self.ready) = (Some(completed), true);
    }
}

#[derive(Debug)]
struct Ending {
    wanted: AtomicBool,
    event: Event,
    pulse_ns: AtomicI64,
}

/// The notifying thread; ends when dropped.
#[derive(Debug)]
pub struct Watchdog {
    ending: Arc<Ending>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Watchdog {
    /// `address`: of NOTIFY_SOCKET; `interval_ns`: between looks at the count, a third of the manager's patience;
    /// `patience_ns`: how long [`Watchdog::pulse`] may be silent, `i64::MAX` for ever.
    pub fn start(cycle: &Cycle, address: &str, interval_ns: i64, patience_ns: i64) -> Result<Self> {
        if interval_ns <= 0 {
            return Err(Error::invalid("a watchdog looks at an interval above 0 s".to_owned()));
        }
        let manager = Manager::new(address)
            .map_err(|error| Error::invalid(format!("NOTIFY_SOCKET {address:?} is no address: {error}")))?;
        let (shared, ending) = (
            Arc::clone(cycle.shared()),
            Arc::new(Ending {
                wanted: AtomicBool::new(false),
                event: Event::local()?,
                pulse_ns: AtomicI64::new(host_now_ns()),
            }),
        );
        let thread = std::thread::Builder::new()
            .name("simems-watchdog".to_owned())
            .spawn({
                let ending = Arc::clone(&ending);
                move || notify(&manager, &shared, &ending, interval_ns, patience_ns)
            })
            .map_err(|error| Error::invalid(format!("the watchdog's thread could not be made: {error}")))?;
        Ok(Self { ending, thread: Mutex::new(Some(thread)) })
    }

    /// The interpreter runs.
    pub fn pulse(&self) {
        self.ending.pulse_ns.store(host_now_ns(), Ordering::Relaxed);
    }

    /// Ends the messages.
    pub fn stop(&self) {
        self.ending.wanted.store(true, Ordering::SeqCst);
        self.ending.event.signal();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It only fails when the thread panicked: then it is as ended as it should be.
            let _ = thread.join();
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Until the first cycle it looks more often, so that READY is not late.
const READY_LOOK_NS: i64 = 20_000_000;

fn notify(manager: &Manager, shared: &Shared, ending: &Ending, interval_ns: i64, patience_ns: i64) {
    let mut kicker = Kicker::default();
    while !ending.wanted.load(Ordering::SeqCst) {
        let completed = shared.statistics().completed();
        let silent_ns = host_now_ns().saturating_sub(ending.pulse_ns.load(Ordering::Relaxed));
        if silent_ns <= patience_ns && kicker.next(completed).is_some_and(|kick| manager.tell(kick)) {
            kicker.told(completed);
        }
        rest(ending, if kicker.ready { interval_ns } else { interval_ns.min(READY_LOOK_NS) });
    }
}

fn rest(ending: &Ending, interval_ns: i64) {
    let until_ns = host_now_ns().saturating_add(interval_ns);
    loop {
        let seen = ending.event.count();
        if ending.wanted.load(Ordering::SeqCst) || host_now_ns() >= until_ns {
            return;
        }
        ending.event.wait(seen, until_ns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_completed_cycles_kick() {
        let mut kicker = Kicker::default();
        assert_eq!(kicker.next(0), None, "no cycle yet");
        assert_eq!(kicker.next(1), Some(Kick::Ready));
        assert_eq!(kicker.next(2), Some(Kick::Ready), "the message before was not delivered");
        kicker.told(2);
        assert_eq!(kicker.next(2), None, "a hung cycle");
        assert_eq!(kicker.next(3), Some(Kick::Alive));
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(Manager::new("a\0b").is_err());
        assert!(Manager::new(&"x".repeat(200)).is_err());
        assert!(Manager::new("@simems-test").is_ok());
    }
}
