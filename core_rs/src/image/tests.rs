//! What could be wrong with an image.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

const MS: i64 = 1_000_000;

fn image(count: usize) -> Arc<Image> {
    Image::new((0..count).map(|n| Channel::new(format!("c{n}/v"))).collect(), 8).unwrap()
}

fn latched(image: &Arc<Image>, time_ns: i64) -> Snapshot {
    Latcher::claim(image).unwrap().latch(time_ns, true).unwrap();
    image.snapshot().unwrap()
}

#[test]
fn before_the_first_latch_everything_is_stale() {
    let image = image(2);
    image.publish(0, 5.0, 0, Quality::Good).unwrap();
    let snapshot = image.snapshot().unwrap();
    let reader = snapshot.reader().unwrap();
    assert_eq!((reader.cycle(), reader.quality(0)), (0, Quality::Stale));
    assert!(reader.last_value(0).is_nan() && reader.value_at(0, 10).is_nan());
}

#[test]
fn a_held_snapshot_never_changes() {
    let image = image(1);
    image.publish(0, 1.0, MS, Quality::Good).unwrap();
    let first = latched(&image, MS);
    let mut held = Vec::new();
    for n in 2..100_i64 {
        image.publish(0, n as f64, n * MS, Quality::Good).unwrap();
        held.push(latched(&image, n * MS));
    }
    assert_eq!(first.reader().unwrap().value(0), 1.0);
    for (n, snapshot) in (2..).zip(&held) {
        assert_eq!(snapshot.reader().unwrap().value(0), f64::from(n));
        assert_eq!(snapshot.reader().unwrap().cycle(), n as u64);
    }
}

#[test]
fn with_all_buffers_held_the_cycle_goes_on_in_private() {
    let image = image(1);
    let mut latcher = Latcher::claim(&image).unwrap();
    let mut held = Vec::new();
    for n in 1..60_i64 {
        image.publish(0, n as f64, n, Quality::Good).unwrap();
        assert_eq!(latcher.latch(n, false).unwrap(), n as u64);
        assert_eq!(latcher.reader().unwrap().value(0), n as f64, "the cycle sees fresh data");
        held.push(image.snapshot().unwrap());
    }
    assert!(image.snapshot().unwrap().reader().unwrap().cycle() < 59);
    held.clear();
    latcher.latch(60, false).unwrap();
    assert_eq!(image.snapshot().unwrap().reader().unwrap().cycle(), 60);
}

#[test]
fn a_raw_number_is_scaled_before_it_is_judged() {
    let mut raw = Channel::new("a/temperature_degc");
    (raw.minimum, raw.maximum) = (-40.0, 80.0);
    raw.scaling = Scaling { factor: 0.1, offset: -40.0 };
    let image = Image::new(vec![raw, Channel::new("a/plain")], 4).unwrap();
    let seen = |handle, number, at| {
        image.publish(handle, number, at, Quality::Good).unwrap();
        let reader = latched(&image, at);
        let reader = reader.reader().unwrap();
        (reader.value(handle), reader.quality(handle))
    };
    assert_eq!(seen(0, 650.0, 1), (25.0, Quality::Good));
    assert_eq!(seen(0, 1_201.0, 2).1, Quality::Bad, "80.1 degC is above its limit although 1,201 is a good raw number");
    assert_eq!(seen(0, f64::NAN, 3).1, Quality::Bad);
    assert!(seen(1, -0.0, 4).0.is_sign_negative(), "without scaling bit for bit");
}

#[test]
fn a_scaling_that_loses_the_number_is_refused() {
    for (factor, offset, kind) in
        [(0.0, 0.0, "float"), (f64::NAN, 0.0, "float"), (1.0, f64::INFINITY, "float"), (0.1, 0.0, "enum")]
    {
        let mut channel = Channel::new("a/b").with_kind(kind, "read").unwrap();
        channel.scaling = Scaling { factor, offset };
        assert!(channel.validate().is_err(), "{factor} {offset} {kind}");
    }
}

#[test]
fn quality_tells_age_range_kind_and_words_of_the_device() {
    let mut limited = Channel::new("a/limited");
    (limited.minimum, limited.maximum) = (0.0, 10.0);
    let channels = vec![limited, Channel::new("a/flag").with_kind("bool", "read").unwrap(), Channel::new("a/free")];
    let image = Image::new(channels, 4).unwrap();
    let judge = |handle, value, quality, at| {
        image.publish(handle, value, at, quality).unwrap();
        latched(&image, at).reader().unwrap().quality(handle)
    };
    assert_eq!(judge(0, 10.1, Quality::Good, 1), Quality::Bad);
    assert_eq!(judge(0, 10.0, Quality::Good, 2), Quality::Good);
    assert_eq!(judge(0, 99.0, Quality::Forced, 3), Quality::Bad);
    assert_eq!(judge(1, 0.5, Quality::Good, 4), Quality::Bad);
    assert_eq!(judge(1, 1.0, Quality::Forced, 5), Quality::Forced);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(judge(2, value, Quality::Good, 6), Quality::Bad);
    }
    image.publish(2, 1.0, 7, Quality::Good).unwrap();
    let late = latched(&image, 5_000 * MS + 8);
    assert_eq!(late.reader().unwrap().quality(2), Quality::Stale);
    assert!(late.reader().unwrap().value(2).is_nan());
    assert_eq!(late.reader().unwrap().last_value(2), 1.0);
    assert_eq!(late.reader().unwrap().quality(1), Quality::Forced, "what a person forced does not age");
}

#[test]
fn a_sample_from_the_far_future_is_stale_until_its_time_comes() {
    let image = image(1);
    image.publish(0, 1.0, 60_000 * MS, Quality::Good).unwrap();
    assert_eq!(latched(&image, MS).reader().unwrap().quality(0), Quality::Stale);
    assert_eq!(latched(&image, 58_000 * MS).reader().unwrap().quality(0), Quality::Good);
}

#[test]
fn history_is_that_of_the_snapshot() {
    let image = image(1);
    image.publish(0, 10.0, 10, Quality::Good).unwrap();
    latched(&image, 10);
    latched(&image, 15);
    image.publish(0, 20.0, 20, Quality::Good).unwrap();
    let second = latched(&image, 20);
    image.publish(0, 90.0, 30, Quality::Good).unwrap();
    let third = latched(&image, 30);
    let (second, third) = (second.reader().unwrap(), third.reader().unwrap());
    assert_eq!((second.value_at(0, 15), second.value_at(0, 25)), (15.0, 20.0));
    assert_eq!(third.value_at(0, 25), 55.0);
    assert!(third.value_at(0, 9).is_nan());
}

#[test]
fn one_owner_latches_and_time_does_not_go_back() {
    let image = image(1);
    let mut latcher = Latcher::claim(&image).unwrap();
    assert!(Latcher::claim(&image).is_err());
    latcher.latch(10, true).unwrap();
    assert!(latcher.latch(9, true).is_err());
    drop(latcher);
    assert!(Latcher::claim(&image).is_ok());
}

#[test]
fn bad_tables_are_refused() {
    let twice = vec![Channel::new("a/b"), Channel::new("a/b")];
    assert!(Image::new(twice, 8).is_err());
    for address in ["", "a", "/b", "a/", "a/b c"] {
        assert!(Image::new(vec![Channel::new(address)], 8).is_err(), "{address:?}");
    }
    assert!(Image::new(vec![], 0).is_err());
}

#[test]
fn readers_never_see_a_mixture_of_two_cycles() {
    let image = image(64);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let snapshot = image.snapshot().unwrap();
                    let reader = snapshot.reader().unwrap();
                    let cycle = reader.cycle() as f64;
                    assert!((0..64).all(|handle| reader.cycle() == 0 || reader.last_value(handle) == cycle));
                }
            });
        }
        let mut latcher = Latcher::claim(&image).unwrap();
        for n in 1..20_000_i64 {
            (0..64).for_each(|handle| image.publish(handle, n as f64, n, Quality::Good).unwrap());
            latcher.latch(n, false).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}
