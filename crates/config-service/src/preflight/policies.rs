//! What policies, and the registry of segments, have against a destination.

use super::finding::{Finding, Severity};
use crate::{
    destinations::{DesiredState, Destination},
    governance::{
        self, Refusal, View,
        evaluate::{Place, Violation},
    },
    session::with_session,
    store::{ChangeError, Store},
};

impl Store {
    /// Lists what keeps the edited destination from going live: what the change
    /// itself would be refused for.
    pub(crate) async fn policy_findings(
        &self,
        destination: &Destination,
    ) -> Result<Vec<Finding>, sqlx::Error> {
        let mut live = destination.clone();
        live.go_live();
        if live.is_draft() {
            live.desired_state = DesiredState::Enabled;
        }
        let workspace = destination.name.workspace().to_string();
        let segments = live.segment_ids().cloned().collect();
        let view = with_session!(&self.database, session => {
            View::read(session, &workspace, &segments).await?
        });
        Ok(match governance::check(&view, Some(destination), &live) {
            Err(ChangeError::Refused(refusals)) => refusals.into_iter().map(refused).collect(),
            Err(ChangeError::Invalid(problems)) => problems
                .into_iter()
                .map(|problem| Finding::error_of("CONFLICT", problem))
                .collect(),
            Ok(()) | Err(_) => Vec::new(),
        })
    }
}

/// Lists the policies that what is live breaks: it goes on, because a change
/// elsewhere was let through.
pub(super) fn live_findings(destination: &Destination) -> Vec<Finding> {
    destination
        .standing
        .violations
        .iter()
        .map(|violation| {
            let finding = Finding::new(
                Severity::Warning,
                "POLICY_VIOLATION",
                violation.path_in_destination(),
                violation.message(),
                violation.resolutions().join(", or "),
            );
            of_place(finding, violation)
        })
        .collect()
}

fn refused(refusal: Refusal) -> Finding {
    let Some(violation) = &refusal.violation else {
        return Finding::error_of(refusal.reason, refusal.problem);
    };
    let finding = Finding::new(
        Severity::Error,
        refusal.reason,
        refusal.problem.field,
        violation.message(),
        violation.resolutions().join(", or "),
    );
    of_place(finding, violation)
}

fn of_place(finding: Finding, violation: &Violation) -> Finding {
    match &violation.place {
        Place::Mappings => finding,
        Place::Segment { segment, .. } => finding.of_segment(segment),
    }
}
