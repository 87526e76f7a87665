//! What makes a destination deliver, or not, once it is what a file says.

use contracts::config::v1::{DesiredState, Destination};

/// One call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Activate,
    /// Makes what was edited live.
    ApplyChanges,
    Enable,
    Disable,
}

impl Step {
    /// Says what is done, in the infinitive.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Activate => "activate",
            Self::ApplyChanges => "make the changes live",
            Self::Enable => "enable",
            Self::Disable => "disable",
        }
    }

    /// Says what was done.
    pub(super) fn done(self) -> &'static str {
        match self {
            Self::Activate => "activated",
            Self::ApplyChanges => "the changes are live",
            Self::Enable => "enabled",
            Self::Disable => "disabled",
        }
    }
}

/// Returns the calls between a destination and the state that is wanted of it;
/// none where the file says none.
pub(super) fn steps(destination: &Destination, wanted: DesiredState) -> Result<Vec<Step>, String> {
    use DesiredState::{Deleting, Disabled, Draft, Enabled, Unspecified};
    let staged = (!destination.staged_changes.is_empty()).then_some(Step::ApplyChanges);
    let steps = match (destination.desired_state(), wanted) {
        (_, Deleting) => {
            return Err("must be DRAFT, ENABLED or DISABLED; delete by leaving it out of the file, with --prune destinations".to_owned());
        }
        (_, Unspecified) | (Draft | Unspecified, Draft) => Vec::new(),
        (Draft | Unspecified, Enabled) => vec![Step::Activate],
        (Draft | Unspecified, Disabled) => vec![Step::Activate, Step::Disable],
        (Enabled | Disabled, Draft) => {
            return Err("it is activated and cannot be a draft again; say ENABLED or DISABLED".to_owned());
        }
        (Enabled, Enabled) | (Disabled, Disabled) => staged.into_iter().collect(),
        // Not by what is live now.
        (Disabled, Enabled) => staged.into_iter().chain([Step::Enable]).collect(),
        // Nothing more is sent, then the rest.
        (Enabled, Disabled) => [Step::Disable].into_iter().chain(staged).collect(),
        // Refused when it is put.
        (Deleting, _) => Vec::new(),
    };
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use contracts::config::v1::StagedChange;

    use super::*;

    fn destination(state: DesiredState, is_edited: bool) -> Destination {
        Destination {
            desired_state: state.into(),
            staged_changes: vec![StagedChange::default(); usize::from(is_edited)],
            ..Default::default()
        }
    }

    #[test]
    fn a_destination_is_led_to_the_state_that_is_wanted() {
        use DesiredState::{Disabled, Draft, Enabled, Unspecified};
        for (state, is_edited, wanted, expected) in [
            (Draft, false, Unspecified, vec![]),
            (Draft, false, Draft, vec![]),
            (Draft, false, Enabled, vec![Step::Activate]),
            (Draft, false, Disabled, vec![Step::Activate, Step::Disable]),
            (Enabled, true, Unspecified, vec![]),
            (Enabled, false, Enabled, vec![]),
            (Enabled, true, Enabled, vec![Step::ApplyChanges]),
            (Enabled, true, Disabled, vec![Step::Disable, Step::ApplyChanges]),
            (Disabled, true, Enabled, vec![Step::ApplyChanges, Step::Enable]),
            (Disabled, false, Disabled, vec![]),
        ] {
            let found = steps(&destination(state, is_edited), wanted);
            assert_eq!(found, Ok(expected), "{state:?}, {is_edited}, {wanted:?}");
        }
    }

    #[test]
    fn a_state_that_cannot_be_reached_is_refused_with_those_that_can() {
        use DesiredState::{Deleting, Disabled, Draft, Enabled};
        for (state, wanted, words) in [
            (Enabled, Draft, "say ENABLED or DISABLED"),
            (Disabled, Draft, "say ENABLED or DISABLED"),
            (Enabled, Deleting, "--prune destinations"),
        ] {
            let refused = steps(&destination(state, false), wanted).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
