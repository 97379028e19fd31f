//! Differencing: two questions that differ by the victim alone. Is the victim in the base?

use super::Attack;
use super::room::Room;

/// Others in the base, whom nobody asks about.
const OTHERS: u32 = 500;

pub(super) const UPLOADS: Attack = (
    "differencing-uploads",
    "an audience, and the same again on a new upload without the victim",
    |lab| {
        let known = 3 * lab.policy.threshold();
        lab.game(|is_there| {
            let end = known + u32::from(is_there);
            let mut room = Room::new(lab, &[0..end, known + 1..known + 1 + OTHERS]);
            let first = room.audience(&[0..end], None);
            let second = room.audience(&[0..known], first.as_ref());
            (first.map(|a| a.told), second.map(|a| a.told))
        })
    },
);

pub(super) const AUDIENCES: Attack = (
    "differencing-audiences",
    "an audience, and another of all of them but the victim",
    |lab| {
        let known = 3 * lab.policy.threshold();
        lab.game(|is_there| {
            let end = known + u32::from(is_there);
            let mut room = Room::new(lab, &[0..end, known + 1..known + 1 + OTHERS]);
            let first = room.audience(&[0..end], None);
            let second = room.audience(&[0..known], None);
            (first.map(|a| a.told), second.map(|a| a.told))
        })
    },
);

/// At the edge of the rule itself: what is left out is one short of a piece without the victim.
pub(super) const LEFT_OUT: Attack = (
    "differencing-left-over",
    "an audience, and another that leaves out puppets one short of a piece, and the victim",
    |lab| {
        let (known, few) = (4 * lab.policy.threshold(), lab.policy.piece() - 1);
        lab.game(|is_there| {
            let end = known + u32::from(is_there);
            let mut room = Room::new(lab, &[0..end, known + 1..known + 1 + OTHERS]);
            let first = room.audience(&[0..end], None);
            let second = room.audience(&[0..known - few], first.as_ref());
            (first.map(|a| a.told), second.map(|a| a.told))
        })
    },
);
