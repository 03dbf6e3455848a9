//! Memory shared with another process: a reader of a board with wrong bytes, and a cycle whose controllers scribble.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use simems_core::clock::Clock;
use simems_core::cycle::{Actuator, Configuration, Cycle, DeskSpec, Guest, Proposal, Source};
use simems_core::image::{Channel, Image, Quality};

use super::Dice;

const READERS: u64 = 20;
const STEPS: u64 = 40;
const RATING: f64 = 5.0;

fn cycle() -> Cycle {
    let mut mode = Channel::new("site/läge").with_kind("enum", "write").unwrap();
    mode.labels = [(-1, "av".to_owned()), (7, "på".to_owned())].into();
    let image = Image::shared(vec![Channel::new("ess0/p"), Channel::new("peak0/metric"), mode], 3).unwrap();
    image.publish(0, 1.0, 5, Quality::Good).unwrap();
    let configuration = Configuration {
        period_s: 0.1,
        sources: ["peak0", "self0"].map(|id| Source::new(id.to_owned(), 3, 3).unwrap()).to_vec(),
        actuators: vec![Actuator {
            address: "ess0/p".to_owned(),
            minimum: -RATING,
            maximum: RATING,
            ..Actuator::default()
        }],
        guards: Vec::new(),
        clusters: Vec::new(),
        propose_share: 0.5,
    };
    let desk = DeskSpec { sources: vec![0, 1], channels: vec![1] };
    Cycle::with_desks(image, Arc::new(Clock::simulated(0)), configuration, vec![desk]).unwrap()
}

/// Attaching to mutated memory is an error or an image that can be read: never a panic, never a read outside.
pub fn readers(dice: &mut Dice) -> u64 {
    let cycle = cycle();
    cycle.begin(1_000_000).unwrap();
    cycle.finish().unwrap();
    let files = cycle.shared().files(0).unwrap().map(|file| contents(&file));
    (0..READERS).for_each(|_| attach(dice, &files));
    READERS
}

fn attach(dice: &mut Dice, whole: &[Vec<u8>; 3]) {
    let mut files = whole.clone();
    for _ in 0..=dice.below(3) {
        // Mostly the counts and the name table, which lie in front.
        let file = &mut files[dice.below(3)];
        let reach = if dice.chance(3) { file.len() } else { file.len().min(512) };
        let mut front = file[..reach].to_vec();
        dice.mutate(&mut front);
        file.splice(..reach, front);
    }
    let [board, desk, bell] = files.each_ref().map(|bytes| memory(bytes));
    if let Ok(guest) = Guest::attach(board, desk, bell) {
        read(dice, &guest);
        // On a damaged desk a writer waits for the one before it, who never ends: the cycle's side mends a desk.
        if files[1] == whole[1] {
            propose(dice, &guest);
        }
    }
}

fn propose(dice: &mut Dice, guest: &Guest) {
    let cycle = dice.whole(2);
    let row = Proposal { preferred: dice.maybe(10.0), lower: dice.maybe(10.0), ..Proposal::default() };
    let _ = guest.propose(dice.whole(1), cycle, &[row]);
    let _ = guest.publish(dice.below(4), dice.number(1e5), dice.whole(1_000_000));
}

fn read(dice: &mut Dice, guest: &Guest) {
    let Ok(Some(snapshot)) = guest.wait(0, 0) else { return };
    let Some(reader) = snapshot.reader() else { return };
    for handle in 0..5 {
        let _ = (reader.value(handle), reader.quality(handle), reader.value_at(handle, dice.whole(1_000_000)));
    }
}

/// A controllers' process that writes anything anywhere on its desk and bell: setpoints stay numbers inside the rating.
pub fn scribblers(dice: &mut Dice) -> u64 {
    let cycle = cycle();
    let [_, desk, bell] = cycle.shared().files(0).unwrap().map(File::from);
    for step in 1..=STEPS.cast_signed() {
        cycle.begin(step * 100_000_000).unwrap();
        for file in [&desk, &desk, &bell] {
            scribble(dice, file);
        }
        for decided in cycle.finish().unwrap() {
            assert!((-RATING..=RATING).contains(&decided.setpoint), "{decided:?} came from a scribbling process");
        }
        let snapshot = cycle.shared().wait(0, 0).unwrap();
        let value = snapshot.reader().unwrap().value(1);
        assert!(value.is_nan() || value.is_finite());
        if dice.chance(9) {
            cycle.shared().mend(0).unwrap();
        }
    }
    STEPS
}

fn scribble(dice: &mut Dice, file: &File) {
    let length = file.metadata().unwrap().len();
    for _ in 0..dice.below(6) {
        let number = if dice.chance(2) { dice.number(100.0).to_bits() } else { dice.whole(50) as u64 };
        let place = dice.below(length as usize / 8) as u64 * 8;
        file.write_all_at(&number.to_le_bytes(), place).unwrap();
    }
}

fn contents(file: &impl AsFd) -> Vec<u8> {
    let file = File::from(file.as_fd().try_clone_to_owned().unwrap());
    let mut bytes = vec![0; file.metadata().unwrap().len() as usize];
    file.read_exact_at(&mut bytes, 0).unwrap();
    bytes
}

fn memory(bytes: &[u8]) -> OwnedFd {
    let name: &CStr = c"simems-fuzz";
    // SAFETY: `name` is a C string; the descriptor made belongs to nobody else.
    let file = unsafe { OwnedFd::from_raw_fd(libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC)) };
    File::from(file.try_clone().unwrap()).write_all_at(bytes, 0).unwrap();
    file
}
