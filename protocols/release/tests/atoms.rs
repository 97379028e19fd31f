//! The property that the gate is for: every Boolean combination of what was emitted is empty or has at
//! least `cell_min` persons, withdrawals and departures aside.

use proptest::prelude::*;

use super::population::Population;
use super::*;

/// Up to 40 questions; what else happens between them.
fn live(seed: u64, steps: u8, noise: &dyn Noise, withdraw: bool, upload: bool) -> Population {
    let mut population = Population::new(seed);
    for step in 0..steps {
        if withdraw && step % 5 == 3 {
            population.withdraw();
        }
        if upload && step % 4 == 2 {
            population.upload(withdraw);
        }
        population.ask(noise);
    }
    population
}

#[test]
fn the_populations_of_these_tests_are_cut_often_enough_to_mean_something() {
    let lives = (0..12).map(|seed| live(seed, 40, &Fixed(0), false, true));
    let (releases, cuts) = lives.fold((0, 0), |(releases, cuts), life| {
        (releases + life.releases, cuts + life.cuts)
    });
    assert!(releases > 12 * 8 && cuts > 12 * 4, "{releases}, {cuts}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn atoms_are_empty_or_large_without_noise(seed in any::<u64>(), steps in 1u8..=40) {
        live(seed, steps, &Fixed(0), false, false);
    }

    #[test]
    fn atoms_are_empty_or_large_over_new_graphs(seed in any::<u64>(), steps in 1u8..=40) {
        live(seed, steps, &Fixed(0), false, true);
    }

    #[test]
    fn no_cut_makes_a_small_atom_when_people_withdraw_and_leave(seed in any::<u64>()) {
        live(seed, 40, &Fixed(0), true, true);
    }

    #[test]
    fn atoms_are_empty_or_large_whatever_the_noise(seed in any::<u64>(), wild in any::<bool>()) {
        let noise = Seeded::new(seed ^ 1);
        let wilder = Wild(Seeded::new(seed ^ 2));
        let noise: &dyn Noise = if wild { &wilder } else { &noise };
        live(seed, 40, noise, false, true);
    }
}

/// A hundred times as much noise as there should be: the minimum holds without it.
struct Wild(Seeded);

impl Noise for Wild {
    fn discrete_laplace(&self, scale: u32) -> i64 {
        self.0.discrete_laplace(100 * scale)
    }
}
