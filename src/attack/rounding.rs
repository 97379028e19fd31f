//! Rounding edges: a count is padded with puppets until one person more would change its last digit.

use super::game::Score;
use super::room::Room;
use super::{Attack, Lab};

pub(super) const EDGES: Attack = (
    "rounding-edges",
    "a count, padded to every place between two multiples; the best place is used",
    edges,
);

fn edges(lab: &Lab<'_>) -> Score {
    let at = |lab: &Lab<'_>, padding: u32| {
        let puppets = 2 * lab.policy.threshold() + padding;
        lab.game(|is_there| {
            let end = puppets + u32::from(is_there);
            Room::new(lab, &[0..end]).count(&[0..end])
        })
    };
    // Searched with other games than it is judged by, or luck would count as skill.
    let places =
        (0..lab.policy.round_to().min(10)).map(|padding| (at(lab, padding).right, padding));
    let best = places.max().map_or(0, |(_, padding)| padding);
    at(lab, best)
}
