//! Blocks: hostile settings and samples. An output is finite, always.

use simems_core::blocks::{
    Curve, Deadband, DelayBounds, DemandWindow, Gains, Hysteresis, Limits, LowPass, Pid, RampLimiter, RateCounter,
    RegisterSpec, Rocof, RollingDemand, SitePowerEstimate,
};

use super::Dice;

const STEPS: u64 = 40;

pub fn run(dice: &mut Dice) -> u64 {
    match dice.below(11) {
        0 => shaping(dice),
        1 => drive(LowPass::new(dice.positive(10.0), dice.maybe(10.0)), dice, |block, dice| {
            block.step(dice.number(1e5), dice.positive(1.0)).ok()
        }),
        2 => drive(Pid::new(gains(dice), limits(dice), dice.number(10.0)), dice, pid),
        3 => drive(Deadband::new(dice.positive(5.0), dice.number(5.0), dice.chance(2)), dice, |block, dice| {
            Some(block.step(dice.number(10.0)))
        }),
        4 => drive(Hysteresis::new(dice.number(5.0), dice.number(5.0), dice.chance(2)), dice, |block, dice| {
            block.step(dice.number(10.0)).ok().map(f64::from)
        }),
        5 => {
            let points = dice.list(6, |dice| (dice.number(10.0), dice.number(10.0)));
            drive(Curve::new(&points, dice.number(10.0)), dice, |block, dice| Some(block.step(dice.number(20.0))))
        }
        6 => drive(Rocof::new(dice.positive(5.0), dice.positive(1.0), dice.positive(1.0)), dice, |block, dice| {
            Some(block.step(dice.whole(10_000_000_000), 50.0 + dice.number(1.0)))
        }),
        7 => drive(RollingDemand::new(dice.positive(900.0), register(dice)), dice, |block, dice| {
            let mean = block.step(dice.whole(1_000_000_000_000), dice.number(1e5));
            let _ = block.allowed_w(dice.number(1e5), dice.positive(900.0));
            Some(mean)
        }),
        8 => drive(DemandWindow::new(dice.positive(900.0), dice.whole(1_000_000_000), register(dice)), dice, demand),
        9 => drive(RateCounter::new(dice.positive(3600.0), dice.below(20)), dice, |block, dice| {
            block.event(dice.whole(10_000_000_000));
            Some(block.per_hour(dice.whole(10_000_000_000)))
        }),
        _ => drive(SitePowerEstimate::new(delays(dice)), dice, site_power),
    }
}

fn drive<B, E>(block: Result<B, E>, dice: &mut Dice, step: impl Fn(&mut B, &mut Dice) -> Option<f64>) -> u64 {
    let Ok(mut block) = block else { return 1 };
    for _ in 0..STEPS {
        let output = step(&mut block, dice);
        assert!(output.is_none_or(f64::is_finite), "{output:?} from {}", std::any::type_name::<B>());
    }
    STEPS
}

fn shaping(dice: &mut Dice) -> u64 {
    drive(RampLimiter::new(dice.positive(1e4), dice.number(10.0)), dice, |block, dice| {
        block.step(dice.number(1e5), dice.positive(1.0)).ok()
    })
}

fn gains(dice: &mut Dice) -> Gains {
    Gains {
        kp: dice.positive(2.0),
        ki: dice.positive(2.0),
        kd: dice.positive(2.0),
        derivative_filter_s: dice.positive(1.0),
        tracking_s: dice.chance(2).then(|| dice.positive(5.0)),
    }
}

fn limits(dice: &mut Dice) -> Limits {
    let ramp_per_s = dice.chance(2).then(|| dice.positive(1e3));
    Limits { minimum: -dice.positive(1e5), maximum: dice.positive(1e5), ramp_per_s }
}

fn pid(block: &mut Pid, dice: &mut Dice) -> Option<f64> {
    match dice.below(8) {
        0 => block.track(dice.number(1e5)).ok().map(|()| block.value()),
        1 => block.set_gains(gains(dice)).ok().map(|()| block.integral()),
        2 => block.set_limits(limits(dice)).ok().map(|()| block.value()),
        _ => block.step(dice.number(1e5), dice.number(1e5), dice.positive(1.0)).ok(),
    }
}

fn register(dice: &mut Dice) -> RegisterSpec {
    RegisterSpec {
        maximum_power_w: dice.positive(1e6),
        wrap_wh: dice.chance(2).then(|| dice.positive(1e6)),
        resolution_wh: dice.positive(10.0),
    }
}

fn demand(block: &mut DemandWindow, dice: &mut Dice) -> Option<f64> {
    let found = block.step(dice.whole(1_000_000_000_000), dice.number(1e5));
    let _ = block.running(dice.whole(1_000_000_000_000), dice.number(1e5));
    let allowed = block.allowed_w(dice.number(1e5), dice.whole(1_000_000_000_000), dice.number(1e5));
    assert!(found.into_iter().flatten().all(|demand| demand.mean_w.is_finite()));
    allowed.filter(|allowed| !allowed.is_infinite())
}

fn delays(dice: &mut Dice) -> DelayBounds {
    DelayBounds { delay_max_s: dice.positive(5.0), repeat_max_s: dice.positive(5.0), settle_s: dice.positive(5.0) }
}

fn site_power(block: &mut SitePowerEstimate, dice: &mut Dice) -> Option<f64> {
    let time_ns = dice.whole(10_000_000_000);
    let _ = match dice.below(3) {
        0 => block.battery(time_ns, dice.number(1e5)).is_ok(),
        1 => block.command(time_ns, dice.number(1e5)).is_ok(),
        _ => block.meter(time_ns, dice.number(1e5)).is_ok(),
    };
    block.value_w()
}
