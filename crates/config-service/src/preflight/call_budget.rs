//! Whether the org's daily calls will do.

use std::time::Duration;

use salesforce::{limits::Limits, usage::ApiUsage};

use super::finding::{Finding, Severity};

/// Warned of when less than one part in so many is left.
const LEAST_SHARE: i64 = 5;
/// The shortest wait of a partial batch (architecture.md §5, promise 5).
const SHORTEST_DELAY: Duration = Duration::from_millis(250);
const DAY: Duration = Duration::from_secs(86_400);

/// Calls of the org in 24 hours, by everybody who uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calls {
    pub(super) max: i64,
    pub(super) remaining: i64,
}

impl Calls {
    pub(super) fn of_limits(limits: &Limits) -> Option<Self> {
        limits.daily_api_requests().map(|limit| Self {
            max: limit.max,
            remaining: limit.remaining,
        })
    }

    pub(super) fn of_usage(usage: &ApiUsage) -> Self {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        Self {
            max: number(usage.max),
            remaining: number(usage.max).saturating_sub(number(usage.used)),
        }
    }
}

/// Compares what is left with what a destination can need: a call every
/// `max_delay` when profiles trickle in, and fewer per profile when they do not.
pub(super) fn finding(calls: Calls, max_delay: Duration) -> Option<Finding> {
    let Calls { max, remaining } = calls;
    let needed =
        i64::try_from(DAY.as_millis() / max_delay.max(SHORTEST_DELAY).as_millis()).unwrap_or(i64::MAX);
    let message = if remaining < needed {
        format!(
            "The org has {remaining} of its {max} daily API calls left, and this destination can need {needed} \
             a day when profiles trickle in"
        )
    } else if remaining.saturating_mul(LEAST_SHARE) < max {
        format!("The org has {remaining} of its {max} daily API calls left, less than one in {LEAST_SHARE}")
    } else {
        return None;
    };
    Some(Finding::new(
        Severity::Warning,
        "CALLS_RUN_LOW",
        "destination.max_delay",
        message,
        "Raise max_delay, find out what else uses the org's calls, or buy more; delivery waits at the limit and \
         loses nothing",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(remaining: i64, max: i64, max_delay_ms: u64) -> bool {
        finding(Calls { max, remaining }, Duration::from_millis(max_delay_ms)).is_some()
    }

    #[test]
    fn few_calls_are_warned_of_by_share_and_by_need() {
        assert!(!told(90_000, 100_000, 60_000));
        assert!(told(19_999, 100_000, 60_000));
        assert!(!told(20_000, 100_000, 60_000));
        // 1,440 a day at one a minute.
        assert!(told(1_439, 5_000, 60_000));
        assert!(!told(1_440, 5_000, 60_000));
        assert!(told(90_000, 100_000, 0));
        assert!(told(-3, 100_000, 3_600_000));
    }
}
