//! A service manager hears from completed cycles and from nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod site;

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use simems_core::cycle::Watchdog;
use site::Site;

const INTERVAL_NS: i64 = 30_000_000;

struct Manager(UnixDatagram);

impl Manager {
    fn listen(name: &str) -> (Self, String) {
        let name = format!("{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let socket = UnixDatagram::bind_addr(&address).unwrap();
        (Self(socket), format!("@{name}"))
    }

    fn hears(&self, patience: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(patience)).unwrap();
        let mut message = [0_u8; 64];
        let length = self.0.recv(&mut message).ok()?;
        Some(String::from_utf8_lossy(&message[..length]).into_owned())
    }

    /// What came until nothing came for ten intervals.
    fn hears_out(&self) -> usize {
        (0..1000).take_while(|_| self.hears(Duration::from_nanos(10 * INTERVAL_NS.unsigned_abs())).is_some()).count()
    }
}

const PATIENT: Duration = Duration::from_secs(10);

#[test]
fn ready_with_the_first_cycle_then_alive_until_no_cycle_completes() {
    let (manager, address) = Manager::listen("simems-watchdog");
    let site = Site::new();
    let watchdog = Watchdog::start(&site.cycle, &address, INTERVAL_NS, i64::MAX).unwrap();
    assert_eq!(manager.hears(Duration::from_millis(200)), None, "no cycle, nothing to tell");
    site.cycle.start().unwrap();
    assert_eq!(manager.hears(PATIENT).as_deref(), Some("READY=1"));
    for _ in 0..5 {
        assert_eq!(manager.hears(PATIENT).as_deref(), Some("WATCHDOG=1"));
    }
    site.cycle.stop();
    assert!(manager.hears_out() <= 2, "a dead cycle's thread ends the kicks");
    site.cycle.start().unwrap();
    assert_eq!(manager.hears(PATIENT).as_deref(), Some("WATCHDOG=1"), "ready is told once");
    watchdog.stop();
    manager.hears_out();
    assert_eq!(manager.hears(Duration::from_millis(200)), None, "cycles complete, but nobody tells any more");
}

#[test]
fn cycles_stepped_by_hand_are_no_beat() {
    let (manager, address) = Manager::listen("simems-stepped");
    let site = Site::new();
    let _watchdog = Watchdog::start(&site.cycle, &address, INTERVAL_NS, i64::MAX).unwrap();
    for number in 1..100 {
        site.cycle.begin(number * 1_000_000).unwrap();
        site.cycle.finish().unwrap();
    }
    assert_eq!(manager.hears(Duration::from_millis(200)), None);
}

#[test]
fn when_nobody_pulses_the_kicks_are_withheld() {
    let (manager, address) = Manager::listen("simems-pulse");
    let site = Site::new();
    let watchdog = Watchdog::start(&site.cycle, &address, INTERVAL_NS, 10 * INTERVAL_NS).unwrap();
    site.cycle.start().unwrap();
    assert_eq!(manager.hears(PATIENT).as_deref(), Some("READY=1"));
    assert!(manager.hears_out() <= 12, "the cycle beats, but no thread of the interpreter ran");
    watchdog.pulse();
    assert_eq!(manager.hears(PATIENT).as_deref(), Some("WATCHDOG=1"));
}

#[test]
fn a_manager_that_is_away_is_told_when_it_is_back() {
    let (gone, address) = Manager::listen("simems-away");
    drop(gone);
    let site = Site::new();
    let _watchdog = Watchdog::start(&site.cycle, &address, INTERVAL_NS, i64::MAX).unwrap();
    site.cycle.start().unwrap();
    site.run_to(20);
    let (manager, _) = Manager::listen("simems-away");
    assert_eq!(manager.hears(PATIENT).as_deref(), Some("READY=1"));
}

#[test]
fn an_interval_or_address_that_cannot_be_is_refused() {
    let site = Site::new();
    assert!(Watchdog::start(&site.cycle, "@x", 0, i64::MAX).is_err());
    let error = Watchdog::start(&site.cycle, &"x".repeat(200), INTERVAL_NS, i64::MAX).unwrap_err();
    assert!(error.to_string().contains("NOTIFY_SOCKET"));
}
