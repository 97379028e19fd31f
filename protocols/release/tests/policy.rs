use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Every parameter made a little tighter than the floor, alone.
fn each_tighter() -> [Wish; 11] {
    [
        wish(|wish| wish.k_min = Some(101)),
        wish(|wish| wish.cell_min = Some(51)),
        wish(|wish| wish.noise_scale = Some(6)),
        wish(|wish| wish.round_to = Some(11)),
        wish(|wish| wish.pair_cap = Some(7_999)),
        wish(|wish| wish.partner_cap = Some(79_999)),
        wish(|wish| wish.window_days = Some(31)),
        wish(|wish| wish.look_back_days = Some(91)),
        wish(|wish| wish.upload_min = Some(1_001)),
        wish(|wish| wish.tenure_days = Some(1)),
        wish(|wish| wish.window_minutes = Some(1)),
    ]
}

fn wishes() -> impl Strategy<Value = Wish> {
    let up = |from: u32, to: u32| proptest::option::of(from..=to);
    (
        (up(100, 5_000), up(50, 5_000), up(5, 100), up(10, 1_000)),
        (up(0, 8_000), up(0, 80_000), up(30, 400), up(90, 400)),
        (up(1_000, 9_000), up(0, 400), up(0, 1_440)),
    )
        .prop_map(|(one, two, three)| Wish {
            k_min: one.0,
            cell_min: one.1,
            noise_scale: one.2,
            round_to: one.3,
            pair_cap: two.0,
            partner_cap: two.1,
            window_days: two.2,
            look_back_days: two.3,
            upload_min: three.0,
            tenure_days: three.1,
            window_minutes: three.2,
        })
}

/// Whether nothing is looser in `one` than in `other`.
fn is_as_tight(one: &Policy, other: &Policy) -> bool {
    one.k_min() >= other.k_min()
        && one.cell_min() >= other.cell_min()
        && one.noise_scale() >= other.noise_scale()
        && one.round_to() >= other.round_to()
        && one.pair_cap() <= other.pair_cap()
        && one.partner_cap() <= other.partner_cap()
        && one.window_days() >= other.window_days()
        && one.look_back_days() >= other.look_back_days()
        && one.upload_min() >= other.upload_min()
        && one.tenure_days() >= other.tenure_days()
        && one.window_minutes() >= other.window_minutes()
}

#[test]
fn the_digest_changes_with_every_parameter() {
    let mut digests = BTreeSet::from([Policy::floor().digest()]);
    for wish in each_tighter() {
        let policy = Policy::floor().tightened(&wish).unwrap();
        assert!(digests.insert(policy.digest()), "{wish:?}");
    }
}

#[test]
fn no_parameter_of_a_tighter_policy_can_be_put_back() {
    let back = [
        wish(|wish| wish.k_min = Some(100)),
        wish(|wish| wish.cell_min = Some(50)),
        wish(|wish| wish.noise_scale = Some(5)),
        wish(|wish| wish.round_to = Some(10)),
        wish(|wish| wish.pair_cap = Some(8_000)),
        wish(|wish| wish.partner_cap = Some(80_000)),
        wish(|wish| wish.window_days = Some(30)),
        wish(|wish| wish.look_back_days = Some(90)),
        wish(|wish| wish.upload_min = Some(1_000)),
        wish(|wish| wish.tenure_days = Some(0)),
        wish(|wish| wish.window_minutes = Some(0)),
    ];
    for (tighter, back) in each_tighter().iter().zip(&back) {
        let policy = Policy::floor().tightened(tighter).unwrap();
        assert!(policy.tightened(back).is_err(), "{back:?}");
        assert_eq!(Policy::floor().tightened(back), Ok(Policy::floor()));
    }
}

#[test]
fn margins_and_charges_follow_from_the_noise() {
    let floor = Policy::floor();
    assert_eq!(
        (floor.margin(), floor.piece(), floor.threshold()),
        (66, 116, 166)
    );
    assert_eq!((floor.count_charge(), floor.audience_charge()), (200, 400));
    for scale in 5..=100 {
        let policy = floor
            .tightened(&wish(|wish| wish.noise_scale = Some(scale)))
            .unwrap();
        let margin = (0.5e6f64.ln() * f64::from(scale)).ceil() as u32;
        assert_eq!(policy.margin(), margin);
        assert!(f64::from(policy.count_charge()) >= 1_000.0 / f64::from(scale));
    }
}

#[test]
fn a_written_policy_is_complete_and_a_looser_one_is_not_read() {
    let text = serde_json::to_string(&Policy::floor()).unwrap();
    assert_eq!(text.matches(':').count(), 11, "{text}");
    for loose in [
        r#"{"k_min": 99}"#,
        r#"{"pair_cap": 8001}"#,
        r#"{"noise_scale": 4}"#,
        r#"{"noise_scale": 101}"#,
        r#"{"mercy": 1}"#,
    ] {
        assert!(serde_json::from_str::<Policy>(loose).is_err(), "{loose}");
    }
}

proptest! {
    #[test]
    fn a_policy_can_only_be_tightened(one in wishes(), other in wishes()) {
        let policy = Policy::floor().tightened(&one).unwrap();
        prop_assert!(is_as_tight(&policy, &Policy::floor()));
        if let Ok(again) = policy.tightened(&other) {
            prop_assert!(is_as_tight(&again, &policy));
        }
        let text = serde_json::to_string(&policy).unwrap();
        prop_assert_eq!(serde_json::from_str::<Policy>(&text).unwrap(), policy);
    }

    #[test]
    fn of_several_policies_the_tightest_parameters_hold(one in wishes(), other in wishes()) {
        let one = Policy::floor().tightened(&one).unwrap();
        let other = Policy::floor().tightened(&other).unwrap();
        let both = one.and(other);
        prop_assert!(is_as_tight(&both, &one) && is_as_tight(&both, &other));
        prop_assert_eq!(both, other.and(one));
        prop_assert_eq!(one.and(one), one);
        prop_assert_eq!(one.and(other) == one, is_as_tight(&one, &other));
    }
}
