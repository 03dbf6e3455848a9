//! A typed slice of a region, which lives as long as its last view.

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU32, AtomicU64};

use crate::error::{Error, Result};
use crate::memory::Region;

/// What may lie in shared memory.
///
/// # Safety
/// Every pattern of bytes, zeros included, is a valid value; it is written only through atomics or by whoever is known
/// to have it alone; it holds no address and no padding that matters; dropping it does nothing.
pub(crate) unsafe trait Plain: Sync {}

// SAFETY: atomics of numbers take any bits.
unsafe impl Plain for AtomicU8 {}
// SAFETY: as above.
unsafe impl Plain for AtomicU32 {}
// SAFETY: as above.
unsafe impl Plain for AtomicU64 {}
// SAFETY: as above.
unsafe impl Plain for AtomicI64 {}

/// `count` values of `T` at an offset of a region.
#[derive(Debug)]
pub(crate) struct View<T> {
    start: NonNull<T>,
    count: usize,
    _region: Arc<Region>,
}

// SAFETY: a view is a shared slice of plain, shareable values whose memory it keeps alive.
unsafe impl<T: Plain> Send for View<T> {}
// SAFETY: as above.
unsafe impl<T: Plain> Sync for View<T> {}

impl<T: Plain> View<T> {
    /// Refused unless it lies wholly inside and aligned.
    pub(crate) fn of(region: &Arc<Region>, offset: usize, count: usize) -> Result<Self> {
        let end = count.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_add(offset));
        let inside = end.is_some_and(|end| end <= region.len());
        if !inside || !offset.is_multiple_of(align_of::<T>()) {
            return Err(Error::invalid("the shared memory has another layout than expected"));
        }
        // SAFETY: the offset lies inside the mapping, as just checked.
        let start = unsafe { region.start().add(offset) }.cast();
        Ok(Self { start, count, _region: Arc::clone(region) })
    }
}

impl<T: Plain> Deref for View<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: checked at construction; the region is held; any bytes are a valid `T` (see `Plain`).
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.count) }
    }
}

/// One value in a region.
#[derive(Debug)]
pub(crate) struct One<T>(View<T>);

impl<T: Plain> One<T> {
    /// Refused unless it lies wholly inside and aligned.
    pub(crate) fn of(region: &Arc<Region>, offset: usize) -> Result<Self> {
        View::of(region, offset, 1).map(Self)
    }
}

impl<T: Plain> Deref for One<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the view holds exactly one value, checked at construction; any bytes are a valid `T` (see `Plain`).
        unsafe { self.0.start.as_ref() }
    }
}
