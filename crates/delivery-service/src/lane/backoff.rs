//! How long to wait before trying again: exponential, capped, full jitter.

use std::time::Duration;

use rand::{RngExt, rngs::StdRng};

/// The first wait is up to `base`, each next one up to twice as long, none
/// longer than `cap`.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    pub base: Duration,
    pub cap: Duration,
}

impl Backoff {
    /// Returns the wait before try number `attempt + 1`, given `attempt` failed
    /// ones. A server's own hint wins, up to the cap.
    pub fn wait(&self, attempt: u32, hint: Option<Duration>, random: &mut StdRng) -> Duration {
        if let Some(hint) = hint {
            return hint.min(self.cap);
        }
        let ceiling = self
            .base
            .saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1).min(20)))
            .min(self.cap);
        // Never at once: half is sure, half is jitter.
        ceiling.mul_f64(random.random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_are_never_nothing() {
        let backoff = Backoff {
            base: Duration::from_secs(1),
            cap: Duration::from_secs(60),
        };
        let mut random = StdRng::seed_from_u64(1);
        for (attempt, ceiling) in [(1, 1), (2, 2), (3, 4), (10, 60), (u32::MAX, 60)] {
            let wait = backoff.wait(attempt, None, &mut random);
            assert!(
                wait <= Duration::from_secs(ceiling) && wait >= Duration::from_secs(ceiling) / 2,
                "{attempt}"
            );
        }
        assert_eq!(
            backoff.wait(1, Some(Duration::from_secs(7)), &mut random),
            Duration::from_secs(7)
        );
        assert_eq!(
            backoff.wait(1, Some(Duration::from_secs(700)), &mut random),
            Duration::from_secs(60)
        );
    }
}
