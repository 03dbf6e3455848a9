//! Droop: how much power a deviation of frequency asks for.

use super::{Curve, not_negative, positive};
use crate::error::{Error, Result};

/// `dP = (f1 - f) / fn / s * Pref` beyond each edge of the deadband, 0 inside, held at the reserve: the power to add to
/// what is being delivered, in W, as a falling [`Curve`] over the frequency in Hz.
///
/// - EN 50549-1:2019, 4.6.1 and 4.6.2: `f1` is the threshold (50.2 Hz above, 49.8 Hz below), `s` 5 % (2 to 12 %), `Pref`
///   the maximum power, or above the threshold the power when it was crossed.
/// - IEEE 1547-2018, 6.5.2.7.2: `f1 = 60 Hz +- db` with db 0.036 Hz, `k` 0.05, `Pref` the rated power.
///
/// Intentional delays, deactivation thresholds and return gradients of these standards are not here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Droop {
    /// fn.
    pub nominal_hz: f64,
    /// Distance from nominal to the lower threshold.
    pub deadband_below_hz: f64,
    /// Distance from nominal to the upper threshold.
    pub deadband_above_hz: f64,
    /// s below the lower threshold.
    pub droop_below_pct: f64,
    /// s above the upper threshold.
    pub droop_above_pct: f64,
    /// Pref.
    pub reference_w: f64,
    /// Most that may be added.
    pub raise_max_w: f64,
    /// Most that may be taken away.
    pub lower_max_w: f64,
}

impl Droop {
    /// The curve; its output before the first sample is 0.
    pub fn curve(&self) -> Result<Curve> {
        self.validate()?;
        let (below_hz, above_hz) = (self.nominal_hz - self.deadband_below_hz, self.nominal_hz + self.deadband_above_hz);
        let mut points = vec![(below_hz, 0.0)];
        if above_hz > below_hz {
            points.push((above_hz, 0.0));
        }
        if self.raise_max_w > 0.0 {
            points.insert(0, (below_hz - self.span_hz(self.droop_below_pct, self.raise_max_w), self.raise_max_w));
        }
        if self.lower_max_w > 0.0 {
            points.push((above_hz + self.span_hz(self.droop_above_pct, self.lower_max_w), -self.lower_max_w));
        }
        Curve::new(&points, 0.0)
    }

    // Frequency over which the power goes from 0 to its maximum.
    fn span_hz(&self, droop_pct: f64, power_w: f64) -> f64 {
        power_w / self.reference_w * (droop_pct / 100.0) * self.nominal_hz
    }

    fn validate(&self) -> Result<()> {
        positive("nominal_hz", self.nominal_hz)?;
        positive("reference_w", self.reference_w)?;
        for (name, droop_pct) in [("droop_below_pct", self.droop_below_pct), ("droop_above_pct", self.droop_above_pct)]
        {
            if !(0.01..=100.0).contains(&droop_pct) {
                return Err(Error::invalid(format!("{name} must be 0.01 to 100, not {droop_pct}")));
            }
        }
        not_negative("deadband_below_hz", self.deadband_below_hz)?;
        not_negative("deadband_above_hz", self.deadband_above_hz)?;
        not_negative("raise_max_w", self.raise_max_w)?;
        not_negative("lower_max_w", self.lower_max_w)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EN_50549_1: Droop = Droop {
        nominal_hz: 50.0,
        deadband_below_hz: 0.2,
        deadband_above_hz: 0.2,
        droop_below_pct: 5.0,
        droop_above_pct: 5.0,
        reference_w: 100e3,
        raise_max_w: 100e3,
        lower_max_w: 100e3,
    };

    #[test]
    fn over_and_under_frequency_as_in_en_50549_1() {
        let curve = EN_50549_1.curve().unwrap();
        let formula = |f1: f64, f: f64| (1.0 / 0.05) * (f1 - f) / 50.0 * 100e3;
        assert_eq!(curve.at(50.0), Some(0.0));
        for f in [50.2, 50.3, 51.0, 52.0, 52.7] {
            assert!((curve.at(f).unwrap() - formula(50.2, f)).abs() < 1e-6, "{f}");
        }
        for f in [49.8, 49.5, 48.0, 47.3] {
            assert!((curve.at(f).unwrap() - formula(49.8, f)).abs() < 1e-6, "{f}");
        }
        assert!((curve.at(51.2).unwrap() + 40e3).abs() < 1e-6, "40 % of Pref per Hz at 5 %");
        assert_eq!((curve.at(47.0), curve.at(53.0)), (Some(100e3), Some(-100e3)));
    }

    #[test]
    fn frequency_droop_as_in_ieee_1547_2018() {
        let (db, k, p_pre, p_avl, p_min) = (0.036, 0.05, 0.6, 0.9, 0.2);
        let curve = Droop {
            nominal_hz: 60.0,
            deadband_below_hz: db,
            deadband_above_hz: db,
            reference_w: 1e6,
            raise_max_w: (p_avl - p_pre) * 1e6,
            lower_max_w: (p_pre - p_min) * 1e6,
            ..EN_50549_1
        };
        let curve = curve.curve().unwrap();
        for f in [58.0, 59.0, 59.5, 59.9, 59.964, 60.0, 60.036, 60.1, 60.5, 61.0, 62.0_f64] {
            let under: f64 = p_pre + ((60.0 - db) - f) / (60.0 * k);
            let over: f64 = p_pre - (f - (60.0 + db)) / (60.0 * k);
            let p = if f < 60.0 - db {
                under.min(p_avl)
            } else if f > 60.0 + db {
                over.max(p_min)
            } else {
                p_pre
            };
            assert!((curve.at(f).unwrap() - (p - p_pre) * 1e6).abs() < 1e-3, "{f}");
        }
    }

    #[test]
    fn one_side_only_and_no_deadband() {
        let above = Droop { raise_max_w: 0.0, ..EN_50549_1 }.curve().unwrap();
        assert_eq!((above.at(45.0), above.at(53.0)), (Some(0.0), Some(-100e3)));
        let sharp = Droop { deadband_below_hz: 0.0, deadband_above_hz: 0.0, ..EN_50549_1 }.curve().unwrap();
        assert!((sharp.at(49.9).unwrap() - 4e3).abs() < 1e-6);
        let none = Droop { raise_max_w: 0.0, lower_max_w: 0.0, ..EN_50549_1 }.curve().unwrap();
        assert_eq!(none.at(49.0), Some(0.0));
        let wrong = Droop { droop_above_pct: 0.0, ..EN_50549_1 };
        assert_eq!(wrong.curve().unwrap_err().to_string(), "droop_above_pct must be 0.01 to 100, not 0");
        assert!(Droop { reference_w: f64::NAN, ..EN_50549_1 }.curve().is_err());
    }

    proptest! {
        #[test]
        fn never_pushes_the_frequency_further_away(f in 40.0..70.0_f64, band in 0.0..0.5_f64, droop in 0.01..100.0_f64) {
            let droop = Droop { deadband_below_hz: band, deadband_above_hz: band, droop_below_pct: droop, ..EN_50549_1 };
            prop_assert!(droop.curve().unwrap().at(f).unwrap() * (50.0 - f) >= 0.0);
        }
    }
}
