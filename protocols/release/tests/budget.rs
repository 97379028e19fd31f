use proptest::prelude::*;

use super::*;

#[test]
fn a_charge_that_does_not_fit_changes_nothing() {
    let account = Account {
        cap: 1_000,
        spent: 700,
    };
    assert_eq!(account.charged(301), Err(Exhausted));
    assert_eq!(account.charged(300).map(|account| account.left()), Ok(0));
    assert_eq!(account.charged(u32::MAX), Err(Exhausted));
}

#[test]
fn a_cap_that_was_lowered_below_what_is_spent_leaves_nothing() {
    let account = Account {
        cap: 500,
        spent: u64::MAX,
    };
    assert_eq!(account.left(), 0);
    assert_eq!(account.charged(1), Err(Exhausted));
    assert_eq!(account.charged(0), Ok(account));
}

#[test]
fn it_is_known_after_which_return_a_charge_fits() {
    let account = Account {
        cap: 1_000,
        spent: 1_000,
    };
    assert_eq!(account.returns(&[200, 400, 400], 400), Some(1));
    assert_eq!(account.returns(&[200, 400, 400], 1_000), Some(2));
    assert_eq!(account.returns(&[200, 400, 400], 1_001), None);
    let half = Account {
        spent: 500,
        ..account
    };
    assert_eq!(half.returns(&[500], 400), None);
}

#[test]
fn it_is_low_before_three_more_charges_do_not_fit() {
    let account = |spent| Account { cap: 8_000, spent };
    assert!(!account(6_800).is_low(400));
    assert!(account(6_801).is_low(400));
}

proptest! {
    #[test]
    fn whatever_is_charged_the_cap_is_never_passed(
        cap in 0u32..20_000, charges in proptest::collection::vec(0u32..9_000, 0..60),
    ) {
        let mut account = Account { cap, spent: 0 };
        let mut spent = 0;
        for charge in charges {
            match account.charged(charge) {
                Ok(after) => {
                    spent += u64::from(charge);
                    account = after;
                }
                Err(Exhausted) => prop_assert!(spent + u64::from(charge) > u64::from(cap)),
            }
            prop_assert_eq!(account.spent, spent);
            prop_assert!(spent <= u64::from(cap));
            prop_assert_eq!(u64::from(account.left()), u64::from(cap) - spent);
        }
    }
}
