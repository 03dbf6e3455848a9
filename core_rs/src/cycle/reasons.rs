//! Every reason a configuration can give, as a code: who set the base, and what moved it.

use crate::arbitrate::{Mover, Outcome};

/// Name of the source when nobody set a base.
pub const FALLBACK: &str = "fallback";
/// Codes of bounds that every configuration has: none, ramp, rating, fault.
const FIXED: usize = 4;

/// Names behind the codes.
#[derive(Debug)]
pub struct Reasons {
    sources: Vec<String>,
    /// Guards, then clusters.
    limits: Vec<String>,
    guards: usize,
}

impl Reasons {
    pub(crate) fn new(sources: Vec<String>, guards: Vec<String>, clusters: Vec<String>) -> Self {
        let count = guards.len();
        Self { sources, limits: guards.into_iter().chain(clusters).collect(), guards: count }
    }

    fn bounds(&self) -> usize {
        self.first_source() + 2 * self.sources.len()
    }

    fn first_source(&self) -> usize {
        FIXED + self.limits.len()
    }

    /// How many codes there are.
    pub fn count(&self) -> usize {
        self.bounds() * (self.sources.len() + 1)
    }

    /// The code of a decision.
    pub fn code(&self, outcome: &Outcome) -> usize {
        let source = outcome.source.map_or(0, |source| source + 1);
        source * self.bounds() + self.bound_code(outcome.bound)
    }

    fn bound_code(&self, bound: Option<Mover>) -> usize {
        let first_source = self.first_source();
        match bound {
            None => 0,
            Some(Mover::Ramp) => 1,
            Some(Mover::Rating) => 2,
            Some(Mover::Fault) => 3,
            Some(Mover::Guard(guard)) => FIXED + guard,
            Some(Mover::Cluster(cluster)) => FIXED + self.guards + cluster,
            Some(Mover::Source(source)) => first_source + 2 * source,
            Some(Mover::Collapsed(source)) => first_source + 2 * source + 1,
        }
    }

    /// Who set the base.
    pub fn source(&self, code: usize) -> &str {
        (code / self.bounds())
            .checked_sub(1)
            .and_then(|source| self.sources.get(source))
            .map_or(FALLBACK, String::as_str)
    }

    /// What moved it.
    pub fn bound(&self, code: usize) -> Option<&str> {
        match code % self.bounds() {
            0 => None,
            1 => Some("ramp"),
            2 => Some("rating"),
            3 => Some("fault"),
            other if other < self.first_source() => self.limits.get(other - FIXED).map(String::as_str),
            other => self.sources.get((other - self.first_source()) / 2).map(String::as_str),
        }
    }

    // Bounds of this source did not fit into what stood above.
    fn collapsed(&self, code: usize) -> bool {
        (code % self.bounds()).checked_sub(self.first_source()).is_some_and(|place| place % 2 == 1)
    }

    /// `source`, `source; bound: NAME` or, for bounds that did not fit, `source; bound: NAME (collapsed)`.
    pub fn text(&self, code: usize) -> String {
        let suffix = if self.collapsed(code) { " (collapsed)" } else { "" };
        match self.bound(code) {
            None => self.source(code).to_owned(),
            Some(bound) => format!("{}; bound: {bound}{suffix}", self.source(code)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_code_says_its_own_thing() {
        let reasons =
            Reasons::new(vec!["peak0".into(), "self0".into()], vec!["soc:ess0".into()], vec!["cluster:ess".into()]);
        let texts: HashSet<String> = (0..reasons.count()).map(|code| reasons.text(code)).collect();
        assert_eq!(texts.len(), reasons.count());
        let code = |source, bound| reasons.text(reasons.code(&Outcome { value: 0.0, source, bound }));
        assert_eq!(code(None, None), "fallback");
        assert_eq!(code(Some(1), Some(Mover::Guard(0))), "self0; bound: soc:ess0");
        assert_eq!(code(Some(1), Some(Mover::Cluster(0))), "self0; bound: cluster:ess");
        assert_eq!(code(Some(0), Some(Mover::Collapsed(1))), "peak0; bound: self0 (collapsed)");
    }
}
