//! `DemandWindow` and `RollingDemand`.

use pyo3::prelude::*;

use crate::blocks::{Demand, DemandWindow, RegisterSpec, RollingDemand, RunningDemand};

/// A window that is over.
#[pyclass(frozen, get_all, name = "Demand", module = "simems_core")]
pub(in crate::python) struct PyDemand {
    start_ns: i64,
    end_ns: i64,
    energy_wh: f64,
    mean_w: f64,
    error_wh: f64,
    complete: bool,
}

impl From<Demand> for PyDemand {
    fn from(demand: Demand) -> Self {
        let Demand { start_ns, end_ns, energy_wh, mean_w, error_wh, complete } = demand;
        Self { start_ns, end_ns, energy_wh, mean_w, error_wh, complete }
    }
}

/// The window that runs.
#[pyclass(frozen, get_all, name = "RunningDemand", module = "simems_core")]
pub(in crate::python) struct PyRunningDemand {
    start_ns: i64,
    end_ns: i64,
    energy_wh: f64,
    mean_w: f64,
    left_s: f64,
    error_wh: f64,
    complete: bool,
}

impl From<RunningDemand> for PyRunningDemand {
    fn from(running: RunningDemand) -> Self {
        let RunningDemand { start_ns, end_ns, energy_wh, mean_w, left_s, error_wh, complete } = running;
        Self { start_ns, end_ns, energy_wh, mean_w, left_s, error_wh, complete }
    }
}

/// Mean power over the meter's clock-aligned window.
#[pyclass(name = "DemandWindow", module = "simems_core")]
pub(in crate::python) struct PyDemandWindow(DemandWindow);

#[pymethods]
impl PyDemandWindow {
    #[new]
    #[pyo3(signature = (window_s, *, maximum_power_w, clock_offset_ns=0, register_wrap_wh=None, register_resolution_wh=0.0))]
    fn new(
        window_s: f64,
        maximum_power_w: f64,
        clock_offset_ns: i64,
        register_wrap_wh: Option<f64>,
        register_resolution_wh: f64,
    ) -> PyResult<Self> {
        let register =
            RegisterSpec { maximum_power_w, wrap_wh: register_wrap_wh, resolution_wh: register_resolution_wh };
        Ok(Self(DemandWindow::new(window_s, clock_offset_ns, register)?))
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    fn set_clock_offset_ns(&mut self, clock_offset_ns: i64) -> PyResult<()> {
        Ok(self.0.set_clock_offset_ns(clock_offset_ns)?)
    }

    fn step(&mut self, time_ns: i64, register_wh: f64) -> Vec<PyDemand> {
        self.0.step(time_ns, register_wh).into_iter().flatten().map(PyDemand::from).collect()
    }

    #[pyo3(signature = (now_ns, power_w=f64::NAN))]
    fn running(&self, now_ns: i64, power_w: f64) -> Option<PyRunningDemand> {
        self.0.running(now_ns, power_w).map(PyRunningDemand::from)
    }

    #[pyo3(signature = (target_w, now_ns, power_w=f64::NAN))]
    fn allowed_w(&self, target_w: f64, now_ns: i64, power_w: f64) -> Option<f64> {
        self.0.allowed_w(target_w, now_ns, power_w)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Mean power over the last window, at every instant.
#[pyclass(name = "RollingDemand", module = "simems_core")]
pub(in crate::python) struct PyRollingDemand(RollingDemand);

#[pymethods]
impl PyRollingDemand {
    #[new]
    #[pyo3(signature = (window_s, *, maximum_power_w, register_wrap_wh=None, register_resolution_wh=0.0))]
    fn new(
        window_s: f64,
        maximum_power_w: f64,
        register_wrap_wh: Option<f64>,
        register_resolution_wh: f64,
    ) -> PyResult<Self> {
        let register =
            RegisterSpec { maximum_power_w, wrap_wh: register_wrap_wh, resolution_wh: register_resolution_wh };
        Ok(Self(RollingDemand::new(window_s, register)?))
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    #[getter]
    fn complete(&self) -> bool {
        self.0.complete()
    }

    #[getter]
    fn mean_w(&self) -> f64 {
        self.0.mean_w()
    }

    fn step(&mut self, time_ns: i64, register_wh: f64) -> f64 {
        self.0.step(time_ns, register_wh)
    }

    fn allowed_w(&self, target_w: f64, horizon_s: f64) -> PyResult<Option<f64>> {
        Ok(self.0.allowed_w(target_w, horizon_s)?)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}
