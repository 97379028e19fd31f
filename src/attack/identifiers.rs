//! Several identifiers of one person: sizes of audiences by e-mail, by telephone and by both tell whether
//! an address and a number belong together, if rows are counted. Persons are.

use super::Attack;
use super::room::Room;

pub(super) const SIZES: Attack = (
    "multi-identifier-sizes",
    "counts by e-mail, by telephone and by either: do this address and this number belong to one person?",
    |lab| {
        let puppets = 2 * lab.policy.threshold();
        lab.game(|are_one| {
            // Whose address it is, and whose number.
            let (address, number) = (puppets, puppets + u32::from(!are_one));
            let mut room = Room::new(lab, &[0..puppets + 1_000]);
            let by_address = room.count(&[0..puppets, address..address + 1]);
            let by_number = room.count(&[0..puppets, number..number + 1]);
            let either = [0..puppets, address..address + 1, number..number + 1];
            (by_address, by_number, room.count(&either))
        })
    },
);
