//! Baseline tree search: depth first, a group that is neither all nor none is halved; the other half is
//! what remains.

use super::{Lab, Oracle, TARGETS};

pub(super) fn search(_: &Lab<'_>, oracle: &mut Oracle<'_>) -> [f64; TARGETS] {
    let mut likely = [0.5; TARGETS];
    let all: Vec<usize> = (0..TARGETS).collect();
    let Some(members) = oracle.members(&all) else {
        return likely;
    };
    let mut open = vec![(all, members)];
    while let Some((group, members)) = open.pop() {
        let share = members / group.len() as f64;
        group.iter().for_each(|at| likely[*at] = share);
        if group.len() == 1 || share <= 0.0 || share >= 1.0 {
            continue;
        }
        let (left, right) = group.split_at(group.len() / 2);
        let Some(of_left) = oracle.members(left) else {
            continue;
        };
        let of_right = (members - of_left).clamp(0.0, right.len() as f64);
        open.push((right.to_vec(), of_right));
        open.push((left.to_vec(), of_left));
    }
    likely
}
