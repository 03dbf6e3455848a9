//! Atomics of the lock-free parts: the standard library's, or loom's when their models run (`make loom`).
//!
//! loom runs a small program under every order of its threads and every value that the memory model lets a load see.
//! Event waits in the kernel and keeps the standard library's.

#[cfg(not(loom))]
pub(crate) use std::hint::spin_loop;
#[cfg(not(loom))]
pub(crate) use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
pub(crate) use std::thread::yield_now;

#[cfg(loom)]
pub(crate) use loom::hint::spin_loop;
#[cfg(loom)]
pub(crate) use loom::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(loom)]
pub(crate) use loom::thread::yield_now;

/// Between two sequentially consistent accesses of one thread. loom takes such accesses for weaker than they are and
/// must be told; for the machine it is nothing.
#[inline]
pub(crate) fn in_total_order() {
    #[cfg(loom)]
    fence(Ordering::SeqCst);
}

#[cfg(loom)]
mod placed {
    use super::{AtomicI64, AtomicU8, AtomicU32, AtomicU64};
    use crate::memory::Plain;

    // SAFETY: for the compiler only: models make their atomics on the heap and never place one in a region.
    unsafe impl Plain for AtomicU8 {}
    // SAFETY: as above.
    unsafe impl Plain for AtomicU32 {}
    // SAFETY: as above.
    unsafe impl Plain for AtomicU64 {}
    // SAFETY: as above.
    unsafe impl Plain for AtomicI64 {}
}
