//! Sock puppets: persons whom the attacker knows to be in the partner's base, in the number that makes one
//! more person decide. Is the victim in the base?

use super::game::Score;
use super::room::Room;
use super::{Attack, Lab};

/// Others in the base, whom nobody asks about.
const OTHERS: u32 = 500;

pub(super) const FORTY_NINE: Attack = (
    "sock-puppets-49",
    "an audience of 49 puppets and the victim",
    |lab| alone(lab, 49),
);

pub(super) const NINETY_NINE: Attack = (
    "sock-puppets-99",
    "an audience of 99 puppets and the victim",
    |lab| alone(lab, 99),
);

pub(super) const THRESHOLD: Attack = (
    "sock-puppets-threshold",
    "puppets one short of minimum and margin, and the victim",
    |lab| alone(lab, lab.policy.threshold() - 1),
);

pub(super) const PIECE: Attack = (
    "sock-puppets-piece",
    "a cell of which puppets one short of a piece, and the victim, are asked for; beside another cell that passes",
    |lab| {
        let (known, few) = (4 * lab.policy.threshold(), lab.policy.piece() - 1);
        lab.game(|is_there| {
            let end = known + few + u32::from(is_there);
            let mut room = Room::new(lab, &[0..end, end + 1..end + 1 + OTHERS]);
            let first = room.audience(&[0..known], None);
            let second = room.audience(&[0..known / 2, known..end], None);
            (first.map(|a| a.told), second.map(|a| a.told))
        })
    },
);

pub(super) const SECOND_PIECE: Attack = (
    "sock-puppets-second-piece",
    "a cell of puppets one short of two pieces, and the victim, asked for as a whole; beside another that passes",
    |lab| {
        let (few, beside) = (2 * lab.policy.piece() - 1, 4 * lab.policy.threshold());
        lab.game(|is_there| {
            let end = few + u32::from(is_there);
            let start = few + 1;
            let mut room = Room::new(lab, &[0..end, start..start + OTHERS]);
            let first = room.audience(&[0..end], None);
            let second = room.audience(&[0..end, start..start + beside], None);
            (first.map(|a| a.told), second.map(|a| a.told))
        })
    },
);

fn alone(lab: &Lab<'_>, puppets: u32) -> Score {
    lab.game(|is_there| {
        let end = puppets + u32::from(is_there);
        let mut room = Room::new(lab, &[0..end, puppets + 1..puppets + 1 + OTHERS]);
        room.audience(&[0..end], None).map(|audience| audience.told)
    })
}
