//! What destinations are judged by, and how they stand.

use std::collections::{BTreeMap, BTreeSet};

use activation::destination::Activation;

use super::{
    evaluate::{FieldLabels, Subject, Violation, evaluate},
    policies::Policy,
    store,
    words::MarketingAction,
};
use crate::{
    destinations::Destination,
    segments::{RegisteredSegment, SegmentSettings, registered_of, settings_of},
    session::Session,
};

/// What the destinations of a workspace are judged by.
pub(crate) struct View {
    pub(super) policies: Vec<Policy>,
    pub(super) field_labels: FieldLabels,
    /// The workspace's own ones.
    pub(super) marketing_actions: BTreeSet<MarketingAction>,
    pub(super) settings: SegmentSettings,
    /// Those of the segments asked for that are registered.
    pub(super) segments: BTreeMap<String, RegisteredSegment>,
}

/// How a destination stands, as far as others decide it: read, never stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// What is live and breaks policies; of a draft what would.
    pub violations: Vec<Violation>,
    /// What was edited since and would; empty for a draft.
    pub staged_violations: Vec<Violation>,
    /// Those of its segments that are registered, with their names.
    pub registered: BTreeMap<String, String>,
}

impl View {
    /// Reads what destinations with these segments are judged by.
    pub(crate) async fn read(
        session: &mut Session<'_>,
        workspace: &str,
        segments: &BTreeSet<String>,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            policies: store::policies_in(session, workspace).await?,
            field_labels: store::field_labels_in(session, workspace).await?,
            marketing_actions: store::own_marketing_actions(session, workspace).await?,
            settings: settings_of(session, workspace).await?,
            segments: registered_of(session, workspace, segments).await?,
        })
    }

    /// Judges one form of a destination.
    pub(super) fn violations(&self, destination: &Destination, activation: &Activation) -> Vec<Violation> {
        let subject = Subject {
            destination: &destination.name,
            activation,
            marketing_actions: &destination.marketing_actions,
            segments: &self.segments,
        };
        evaluate(&self.policies, &self.field_labels, &subject)
    }

    /// Judges what delivery works by; a draft has nothing of that.
    pub(super) fn live_violations(&self, destination: &Destination) -> Vec<Violation> {
        let live = destination.live.as_ref();
        live.map(|live| self.violations(destination, live))
            .unwrap_or_default()
    }

    pub(crate) fn standing(&self, destination: &Destination) -> Standing {
        let registered = destination
            .segment_ids()
            .filter_map(|segment| self.segments.get(segment))
            .map(|known| (known.segment.clone(), known.display_name.clone()))
            .collect();
        let edited = self.violations(destination, &destination.activation);
        let (violations, staged_violations) = match &destination.live {
            None => (edited, Vec::new()),
            Some(live) if *live == destination.activation => (edited, Vec::new()),
            Some(live) => (self.violations(destination, live), edited),
        };
        Standing {
            violations,
            staged_violations,
            registered,
        }
    }

    pub(crate) fn segment(&self, segment: &str) -> Option<&RegisteredSegment> {
        self.segments.get(segment)
    }
}
