//! Numbers that break things, the same for the same seed on every machine.

/// SplitMix64 (G. Steele et al., OOPSLA 2014).
pub struct Dice(u64);

const NASTY: [f64; 16] = [
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    0.0,
    -0.0,
    f64::MIN_POSITIVE,
    5e-324,
    f64::MAX,
    f64::MIN,
    1e300,
    -1e300,
    f64::EPSILON,
    9_007_199_254_740_993.0,
    1.0,
    -1.0,
    0.5,
];
const NASTY_WHOLE: [i64; 8] = [i64::MIN, i64::MIN + 1, -1, 0, 1, 2, i64::MAX - 1, i64::MAX];

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x51E3)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// 0 to `end`, without `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    pub fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// Between -1 and 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    /// Mostly something a device could say, sometimes anything at all.
    pub fn number(&mut self, scale: f64) -> f64 {
        match self.below(8) {
            0 => NASTY[self.below(NASTY.len())],
            1 => f64::from_bits(self.bits()),
            _ => self.share() * scale,
        }
    }

    /// Mostly above 0.
    pub fn positive(&mut self, scale: f64) -> f64 {
        if self.chance(12) { self.number(scale) } else { self.share().abs() * scale + f64::EPSILON }
    }

    pub fn maybe(&mut self, scale: f64) -> Option<f64> {
        (!self.chance(3)).then(|| self.number(scale))
    }

    pub fn whole(&mut self, end: i64) -> i64 {
        match self.below(8) {
            0 => NASTY_WHOLE[self.below(NASTY_WHOLE.len())],
            1 => self.bits().cast_signed(),
            _ => self.below(end.unsigned_abs() as usize + 1) as i64,
        }
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn list<T>(&mut self, longest: usize, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let length = self.below(longest + 1);
        (0..length).map(|_| item(self)).collect()
    }

    /// A few bytes changed, cut out or doubled.
    pub fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let place = self.below(bytes.len().max(1));
            match self.below(4) {
                0 => bytes.truncate(place),
                1 if place + 8 <= bytes.len() => {
                    let number = *self.pick(&NASTY_WHOLE);
                    bytes[place..place + 8].copy_from_slice(&number.to_le_bytes());
                }
                2 => bytes.extend_from_within(place.min(bytes.len())..),
                _ if place < bytes.len() => bytes[place] = self.bits() as u8,
                _ => {}
            }
        }
    }
}
