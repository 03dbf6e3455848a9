//! Read-only memory views on memory that Rust owns: nothing is copied, the owner lives as long as the view.

use std::ffi::{CStr, c_int, c_void};

use pyo3::exceptions::PyBufferError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

/// Who owns the memory of a view.
pub(super) enum Owner {
    Held(#[expect(dead_code, reason = "held for its lifetime")] Py<PyAny>),
    Made(#[expect(dead_code, reason = "held for its lifetime")] Box<[u8]>),
}

impl Owner {
    /// A Python object whose memory stays as it is while it lives.
    pub(super) fn of<T>(object: &Bound<'_, T>) -> Self {
        Self::Held(object.clone().into_any().unbind())
    }
}

/// An element type of a view, with its name in the `struct` module.
pub(super) trait Element {
    const FORMAT: &'static CStr;
}

impl Element for f64 {
    const FORMAT: &'static CStr = c"d";
}
impl Element for i64 {
    const FORMAT: &'static CStr = c"q";
}
impl Element for u8 {
    const FORMAT: &'static CStr = c"B";
}

/// The exporter behind a memory view.
#[pyclass(frozen, name = "_Column", module = "simems_core")]
pub(super) struct Column {
    _owner: Owner,
    start: *const c_void,
    item: usize,
    format: &'static CStr,
    shape: Box<[isize]>,
    strides: Box<[isize]>,
}

// SAFETY: the memory behind `start` is never written while the owner lives, and the owner is held.
unsafe impl Send for Column {}
// SAFETY: as above; nothing in here changes after construction.
unsafe impl Sync for Column {}

/// A view of `shape` on `start`, without gaps. The memory must stay as it is while `owner` lives.
pub(super) fn view<'py, T: Element>(
    py: Python<'py>,
    owner: Owner,
    start: *const T,
    shape: &[usize],
) -> PyResult<Bound<'py, PyMemoryView>> {
    let mut stride = size_of::<T>().cast_signed();
    let mut strides: Vec<isize> = Vec::with_capacity(shape.len());
    for length in shape.iter().rev() {
        strides.insert(0, stride);
        stride = stride.saturating_mul(length.cast_signed());
    }
    column(py, owner, start, shape, strides)
}

/// A view of one number out of each of `count` records of `step` bytes. The memory must stay as it is while `owner` lives.
pub(super) fn stepped<T: Element>(
    py: Python<'_>,
    owner: Owner,
    start: *const T,
    count: usize,
    step: usize,
) -> PyResult<Bound<'_, PyMemoryView>> {
    column(py, owner, start, &[count], vec![step.cast_signed()])
}

fn column<'py, T: Element>(
    py: Python<'py>,
    owner: Owner,
    start: *const T,
    shape: &[usize],
    strides: Vec<isize>,
) -> PyResult<Bound<'py, PyMemoryView>> {
    let shape: Box<[isize]> = shape.iter().map(|&length| length.cast_signed()).collect();
    let (item, strides) = (size_of::<T>(), strides.into_boxed_slice());
    let column = Column { _owner: owner, start: start.cast(), item, format: T::FORMAT, shape, strides };
    PyMemoryView::from(Bound::new(py, column)?.as_any())
}

impl Column {
    fn dense(&self) -> bool {
        self.strides.last().is_none_or(|&stride| stride == self.item.cast_signed())
    }
}

#[pymethods]
impl Column {
    /// # Safety
    /// Called by the interpreter with a valid, writable `buffer`.
    unsafe fn __getbuffer__(slf: Bound<'_, Self>, buffer: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        if buffer.is_null() {
            return Err(PyBufferError::new_err("no buffer to fill"));
        }
        if flags & ffi::PyBUF_WRITABLE == ffi::PyBUF_WRITABLE {
            return Err(PyBufferError::new_err("what a cycle saw is read-only"));
        }
        let column = slf.get();
        let strided = flags & ffi::PyBUF_STRIDES == ffi::PyBUF_STRIDES;
        if !strided && !column.dense() {
            return Err(PyBufferError::new_err(
                "the numbers stand apart from each other: ask for strides, or copy them",
            ));
        }
        let length: isize = column.shape.iter().product::<isize>().saturating_mul(column.item.cast_signed());
        let (format, shape, strides) =
            (column.format.as_ptr().cast_mut(), column.shape.as_ptr().cast_mut(), column.strides.as_ptr().cast_mut());
        // SAFETY: the interpreter gave a valid buffer; every pointer lives as long as `obj`, which it now owns.
        unsafe {
            (*buffer).buf = column.start.cast_mut();
            (*buffer).len = length;
            (*buffer).readonly = 1;
            (*buffer).itemsize = column.item.cast_signed();
            (*buffer).format = if flags & ffi::PyBUF_FORMAT == 0 { std::ptr::null_mut() } else { format };
            (*buffer).ndim = if flags & ffi::PyBUF_ND == 0 { 1 } else { column.shape.len() as c_int };
            (*buffer).shape = if flags & ffi::PyBUF_ND == 0 { std::ptr::null_mut() } else { shape };
            (*buffer).strides = if strided { strides } else { std::ptr::null_mut() };
            (*buffer).suboffsets = std::ptr::null_mut();
            (*buffer).internal = std::ptr::null_mut();
            (*buffer).obj = slf.into_any().into_ptr();
        }
        Ok(())
    }
}
