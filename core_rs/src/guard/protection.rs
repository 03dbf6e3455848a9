//! Guards that protect people, cells and devices.

use crate::guard::window::End;
use crate::image::Reader;

/// Two standard deviations of an estimate, in points of SOC, beyond which it does not speak.
const SPEAKS_WITHIN_PCT: f64 = 5.0;

/// Our own estimate of a battery's state of charge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SocEstimate {
    soc: usize,
    sigma: usize,
    valid: usize,
    /// Estimate less the battery's own SOC when the estimate last spoke: what it closed stays closed while it is silent.
    difference_pct: f64,
}

impl SocEstimate {
    /// By handles.
    pub(crate) fn new([soc, sigma, valid]: [usize; 3]) -> Self {
        Self { soc, sigma, valid, difference_pct: 0.0 }
    }

    /// The estimate beside this SOC of the battery. It speaks when it is valid and known to five points at two sigma.
    fn beside(&mut self, reader: &Reader<'_>, soc_pct: f64) -> f64 {
        let sure = 2.0 * reader.value(self.sigma) <= SPEAKS_WITHIN_PCT && reader.value(self.valid) == 1.0;
        let difference_pct = reader.value(self.soc) - soc_pct;
        if sure && difference_pct.is_finite() {
            self.difference_pct = difference_pct;
        }
        soc_pct + self.difference_pct
    }
}

/// A guard of one actuator, with the handles of what it reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protection {
    DeviceLimits { charge: usize, discharge: usize },
    Soc { soc: usize, estimate: Option<SocEstimate>, minimum_pct: f64, maximum_pct: f64 },
    Stop { channel: usize },
    End(End),
}

impl Protection {
    /// What it leaves; always holds 0.
    pub(crate) fn range(&mut self, reader: &Reader<'_>) -> (f64, f64) {
        match self {
            Self::DeviceLimits { charge, discharge } => device_range(reader.value(*charge), reader.value(*discharge)),
            Self::Soc { soc, estimate, minimum_pct, maximum_pct } => {
                let soc_pct = reader.value(*soc);
                let estimated_pct = estimate.as_mut().map_or(soc_pct, |estimate| estimate.beside(reader, soc_pct));
                stricter_range(soc_pct, estimated_pct, *minimum_pct, *maximum_pct)
            }
            Self::Stop { channel } => stop_range(reader.value(*channel)),
            Self::End(end) => end.range(reader),
        }
    }
}

// `max` takes the other side of a NaN, so an unknown limit is 0.
fn device_range(charge_limit: f64, discharge_limit: f64) -> (f64, f64) {
    (-charge_limit.max(0.0), discharge_limit.max(0.0))
}

fn soc_range(soc_pct: f64, minimum_pct: f64, maximum_pct: f64) -> (f64, f64) {
    let charge = if soc_pct < maximum_pct { f64::NEG_INFINITY } else { 0.0 };
    let discharge = if soc_pct > minimum_pct { f64::INFINITY } else { 0.0 };
    (charge, discharge)
}

// The stricter of both: an estimate only narrows.
fn stricter_range(soc_pct: f64, estimated_pct: f64, minimum_pct: f64, maximum_pct: f64) -> (f64, f64) {
    let (charge, discharge) = soc_range(soc_pct, minimum_pct, maximum_pct);
    let (charge_too, discharge_too) = soc_range(estimated_pct, minimum_pct, maximum_pct);
    (charge.max(charge_too), discharge.min(discharge_too))
}

fn stop_range(stop: f64) -> (f64, f64) {
    if stop == 0.0 { (f64::NEG_INFINITY, f64::INFINITY) } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{Channel, Image, Latcher, Quality};

    const OPEN: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

    #[test]
    fn unknown_data_closes() {
        assert_eq!(device_range(f64::NAN, 5.0), (0.0, 5.0));
        assert_eq!(device_range(5.0, f64::NAN), (-5.0, 0.0));
        assert_eq!(device_range(-5.0, -5.0), (0.0, 0.0));
        assert_eq!(soc_range(f64::NAN, 10.0, 90.0), (0.0, 0.0));
        assert_eq!(stop_range(f64::NAN), (0.0, 0.0));
    }

    #[test]
    fn an_estimate_only_narrows() {
        let numbers = [f64::NAN, 0.0, 9.9, 10.0, 10.1, 50.0, 89.9, 90.0, 100.0];
        for soc_pct in numbers {
            let alone = soc_range(soc_pct, 10.0, 90.0);
            for estimated_pct in numbers {
                let (charge, discharge) = stricter_range(soc_pct, estimated_pct, 10.0, 90.0);
                assert!(charge >= alone.0 && discharge <= alone.1);
                assert!(estimated_pct > 10.0 || discharge == 0.0);
                assert!(estimated_pct < 90.0 || charge == 0.0);
            }
        }
    }

    /// (battery's SOC, estimate, sigma, valid) one latch after the other -> what the guard leaves in each.
    fn left(rows: &[[f64; 4]]) -> Vec<(f64, f64)> {
        let names = ["ess0/soc", "ess0/est", "ess0/sigma", "ess0/valid"];
        let estimate = Some(SocEstimate::new([1, 2, 3]));
        let mut guard = Protection::Soc { soc: 0, estimate, minimum_pct: 10.0, maximum_pct: 90.0 };
        let image = Image::new(names.map(Channel::new).to_vec(), 4).unwrap();
        let mut latcher = Latcher::claim(&image).unwrap();
        let mut turn = |(time_ns, row): (i64, &[f64; 4])| {
            for (handle, value) in row.iter().enumerate() {
                image.publish(handle, *value, time_ns, Quality::Good).unwrap();
            }
            latcher.latch(time_ns, false).unwrap();
            guard.range(&latcher.reader().unwrap())
        };
        (1..).zip(rows).map(&mut turn).collect()
    }

    #[test]
    fn an_estimate_speaks_only_when_valid_and_sure() {
        const EMPTY: (f64, f64) = (f64::NEG_INFINITY, 0.0);
        const FULL: (f64, f64) = (0.0, f64::INFINITY);
        for (row, range) in [
            ([50.0, 8.0, 2.5, 1.0], EMPTY),
            ([50.0, 92.0, 2.5, 1.0], FULL),
            ([8.0, 50.0, 1.0, 1.0], EMPTY),
            ([50.0, 8.0, 2.6, 1.0], OPEN),
            ([50.0, 8.0, 2.5, 0.0], OPEN),
            ([50.0, 8.0, f64::NAN, 1.0], OPEN),
            ([50.0, 8.0, 1.0, f64::NAN], OPEN),
            ([50.0, f64::NAN, 1.0, 1.0], OPEN),
            ([f64::NAN, 50.0, 1.0, 1.0], (0.0, 0.0)),
        ] {
            assert_eq!(left(&[row]), [range], "{row:?}");
        }
    }

    #[test]
    fn what_an_estimate_closed_stays_closed_while_it_is_silent() {
        let rows = [
            [20.0, 9.0, 1.0, 1.0],
            [20.0, f64::NAN, 1.0, 0.0],
            [20.5, 50.0, 20.0, 0.0],
            [22.0, f64::NAN, f64::NAN, f64::NAN],
            [20.0, 15.0, 1.0, 1.0],
        ];
        let discharge: Vec<f64> = left(&rows).iter().map(|range| range.1).collect();
        assert_eq!(discharge, [0.0, 0.0, 0.0, f64::INFINITY, f64::INFINITY]);
    }

    #[test]
    fn soc_blocks_one_direction_at_its_limits() {
        assert_eq!(soc_range(10.0, 10.0, 90.0), (f64::NEG_INFINITY, 0.0));
        assert_eq!(soc_range(90.0, 10.0, 90.0), (0.0, f64::INFINITY));
        assert_eq!(soc_range(50.0, 10.0, 90.0), OPEN);
        assert_eq!((stop_range(0.0), stop_range(1.0)), (OPEN, (0.0, 0.0)));
    }
}
