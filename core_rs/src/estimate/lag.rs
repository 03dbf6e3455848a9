//! How far the surface of the particles is behind what they hold: diffusion.
//!
//! The voltage at rest belongs to the SOC, under current to the SOC at the surface. In a sphere under constant flux the
//! surface is behind the mean by a sum of first-order modes of rates `lambda_n^2 D / R^2` and weights `10 / lambda_n^2`
//! with `tan lambda_n = lambda_n` (J. Crank, *The Mathematics of Diffusion* (1975), eq. 6.45). Two modes are kept as they
//! are, the rest is one fast mode. Where the OCV has a step (stages of graphite), no resistance can stand for this: the
//! step comes early in charge and late in discharge.

/// (weight, rate over that of the slowest) of each mode; weights add up to 1.
pub(super) const MODES: [(f64, f64); 3] = [(0.495, 1.0), (0.168, 2.956), (0.337, 12.0)];
/// The rise towards full is another electrode's: the surface never runs ahead into it.
const TOP: f64 = 0.95;

/// What is left after `x` time constants, x >= 0: `exp(-x)`, for the short steps of a cycle by its series (1e-8 off).
#[inline]
pub(super) fn decay(x: f64) -> f64 {
    if x < 0.02 { 1.0 - x * (1.0 - x * (0.5 - x / 6.0)) } else { (-x).exp() }
}

/// Its size and pace at one temperature.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lag {
    /// After a long time at 1C, as a share of the SOC.
    pub share: f64,
    /// Time constant of the slowest mode in s.
    pub time_s: f64,
}

impl Lag {
    pub(super) const NONE: Self = Self { share: 0.0, time_s: 1.0 };
}

/// How far the surface is behind, by modes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Surface {
    modes: [f64; MODES.len()],
}

impl Surface {
    /// Moves on by `dt_s` under a mean current of `c_rate` (share of capacity per hour, discharge > 0).
    #[inline]
    pub(super) fn predict(&mut self, share: f64, rate_per_s: f64, c_rate: f64, dt_s: f64) {
        for (mode, (weight, faster)) in self.modes.iter_mut().zip(MODES) {
            let keep = decay(dt_s * rate_per_s * faster);
            *mode = keep * *mode + (1.0 - keep) * weight * share * c_rate;
        }
    }

    /// The SOC at the surface of a cell of this SOC.
    #[inline]
    pub(super) fn soc(&self, soc: f64) -> f64 {
        (soc - self.modes.iter().sum::<f64>()).clamp(soc.min(0.0), soc.max(TOP))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decay_is_the_exponential() {
        for x in [0.0, 1e-12, 1e-6, 1e-3, 0.0199, 0.02, 0.5, 20.0, 1e9, f64::INFINITY] {
            assert!((decay(x) - (-x).exp()).abs() < 1e-8, "{x}");
        }
    }

    #[test]
    fn the_surface_runs_behind_and_comes_back() {
        let mut surface = Surface::default();
        (0..20_000).for_each(|_| surface.predict(0.1, 1.0 / 300.0, 0.5, 1.0));
        assert!((surface.soc(0.6) - 0.55).abs() < 1e-6);
        (0..20_000).for_each(|_| surface.predict(0.1, 1.0 / 300.0, 0.0, 1.0));
        assert!((surface.soc(0.6) - 0.6).abs() < 1e-6);
    }

    #[test]
    fn steps_may_be_cut_anyhow_and_the_ends_hold() {
        let (mut fine, mut coarse) = (Surface::default(), Surface::default());
        (0..600).for_each(|_| fine.predict(0.1, 1.0 / 300.0, -1.0, 1.0));
        coarse.predict(0.1, 1.0 / 300.0, -1.0, 600.0);
        assert!((fine.soc(0.5) - coarse.soc(0.5)).abs() < 1e-6);
        assert!((coarse.soc(0.93) - TOP).abs() < 1e-12 && (coarse.soc(0.99) - 0.99).abs() < 1e-12);
        let mut empty = Surface::default();
        empty.predict(0.3, 1.0 / 300.0, 3.0, 1e9);
        assert_eq!(empty.soc(0.1), 0.0);
    }
}
