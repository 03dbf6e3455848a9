//! Everything that takes numbers or bytes from outside, fuzzed: `SIMEMS_FUZZ_EXECUTIONS` of each (default: a few seconds).

mod targets;

use targets::{TARGETS, fuzz};

const SHORT: u64 = 20_000;

#[test]
fn nothing_panics_and_every_promise_holds() {
    let wanted = std::env::var("SIMEMS_FUZZ_EXECUTIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(SHORT);
    let mut total = 0;
    for (name, target, part) in TARGETS {
        let tried = fuzz(name, target, wanted / part);
        println!("fuzz: {tried} executions: {name}");
        total += tried;
    }
    println!("fuzz: {total} executions, 0 panics");
}
