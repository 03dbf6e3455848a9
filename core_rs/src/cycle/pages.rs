//! Memory of the cycle's thread that is there before it is needed, and stays.

use std::{fs, io};

/// Of the stack, touched once before the first cycle: no later call meets an unmapped page.
const STACK_BYTES: usize = 128 * 1024;
const PAGE_BYTES: usize = 4096;
/// Bit of CAP_IPC_LOCK in the effective set, capabilities(7).
const CAP_IPC_LOCK: u64 = 1 << 14;

/// Locks what the process has and will have in memory, each page once it was touched; errno when refused.
///
/// MCL_ONFAULT: without it a Python process would have to hold each library and 8 MB of stack per thread. With a
/// finite RLIMIT_MEMLOCK, MCL_FUTURE would make later allocations fail anywhere in the process, so it is not even
/// tried (EPERM): better a slow page than none.
pub(crate) fn lock() -> io::Result<()> {
    if !(has_no_limit() || may_ignore_limits()) {
        return Err(io::Error::from_raw_os_error(libc::EPERM));
    }
    // SAFETY: changes no memory, only whether its pages may be taken away.
    let code = unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE | libc::MCL_ONFAULT) };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn has_no_limit() -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for the whole call.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &raw mut limit) } == 0;
    known && limit.rlim_cur == libc::RLIM_INFINITY
}

fn may_ignore_limits() -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    bits.is_some_and(|bits| bits & CAP_IPC_LOCK != 0)
}

/// Touches the calling thread's stack and the core's own code.
pub(crate) fn touch() {
    touch_stack();
    touch_code();
}

#[inline(never)]
fn touch_stack() {
    let mut stack = [0_u8; STACK_BYTES];
    for page in stack.chunks_mut(PAGE_BYTES) {
        if let Some(first) = page.first_mut() {
            *std::hint::black_box(first) = 1;
        }
    }
    std::hint::black_box(&stack);
}

// A path that is rarely taken would else meet its page of code for the first time in some cycle. Kernels before 5.14
// do not know the advice; there the first turn through a path may cost a minor fault.
fn touch_code() {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let here = touch_code as fn() as usize;
    if let Some((first, last)) = maps.lines().filter_map(range).find(|(first, last)| (*first..*last).contains(&here)) {
        // SAFETY: reads pages of a mapping that holds this very function and so stays mapped; changes nothing.
        unsafe { libc::madvise(first as *mut libc::c_void, last - first, libc::MADV_POPULATE_READ) };
    }
}

// `first-last perms ...` in hexadecimal, proc(5).
fn range(line: &str) -> Option<(usize, usize)> {
    let (first, last) = line.split_whitespace().next()?.split_once('-')?;
    Some((usize::from_str_radix(first, 16).ok()?, usize::from_str_radix(last, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_maps_is_understood() {
        let line = "55d0c0a00000-55d0c0b2f000 r-xp 0000a000 fe:00 1234   /usr/bin/x";
        assert_eq!(range(line), Some((0x55d0_c0a0_0000, 0x55d0_c0b2_f000)));
        assert_eq!((range(""), range("zz-1 r"), range("nothing")), (None, None, None));
    }

    #[test]
    fn the_pages_of_the_stack_are_there_after_touching() {
        let resident = || {
            let probe = 0_u8;
            let below = (std::ptr::from_ref(&probe) as usize).saturating_sub(STACK_BYTES / 2) & !(PAGE_BYTES - 1);
            let mut state = 0_u8;
            // SAFETY: asks about one page of this thread's own stack; the kernel writes one byte.
            let code = unsafe { libc::mincore(below as *mut libc::c_void, PAGE_BYTES, &raw mut state) };
            code == 0 && state & 1 == 1
        };
        let (before, after) = std::thread::spawn(move || {
            (resident(), {
                touch();
                resident()
            })
        })
        .join()
        .unwrap();
        assert_eq!((before, after), (false, true));
    }
}
