//! Where things lie in a region: the same on both sides, from the same counts.

use std::marker::PhantomData;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::memory::{One, Plain, Region, View};

const LINE: usize = 64;

/// Adds up what a region holds; each part begins on a cache line of its own.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    length: Option<usize>,
}

/// A part of a region.
#[derive(Debug)]
pub(crate) struct Span<T> {
    offset: usize,
    count: usize,
    kind: PhantomData<T>,
}

impl Plan {
    pub(crate) fn new() -> Self {
        Self { length: Some(0) }
    }

    /// Room for `count` values.
    pub(crate) fn take<T: Plain>(&mut self, count: usize) -> Span<T> {
        let offset = self.length.unwrap_or(0);
        let bytes = count.checked_mul(size_of::<T>()).and_then(|bytes| bytes.checked_next_multiple_of(LINE));
        self.length = self.length.zip(bytes).and_then(|(length, bytes)| length.checked_add(bytes));
        Span { offset, count, kind: PhantomData }
    }

    /// Bytes of the whole; refused when they cannot be counted.
    pub(crate) fn length(&self) -> Result<usize> {
        self.length.filter(|&length| length <= isize::MAX.cast_unsigned()).ok_or(Error::Order("too much to lay out"))
    }
}

impl<T: Plain> Span<T> {
    pub(crate) fn one(&self, region: &Arc<Region>) -> Result<One<T>> {
        One::of(region, self.offset)
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn view(&self, region: &Arc<Region>) -> Result<View<T>> {
        View::of(region, self.offset, self.count)
    }
}
