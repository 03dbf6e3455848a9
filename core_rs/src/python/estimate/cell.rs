//! `Cell`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Error, Result};
use crate::estimate::{Cell, CellModel, Elements, Limits, Noise, Ocv};

/// One cell: what CELL.yaml holds.
#[pyclass(frozen, name = "Cell", module = "simems_core")]
pub(in crate::python) struct PyCell {
    cell: Cell,
    pub(super) model: Arc<CellModel>,
}

impl PyCell {
    pub(super) fn of(cell: Cell) -> Result<Self> {
        let model = Arc::new(CellModel::new(&cell)?);
        Ok(Self { cell, model })
    }
}

fn item<'py, T>(section: &Bound<'py, PyDict>, name: &str, key: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let found = section.get_item(key)?.ok_or_else(|| Error::invalid(format!("{name}.{key} is missing")))?;
    found.extract().map_err(|_| Error::invalid(format!("{name}.{key} is not a number or list of numbers")).into())
}

pub(super) fn ocv_of(section: &Bound<'_, PyDict>) -> PyResult<Ocv> {
    let list = |key: &str| item::<Vec<f64>>(section, "ocv", key);
    let hysteresis_v = if section.contains("hysteresis_v")? { list("hysteresis_v")? } else { Vec::new() };
    let rate = section.get_item("hysteresis_rate")?.map(|rate| rate.extract()).transpose()?;
    let shares = section.contains("hysteresis_shares")?.then(|| list("hysteresis_shares")).transpose()?;
    Ok(Ocv {
        soc_pct: list("soc_pct")?,
        ocv_v: list("ocv_v")?,
        hysteresis_v,
        hysteresis_rate: rate.unwrap_or(30.0),
        hysteresis_shares: shares.unwrap_or_default(),
    })
}

fn elements_of(section: &Bound<'_, PyDict>) -> PyResult<Elements> {
    let list = |key: &str| item::<Vec<f64>>(section, "elements", key);
    let optional = |key: &str| if section.contains(key)? { list(key) } else { Ok(Vec::new()) };
    Ok(Elements {
        soc_pct: list("soc_pct")?,
        temperature_degc: list("temperature_degc")?,
        r0_ohm: list("r0_ohm")?,
        r0_bend_a: list("r0_bend_a")?,
        r1_ohm: list("r1_ohm")?,
        c1_f: list("c1_f")?,
        r2_ohm: list("r2_ohm")?,
        c2_f: list("c2_f")?,
        lag_share: optional("lag_share")?,
        lag_time_s: optional("lag_time_s")?,
    })
}

fn noise_of(section: &Bound<'_, PyDict>) -> PyResult<Noise> {
    let number = |key: &str| item::<f64>(section, "noise", key);
    Ok(Noise {
        voltage_v: number("voltage_v")?,
        current_offset_a: number("current_offset_a")?,
        current_scale: number("current_scale")?,
        model_v: number("model_v")?,
        model_share: number("model_share")?,
        model_time_s: number("model_time_s")?,
    })
}

fn limits_of(section: &Bound<'_, PyDict>) -> PyResult<Limits> {
    let number = |key: &str| item::<f64>(section, "limits", key);
    Ok(Limits {
        minimum_voltage_v: number("minimum_voltage_v")?,
        maximum_voltage_v: number("maximum_voltage_v")?,
        maximum_current_a: number("maximum_current_a")?,
        longest_step_s: number("longest_step_s")?,
    })
}

#[pymethods]
impl PyCell {
    #[new]
    #[pyo3(signature = (*, capacity_ah, ocv, elements, noise, limits))]
    fn new(
        capacity_ah: f64,
        ocv: &Bound<'_, PyDict>,
        elements: &Bound<'_, PyDict>,
        noise: &Bound<'_, PyDict>,
        limits: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        Ok(Self::of(Cell {
            capacity_ah,
            ocv: ocv_of(ocv)?,
            elements: elements_of(elements)?,
            noise: noise_of(noise)?,
            limits: limits_of(limits)?,
        })?)
    }

    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let cell = &self.cell;
        let out = PyDict::new(py);
        out.set_item("capacity_ah", cell.capacity_ah)?;
        out.set_item("ocv", ocv_dict(py, &cell.ocv)?)?;
        out.set_item("elements", elements_dict(py, &cell.elements)?)?;
        out.set_item("noise", noise_dict(py, &cell.noise)?)?;
        out.set_item("limits", limits_dict(py, &cell.limits)?)?;
        Ok(out)
    }

    fn soc_at_pct(&self, voltage_v: f64) -> f64 {
        let soc = self.model.soc_at(voltage_v);
        if soc.is_finite() { 100.0 * soc } else { 50.0 }
    }

    fn ocv_v(&self, soc_pct: f64) -> f64 {
        self.model.ocv(soc_pct / 100.0).0
    }
}

fn numbers<'py>(py: Python<'py>, rows: &[(&str, f64)]) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    rows.iter().try_for_each(|(key, value)| out.set_item(key, value))?;
    Ok(out)
}

fn ocv_dict<'py>(py: Python<'py>, ocv: &Ocv) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("soc_pct", ocv.soc_pct.clone())?;
    out.set_item("ocv_v", ocv.ocv_v.clone())?;
    if !ocv.hysteresis_v.is_empty() {
        out.set_item("hysteresis_v", ocv.hysteresis_v.clone())?;
    }
    out.set_item("hysteresis_rate", ocv.hysteresis_rate)?;
    if !ocv.hysteresis_shares.is_empty() {
        out.set_item("hysteresis_shares", ocv.hysteresis_shares.clone())?;
    }
    Ok(out)
}

fn elements_dict<'py>(py: Python<'py>, elements: &Elements) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let columns = [
        ("soc_pct", &elements.soc_pct),
        ("temperature_degc", &elements.temperature_degc),
        ("r0_ohm", &elements.r0_ohm),
        ("r0_bend_a", &elements.r0_bend_a),
        ("r1_ohm", &elements.r1_ohm),
        ("c1_f", &elements.c1_f),
        ("r2_ohm", &elements.r2_ohm),
        ("c2_f", &elements.c2_f),
    ];
    columns.into_iter().try_for_each(|(key, values)| out.set_item(key, values.clone()))?;
    if !elements.lag_share.is_empty() {
        out.set_item("lag_share", elements.lag_share.clone())?;
        out.set_item("lag_time_s", elements.lag_time_s.clone())?;
    }
    Ok(out)
}

fn noise_dict<'py>(py: Python<'py>, noise: &Noise) -> PyResult<Bound<'py, PyDict>> {
    numbers(
        py,
        &[
            ("voltage_v", noise.voltage_v),
            ("current_offset_a", noise.current_offset_a),
            ("current_scale", noise.current_scale),
            ("model_v", noise.model_v),
            ("model_share", noise.model_share),
            ("model_time_s", noise.model_time_s),
        ],
    )
}

fn limits_dict<'py>(py: Python<'py>, limits: &Limits) -> PyResult<Bound<'py, PyDict>> {
    numbers(
        py,
        &[
            ("minimum_voltage_v", limits.minimum_voltage_v),
            ("maximum_voltage_v", limits.maximum_voltage_v),
            ("maximum_current_a", limits.maximum_current_a),
            ("longest_step_s", limits.longest_step_s),
        ],
    )
}
