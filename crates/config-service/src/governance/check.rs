//! Whether a change of a destination may be made.

use activation::InvalidField;

use super::{
    evaluate::{Violation, brought},
    policies::PolicyKind,
    standing::View,
    words::MarketingAction,
};
use crate::{
    destinations::{DesiredState, Destination},
    segments,
    store::ChangeError,
};

const POLICY_VIOLATION: &str = "POLICY_VIOLATION";

/// One reason why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A stable word for machines.
    pub reason: &'static str,
    /// Where in the request, what is wrong and what to do.
    pub problem: InvalidField,
    /// For [`POLICY_VIOLATION`].
    pub violation: Option<Violation>,
}

/// Refuses what a change makes of a destination, where the change brings it:
///
/// - a policy violation that was not there `before`, in what is edited or in
///   what is live. A draft is held to the policies that cannot be switched off,
///   everything else to all of them. What sends nothing yet (a draft that is
///   activated, a disabled destination that is enabled) must break none at all;
/// - a segment that the workspace does not know or want, where it is added, and
///   again where it goes live;
/// - a marketing action that nobody has defined.
///
/// `before` is the destination before the change; `None` for a new one. To be
/// called inside the change's transaction, with a view that was read there.
pub(crate) fn check(
    view: &View,
    before: Option<&Destination>,
    after: &Destination,
) -> Result<(), ChangeError> {
    undefined_actions(view, before, after)?;
    let mut refusals: Vec<Refusal> = segments::problems(&view.settings, &view.segments, before, after)
        .into_iter()
        .map(|(reason, problem)| Refusal {
            reason,
            problem,
            violation: None,
        })
        .collect();
    // Where the request itself only says what the data is used for.
    let actions_changed = before.is_some_and(|before| before.marketing_actions != after.marketing_actions);
    refusals.extend(
        new_violations(view, before, after)
            .into_iter()
            .map(|violation| refusal(violation, actions_changed)),
    );
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Refused(refusals))
    }
}

fn new_violations(view: &View, before: Option<&Destination>, after: &Destination) -> Vec<Violation> {
    let live_before = before
        .map(|before| view.live_violations(before))
        .unwrap_or_default();
    let edited_before = before.map(|before| view.violations(before, &before.activation));
    // Going back to what is live brings nothing either.
    let known: Vec<Violation> = edited_before
        .into_iter()
        .flatten()
        .chain(live_before.clone())
        .collect();
    let mut new = brought(&known, view.violations(after, &after.activation));
    new.retain(|violation| !after.is_draft() || violation.policy_kind == PolicyKind::Always);
    let resumes = after.desired_state == DesiredState::Enabled
        && before.is_some_and(|before| before.desired_state == DesiredState::Disabled);
    let live_before = if resumes { Vec::new() } else { live_before };
    for violation in brought(&live_before, view.live_violations(after)) {
        if !new.contains(&violation) {
            new.push(violation);
        }
    }
    new.sort_by(|one, other| one.policy.cmp(&other.policy));
    new
}

/// Refuses to send by hand what is edited while it breaks a policy: an attempt
/// is an export like any other, and a draft has not been activated.
pub(crate) fn check_sending(view: &View, destination: &Destination) -> Result<(), ChangeError> {
    let refusals: Vec<Refusal> = view
        .violations(destination, &destination.activation)
        .into_iter()
        .map(|violation| refusal(violation, false))
        .collect();
    if refusals.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Refused(refusals))
    }
}

/// Returns the error for violations that a change elsewhere brings.
pub(crate) fn refused(violations: impl IntoIterator<Item = Violation>) -> ChangeError {
    let refusals = violations
        .into_iter()
        .map(|violation| Refusal {
            reason: POLICY_VIOLATION,
            problem: InvalidField::new("violation_response", violation.advice()),
            violation: Some(violation),
        })
        .collect();
    ChangeError::Refused(refusals)
}

fn refusal(violation: Violation, actions_changed: bool) -> Refusal {
    let field = if actions_changed {
        "destination.marketing_actions".to_owned()
    } else {
        violation.path_in_destination()
    };
    Refusal {
        reason: POLICY_VIOLATION,
        problem: InvalidField::new(field, violation.advice()),
        violation: Some(violation),
    }
}

fn undefined_actions(
    view: &View,
    before: Option<&Destination>,
    after: &Destination,
) -> Result<(), ChangeError> {
    let is_known = |action: &MarketingAction| {
        action.core_description().is_some()
            || view.marketing_actions.contains(action)
            || before.is_some_and(|before| before.marketing_actions.contains(action))
    };
    let undefined: Vec<InvalidField> = after
        .marketing_actions
        .iter()
        .enumerate()
        .filter(|(_, action)| !is_known(action))
        .map(|(index, action)| {
            let core: Vec<String> = MarketingAction::core()
                .map(|(action, _)| action.to_string())
                .collect();
            InvalidField::new(
                format!("destination.marketing_actions[{index}]"),
                format!(
                    "{action} is not a marketing action of this workspace; use one of {}, or add it first \
                     (PutMarketingAction)",
                    core.join(", ")
                ),
            )
        })
        .collect();
    if undefined.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Invalid(undefined))
    }
}
