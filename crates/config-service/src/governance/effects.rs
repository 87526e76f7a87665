//! What a change of labels, policies or segment rules does to destinations
//! that are activated.

use std::collections::BTreeSet;

use activation::names::WorkspaceName;
use chrono::{DateTime, Utc};

use super::{
    check::refused,
    evaluate::{Violation, brought},
    standing::View,
};
use crate::{
    destinations::{DesiredState, Destination, activated_in, put_destination},
    session::Session,
    store::ChangeError,
};

/// What happens to destinations that a change makes break a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Response {
    /// They deliver on and show it.
    #[default]
    Report,
    /// They are disabled.
    Disable,
    /// Nothing, as the change is not made.
    Refuse,
}

/// Who changes what destinations are judged by, and what that may do.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    pub response: Response,
    /// Who, for people; may be empty.
    pub actor: &'a str,
}

/// A destination that a change makes break a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affected {
    pub destination: Destination,
    /// What the change brought.
    pub violations: Vec<Violation>,
    /// Whether the change disabled it.
    pub disabled: bool,
}

/// How the activated destinations of a workspace stood before a change. Those
/// that are being deleted are left alone: nothing can be mended there.
pub(crate) struct Before {
    workspace: String,
    segments: BTreeSet<String>,
    destinations: Vec<(Destination, Vec<Violation>)>,
}

impl Before {
    /// To be called in the change's transaction, after the next plan revision.
    pub(crate) async fn read(
        session: &mut Session<'_>,
        workspace: &WorkspaceName,
    ) -> Result<Self, sqlx::Error> {
        let workspace = workspace.to_string();
        let destinations = activated_in(session, &workspace).await?;
        let segments = destinations
            .iter()
            .flat_map(Destination::segment_ids)
            .cloned()
            .collect();
        let view = View::read(session, &workspace, &segments).await?;
        let destinations = destinations
            .into_iter()
            .filter(|destination| destination.desired_state != DesiredState::Deleting)
            .map(|destination| {
                let violations = view.live_violations(&destination);
                (destination, violations)
            })
            .collect();
        Ok(Self {
            workspace,
            segments,
            destinations,
        })
    }

    /// Compares, after the change, and does what was asked for. The caller
    /// wakes the watchers of plans.
    pub(crate) async fn settle(
        self,
        session: &mut Session<'_>,
        cause: Cause<'_>,
        revision: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Affected>, ChangeError> {
        let view = View::read(session, &self.workspace, &self.segments).await?;
        let mut affected: Vec<Affected> = self
            .destinations
            .into_iter()
            .map(|(destination, before)| {
                let violations = brought(&before, view.live_violations(&destination));
                Affected {
                    destination,
                    violations,
                    disabled: false,
                }
            })
            .filter(|one| !one.violations.is_empty())
            .collect();
        match cause.response {
            Response::Report => {}
            Response::Refuse if affected.is_empty() => {}
            Response::Refuse => return Err(refused(affected.into_iter().flat_map(|one| one.violations))),
            Response::Disable => {
                for one in &mut affected {
                    if one.destination.desired_state != DesiredState::Enabled {
                        continue;
                    }
                    one.destination.desired_state = DesiredState::Disabled;
                    one.destination.revision = revision;
                    one.destination.version += 1;
                    one.destination.update_time = now;
                    cause.actor.clone_into(&mut one.destination.updated_by);
                    put_destination(session, &one.destination).await?;
                    one.disabled = true;
                }
            }
        }
        Ok(affected)
    }
}
