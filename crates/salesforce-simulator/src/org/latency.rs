//! How long an org takes to answer.

use std::f64::consts::TAU;
use std::time::Duration;

use serde::Deserialize;

use crate::random::Seeded;

/// Longest that a call takes. Source: salesforce-contract.md §4.4 (REST call timeout).
const MAX: Duration = Duration::from_secs(600);

/// `latency` of `POST /simulator/orgs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LatencyOptions {
    /// Of every request.
    pub per_call_ms: u64,
    /// For each record of a write besides.
    pub per_record_us: u64,
    pub distribution: Distribution,
    /// How far single calls are from that: for `uniform` the largest share of it, from 0 to 1; for `lognormal`
    /// the standard deviation of the logarithm, from 0 to 3.
    pub spread: f64,
}

/// How the latencies of calls lie around what is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Distribution {
    /// Every call takes what is set.
    #[default]
    Fixed,
    /// Every time from `1 - spread` to `1 + spread` of what is set is as likely.
    Uniform,
    /// What is set is the median; few calls take much longer.
    Lognormal,
}

/// Tells how long the next call takes.
#[derive(Debug)]
pub(crate) struct Latency {
    options: LatencyOptions,
    random: Seeded,
}

impl LatencyOptions {
    /// Returns what is wrong with them, and the fix.
    pub(crate) fn problem(&self) -> Option<String> {
        let most = match self.distribution {
            Distribution::Fixed if self.spread != 0.0 => {
                return Some(
                    "latency.spread means nothing with distribution fixed; choose uniform or lognormal"
                        .to_owned(),
                );
            }
            Distribution::Fixed => return None,
            Distribution::Uniform => 1.0,
            Distribution::Lognormal => 3.0,
        };
        (!(0.0..=most).contains(&self.spread))
            .then(|| format!("latency.spread is {}; it must be from 0 to {most}", self.spread))
    }
}

impl Latency {
    pub(crate) fn new(options: LatencyOptions, random: Seeded) -> Self {
        Self { options, random }
    }

    /// Returns how long the next call, which writes `records`, takes: at most ten minutes.
    pub(crate) fn next(&mut self, records: usize) -> Duration {
        let per_records = Duration::from_micros(self.options.per_record_us)
            .saturating_mul(u32::try_from(records).unwrap_or(u32::MAX));
        let typical = Duration::from_millis(self.options.per_call_ms).saturating_add(per_records);
        let factor = match self.options.distribution {
            Distribution::Fixed => return typical.min(MAX),
            Distribution::Uniform => 1.0 + self.options.spread * (2.0 * self.random.share() - 1.0),
            Distribution::Lognormal => (self.options.spread * self.standard_normal()).exp(),
        };
        let seconds = (typical.as_secs_f64() * factor).clamp(0.0, MAX.as_secs_f64());
        Duration::from_secs_f64(seconds)
    }

    /// Source: Box and Muller, "A Note on the Generation of Random Normal Deviates".
    fn standard_normal(&mut self) -> f64 {
        // From above 0 to 1, so that it has a logarithm.
        let radius = (-2.0 * (1.0 - self.random.share()).ln()).sqrt();
        radius * (TAU * self.random.share()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted_millis(options: LatencyOptions) -> Vec<u128> {
        let mut latency = Latency::new(options, Seeded::new(7));
        let mut millis: Vec<u128> = (0..999).map(|_| latency.next(100).as_millis()).collect();
        millis.sort_unstable();
        millis
    }

    fn of(distribution: Distribution, spread: f64) -> LatencyOptions {
        LatencyOptions {
            per_call_ms: 900,
            per_record_us: 1_000,
            distribution,
            spread,
        }
    }

    #[test]
    fn each_distribution_lies_around_call_and_records() {
        let fixed = sorted_millis(of(Distribution::Fixed, 0.0));
        assert_eq!((fixed[0], fixed[998]), (1_000, 1_000));

        let uniform = sorted_millis(of(Distribution::Uniform, 0.5));
        assert!(uniform[0] >= 500 && uniform[998] <= 1_500, "{uniform:?}");
        assert!(uniform[0] < 520 && uniform[998] > 1_480, "{uniform:?}");

        let lognormal = sorted_millis(of(Distribution::Lognormal, 0.5));
        assert!((950..1_050).contains(&lognormal[499]), "{}", lognormal[499]);
        // One standard deviation above the median: e^0.5 of it.
        assert!((1_500..1_800).contains(&lognormal[840]), "{}", lognormal[840]);
        assert!(lognormal[998] > 3_000);
    }

    #[test]
    fn the_same_seed_gives_the_same_latencies() {
        let mut one = Latency::new(of(Distribution::Lognormal, 1.0), Seeded::new(3));
        let mut other = Latency::new(of(Distribution::Lognormal, 1.0), Seeded::new(3));
        let times = |latency: &mut Latency| (0..9).map(|_| latency.next(1)).collect::<Vec<_>>();
        assert_eq!(times(&mut one), times(&mut other));
    }

    #[test]
    fn a_spread_that_means_nothing_is_refused() {
        for (distribution, spread) in [
            (Distribution::Fixed, 0.1),
            (Distribution::Uniform, 1.1),
            (Distribution::Lognormal, -0.1),
            (Distribution::Lognormal, f64::NAN),
        ] {
            assert!(of(distribution, spread).problem().is_some());
        }
        assert_eq!(of(Distribution::Lognormal, 3.0).problem(), None);
    }
}
