//! Shares of one total by weight, inside each member's range.

/// One member's share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Share {
    /// Its part of the total, before ranges, is proportional to this (0 or more).
    pub weight: f64,
    /// Not below this.
    pub lower: f64,
    /// Not above this.
    pub upper: f64,
    /// The result.
    pub value: f64,
}

/// `value = clip(weight * m, lower, upper)` with the `m` whose values add up to the total: the least-squares split
/// `min sum value^2 / weight`. Where no `m` does, or all weights are 0, the nearest that the ranges allow.
///
/// Exact in at most one round per member: in each, those beyond their ends on the side that outweighs are fixed.
pub fn share(total: f64, members: &mut [Share]) {
    let mut free = members.iter().filter(|member| member.weight > 0.0).count();
    for member in members.iter_mut() {
        // NaN marks who is not settled yet.
        member.value = if member.weight > 0.0 { f64::NAN } else { 0.0_f64.max(member.lower).min(member.upper) };
    }
    while free > 0 {
        let settled: f64 = members.iter().map(|member| member.value).filter(|value| !value.is_nan()).sum();
        let weights: f64 = open(members).map(|member| member.weight).sum();
        let each = (total - settled) / weights;
        let excess: f64 = open(members).map(|member| member.clipped(each) - member.weight * each).sum();
        let before = free;
        for member in members.iter_mut().filter(|member| member.value.is_nan()) {
            let (wish, clipped) = (member.weight * each, member.clipped(each));
            let settles = (excess >= 0.0 && clipped > wish) || (excess <= 0.0 && clipped < wish);
            if settles {
                member.value = clipped;
                free -= 1;
            }
        }
        if free == before {
            members.iter_mut().filter(|member| member.value.is_nan()).for_each(|m| m.value = m.clipped(each));
            return;
        }
    }
}

fn open(members: &[Share]) -> impl Iterator<Item = &Share> {
    members.iter().filter(|member| member.value.is_nan())
}

impl Share {
    fn clipped(&self, each: f64) -> f64 {
        (self.weight * each).max(self.lower).min(self.upper)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shared(total: f64, members: &[(f64, f64, f64)]) -> Vec<f64> {
        let of = |&(weight, lower, upper): &(f64, f64, f64)| Share { weight, lower, upper, value: 0.0 };
        let mut members: Vec<Share> = members.iter().map(of).collect();
        share(total, &mut members);
        members.iter().map(|member| member.value).collect()
    }

    #[test]
    fn table_of_shares() {
        assert_eq!(shared(60.0, &[(1.0, -50.0, 50.0), (2.0, -50.0, 50.0)]), [20.0, 40.0]);
        assert_eq!(shared(90.0, &[(1.0, -50.0, 50.0), (2.0, -50.0, 50.0)]), [40.0, 50.0]);
        assert_eq!(shared(-200.0, &[(1.0, -50.0, 50.0), (2.0, -50.0, 50.0)]), [-50.0, -50.0]);
        assert_eq!(shared(30.0, &[(1.0, -50.0, 50.0), (0.0, -50.0, 50.0)]), [30.0, 0.0]);
        assert_eq!(shared(30.0, &[(0.0, 5.0, 50.0), (0.0, -50.0, 50.0)]), [5.0, 0.0]);
        assert_eq!(
            shared(20.0, &[(1.0, 6.0, 32.0), (1.0, 6.0, 32.0), (1.0, 6.0, 7.0)]),
            [7.0, 7.0, 6.0].map(|_| 20.0 / 3.0)
        );
        assert_eq!(shared(0.0, &[]), Vec::<f64>::new());
    }

    proptest! {
        #[test]
        fn they_add_up_and_no_transfer_would_be_fairer(
            total in -300.0..300.0_f64,
            members in proptest::collection::vec((0.1..5.0_f64, -80.0..0.0_f64, 0.0..80.0_f64), 1..9),
        ) {
            let values = shared(total, &members);
            let (low, high) = members.iter().fold((0.0, 0.0), |(low, high), m| (low + m.1, high + m.2));
            prop_assert!((values.iter().sum::<f64>() - total.clamp(low, high)).abs() < 1e-9);
            let price = |place: usize| values[place] / members[place].0;
            for (a, b) in (0..members.len()).flat_map(|a| (0..members.len()).map(move |b| (a, b))) {
                let gives = values[a] > members[a].1 + 1e-9 && values[b] < members[b].2 - 1e-9;
                prop_assert!(!gives || price(a) <= price(b) + 1e-7);
            }
        }
    }
}
