//! How long the image takes for its parts, beside a plain copy of the same bytes. For the figures only.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::image::{Channel, Image, Latcher, Quality, Sample};

/// Acquired this often for one time.
const ACQUIRED: u32 = 1000;

/// Medians over the rounds, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// All channels published one by one.
    pub publish: f64,
    /// One latch after all of them were published: until readers may have it.
    pub latch: f64,
    /// The rest of that latch: the history takes the new samples over.
    pub history: f64,
    /// One whole latch when none was published.
    pub latch_unchanged: f64,
    /// A copy of as many bytes as the channels' samples have.
    pub copy: f64,
    /// A reader takes hold of the newest snapshot and lets go.
    pub acquire: f64,
}

/// Measures an image of this many channels in this many rounds.
pub fn times(channels: usize, rounds: usize) -> Result<Times> {
    let image = Image::new((0..channels).map(|number| Channel::new(format!("c{number}/v"))).collect(), 4)?;
    let mut latcher = Latcher::claim(&image)?;
    let (from, mut into) = (vec![1_u8; channels * size_of::<Sample>()], vec![0_u8; channels * size_of::<Sample>()]);
    let (mut all, mut time_ns) = (Vec::with_capacity(rounds), 0);
    for _ in 0..rounds {
        time_ns += 2;
        all.push(Times {
            publish: timed(|| publish(&image, time_ns))?,
            latch: timed(|| latcher.fill(time_ns, false).map(|_| ()))?,
            history: timed(|| latcher.show())?,
            latch_unchanged: timed(|| latcher.latch(time_ns + 1, false).map(|_| ()))?,
            copy: timed(|| {
                black_box(&mut into).copy_from_slice(black_box(&from));
                Ok(())
            })?,
            acquire: timed(|| acquire(&image))? / f64::from(ACQUIRED),
        });
    }
    medians(&all)
}

fn timed(act: impl FnOnce() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    act()?;
    Ok(begun.elapsed().as_nanos() as f64)
}

fn publish(image: &Image, time_ns: i64) -> Result<()> {
    (0..image.len()).try_for_each(|handle| image.publish(handle, time_ns as f64, time_ns, Quality::Good))
}

fn acquire(image: &Arc<Image>) -> Result<()> {
    (0..ACQUIRED).try_for_each(|_| image.snapshot().map(|snapshot| drop(black_box(snapshot))))
}

fn medians(all: &[Times]) -> Result<Times> {
    let median = |part: fn(&Times) -> f64| {
        let mut values: Vec<f64> = all.iter().map(part).collect();
        values.sort_unstable_by(f64::total_cmp);
        values.get(values.len() / 2).copied().ok_or(Error::Order("no round was measured"))
    };
    Ok(Times {
        publish: median(|times| times.publish)?,
        latch: median(|times| times.latch)?,
        history: median(|times| times.history)?,
        latch_unchanged: median(|times| times.latch_unchanged)?,
        copy: median(|times| times.copy)?,
        acquire: median(|times| times.acquire)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_takes_time_and_no_round_is_an_error() {
        let times = times(100, 3).unwrap();
        let parts = [times.publish, times.latch, times.history, times.latch_unchanged, times.copy, times.acquire];
        assert!(parts.into_iter().all(|part| part > 0.0), "{times:?}");
        assert!(super::times(100, 0).is_err());
    }
}
