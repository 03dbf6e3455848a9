//! The exact line search: the root of a rising, piecewise linear function of one unknown.

const TRIALS: u32 = 60;

/// `gain * clip(base + rate t, lower, upper)`: one part, or one row, along a direction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bend {
    pub(super) gain: f64,
    pub(super) base: f64,
    pub(super) rate: f64,
    pub(super) lower: f64,
    pub(super) upper: f64,
}

/// Storage for the search.
#[derive(Debug)]
pub(super) struct Line {
    bends: Vec<Bend>,
    /// Looks at the function in the last search.
    pub(super) looks: u32,
}

impl Line {
    /// For so many bends.
    pub(super) fn new(bends: usize) -> Self {
        Self { bends: Vec::with_capacity(bends), looks: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.bends.clear();
    }

    pub(super) fn push(&mut self, bend: Bend) {
        self.bends.push(bend);
    }

    /// Where `at_rest + slope t + bends` is 0: Newton's method, kept inside a bracket that shrinks at least by half.
    pub(super) fn root(&mut self, at_rest: f64, slope: f64) -> f64 {
        let (start, _) = self.value(0.0, at_rest, slope);
        let (mut low, mut high, mut t) = (0.0_f64, f64::INFINITY, 1.0_f64);
        self.looks = 1;
        for _ in 0..TRIALS {
            self.looks += 1;
            let (sum, rise) = self.value(t, at_rest, slope);
            if sum.abs() <= 0.1 * start.abs() {
                break;
            }
            if sum < 0.0 {
                low = t
            } else {
                high = t
            }
            let newton = t - sum / rise;
            t = if newton > low && newton < high {
                newton
            } else if high.is_finite() {
                0.5 * (low + high)
            } else {
                4.0 * t
            };
        }
        t
    }

    // The function and its slope.
    fn value(&self, t: f64, at_rest: f64, slope: f64) -> (f64, f64) {
        let (mut sum, mut rise) = (at_rest + slope * t, slope);
        for bend in &self.bends {
            let wish = bend.base + bend.rate * t;
            let below = if wish > bend.lower { wish } else { bend.lower };
            let clipped = if below < bend.upper { below } else { bend.upper };
            sum += bend.gain * clipped;
            rise += if clipped == wish { bend.gain * bend.rate } else { 0.0 };
        }
        (sum, rise)
    }
}
