//! The plans that delivery works by: streamed from the config-service, kept on
//! disk for when it is away.
//!
//! A plan goes only by the word that its destination was deleted. A destination
//! that the config-service merely does not know, as after its database was
//! restored from an older backup, is *held*: its plan and its part of the
//! journal stay, and nothing is taken or sent for it until it is known again.

mod kept;
mod watcher;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use activation::{
    names::{DestinationName, DestinationUid, WorkspaceName},
    plan::Plan,
};
use tokio::{sync::watch, time::timeout};

pub(crate) use self::watcher::PlanWatcher;

/// Says of a destination that it is held, to machines.
pub(crate) const DESTINATION_MISSING: &str = "DESTINATION_MISSING";

/// How long an unknown destination is waited for: the time that a plan may
/// need from a fresh activation to here.
const PLAN_DELAY: Duration = Duration::from_secs(3);

/// All plans at one moment.
#[derive(Debug, Clone, Default)]
pub struct PlanSet {
    by_uid: HashMap<DestinationUid, Arc<Plan>>,
    by_name: HashMap<DestinationName, DestinationUid>,
    held: HashSet<DestinationUid>,
}

/// The current plans. Cheap to clone.
#[derive(Clone)]
pub struct Plans(watch::Receiver<PlanSet>);

impl PlanSet {
    pub fn get(&self, name: &DestinationName) -> Option<&Arc<Plan>> {
        self.by_name.get(name).and_then(|uid| self.by_uid.get(uid))
    }

    pub fn of_workspace(&self, workspace: &WorkspaceName) -> impl Iterator<Item = &Arc<Plan>> {
        let mut plans: Vec<_> = self
            .by_uid
            .values()
            .filter(move |plan| plan.destination.workspace() == workspace)
            .collect();
        plans.sort_by(|one, other| one.destination.cmp(&other.destination));
        plans.into_iter()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.by_uid.values()
    }

    /// Tells whether the config-service does not know the destination any more,
    /// though nobody deleted it.
    pub fn is_held(&self, uid: &DestinationUid) -> bool {
        self.held.contains(uid)
    }

    /// Takes a plan that the config-service has.
    fn insert(&mut self, plan: Arc<Plan>) {
        self.held.remove(&plan.uid);
        self.by_name.insert(plan.destination.clone(), plan.uid.clone());
        self.by_uid.insert(plan.uid.clone(), plan);
    }

    /// Keeps a plan that the config-service does not have any more.
    fn hold(&mut self, uid: &DestinationUid) {
        if self.by_uid.contains_key(uid) {
            self.held.insert(uid.clone());
        }
    }

    fn remove(&mut self, uid: &DestinationUid) {
        self.held.remove(uid);
        let Some(plan) = self.by_uid.remove(uid) else {
            return;
        };
        // A later destination may have the name by now, or an earlier one that
        // is held have had it.
        if self.by_name.get(&plan.destination) == Some(uid) {
            self.by_name.remove(&plan.destination);
            let other = self
                .by_uid
                .values()
                .find(|other| other.destination == plan.destination);
            if let Some(other) = other {
                self.by_name.insert(plan.destination.clone(), other.uid.clone());
            }
        }
    }
}

impl Plans {
    /// Returns the plans as they are now.
    pub fn now(&self) -> PlanSet {
        self.0.borrow().clone()
    }

    pub fn get(&self, name: &DestinationName) -> Option<Arc<Plan>> {
        self.0.borrow().get(name).cloned()
    }

    /// As [`PlanSet::is_held`].
    pub fn is_held(&self, uid: &DestinationUid) -> bool {
        self.0.borrow().is_held(uid)
    }

    /// Returns a destination's plan; one that is not known yet is waited for, a
    /// short while.
    pub async fn find(&self, name: &DestinationName) -> Option<Arc<Plan>> {
        let mut plans = self.clone();
        timeout(PLAN_DELAY, async {
            loop {
                if let Some(plan) = plans.get(name) {
                    return Some(plan);
                }
                plans.changed().await.ok()?;
            }
        })
        .await
        .ok()
        .flatten()
    }

    /// Waits for the next change; ends when the watcher has stopped.
    pub async fn changed(&mut self) -> Result<(), watch::error::RecvError> {
        self.0.changed().await
    }
}
