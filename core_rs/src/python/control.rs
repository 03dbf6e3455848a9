//! `Source`, `Actuator`, `Guard` and `Cluster`.

use pyo3::prelude::*;

use super::CoreError;
use crate::blocks::DelayBounds;
use crate::cycle::{Actuator, ClusterSpec, Shares, Source};
use crate::guard::{
    Apparent, ContactSpec, DimmingSpec, Edge, ExternalSpec, Failsafe, GuardSpec, Other, OutsideLimit, Role,
};

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
    #[pyo3(signature = (
        address, *, minimum, maximum, fallback=0.0, ramp_per_s=None, role="storage", weight=None, minimum_on=0.0, dwell_s=0.0
    ))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn new(
        address: String,
        minimum: f64,
        maximum: f64,
        fallback: f64,
        ramp_per_s: Option<f64>,
        role: &str,
        weight: Option<f64>,
        minimum_on: f64,
        dwell_s: f64,
    ) -> PyResult<Self> {
        let role = Role::from_name(role)?;
        let actuator = Actuator { address, minimum, maximum, fallback, ramp_per_s, role, weight, minimum_on, dwell_s };
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
        gains=None, meter_delay_max_s=4.0, meter_repeat_max_s=6.0, battery_settle_s=8.0
    ))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn grid(
        actuators: Vec<String>,
        grid: String,
        measured: Vec<String>,
        import_limit_w: f64,
        export_limit_w: f64,
        gains: Option<Vec<f64>>,
        meter_delay_max_s: f64,
        meter_repeat_max_s: f64,
        battery_settle_s: f64,
    ) -> PyResult<Self> {
        let delays = delays(meter_delay_max_s, meter_repeat_max_s, battery_settle_s);
        let gains = gains.unwrap_or_default();
        Self::checked(GuardSpec::Grid { actuators, grid, measured, gains, import_limit_w, export_limit_w, delays })
    }

    #[staticmethod]
    #[pyo3(signature = (
        actuators, *, power, voltage, measured, phases, limit_a, reactive=None, current=None, gains=None,
        meter_delay_max_s=4.0, meter_repeat_max_s=6.0, battery_settle_s=8.0
    ))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn phases(
        actuators: Vec<String>,
        power: [String; 3],
        voltage: [String; 3],
        measured: Vec<String>,
        phases: Vec<Vec<i64>>,
        limit_a: f64,
        reactive: Option<[String; 3]>,
        current: Option<[String; 3]>,
        gains: Option<Vec<f64>>,
        meter_delay_max_s: f64,
        meter_repeat_max_s: f64,
        battery_settle_s: f64,
    ) -> PyResult<Self> {
        let other = match (reactive, current) {
            (Some(reactive), _) => Other::Reactive(reactive),
            (None, Some(current)) => Other::Current(current),
            (None, None) => {
                return Err(CoreError::new_err("a phase's current needs its reactive power or its current, give one"));
            }
        };
        // A number that is no phase is told as such by the check.
        let on = |on: Vec<i64>| on.into_iter().map(|phase| u8::try_from(phase).unwrap_or(0)).collect();
        Self::checked(GuardSpec::Phases {
            actuators,
            power,
            voltage,
            other,
            measured,
            gains: gains.unwrap_or_default(),
            phases: phases.into_iter().map(on).collect(),
            limit_a,
            delays: delays(meter_delay_max_s, meter_repeat_max_s, battery_settle_s),
        })
    }

    #[staticmethod]
    #[pyo3(signature = (name, *, actuators, upper, lower=0.0))]
    fn cap(name: String, actuators: Vec<String>, upper: f64, lower: f64) -> PyResult<Self> {
        Self::checked(GuardSpec::Cap { name, actuators, lower, upper })
    }

    #[staticmethod]
    #[pyo3(signature = (active, reactive, *, channel=None, rating_va=None, reactive_first=false))]
    fn circle(
        active: String,
        reactive: String,
        channel: Option<String>,
        rating_va: Option<f64>,
        reactive_first: bool,
    ) -> PyResult<Self> {
        let apparent = match (channel, rating_va) {
            (Some(channel), None) => Apparent::Channel(channel),
            (None, Some(rating_va)) => Apparent::Rating(rating_va),
            _ => return Err(CoreError::new_err("an apparent power comes from a channel or a rating_va, give one")),
        };
        Self::checked(GuardSpec::Circle { active, reactive, apparent, reactive_first })
    }

    /// `edges`: (channel, limit, end, direction).
    #[staticmethod]
    #[pyo3(signature = (actuator, *, name, edges))]
    fn window(actuator: String, name: String, edges: Vec<(String, f64, String, String)>) -> PyResult<Self> {
        let edges = edges.into_iter().map(edge).collect::<PyResult<_>>()?;
        Self::checked(GuardSpec::Window { actuator, name, edges })
    }

    #[staticmethod]
    #[pyo3(signature = (grid, *, import_limit=None, export_limit=None))]
    fn external(grid: String, import_limit: Option<Outside>, export_limit: Option<Outside>) -> PyResult<Self> {
        let (import, export) = (import_limit.map(outside), export_limit.map(outside));
        Self::checked(GuardSpec::External(ExternalSpec { grid, import, export }))
    }

    #[staticmethod]
    #[pyo3(signature = (
        actuators, *, measured, least_limit_w, contacts=None, value=None, consumers=None, sources=None, gains=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn dimming(
        actuators: Vec<String>,
        measured: Vec<String>,
        least_limit_w: f64,
        contacts: Option<Vec<(String, bool, f64)>>,
        value: Option<Outside>,
        consumers: Option<Vec<(String, f64)>>,
        sources: Option<Vec<String>>,
        gains: Option<Vec<f64>>,
    ) -> PyResult<Self> {
        let contact = |(channel, active_when, unknown_after_s)| ContactSpec { channel, active_when, unknown_after_s };
        Self::checked(GuardSpec::Dimming(DimmingSpec {
            actuators,
            measured,
            gains: gains.unwrap_or_default(),
            least_limit_w,
            contacts: contacts.unwrap_or_default().into_iter().map(contact).collect(),
            value: value.map(outside),
            consumers: consumers.unwrap_or_default(),
            sources: sources.unwrap_or_default(),
        }))
    }

    #[staticmethod]
    #[pyo3(signature = (actuator, *, channel))]
    fn stop(actuator: String, channel: String) -> PyResult<Self> {
        Self::checked(GuardSpec::Stop { actuator, channel })
    }
}

fn edge((channel, limit, end, direction): (String, f64, String, String)) -> PyResult<Edge> {
    let high = match end.as_str() {
        "low" => false,
        "high" => true,
        _ => return Err(CoreError::new_err(format!("{end:?} is no end of a window; use low or high"))),
    };
    let (charge, discharge) = match direction.as_str() {
        "charge" => (true, false),
        "discharge" => (false, true),
        "both" => (true, true),
        _ => {
            let text = format!("{direction:?} is no direction; use charge, discharge or both");
            return Err(CoreError::new_err(text));
        }
    };
    Ok(Edge { channel, limit, high, charge, discharge })
}

/// Channel, and (limit in W, after s) that stands in for it.
type Outside = (String, Option<(f64, f64)>);

fn outside((channel, failsafe): Outside) -> OutsideLimit {
    OutsideLimit { channel, failsafe: failsafe.map(|(limit_w, after_s)| Failsafe { limit_w, after_s }) }
}

fn delays(delay_max_s: f64, repeat_max_s: f64, settle_s: f64) -> DelayBounds {
    DelayBounds { delay_max_s, repeat_max_s, settle_s }
}

/// Actuators that bring together what is asked of another.
#[pyclass(frozen, name = "Cluster", module = "simems_core")]
pub(super) struct PyCluster(pub(super) ClusterSpec);

#[pymethods]
impl PyCluster {
    #[staticmethod]
    #[pyo3(signature = (name, *, target, members, weights=None))]
    fn weighted(name: String, target: String, members: Vec<String>, weights: Option<Vec<f64>>) -> PyResult<Self> {
        let weights = weights.unwrap_or_else(|| vec![1.0; members.len()]);
        Self::checked(ClusterSpec { name, target, members, shares: Shares::Fixed(weights) })
    }

    #[staticmethod]
    #[pyo3(signature = (name, *, target, members, soc, capacity_wh, minimum_pct=0.0, maximum_pct=100.0))]
    fn balanced(
        name: String,
        target: String,
        members: Vec<String>,
        soc: Vec<String>,
        capacity_wh: Vec<f64>,
        minimum_pct: f64,
        maximum_pct: f64,
    ) -> PyResult<Self> {
        let shares = Shares::Soc { soc, capacity_wh, minimum_pct, maximum_pct };
        Self::checked(ClusterSpec { name, target, members, shares })
    }

    #[getter]
    fn id(&self) -> String {
        self.0.id()
    }
}

impl PyCluster {
    fn checked(spec: ClusterSpec) -> PyResult<Self> {
        spec.validate()?;
        Ok(Self(spec))
    }
}
