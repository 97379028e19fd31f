//! The game: a coin, answers, a guess.

use std::collections::BTreeMap;

use super::Lab;

/// Right guesses among all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    pub(super) right: u64,
    pub(super) trials: u64,
}

impl Score {
    pub(super) fn add(&mut self, is_right: bool) {
        self.trials += 1;
        self.right += u64::from(is_right);
    }

    pub(super) fn accuracy(&self) -> f64 {
        self.right as f64 / self.trials.max(1) as f64
    }

    /// Of the accuracy, were the guesses independent.
    pub(super) fn standard_error(&self) -> f64 {
        let accuracy = self.accuracy();
        (accuracy * (1.0 - accuracy) / self.trials.max(1) as f64).sqrt()
    }
}

impl Lab<'_> {
    /// A number below `bound`, at least 1; the bias is below 2⁻³².
    pub(super) fn below(&self, bound: u32) -> u32 {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        (u64::from_le_bytes(bytes) % u64::from(bound.max(1))) as u32
    }

    pub(super) fn coin(&self) -> bool {
        self.below(2) == 1
    }

    /// Plays until judged: `play` gets the coin, and gives what the attacker sees. The attacker guesses
    /// what was more frequent with what it sees; otherwise, like the coin.
    pub(super) fn game<Seen: Ord>(&self, mut play: impl FnMut(bool) -> Seen) -> Score {
        let mut learnt: BTreeMap<Seen, [u32; 2]> = BTreeMap::new();
        for _ in 0..self.trials {
            let coin = self.coin();
            learnt.entry(play(coin)).or_default()[usize::from(coin)] += 1;
        }
        let mut score = Score::default();
        for _ in 0..self.trials {
            let coin = self.coin();
            let guess = match learnt.get(&play(coin)) {
                Some([without, with]) if without != with => with > without,
                _ => self.coin(),
            };
            score.add(guess == coin);
        }
        score
    }
}
