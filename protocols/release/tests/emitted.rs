use proptest::prelude::*;

use super::*;

#[test]
fn what_is_stored_comes_back() {
    for persons in [
        set([]),
        set([0]),
        set(0..70_000),
        set((0..300_000).step_by(3)),
    ] {
        let stored = Emitted::new(persons.clone()).to_stored();
        let back = Emitted::from_stored(&stored).unwrap();
        assert_eq!(list(back.persons()), list(&persons));
        assert_eq!(back.to_stored(), stored);
    }
}

#[test]
fn what_is_cut_short_or_longer_is_refused() {
    let stored = Emitted::new(set((0..9_000).step_by(2))).to_stored();
    for end in 0..stored.len() {
        assert!(Emitted::from_stored(&stored[..end]).is_err(), "{end}");
    }
    let longer = [&stored[..], &[0]].concat();
    assert!(Emitted::from_stored(&longer).is_err());
}

#[test]
fn persons_are_told_in_the_numbers_of_a_later_set() {
    let emitted = Emitted::new(set([3, 5, 9]));
    let later = emitted.renumbered(|person, now| match person {
        3 => now(40),
        5 => {}
        _ => {
            now(1);
            now(2);
        }
    });
    assert_eq!(list(later.persons()), [1, 2, 40]);
}

proptest! {
    #[test]
    fn any_persons_come_back(persons in proptest::collection::btree_set(0u32..400_000, 0..2_000)) {
        let stored = Emitted::new(set(persons.iter().copied())).to_stored();
        let back = Emitted::from_stored(&stored).unwrap();
        prop_assert!(back.persons().each().eq(persons));
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Emitted::from_stored(&bytes);
    }

    #[test]
    fn changed_bytes_never_panic_and_what_is_read_is_written_alike(
        at in 0usize..4_000, bit in 0u8..8, step in 1usize..9,
    ) {
        let mut stored = Emitted::new(set((0..30_000).step_by(step))).to_stored();
        let at = at % stored.len().min(64);
        stored[at] ^= 1 << bit;
        if let Ok(read) = Emitted::from_stored(&stored) {
            let again = Emitted::from_stored(&read.to_stored()).unwrap();
            prop_assert!(again.persons().each().eq(read.persons().each()));
        }
    }
}
