//! Uploads that are no customers: garbage around one victim, and everybody who could exist.

use super::Attack;
use super::room::Room;

/// The partner's base.
const BASE: u32 = 1_000;

pub(super) const GARBAGE: Attack = (
    "garbage-upload",
    "rows of nobody, and the victim: is the victim in the base?",
    |lab| {
        lab.game(|is_there| {
            let victim = BASE..BASE + u32::from(is_there);
            let nobody = BASE + 1..BASE + 2_000;
            let mut room = Room::new(lab, &[0..BASE, victim.clone()]);
            let count = room.count(&[victim.clone(), nobody.clone()]);
            let audience = room.audience(&[victim, nobody], None);
            (count, audience.map(|audience| audience.told))
        })
    },
);

pub(super) const UNIVERSE: Attack = (
    "universe-upload",
    "rows of everybody: is one of them in the base?",
    |lab| {
        lab.game(|is_there| {
            let base = 0..BASE + u32::from(is_there);
            let mut room = Room::new(lab, std::slice::from_ref(&base));
            let everybody = [0..BASE + 2_000];
            let count = room.count(&everybody);
            let audience = room.audience(&everybody, None);
            (count, audience.map(|audience| audience.told))
        })
    },
);
