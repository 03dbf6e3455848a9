//! Rings in memory that is there before it is needed.

use std::collections::VecDeque;

/// An empty ring that holds `capacity` elements without allocating, its pages touched: the first turn through it costs
/// a running cycle no page fault. (Memory that was only reserved is mapped when it is first written.)
pub(crate) fn touched<T: Clone>(capacity: usize, anything: T) -> VecDeque<T> {
    let mut ring = VecDeque::with_capacity(capacity);
    ring.resize(capacity, anything);
    std::hint::black_box(&mut ring).clear();
    ring
}
