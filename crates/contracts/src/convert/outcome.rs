//! Outcomes.

use crate::delivery::v1 as pb;

impl From<&activation::outcome::Outcome> for pb::Outcome {
    fn from(outcome: &activation::outcome::Outcome) -> Self {
        match outcome {
            activation::outcome::Outcome::Delivered(_) => Self::Delivered,
            activation::outcome::Outcome::Excluded(_) => Self::Excluded,
            activation::outcome::Outcome::Failed(_) => Self::Failed,
        }
    }
}
