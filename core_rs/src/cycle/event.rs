//! A futex that many may wait on and the cycle signals: no lock, one system call and only when somebody waits.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::clock::timespec;

/// Counts signals; a waiter sleeps until the count it saw has changed.
#[derive(Debug, Default)]
pub(crate) struct Event {
    count: AtomicU32,
    waiters: AtomicU32,
}

impl Event {
    /// Read this before testing the condition that a signal announces.
    pub(crate) fn count(&self) -> u32 {
        self.count.load(Ordering::SeqCst)
    }

    pub(crate) fn signal(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            // SAFETY: the futex word lives as long as `self`; waking touches no other memory.
            unsafe {
                libc::syscall(
                    libc::SYS_futex,
                    self.count.as_ptr(),
                    libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
                    i32::MAX,
                );
            }
        }
    }

    /// Sleeps until a signal after `seen` or the CLOCK_MONOTONIC deadline; may return early.
    pub(crate) fn wait(&self, seen: u32, deadline_ns: i64) {
        let deadline = timespec(deadline_ns);
        self.waiters.fetch_add(1, Ordering::SeqCst);
        // SAFETY: word and deadline outlive the call; FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time.
        unsafe {
            libc::syscall(
                libc::SYS_futex,
                self.count.as_ptr(),
                libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
                seen,
                &raw const deadline,
                std::ptr::null::<u32>(),
                libc::FUTEX_BITSET_MATCH_ANY,
            );
        }
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }
}
