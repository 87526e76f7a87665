//! Finds the destination of an update, or says why there is none.

use std::sync::Arc;

use activation::{
    map::is_of_interest,
    names::{DestinationName, DestinationUid, WorkspaceName},
    plan::{Plan, PlanState},
    profile::ProfileUpdate,
};

use crate::plans::{DESTINATION_MISSING, PlanSet, Plans};

/// Where a batch of updates goes.
#[derive(Debug, Clone)]
pub enum Target {
    Destination(DestinationName),
    Workspace(WorkspaceName),
}

/// Why an update is refused, for its producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// A stable word for machines.
    pub reason: &'static str,
    pub field: String,
    pub message: String,
}

/// Where the updates of a batch can go. Found once per batch.
pub enum Route {
    Destination(Arc<Plan>),
    Workspace {
        enabled: Vec<Arc<Plan>>,
        /// Would be enabled if they were not held.
        held: Vec<Arc<Plan>>,
    },
    Nowhere(Refused),
}

impl Route {
    /// Finds the route of a batch. A destination that is not known yet is
    /// waited for, a short while.
    pub async fn find(plans: &Plans, target: &Target) -> Self {
        match target {
            Target::Destination(name) => match plans.find(name).await {
                Some(plan) if plans.is_held(&plan.uid) => Self::Nowhere(missing(&plan, "batch.destination")),
                Some(plan) => match refusal(&plan) {
                    None => Self::Destination(plan),
                    Some(refused) => Self::Nowhere(refused),
                },
                None => Self::Nowhere(Refused {
                    reason: "DESTINATION_NOT_FOUND",
                    field: "batch.destination".to_owned(),
                    message: format!("{name} does not exist or is not activated; activate it first"),
                }),
            },
            Target::Workspace(workspace) => Self::of_workspace(&plans.now(), workspace),
        }
    }

    /// A destination that takes nothing now does not keep an update from the
    /// others.
    fn of_workspace(plans: &PlanSet, workspace: &WorkspaceName) -> Self {
        let (held, enabled) = plans
            .of_workspace(workspace)
            .filter(|plan| plan.state == PlanState::Enabled)
            .cloned()
            .partition(|plan| plans.is_held(&plan.uid));
        Self::Workspace { enabled, held }
    }

    /// Returns the destinations that one update goes to.
    pub fn partitions(&self, update: &ProfileUpdate) -> Result<Vec<DestinationUid>, Refused> {
        match self {
            Self::Destination(plan) => Ok(vec![plan.uid.clone()]),
            Self::Workspace { enabled, held } => {
                let wants = |plan: &&Arc<Plan>| is_of_interest(update, &plan.rules);
                let wanted: Vec<_> = enabled
                    .iter()
                    .filter(wants)
                    .map(|plan| plan.uid.clone())
                    .collect();
                if wanted.is_empty() {
                    if let Some(plan) = held.iter().find(wants) {
                        return Err(missing(plan, "batch.workspace"));
                    }
                    return Err(Refused {
                        reason: "NO_DESTINATION_WANTS_IT",
                        field: "batch.workspace".to_owned(),
                        message: "no enabled destination of the workspace maps anything in this update"
                            .to_owned(),
                    });
                }
                Ok(wanted)
            }
            Self::Nowhere(refused) => Err(refused.clone()),
        }
    }
}

fn missing(plan: &Plan, field: &str) -> Refused {
    Refused {
        reason: DESTINATION_MISSING,
        field: field.to_owned(),
        message: format!(
            "the config-service does not know {} any more, and nobody deleted it; what was accepted before is \
             kept. Restore its configuration, then send again",
            plan.destination
        ),
    }
}

fn refusal(plan: &Plan) -> Option<Refused> {
    let (reason, message) = match plan.state {
        PlanState::Enabled => return None,
        PlanState::Disabled => (
            "DESTINATION_DISABLED",
            format!("{} is disabled; enable it, or send later", plan.destination),
        ),
        PlanState::Deleting => (
            "DESTINATION_DELETED",
            format!("{} is being deleted", plan.destination),
        ),
    };
    Some(Refused {
        reason,
        field: "batch.destination".to_owned(),
        message,
    })
}
