//! The tag table as bytes, so that a process that attaches knows what lies where.
//!
//! All numbers little-endian; a text is its length and its UTF-8. Reading checks everything: a wrong byte is an error,
//! never a panic.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::image::channel::{Channel, Kind, Scaling};

/// The bytes of a table.
pub(crate) fn encode(channels: &[Channel]) -> Vec<u8> {
    let mut bytes = Vec::new();
    count(&mut bytes, channels.len());
    channels.iter().for_each(|channel| put(&mut bytes, channel));
    bytes
}

fn put(bytes: &mut Vec<u8>, channel: &Channel) {
    text(bytes, &channel.address);
    text(bytes, &channel.unit);
    text(bytes, channel.kind.name());
    bytes.push(u8::from(channel.writable));
    let scaling = [channel.scaling.factor, channel.scaling.offset];
    for number in
        scaling.into_iter().chain([channel.resolution, channel.minimum, channel.maximum, channel.stale_after_s])
    {
        bytes.extend(number.to_le_bytes());
    }
    count(bytes, channel.labels.len());
    for (code, label) in &channel.labels {
        bytes.extend(code.to_le_bytes());
        text(bytes, label);
    }
}

fn count(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend((number as u64).to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    count(bytes, text.len());
    bytes.extend(text.as_bytes());
}

/// The table behind bytes; every channel is checked as one made by hand is.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Channel>> {
    let mut rest = Rest(bytes);
    let channels = rest.count()?;
    (0..channels).map(|_| rest.channel()).collect()
}

/// Bytes not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take(&mut self, length: usize) -> Result<&[u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Error::Order("the name table is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn eight(&mut self) -> Result<[u8; 8]> {
        self.take(8)?.try_into().map_err(|_| Error::Order("the name table is cut short"))
    }

    // No count can be larger than what is left: each item has at least a byte.
    fn count(&mut self) -> Result<usize> {
        let count = u64::from_le_bytes(self.eight()?);
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= self.0.len())
            .ok_or(Error::Order("the name table is wrong"))
    }

    fn text(&mut self) -> Result<String> {
        let length = self.count()?;
        String::from_utf8(self.take(length)?.to_vec()).map_err(|_| Error::Order("a name in the name table is no text"))
    }

    fn number(&mut self) -> Result<f64> {
        self.eight().map(f64::from_le_bytes)
    }

    fn channel(&mut self) -> Result<Channel> {
        let mut channel = Channel::new(self.text()?);
        channel.unit = self.text()?;
        channel.kind = Kind::from_name(&self.text()?).ok_or(Error::Order("the name table has an unknown kind"))?;
        channel.writable = self.take(1)? == [1];
        channel.scaling = Scaling { factor: self.number()?, offset: self.number()? };
        channel.resolution = self.number()?;
        channel.minimum = self.number()?;
        channel.maximum = self.number()?;
        channel.stale_after_s = self.number()?;
        channel.labels = self.labels()?;
        channel.validate()?;
        Ok(channel)
    }

    fn labels(&mut self) -> Result<BTreeMap<i64, String>> {
        let count = self.count()?;
        (0..count).map(|_| Ok((i64::from_le_bytes(self.eight()?), self.text()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> Vec<Channel> {
        let mut mode = Channel::new("site/läge").with_kind("enum", "write").unwrap();
        mode.labels = BTreeMap::from([(-1, "av".to_owned()), (7, "på".to_owned())]);
        let mut power = Channel::new("ess0/active_power_w");
        (power.unit, power.minimum, power.stale_after_s) = ("W".to_owned(), -5.0, f64::INFINITY);
        power.scaling = Scaling { factor: -0.1, offset: 4.0 };
        vec![mode, power, Channel::new("a/b").with_kind("bool", "read").unwrap()]
    }

    #[test]
    fn comes_back_as_it_was() {
        assert_eq!(decode(&encode(&table())).unwrap(), table());
        assert_eq!(decode(&encode(&[])).unwrap(), []);
    }

    #[test]
    fn a_cut_table_is_refused() {
        let bytes = encode(&table());
        assert!((0..bytes.len()).all(|length| decode(&bytes[..length]).is_err()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_table_or_an_error(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let _ = decode(&bytes);
            let mut changed = encode(&table());
            changes.into_iter().for_each(|(place, byte)| { let place = place.index(changed.len()); changed[place] = byte; });
            let _ = decode(&changed);
        }
    }
}
