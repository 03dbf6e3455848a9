//! One mapping.

use std::ffi::CStr;
use std::io::Error as OsError;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Zeroed memory of a fixed size, of this process alone or shared through its file.
#[derive(Debug)]
pub struct Region {
    start: NonNull<u8>,
    length: usize,
    file: Option<OwnedFd>,
}

// SAFETY: a region is plain memory; what lies in it is reached through views of types that are safe to share.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

impl Region {
    /// Memory of this process alone.
    pub fn private(length: usize) -> Result<Arc<Self>> {
        Self::map(length, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, None)
    }

    /// Memory that other processes attach through [`Region::file`]; its size is sealed.
    pub fn shared(name: &CStr, length: usize) -> Result<Arc<Self>> {
        // SAFETY: `name` is a C string; the call touches no other memory.
        let raw = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING) };
        if raw < 0 {
            return Err(refusal("shared memory could not be made"));
        }
        // SAFETY: the descriptor was just made and belongs to nobody else.
        let file = unsafe { OwnedFd::from_raw_fd(raw) };
        let size = libc::off_t::try_from(length).map_err(|_| Error::invalid("the shared memory would be too large"))?;
        // SAFETY: plain system call on an owned descriptor.
        if unsafe { libc::ftruncate(file.as_raw_fd(), size) } < 0 {
            return Err(refusal("shared memory could not be sized"));
        }
        let region = Self::map(length, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED, Some(file))?;
        region.seal(libc::F_SEAL_SHRINK | libc::F_SEAL_GROW)?;
        Ok(region)
    }

    /// Maps another process's region.
    pub fn attach(file: OwnedFd, writable: bool) -> Result<Arc<Self>> {
        let length = size_of_file(file.as_fd())?;
        let access = if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        Self::map(length, access, libc::MAP_SHARED, Some(file))
    }

    fn map(length: usize, access: i32, flags: i32, file: Option<OwnedFd>) -> Result<Arc<Self>> {
        let descriptor = file.as_ref().map_or(-1, AsRawFd::as_raw_fd);
        let flags = flags | libc::MAP_POPULATE;
        // SAFETY: a fresh mapping at a place the kernel chooses; nothing existing is touched.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), length.max(1), access, flags, descriptor, 0) };
        if start == libc::MAP_FAILED {
            return Err(refusal(&format!("{length} bytes of memory could not be mapped")));
        }
        let start = NonNull::new(start.cast()).ok_or(Error::Order("memory was mapped at address 0"))?;
        Ok(Arc::new(Self { start, length: length.max(1), file }))
    }

    /// From now on nobody else can map it writable; this mapping stays writable.
    pub fn seal_writes(&self) -> Result<()> {
        self.seal(libc::F_SEAL_FUTURE_WRITE)
    }

    fn seal(&self, seals: i32) -> Result<()> {
        let Some(file) = &self.file else { return Ok(()) };
        // SAFETY: plain system call on an owned descriptor.
        match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } {
            0 => Ok(()),
            _ => Err(refusal("shared memory could not be sealed")),
        }
    }

    /// Its file; None for memory of this process alone.
    pub fn file(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    /// Bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Never: a region has at least one byte.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(crate) fn start(&self) -> NonNull<u8> {
        self.start
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        // SAFETY: the mapping is this region's own; views hold the region, so none is left.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

fn size_of_file(file: BorrowedFd<'_>) -> Result<usize> {
    // SAFETY: an all-zero `stat` is valid; the call fills it.
    let mut facts: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `facts` outlives the call.
    if unsafe { libc::fstat(file.as_raw_fd(), &raw mut facts) } < 0 {
        return Err(refusal("the size of the shared memory is not known"));
    }
    usize::try_from(facts.st_size).map_err(|_| Error::invalid("the shared memory has no size"))
}

fn refusal(what: &str) -> Error {
    Error::invalid(format!("{what}: {}", OsError::last_os_error()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::memory::View;

    #[test]
    fn who_attaches_sees_what_the_owner_writes_and_may_not_write() {
        let owner = Region::shared(c"test", 4096).unwrap();
        owner.seal_writes().unwrap();
        let file = owner.file().unwrap().try_clone_to_owned().unwrap();
        let reader = Region::attach(file.try_clone().unwrap(), false).unwrap();
        let (ours, theirs) =
            (View::<AtomicU64>::of(&owner, 64, 1).unwrap(), View::<AtomicU64>::of(&reader, 64, 1).unwrap());
        ours[0].store(7, Ordering::SeqCst);
        assert_eq!(theirs[0].load(Ordering::SeqCst), 7);
        assert!(Region::attach(file, true).is_err(), "sealed against writing");
    }

    #[test]
    fn views_stay_inside() {
        let region = Region::private(64).unwrap();
        assert!(View::<AtomicU64>::of(&region, 0, 8).is_ok());
        assert!(View::<AtomicU64>::of(&region, 8, 8).is_err());
        assert!(View::<AtomicU64>::of(&region, 4, 1).is_err(), "not aligned");
        assert!(View::<AtomicU64>::of(&region, usize::MAX - 7, 1).is_err());
        assert!(View::<AtomicU64>::of(&region, 0, usize::MAX).is_err());
    }
}
