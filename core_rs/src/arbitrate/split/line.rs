//! The exact line search: the root of a rising, piecewise linear function of one unknown.

/// More than twice the halvings that any number of kinks takes.
const TRIALS: u32 = 24;
/// Of the value at 0.
const NEARLY: f64 = 0.1;

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
    /// Where bends begin and end, as far as they lie inside the bracket.
    kinks: Vec<f64>,
    /// Looks at the function in the last search.
    pub(super) looks: u32,
}

impl Line {
    /// For so many bends.
    pub(super) fn new(bends: usize) -> Self {
        Self { bends: Vec::with_capacity(bends), kinks: Vec::with_capacity(2 * bends), looks: 0 }
    }

    pub(super) fn clear(&mut self) {
        self.bends.clear();
    }

    pub(super) fn push(&mut self, bend: Bend) {
        self.bends.push(bend);
    }

    /// Where `at_rest + slope t + bends` is 0, nearly: Newton's method while it gains, else the median of the kinks left
    /// in the bracket, so that each such trial leaves half of them.
    pub(super) fn root(&mut self, at_rest: f64, slope: f64) -> f64 {
        let (start, _) = self.value(0.0, at_rest, slope);
        let (mut low, mut high) = ((0.0_f64, start), (f64::INFINITY, f64::INFINITY));
        let (mut t, mut last, mut looked) = (1.0_f64, start, false);
        self.looks = 1;
        for _ in 0..TRIALS {
            self.looks += 1;
            let (sum, rise) = self.value(t, at_rest, slope);
            if sum.abs() <= NEARLY * start.abs() {
                break;
            }
            if sum < 0.0 {
                low = (t, sum)
            } else {
                high = (t, sum)
            }
            let newton = t - sum / rise;
            let gains = sum.abs() <= 0.5 * last.abs() || looked;
            last = sum;
            looked = false;
            t = if gains && newton > low.0 && newton < high.0 {
                newton
            } else if high.0.is_finite() {
                looked = true;
                self.between(low, high)
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

    // The median kink inside a bracket; without any the function is straight there.
    fn between(&mut self, low: (f64, f64), high: (f64, f64)) -> f64 {
        let kinks =
            self.bends.iter().flat_map(|bend| [bend.lower, bend.upper].map(|end| (end - bend.base) / bend.rate));
        self.kinks.clear();
        self.kinks.extend(kinks.filter(|&kink| kink > low.0 && kink < high.0));
        let middle = self.kinks.len() / 2;
        if self.kinks.is_empty() {
            return low.0 + (high.0 - low.0) * (low.1 / (low.1 - high.1));
        }
        *self.kinks.select_nth_unstable_by(middle, f64::total_cmp).1
    }
}
