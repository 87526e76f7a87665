//! One simulated org.

mod calls;
mod counters;
mod faults;
mod history;
mod in_flight;
mod latency;
mod long_calls;
mod options;
mod row_locks;
mod sessions;
mod switches;
mod table;
mod usage;

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::ids::{RecordId, record_id};
use crate::random::{Seeded, hash};
use crate::schema::ObjectName;

pub(crate) use calls::{Call, Calls, client_of};
pub(crate) use counters::Counters;
pub(crate) use faults::{BodyShape, Fault, FaultAction, FaultQueue, Occasion, RecordFault, StatusFault};
pub(crate) use history::{History, HistoryEntry, WriteKind};
pub(crate) use in_flight::{InFlight, RecordKey};
pub(crate) use latency::Latency;
pub(crate) use long_calls::RunningCalls;
pub(crate) use options::{App, OrgOptions, PasswordFlow, UsageHeader, User};
pub(crate) use row_locks::{RowLocks, RowsAsked};
pub(crate) use sessions::Sessions;
pub(crate) use switches::{ErrorBody, MAX_BODY_BYTES, RowLock, SessionError, Switches};
pub(crate) use table::{Record, Slot, Table, Values, compared};
pub(crate) use usage::Usage;

/// One org: what it was created with, and what has happened since.
#[derive(Debug)]
pub(crate) struct Org {
    pub options: OrgOptions,
    pub id: RecordId,
    /// May be asked while the state is locked, never the other way round.
    pub row_locks: RowLocks,
    pub running_calls: RunningCalls,
    state: Mutex<OrgState>,
}

/// Everything of an org that changes, under one lock.
#[derive(Debug)]
pub(crate) struct OrgState {
    contacts: Table,
    leads: Table,
    pub sessions: Sessions,
    pub faults: FaultQueue,
    pub counters: Counters,
    pub history: History,
    pub calls: Calls,
    pub in_flight: InFlight,
    pub usage: Usage,
    pub random: Seeded,
    /// Has randomness of its own, so that setting it changes no token or id.
    pub latency: Latency,
    /// Tells how late the writes of clients that went away are applied.
    pub lateness: Seeded,
}

impl Org {
    pub(crate) fn new(options: OrgOptions, now: DateTime<Utc>) -> Self {
        let seed = hash(options.seed, &options.host);
        let id = RecordId::parse(&record_id("00D", seed)).expect("record_id returns valid ids");
        let state = OrgState {
            contacts: Table::new(ObjectName::Contact, now),
            leads: Table::new(ObjectName::Lead, now),
            sessions: Sessions::new(options.session_idle()),
            faults: FaultQueue::default(),
            counters: Counters::default(),
            history: History::new(options.history),
            calls: Calls::default(),
            in_flight: InFlight::default(),
            usage: Usage::default(),
            random: Seeded::new(seed),
            latency: Latency::new(options.latency(), Seeded::new(hash(seed, "latency"))),
            lateness: Seeded::new(hash(seed, "lateness")),
        };
        Self {
            options,
            id,
            row_locks: RowLocks::default(),
            running_calls: RunningCalls::default(),
            state: Mutex::new(state),
        }
    }

    /// Locks what changes. Never held across an await.
    pub(crate) fn state(&self) -> MutexGuard<'_, OrgState> {
        // A panic elsewhere must not turn every later answer into a panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the id of the user with this name.
    pub(crate) fn user_id(&self, username: &str) -> RecordId {
        RecordId::parse(&record_id("005", hash(self.options.seed, username)))
            .expect("record_id returns valid ids")
    }
}

impl OrgState {
    pub(crate) fn table(&self, object: ObjectName) -> &Table {
        match object {
            ObjectName::Contact => &self.contacts,
            ObjectName::Lead => &self.leads,
        }
    }

    pub(crate) fn table_mut(&mut self, object: ObjectName) -> &mut Table {
        match object {
            ObjectName::Contact => &mut self.contacts,
            ObjectName::Lead => &mut self.leads,
        }
    }
}
