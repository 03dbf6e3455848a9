//! After warm-up the running cycle sleeps and notifies, makes no other system call and meets no page fault.
//!
//! A seccomp filter on the cycle's thread lets the sleep (clock_nanosleep), the notify and the wait for proposals (two
//! forms of futex) pass; every other call is held up and counted by a supervising thread before it goes on.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod site;

use std::fs;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use simems_core::cycle::Realtime;
use site::Site;

const WARM_UP: i64 = 50;
/// More than a second of cycles, so that the statistics are published too.
const CYCLES: i64 = 800;

/// _IOWR('!', 0, struct seccomp_notif) and _IOWR('!', 1, struct seccomp_notif_resp), linux/seccomp.h.
const RECEIVE: libc::Ioctl = 0xC050_2100_u32 as libc::Ioctl;
const SEND: libc::Ioctl = 0xC018_2101_u32 as libc::Ioctl;
const CONTINUE: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Notice {
    id: u64,
    pid: u32,
    flags: u32,
    call: i32,
    architecture: u32,
    instruction: u64,
    arguments: [u64; 6],
}

#[repr(C)]
#[derive(Default)]
struct Answer {
    id: u64,
    value: i64,
    error: i32,
    flags: u32,
}

#[derive(Default)]
struct Seen {
    warm: AtomicBool,
    /// (thread, number of the call) before warm-up.
    early: Mutex<Vec<(u32, i32)>>,
    late: Mutex<Vec<(u32, i32)>>,
}

// Offsets in struct seccomp_data: the call's number, and the low half of its second argument.
const CALL: u32 = 0;
const OPERATION: u32 = 24;
const WITHOUT_FLAGS: u32 = !((libc::FUTEX_PRIVATE_FLAG | libc::FUTEX_CLOCK_REALTIME) as u32);

fn statement(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

fn equal(k: i64, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter { code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16, jt, jf, k: k as u32 }
}

fn filter() -> [libc::sock_filter; 9] {
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    [
        statement(load, CALL),
        equal(libc::SYS_clock_nanosleep, 6, 0),
        equal(libc::SYS_futex, 0, 4),
        statement(load, OPERATION),
        statement(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, WITHOUT_FLAGS),
        equal(i64::from(libc::FUTEX_WAKE), 2, 0),
        equal(i64::from(libc::FUTEX_WAIT_BITSET), 1, 0),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_USER_NOTIF),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ]
}

/// Filters the calling thread and whatever it starts; the descriptor gives the notices. None: the kernel refuses.
fn watch_this_thread() -> Option<RawFd> {
    let mut rules = filter();
    let program = libc::sock_fprog { len: rules.len() as u16, filter: rules.as_mut_ptr() };
    // SAFETY: both calls concern the calling thread; the program outlives the second.
    let listener = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    RawFd::try_from(listener).ok().filter(|listener| *listener >= 0)
}

/// Lets every call go on and writes it down, until no filtered thread is left.
fn supervise(listener: &Receiver<RawFd>, seen: &Seen) {
    let Ok(listener) = listener.recv() else { return };
    while wait_for_notice(listener) {
        let mut notice = Notice::default();
        // SAFETY: the kernel writes one struct seccomp_notif, whose layout `Notice` has.
        if unsafe { libc::ioctl(listener, RECEIVE, &raw mut notice) } != 0 {
            continue;
        }
        let calls = if seen.warm.load(Ordering::SeqCst) { &seen.late } else { &seen.early };
        calls.lock().unwrap().push((notice.pid, notice.call));
        let answer = Answer { id: notice.id, flags: CONTINUE, ..Answer::default() };
        // SAFETY: the kernel reads one struct seccomp_notif_resp, whose layout `Answer` has.
        unsafe { libc::ioctl(listener, SEND, &raw const answer) };
    }
    // SAFETY: the descriptor is ours and used no more.
    unsafe { libc::close(listener) };
}

fn wait_for_notice(listener: RawFd) -> bool {
    let mut poll = libc::pollfd { fd: listener, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid pollfd.
    unsafe { libc::poll(&raw mut poll, 1, -1) };
    poll.revents & libc::POLLIN != 0
}

fn cycle_thread() -> u32 {
    let is_cycle = |task: &fs::DirEntry| {
        fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.trim() == "simems-cycle")
    };
    let task = fs::read_dir("/proc/self/task").unwrap().map(Result::unwrap).find(is_cycle).expect("it runs");
    task.file_name().to_str().unwrap().parse().unwrap()
}

/// (minor, major) faults of a thread so far: fields 10 and 12 of its stat, proc(5).
fn page_faults(thread: u32) -> (u64, u64) {
    let stat = fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[7].parse().unwrap(), fields[9].parse().unwrap())
}

#[test]
fn after_warm_up_the_cycle_sleeps_and_notifies_and_does_nothing_else() {
    let (site, seen) = (Arc::new(Site::new()), Arc::new(Seen::default()));
    let (found, listener) = channel();
    let supervisor = thread::spawn({
        let seen = Arc::clone(&seen);
        move || supervise(&listener, &seen)
    });
    let starter = thread::spawn({
        let site = Arc::clone(&site);
        move || {
            let listener = watch_this_thread();
            listener.into_iter().for_each(|listener| found.send(listener).unwrap());
            let locked = Realtime { lock_memory: true, ..Realtime::DEFAULT };
            site.cycle.start_with(locked).map(|()| listener.is_some()).unwrap()
        }
    });
    let filtered = starter.join().unwrap();
    site.run_to(WARM_UP);
    let thread = cycle_thread();
    let faults = page_faults(thread);
    seen.warm.store(true, Ordering::SeqCst);
    site.run_to(WARM_UP + CYCLES);
    seen.warm.store(false, Ordering::SeqCst);
    assert_eq!(page_faults(thread), faults, "(minor, major) page faults of the cycle's thread");
    site.cycle.stop();
    supervisor.join().unwrap();
    if !filtered {
        eprintln!("SKIPPED in part: this kernel gives no seccomp notices, system calls were not counted");
        return;
    }
    let early = seen.early.lock().unwrap();
    assert!(early.iter().any(|(caller, _)| *caller == thread), "the filter sees the thread's set-up");
    let late: Vec<i32> = seen.late.lock().unwrap().iter().map(|(_, call)| *call).collect();
    assert_eq!(late, Vec::<i32>::new(), "numbers of calls that are neither sleep nor notify");
}
