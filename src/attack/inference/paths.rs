//! Best path first: of all open groups, the one whose share of members is most extreme is halved next, so
//! that the budget goes where targets are soonest settled.

use super::{Lab, Oracle, TARGETS};

pub(super) fn follow(_: &Lab<'_>, oracle: &mut Oracle<'_>) -> [f64; TARGETS] {
    let mut likely = [0.5; TARGETS];
    let all: Vec<usize> = (0..TARGETS).collect();
    let Some(members) = oracle.members(&all) else {
        return likely;
    };
    let mut open = vec![(all, members)];
    loop {
        let promise = |(group, members): &(Vec<usize>, f64)| {
            // Small groups are noise: what is known of a group is known to its size.
            (members / group.len() as f64 - 0.5).abs() * (group.len() as f64).sqrt()
        };
        let best = (0..open.len())
            .filter(|at| open[*at].0.len() > 1)
            .max_by(|one, other| promise(&open[*one]).total_cmp(&promise(&open[*other])));
        let Some(best) = best else { break };
        let (group, members) = open.swap_remove(best);
        let (left, right) = group.split_at(group.len() / 2);
        let (Some(of_left), Some(of_right)) = (oracle.members(left), oracle.members(right)) else {
            open.push((group, members));
            break;
        };
        // Both were asked: what they add up to beyond the whole is shared between them.
        let excess = (of_left + of_right - members) / 3.0;
        open.push((left.to_vec(), of_left - excess));
        open.push((right.to_vec(), of_right - excess));
    }
    for (group, members) in open {
        for at in &group {
            likely[*at] = members / group.len() as f64;
        }
    }
    likely
}
