//! The image of this process: what is published is read back or refused, and the recorder keeps its shape.

use std::sync::Arc;

use simems_core::image::{Channel, Image, Latcher, Quality};
use simems_core::record::Recorder;

use super::Dice;

const STEPS: u64 = 40;
const KINDS: [&str; 6] = ["float", "int", "bool", "enum", "", "Float"];

pub fn run(dice: &mut Dice) -> u64 {
    let mut channels = dice.list(12, channel);
    channels.push(Channel::new("last/one"));
    let Ok(image) = Image::new(channels, dice.whole(40).unsigned_abs() as usize % 70_000) else {
        return 1;
    };
    let handles = dice.list(6, |dice| dice.below(image.len()));
    let capacity = dice.whole(6).unsigned_abs() as usize % 10_000;
    let recorder = Recorder::new(Arc::clone(&image), handles.clone(), dice.positive(2.0), capacity).ok();
    let mut latcher = Latcher::claim(&image).unwrap();
    (0..STEPS).for_each(|_| step(dice, &image, &mut latcher, recorder.as_deref(), handles.len()));
    STEPS
}

fn channel(dice: &mut Dice) -> Channel {
    let name = *dice.pick(&["p", "soc", "", "läge", "a b"]);
    let mut channel = Channel::new(format!("c{}/{name}", dice.below(40)));
    channel.resolution = dice.positive(1.0);
    (channel.minimum, channel.maximum) = (-dice.positive(1e5), dice.positive(1e5));
    channel.stale_after_s = dice.positive(5.0);
    let access = *dice.pick(&["read", "write", "execute"]);
    channel.clone().with_kind(dice.pick::<&str>(&KINDS), access).unwrap_or(channel)
}

fn step(dice: &mut Dice, image: &Arc<Image>, latcher: &mut Latcher, recorder: Option<&Recorder>, columns: usize) {
    for _ in 0..dice.below(5) {
        let quality = Quality::parse(dice.whole(3)).unwrap_or(Quality::Good);
        let handle = if dice.chance(9) { dice.bits() as usize } else { dice.below(image.len()) };
        let _ = image.publish(handle, dice.number(1e5), dice.whole(1_000_000_000), quality);
    }
    let _ = latcher.latch(dice.whole(10_000_000_000), dice.chance(2));
    let snapshot = image.snapshot().unwrap();
    let reader = snapshot.reader().unwrap();
    for handle in 0..image.len() + 1 {
        let value = reader.value(handle);
        assert!(value.is_nan() || reader.quality(handle).valid() && value.is_finite(), "{value} is no valid value");
        let then = reader.value_at(handle, dice.whole(1_000_000_000));
        assert!(then.is_nan() || then.is_finite(), "{then} between two samples");
        let _ = reader.time_of(handle);
    }
    if let Some(recorder) = recorder {
        recorder.sample(&reader);
        let rows = recorder.drain(dice.below(4));
        assert_eq!(rows.values.len(), rows.times_ns.len() * columns);
        assert_eq!(rows.qualities.len(), rows.values.len());
    }
}
