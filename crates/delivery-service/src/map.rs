//! From journal frames to what a lane works on. Everything that decides is in
//! `activation::map`.

use std::{collections::HashSet, sync::Arc};

use activation::{
    map::{Acceptance, MapResult, MappedIdentity, map},
    outcome::Failure,
    plan::Plan,
    profile::ProfileUpdate,
    record::Arrival,
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use contracts::delivery::v1 as pb;
use prost::Message;
use service::trace_context::TraceContext;

use crate::journal::StoredFrame;

/// A frame, mapped by today's plan.
#[derive(Debug, Clone)]
pub struct MappedFrame {
    pub position: i64,
    /// Entries with at least one identity that is not settled.
    pub entries: Vec<MappedEntry>,
}

#[derive(Debug, Clone)]
pub struct MappedEntry {
    pub update: Arc<AcceptedUpdate>,
    /// Those that are not settled, in their order.
    pub identities: Vec<MappedIdentity>,
}

/// What settling needs to know of an update.
#[derive(Debug, Clone, PartialEq)]
pub struct AcceptedUpdate {
    pub arrival: Arrival,
    pub accepted_at: DateTime<Utc>,
    pub producer: String,
    pub sequence: u64,
    pub update_id: String,
    /// Ids of the mapped segments that it names, each once.
    pub segments: Vec<String>,
    /// The producer's span, when it is recorded.
    pub trace: Option<TraceContext>,
    /// As received.
    pub body: Bytes,
}

/// Place of one identity: entry within its frame, and its index in the update
/// (-1 for the update as a whole).
pub type Place = (Arrival, i64);

/// Returns an identity's index as the tables keep it.
pub fn identity_column(index: Option<usize>) -> i64 {
    index.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1)
}

/// Maps a frame. What is settled is left out.
pub fn map_frame(
    frame: StoredFrame,
    plan: &Plan,
    settled: &HashSet<Place>,
    now: DateTime<Utc>,
) -> MappedFrame {
    let position = frame.position;
    let mut entries = Vec::with_capacity(frame.entries.len());
    for (index, entry) in frame.entries.into_iter().enumerate() {
        let arrival = Arrival {
            position,
            entry: u32::try_from(index).unwrap_or(u32::MAX),
        };
        let accepted = Acceptance {
            time: frame.accepted_at,
            arrival,
        };
        let (update, identities) = match read(&entry.update) {
            Ok((message, update)) => {
                let identities = map(&update, &plan.rules, accepted, now);
                (
                    accepted_update(entry, accepted, plan, Some((message, update))),
                    identities,
                )
            }
            Err(failure) => {
                let unreadable = MappedIdentity {
                    index: None,
                    id: String::new(),
                    result: MapResult::Fail(failure),
                };
                (accepted_update(entry, accepted, plan, None), vec![unreadable])
            }
        };
        let identities: Vec<MappedIdentity> = identities
            .into_iter()
            .filter(|identity| !settled.contains(&(arrival, identity_column(identity.index))))
            .collect();
        if !identities.is_empty() {
            entries.push(MappedEntry {
                update: Arc::new(update),
                identities,
            });
        }
    }
    MappedFrame { position, entries }
}

/// Reads what was checked when it was accepted. Only a version that knows less
/// than the one that accepted it could fail.
fn read(bytes: &Bytes) -> Result<(pb::ProfileUpdate, ProfileUpdate), Failure> {
    let unreadable = |message: String| Failure {
        code: Failure::UNREADABLE_UPDATE.to_owned(),
        message,
        fields: Vec::new(),
    };
    let message = pb::ProfileUpdate::decode(bytes.clone()).map_err(|error| unreadable(error.to_string()))?;
    let update = ProfileUpdate::try_from(&message).map_err(|invalid| unreadable(invalid.to_string()))?;
    Ok((message, update))
}

fn accepted_update(
    entry: crate::journal::Entry,
    accepted: Acceptance,
    plan: &Plan,
    content: Option<(pb::ProfileUpdate, ProfileUpdate)>,
) -> AcceptedUpdate {
    let (message, update) = content.unwrap_or_default();
    let mut segments: Vec<String> = update
        .memberships
        .iter()
        .filter(|membership| plan.rules.segment(&membership.segment).is_some())
        .map(|membership| membership.segment.clone())
        .collect();
    segments.sort();
    segments.dedup();
    let trace = message
        .trace_context
        .map(|trace| TraceContext {
            traceparent: trace.traceparent,
            tracestate: trace.tracestate,
        })
        .filter(TraceContext::is_sampled);
    AcceptedUpdate {
        arrival: accepted.arrival,
        accepted_at: accepted.time,
        producer: entry.producer,
        sequence: entry.sequence,
        update_id: update.update_id,
        segments,
        trace,
        body: entry.update,
    }
}
