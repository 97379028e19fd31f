//! Active Bayesian learning: a probability for every target; asks about half of those it is least sure of,
//! chosen anew each time, and moves each by its share in the surprise.

use super::{Lab, Oracle, TARGETS};

pub(super) fn learn(lab: &Lab<'_>, oracle: &mut Oracle<'_>) -> [f64; TARGETS] {
    let mut likely = [0.5_f64; TARGETS];
    loop {
        let mut order: Vec<usize> = (0..TARGETS).collect();
        // Shuffled, then the least sure first.
        for at in (1..TARGETS).rev() {
            order.swap(at, lab.below(at as u32 + 1) as usize);
        }
        order.sort_by(|one, other| {
            let sure = |at: &usize| ((likely[*at] - 0.5).abs() * 20.0).floor();
            sure(one).total_cmp(&sure(other))
        });
        let group = &order[..TARGETS / 2];
        let Some(members) = oracle.members(group) else {
            return likely;
        };
        let spread = |at: usize| likely[at] * (1.0 - likely[at]);
        let expected: f64 = group.iter().map(|at| likely[*at]).sum();
        let variance: f64 = group.iter().map(|at| spread(*at)).sum();
        let surprise = (members - expected) / (variance + oracle.variance);
        let moved: Vec<(usize, f64)> = group
            .iter()
            .map(|at| (*at, likely[*at] + spread(*at) * surprise))
            .collect();
        for (at, value) in moved {
            likely[at] = value.clamp(0.001, 0.999);
        }
    }
}
