//! Sums over a tree: every group of a level is asked about before the next level; then the answers are
//! reconciled from the leaves up and from the root down, so that halves add up to the whole.

use super::{Lab, Oracle, TARGETS};

/// A group of the tree.
struct Node {
    group: Vec<usize>,
    /// What was answered, then what is believed.
    members: f64,
    /// Variance of that belief.
    variance: f64,
    /// The first of its two halves.
    halves: Option<usize>,
}

pub(super) fn explore(_: &Lab<'_>, oracle: &mut Oracle<'_>) -> [f64; TARGETS] {
    let mut likely = [0.5; TARGETS];
    let all: Vec<usize> = (0..TARGETS).collect();
    let Some(members) = oracle.members(&all) else {
        return likely;
    };
    let node = |group: Vec<usize>, members, variance| Node {
        group,
        members,
        variance,
        halves: None,
    };
    let mut tree = vec![node(all, members, oracle.variance)];
    let mut next = 0;
    while next < tree.len() {
        if tree[next].group.len() > 1 {
            let (left, right) = tree[next].group.split_at(tree[next].group.len() / 2);
            let (left, right) = (left.to_vec(), right.to_vec());
            let answers = (oracle.members(&left), oracle.members(&right));
            let (Some(of_left), Some(of_right)) = answers else {
                break;
            };
            tree[next].halves = Some(tree.len());
            tree.push(node(left, of_left, oracle.variance));
            tree.push(node(right, of_right, oracle.variance));
        }
        next += 1;
    }
    // Up: a group is known by its own answer and by its halves.
    for at in (0..tree.len()).rev() {
        if let Some(half) = tree[at].halves {
            let sum = tree[half].members + tree[half + 1].members;
            let variance = tree[half].variance + tree[half + 1].variance;
            let weight = variance / (variance + tree[at].variance);
            let node = &mut tree[at];
            node.members = weight * node.members + (1.0 - weight) * sum;
            node.variance *= weight;
        }
    }
    // Down: halves share what they do not add up to.
    for at in 0..tree.len() {
        let share = tree[at].members / tree[at].group.len() as f64;
        match tree[at].halves {
            Some(half) => {
                let (left, right) = (&tree[half], &tree[half + 1]);
                let missing = tree[at].members - left.members - right.members;
                let weight = left.variance / (left.variance + right.variance);
                tree[half].members += missing * weight;
                tree[half + 1].members += missing * (1.0 - weight);
            }
            None => tree[at].group.iter().for_each(|at| likely[*at] = share),
        }
    }
    likely
}
