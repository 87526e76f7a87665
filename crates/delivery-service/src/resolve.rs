//! Finds the destination of an update, or says why there is none.

use std::sync::Arc;

use activation::{
    map::is_of_interest,
    names::{DestinationName, DestinationUid, WorkspaceName},
    plan::{Plan, PlanState},
    profile::ProfileUpdate,
};

use crate::plans::Plans;

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
    Workspace(Vec<Arc<Plan>>),
    Nowhere(Refused),
}

impl Route {
    /// Finds the route of a batch. A destination that is not known yet is
    /// waited for, a short while.
    pub async fn find(plans: &Plans, target: &Target) -> Self {
        match target {
            Target::Destination(name) => match plans.find(name).await {
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
            Target::Workspace(workspace) => Self::Workspace(
                plans
                    .now()
                    .of_workspace(workspace)
                    .filter(|plan| plan.state == PlanState::Enabled)
                    .cloned()
                    .collect(),
            ),
        }
    }

    /// Returns the destinations that one update goes to.
    pub fn partitions(&self, update: &ProfileUpdate) -> Result<Vec<DestinationUid>, Refused> {
        match self {
            Self::Destination(plan) => Ok(vec![plan.uid.clone()]),
            Self::Workspace(plans) => {
                let wanted: Vec<_> = plans
                    .iter()
                    .filter(|plan| is_of_interest(update, &plan.rules))
                    .map(|plan| plan.uid.clone())
                    .collect();
                if wanted.is_empty() {
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
