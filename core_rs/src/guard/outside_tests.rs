//! What could be wrong with limits from outside: of a connection, and of what controllable devices draw.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::blocks::DelayBounds;
use crate::clock::SECOND_NS;
use crate::image::{Channel, Image, Latcher, Quality};

const CHANNELS: [&str; 13] = [
    "grid0/p",
    "ess0/p",
    "ev0/p",
    "pv0/p",
    "hp0/p",
    "site/external_import_limit_w",
    "site/external_export_limit_w",
    "relay0/closed",
    "box0/limit",
    "site/dimming_state",
    "site/dimming_limit_w",
    "site/dimming_power_w",
    "site/external_import_state",
];
const NAN: f64 = f64::NAN;
const LEAST_W: f64 = 7_560.0;

fn texts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn outside(channel: &str) -> Option<OutsideLimit> {
    Some(OutsideLimit { channel: channel.into(), failsafe: None })
}

fn specs() -> Vec<GuardSpec> {
    vec![
        GuardSpec::Grid {
            actuators: texts(&["ess0/a", "ev0/a"]),
            grid: "grid0/p".into(),
            measured: texts(&["ess0/p", "ev0/p"]),
            gains: vec![1.0, -690.0],
            import_limit_w: 50e3,
            export_limit_w: 20e3,
            delays: DelayBounds::DEFAULT,
        },
        GuardSpec::External(ExternalSpec {
            grid: "grid0/p".into(),
            import: outside("site/external_import_limit_w"),
            export: outside("site/external_export_limit_w"),
        }),
        GuardSpec::Dimming(DimmingSpec {
            actuators: texts(&["ess0/a", "ev0/a"]),
            measured: texts(&["ess0/p", "ev0/p"]),
            gains: vec![1.0, -690.0],
            least_limit_w: LEAST_W,
            contacts: vec![ContactSpec { channel: "relay0/closed".into(), active_when: true, unknown_after_s: 10.0 }],
            value: outside("box0/limit"),
            consumers: vec![("hp0/p".into(), 3e3)],
            sources: texts(&["pv0/p"]),
        }),
    ]
}

struct Rig {
    image: Arc<Image>,
    guards: Guards,
    latcher: Latcher,
    second: i64,
}

impl Rig {
    fn new(soc_w: f64) -> Self {
        let rows = CHANNELS.iter().chain(&["ess0/a", "ev0/a"]).map(|address| Channel::new(*address)).collect();
        let image = Image::new(rows, 8).unwrap();
        let charger = Rated { minimum: 0.0, role: Role::Load, minimum_on: 6.0, ..Rated::storage(0.0, 32.0, None) };
        let rated = vec![Rated::storage(-20e3, soc_w, None), charger];
        let guards = Guards::resolve(&specs(), &image, &texts(&["ess0/a", "ev0/a"]), rated).unwrap();
        let latcher = Latcher::claim(&image).unwrap();
        Self { image, guards, latcher, second: 0 }
    }

    /// One cycle: values by channel; what is asked of battery (W) and charger (A), both asked by the highest class.
    fn step(&mut self, values: &[(&str, f64)], asked: [f64; 2]) -> [Outcome; 2] {
        self.second += 1;
        let time_ns = self.second * SECOND_NS;
        for (address, value) in values {
            let handle = self.image.handle(address).unwrap();
            self.image.publish(handle, *value, time_ns, Quality::Good).unwrap();
        }
        self.latcher.fill(time_ns, true).unwrap();
        let mut outcomes = asked.map(|value| Outcome { value, source: Some(0), bound: None });
        let reader = self.latcher.reader().unwrap();
        self.guards.apply(&reader, &mut outcomes, &asked, 1.0);
        self.guards.publish(&self.image, time_ns);
        self.latcher.show().unwrap();
        outcomes
    }

    fn shown(&mut self, address: &str) -> f64 {
        self.latcher.fill(self.second * SECOND_NS + 1, true).unwrap();
        let value = self.latcher.reader().unwrap().value(self.image.handle(address).unwrap());
        self.latcher.show().unwrap();
        value
    }
}

/// Meter, battery, charger, sun, heat pump.
fn site(grid_w: f64, ess_w: f64, ev_w: f64, pv_w: f64, hp_w: f64) -> Vec<(&'static str, f64)> {
    vec![("grid0/p", grid_w), ("ess0/p", ess_w), ("ev0/p", ev_w), ("pv0/p", pv_w), ("hp0/p", hp_w)]
}

fn with(mut values: Vec<(&'static str, f64)>, more: &[(&'static str, f64)]) -> Vec<(&'static str, f64)> {
    values.extend_from_slice(more);
    values
}

const OPEN: (&str, f64) = ("relay0/closed", 0.0);
const CLOSED: (&str, f64) = ("relay0/closed", 1.0);

#[test]
fn an_outside_import_limit_binds_like_the_connections_own() {
    let mut rig = Rig::new(20e3);
    let calm = with(site(30e3, 0.0, 0.0, 0.0, 0.0), &[OPEN]);
    assert_eq!(rig.step(&calm, [0.0, 0.0])[0].value, 0.0);
    let told = with(calm.clone(), &[("site/external_import_limit_w", 22e3)]);
    let limited = rig.step(&told, [0.0, 0.0])[0];
    assert!((limited.value - 8e3).abs() < 1.0, "{limited:?}");
    assert_eq!(limited.bound, Some(Mover::Guard(1)), "it is told as the outside limit");
    assert_eq!(rig.shown("site/external_import_state"), 1.0);
    let wide = with(calm, &[("site/external_import_limit_w", 80e3)]);
    assert_eq!(rig.step(&wide, [0.0, 0.0])[0].value, 0.0, "the connection's own limit still holds, and is enough");
}

#[test]
fn an_outside_export_limit_of_0_leaves_no_export() {
    let mut rig = Rig::new(20e3);
    let values = with(site(5e3, 0.0, 0.0, 0.0, 0.0), &[OPEN, ("site/external_export_limit_w", 0.0)]);
    let outcome = rig.step(&values, [15e3, 0.0])[0];
    assert!((outcome.value - 5e3).abs() < 1.0, "{outcome:?}");
    assert_eq!(outcome.bound, Some(Mover::Guard(1)));
}

/// Charge 10 kW and 16 A (11.04 kW), nothing else: 21.04 kW of 7.56 kW.
#[test]
fn a_closed_contact_dims_the_devices_together() {
    let mut rig = Rig::new(0.0);
    let values = site(25e3, -10e3, 11_040.0, 0.0, 0.0);
    let free = rig.step(&with(values.clone(), &[OPEN]), [-10e3, 16.0]);
    assert_eq!(free.map(|outcome| outcome.value), [-10e3, 16.0]);
    assert_eq!(rig.shown("site/dimming_state"), 0.0);
    assert_eq!(rig.shown("site/dimming_power_w"), 21_040.0);
    let dimmed = rig.step(&with(values, &[CLOSED]), [-10e3, 16.0]);
    let drawn_w = -dimmed[0].value + 690.0 * dimmed[1].value;
    assert!((drawn_w - LEAST_W).abs() < 1.0, "{dimmed:?}");
    assert_eq!(dimmed[0].value, 0.0, "the battery stops charging before the car is slowed");
    assert_eq!(dimmed[1].bound, Some(Mover::Guard(2)));
    assert_eq!((rig.shown("site/dimming_state"), rig.shown("site/dimming_limit_w")), (1.0, LEAST_W));
}

#[test]
fn own_sun_and_battery_offset_and_a_heat_pump_counts_by_its_reading() {
    let mut rig = Rig::new(0.0);
    let sunny = rig.step(&with(site(0.0, 0.0, 11_040.0, 9e3, 2e3), &[CLOSED]), [0.0, 16.0]);
    assert_eq!(sunny[1].value, 16.0, "11.04 + 2 - 9 kW is below 7.56 kW");
    let dark = rig.step(&with(site(9e3, 0.0, 11_040.0, 0.0, 2e3), &[CLOSED]), [0.0, 16.0]);
    assert!((690.0 * dark[1].value - (LEAST_W - 2e3)).abs() < 1.0, "{dark:?}");
    let mut rig = Rig::new(20e3);
    let helped = rig.step(&with(site(9e3, 0.0, 11_040.0, 0.0, 2e3), &[CLOSED]), [0.0, 16.0]);
    assert_eq!(helped[1].value, 16.0);
    assert!((helped[0].value - (11_040.0 + 2e3 - LEAST_W)).abs() < 1.0, "the battery brings the rest: {helped:?}");
}

#[test]
fn what_is_not_known_counts_against_us() {
    let mut rig = Rig::new(0.0);
    let values = with(site(9e3, 0.0, 11_040.0, NAN, NAN), &[CLOSED]);
    let outcome = rig.step(&values, [0.0, 16.0])[1];
    assert!((690.0 * outcome.value - (LEAST_W - 3e3)).abs() < 1.0, "no sun, and the heat pump at its rating");
}

#[test]
fn a_lost_contact_holds_for_its_time_and_then_dims() {
    let mut rig = Rig::new(0.0);
    let values = site(25e3, 0.0, 11_040.0, 0.0, 0.0);
    assert_eq!(rig.step(&with(values.clone(), &[OPEN]), [0.0, 16.0])[1].value, 16.0);
    let lost = with(values.clone(), &[("relay0/closed", NAN)]);
    for _ in 0..9 {
        assert_eq!(rig.step(&lost, [0.0, 16.0])[1].value, 16.0, "at {}", rig.second);
    }
    assert!(rig.step(&lost, [0.0, 16.0])[1].value < 11.0);
    assert_eq!(rig.shown("site/dimming_state"), 3.0);
    assert_eq!(rig.step(&with(values.clone(), &[OPEN]), [0.0, 16.0])[1].value, 16.0, "known again: released");
    let mut rig = Rig::new(0.0);
    for _ in 0..10 {
        assert_eq!(rig.step(&values, [0.0, 16.0])[1].value, 16.0, "never heard of yet");
    }
    assert!(rig.step(&values, [0.0, 16.0])[1].value < 11.0, "from the start as well");
}

#[test]
fn a_told_value_never_takes_what_the_law_leaves() {
    let mut rig = Rig::new(0.0);
    let values = with(site(25e3, 0.0, 11_040.0, 0.0, 0.0), &[OPEN]);
    let limit = |rig: &mut Rig, value_w: f64| rig.step(&with(values.clone(), &[("box0/limit", value_w)]), [0.0, 16.0]);
    assert!((690.0 * limit(&mut rig, 9e3)[1].value - 9e3).abs() < 1.0);
    assert_eq!(rig.shown("site/dimming_state"), 2.0);
    assert!((690.0 * limit(&mut rig, 1e3)[1].value - LEAST_W).abs() < 1.0);
    assert_eq!(limit(&mut rig, 50e3)[1].value, 16.0);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let image = Image::new(CHANNELS.iter().map(|address| Channel::new(*address)).collect(), 8).unwrap();
    let alone = |spec: GuardSpec| Guards::resolve(&[spec], &image, &[], vec![]).unwrap_err().to_string();
    let [_, external, dimming] = <[GuardSpec; 3]>::try_from(specs()).unwrap();
    assert!(alone(external).contains("grid guard of the same meter"));
    assert!(alone(dimming).contains("not an actuator"));
    let GuardSpec::Dimming(known) = specs().remove(2) else { panic!() };
    let nobody = DimmingSpec { contacts: vec![], value: None, ..known };
    assert!(GuardSpec::Dimming(nobody).validate().unwrap_err().to_string().contains("contact or a value"));
    let nothing = ExternalSpec { grid: "grid0/p".into(), import: None, export: None };
    assert!(GuardSpec::External(nothing).validate().unwrap_err().to_string().contains("guard external:grid0"));
}

proptest! {
    /// Whatever is asked and read: draws of the commanded devices less the sources stay below the limit, as far as the
    /// devices can bring it; and dimming never makes a device draw more than was asked of it.
    #[test]
    fn the_draw_is_held_whatever_is_asked(
        ess_w in -20e3..20e3_f64, ev_a in 0.0..32.0_f64, pv_w in 0.0..30e3_f64, hp_w in 0.0..3e3_f64,
        most_w in 0.0..20e3_f64, load_w in 0.0..5e3_f64,
    ) {
        let mut rig = Rig::new(most_w);
        let asked = [ess_w.min(most_w), ev_a];
        let ev_w = 690.0 * ev_a;
        let grid_w = load_w + ev_w + hp_w - pv_w - asked[0];
        let outcomes = rig.step(&with(site(grid_w, asked[0], ev_w, pv_w, hp_w), &[CLOSED]), asked);
        let drawn_w = 690.0 * outcomes[1].value - outcomes[0].value + hp_w - pv_w;
        prop_assert!(drawn_w <= LEAST_W + 1.0, "{drawn_w} {outcomes:?}");
        prop_assert!(outcomes[1].value <= ev_a + 1e-9);
    }
}
