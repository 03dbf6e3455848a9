//! Guards that protect people, cells and devices.

use crate::image::Reader;

/// A guard of one actuator, with the handles of what it reads.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Protection {
    DeviceLimits { charge: usize, discharge: usize },
    Soc { soc: usize, minimum_pct: f64, maximum_pct: f64 },
    Stop { channel: usize },
}

impl Protection {
    /// What it leaves; always holds 0.
    pub(crate) fn range(&self, reader: &Reader<'_>) -> (f64, f64) {
        match *self {
            Self::DeviceLimits { charge, discharge } => device_range(reader.value(charge), reader.value(discharge)),
            Self::Soc { soc, minimum_pct, maximum_pct } => soc_range(reader.value(soc), minimum_pct, maximum_pct),
            Self::Stop { channel } => stop_range(reader.value(channel)),
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

fn stop_range(stop: f64) -> (f64, f64) {
    if stop == 0.0 { (f64::NEG_INFINITY, f64::INFINITY) } else { (0.0, 0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn soc_blocks_one_direction_at_its_limits() {
        assert_eq!(soc_range(10.0, 10.0, 90.0), (f64::NEG_INFINITY, 0.0));
        assert_eq!(soc_range(90.0, 10.0, 90.0), (0.0, f64::INFINITY));
        assert_eq!(soc_range(50.0, 10.0, 90.0), OPEN);
        assert_eq!((stop_range(0.0), stop_range(1.0)), (OPEN, (0.0, 0.0)));
    }
}
