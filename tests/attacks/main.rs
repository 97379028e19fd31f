//! `tamis attack`, at fixed seeds: what the gate must stop it stops, what is said of the rest is true, and
//! the attacks are worth something.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::Mutex;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use tamis::attack::{Lab, Report, run};
use tamis_keys::Entropy;
use tamis_protocols::release::{Noise, Policy, Wish};

struct Seeded(Mutex<ChaCha20Rng>);

impl Seeded {
    fn new(seed: u64) -> Self {
        Seeded(Mutex::new(ChaCha20Rng::seed_from_u64(seed)))
    }
}

impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) {
        self.0.lock().unwrap().fill_bytes(out);
    }
}

impl Noise for Seeded {
    /// The difference of two geometric draws, by inversion of uniform numbers.
    fn discrete_laplace(&self, scale: u32) -> i64 {
        let mut rng = self.0.lock().unwrap();
        let mut geometric = || {
            let uniform = ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
            (-uniform.ln() * f64::from(scale)).floor() as i64
        };
        geometric() - geometric()
    }
}

/// No noise at all: a gate that any of these attacks must break.
struct Silent;

impl Noise for Silent {
    fn discrete_laplace(&self, _: u32) -> i64 {
        0
    }
}

/// Makes the attacks whose names begin so.
fn report(policy: Policy, noise: &dyn Noise, trials: u32, begins: &[&str]) -> Report {
    let entropy = Seeded::new(5);
    let lab = Lab {
        policy,
        entropy: &entropy,
        noise,
        trials,
    };
    let wanted = |name: &str| begins.iter().any(|begin| name.starts_with(begin));
    run(&lab, &wanted, &|_, _| {})
}

/// At the floor; every attack, or those of a kind.
fn within_limits(begins: &[&str]) {
    let report = report(Policy::floor(), &Seeded::new(6), 2_000, begins);
    assert!(!report.attacks.is_empty());
    for finding in &report.attacks {
        assert!(finding.standard_error < 0.012, "{finding:?}");
        assert!(finding.accuracy <= 0.60, "{finding:?}");
        assert!(finding.holds, "{finding:?}");
    }
    assert!(report.holds);
}

#[test]
fn sock_puppets_stay_within_six_of_ten() {
    within_limits(&["sock-puppets"]);
}

#[test]
fn differencing_stays_within_six_of_ten() {
    within_limits(&["differencing"]);
}

#[test]
fn edges_uploads_identifiers_and_replays_stay_within_six_of_ten() {
    within_limits(&["rounding", "garbage", "universe", "multi", "replay"]);
}

#[test]
fn size_inference_stays_within_six_of_ten() {
    within_limits(&["size-inference"]);
}

#[test]
fn what_is_not_stopped_goes_as_far_as_the_documentation_says() {
    let begins = ["whole-budget", "destination-shows"];
    let report = report(Policy::floor(), &Seeded::new(7), 1_000, &begins);
    let accuracy: Vec<f64> = report.residual.iter().map(|it| it.accuracy).collect();
    assert!((0.66..0.76).contains(&accuracy[0]), "{accuracy:?}");
    assert_eq!(accuracy[1], 1.0);
    assert!(report.holds);
}

/// The attacks are worth something: without noise they succeed.
#[test]
fn the_same_attacks_break_a_gate_without_noise() {
    for (name, least) in [
        ("sock-puppets-threshold", 0.95),
        ("sock-puppets-piece", 0.95),
        ("sock-puppets-second-piece", 0.95),
        ("differencing-left-over", 0.95),
        ("rounding-edges", 0.95),
        ("size-inference-baseline", 0.53),
        ("size-inference-sums", 0.53),
    ] {
        let report = report(Policy::floor(), &Silent, 300, &[name]);
        let accuracy = report.attacks[0].accuracy;
        assert!(accuracy > least, "{name}: {accuracy}");
        assert!(least < 0.9 || !report.holds, "{name}");
    }
}

#[test]
fn a_tighter_policy_tells_less() {
    let wish = Wish {
        noise_scale: Some(50),
        ..Wish::default()
    };
    let policy = Policy::floor().tightened(&wish).unwrap();
    let report = report(policy, &Seeded::new(8), 1_500, &["sock-puppets-threshold"]);
    assert!(report.attacks[0].accuracy < 0.54, "{report:?}");
}
