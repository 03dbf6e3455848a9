//! `Source`, `Actuator` and `Guard`.

use pyo3::prelude::*;

use crate::blocks::DelayBounds;
use crate::cycle::{Actuator, Source};
use crate::guard::GuardSpec;

/// Somebody who may propose.
#[pyclass(frozen, name = "Source", module = "simems_core")]
pub(super) struct PySource(pub(super) Source);

#[pymethods]
impl PySource {
    #[new]
    #[pyo3(signature = (id, priority, *, lifetime_cycles=3))]
    fn new(id: String, priority: i64, lifetime_cycles: i64) -> PyResult<Self> {
        Ok(Self(Source::new(id, priority, lifetime_cycles)?))
    }

    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }

    #[getter]
    fn priority(&self) -> i64 {
        self.0.priority
    }
}

/// A settable channel.
#[pyclass(frozen, name = "Actuator", module = "simems_core")]
pub(super) struct PyActuator(pub(super) Actuator);

#[pymethods]
impl PyActuator {
    #[new]
    #[pyo3(signature = (address, *, minimum, maximum, fallback=0.0, ramp_per_s=None))]
    fn new(address: String, minimum: f64, maximum: f64, fallback: f64, ramp_per_s: Option<f64>) -> PyResult<Self> {
        let actuator = Actuator { address, minimum, maximum, fallback, ramp_per_s };
        actuator.validate()?;
        Ok(Self(actuator))
    }

    #[getter]
    fn address(&self) -> &str {
        &self.0.address
    }
}

/// A hard limit nothing can cross.
#[pyclass(frozen, name = "Guard", module = "simems_core")]
pub(super) struct PyGuard(pub(super) GuardSpec);

impl PyGuard {
    fn checked(spec: GuardSpec) -> PyResult<Self> {
        spec.validate()?;
        Ok(Self(spec))
    }
}

#[pymethods]
impl PyGuard {
    #[getter]
    fn id(&self) -> String {
        self.0.id()
    }

    #[staticmethod]
    #[pyo3(signature = (actuator, *, charge_limit, discharge_limit))]
    fn device_limits(actuator: String, charge_limit: String, discharge_limit: String) -> PyResult<Self> {
        Self::checked(GuardSpec::DeviceLimits { actuator, charge_limit, discharge_limit })
    }

    #[staticmethod]
    #[pyo3(signature = (actuator, *, soc, minimum_pct, maximum_pct, estimate=None))]
    fn soc(
        actuator: String,
        soc: String,
        minimum_pct: f64,
        maximum_pct: f64,
        estimate: Option<(String, String, String)>,
    ) -> PyResult<Self> {
        let estimate = estimate.map(|(soc, sigma, valid)| [soc, sigma, valid]);
        Self::checked(GuardSpec::Soc { actuator, soc, estimate, minimum_pct, maximum_pct })
    }

    #[staticmethod]
    #[pyo3(signature = (
        actuators, *, grid, measured, import_limit_w, export_limit_w,
        meter_delay_max_s=4.0, meter_repeat_max_s=6.0, battery_settle_s=8.0
    ))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn grid(
        actuators: Vec<String>,
        grid: String,
        measured: Vec<String>,
        import_limit_w: f64,
        export_limit_w: f64,
        meter_delay_max_s: f64,
        meter_repeat_max_s: f64,
        battery_settle_s: f64,
    ) -> PyResult<Self> {
        let delays = DelayBounds {
            delay_max_s: meter_delay_max_s,
            repeat_max_s: meter_repeat_max_s,
            settle_s: battery_settle_s,
        };
        Self::checked(GuardSpec::Grid { actuators, grid, measured, import_limit_w, export_limit_w, delays })
    }

    #[staticmethod]
    #[pyo3(signature = (actuator, *, channel))]
    fn stop(actuator: String, channel: String) -> PyResult<Self> {
        Self::checked(GuardSpec::Stop { actuator, channel })
    }
}
