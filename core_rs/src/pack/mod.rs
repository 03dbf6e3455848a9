//! Columns of numbers packed small, without loss (the `pco` format).
//!
//! Enters: one channel's values, as multiples of its resolution or as they are. Leaves: bytes, and the same values
//! again. Whoever unpacks says how many values there must be: damaged or forged bytes are refused, and never take more
//! memory than that. Never here: names, times, files.

use pco::ChunkConfig;
use pco::data_types::Number;
use pco::standalone::{simple_compress, simple_decompress_into};

use crate::error::{Error, Result};

/// Values of one column at most.
pub const LONGEST: usize = 10_000_000;

/// The bytes of a column. Refused: a column longer than [`LONGEST`].
pub fn pack<T: Number>(values: &[T]) -> Result<Vec<u8>> {
    if values.len() > LONGEST {
        return Err(Error::invalid(format!("a column of {} values; at most {LONGEST} are packed", values.len())));
    }
    simple_compress(values, &ChunkConfig::default()).map_err(|error| Error::invalid(format!("not packed: {error}")))
}

/// The column of `count` values that these bytes hold. Refused: anything else.
pub fn unpack<T: Number + Default>(packed: &[u8], count: usize) -> Result<Vec<T>> {
    if count > LONGEST {
        return Err(Error::invalid(format!("a column of {count} values; at most {LONGEST} are unpacked")));
    }
    // One more than promised, so that a longer column shows.
    let mut values = vec![T::default(); count.saturating_add(1)];
    let progress = simple_decompress_into(packed, &mut values)
        .map_err(|error| Error::invalid(format!("not a packed column: {error}")))?;
    if !progress.finished || progress.n_processed != count {
        return Err(Error::invalid(format!("a packed column that does not hold {count} values")));
    }
    values.truncate(count);
    Ok(values)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whole_numbers_come_back(values in prop::collection::vec(any::<i64>(), 0..2000)) {
            prop_assert_eq!(unpack::<i64>(&pack(&values).unwrap(), values.len()).unwrap(), values);
        }

        #[test]
        fn doubles_come_back_to_the_bit(bits in prop::collection::vec(any::<u64>(), 0..500)) {
            let values: Vec<f64> = bits.iter().copied().map(f64::from_bits).collect();
            let back = unpack::<f64>(&pack(&values).unwrap(), values.len()).unwrap();
            prop_assert_eq!(back.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), bits);
        }

        #[test]
        fn another_count_is_refused(values in prop::collection::vec(-5i64..5, 1..600), other in 0usize..700) {
            prop_assume!(other != values.len());
            prop_assert!(unpack::<i64>(&pack(&values).unwrap(), other).is_err());
        }

        #[test]
        fn damage_never_panics(values in prop::collection::vec(-500i64..500, 1..600), at: prop::sample::Index, bit in 0u8..8) {
            let mut packed = pack(&values).unwrap();
            let place = at.index(packed.len());
            packed[place] ^= 1 << bit;
            if let Ok(found) = unpack::<i64>(&packed, values.len()) {
                prop_assert_eq!(found.len(), values.len());
            }
        }

        #[test]
        fn rubbish_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), count in 0usize..5000) {
            drop(unpack::<i64>(&bytes, count));
            drop(unpack::<f64>(&bytes, count));
        }
    }

    #[test]
    fn a_cut_column_is_refused() {
        let packed = pack(&(0..1000i64).map(|n| n * n % 977).collect::<Vec<_>>()).unwrap();
        for length in 0..packed.len() {
            assert!(unpack::<i64>(&packed[..length], 1000).is_err(), "{length}");
        }
    }
}
