//! No torn read: while threads publish, every latch and every reader sees value, time and quality of one sample.
//! `SIMEMS_TORN_READS` reads (default a million; `make torn-long`: 10^8).
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread;

use simems_core::image::{Channel, Image, Latcher, Quality, Reader};

const CHANNELS: usize = 500;
const WRITERS: usize = 2;

fn image() -> Arc<Image> {
    let channel = |number: usize| {
        let mut channel = Channel::new(format!("c{number}/v"));
        channel.stale_after_s = f64::INFINITY;
        channel
    };
    Image::new((0..CHANNELS).map(channel).collect(), 4).unwrap()
}

fn quality(n: i64) -> Quality {
    if n % 2 == 0 { Quality::Good } else { Quality::Forced }
}

// Every writer is at every channel, so that they meet.
fn publish(image: &Image, number: &AtomicI64, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        for handle in 0..CHANNELS {
            let n = number.fetch_add(1, Ordering::Relaxed);
            image.publish(handle, n as f64, n, quality(n)).unwrap();
        }
    }
}

/// How many samples it looked at.
fn look(reader: &Reader<'_>) -> u64 {
    let written = (0..CHANNELS).filter(|&handle| reader.last_value(handle).is_finite());
    written
        .inspect(|&handle| {
            let n = reader.time_of(handle);
            let seen = (reader.last_value(handle), reader.quality(handle));
            assert_eq!(seen, (n as f64, quality(n)), "torn read of channel {handle}");
        })
        .count() as u64
}

#[test]
fn value_time_and_quality_are_of_one_sample() {
    let wanted: u64 = std::env::var("SIMEMS_TORN_READS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let (image, number, done) = (image(), AtomicI64::new(1), AtomicBool::new(false));
    let (image, number, done) = (&image, &number, &done);
    let mut looked = 0;
    thread::scope(|scope| {
        (0..WRITERS).for_each(|_| {
            scope.spawn(move || publish(image, number, done));
        });
        let beside = scope.spawn(move || {
            let mut looked = 0;
            while !done.load(Ordering::Relaxed) {
                looked += look(&image.snapshot().unwrap().reader().unwrap());
            }
            looked
        });
        let mut latcher = Latcher::claim(image).unwrap();
        for cycle in 1.. {
            latcher.latch(cycle, false).unwrap();
            looked += look(&latcher.reader().unwrap());
            if looked >= wanted {
                break;
            }
        }
        done.store(true, Ordering::Relaxed);
        looked += beside.join().unwrap();
    });
    println!("torn: 0 in {looked} reads, {} samples published", number.load(Ordering::Relaxed));
}
