//! One simulated org.

mod calls;
mod counters;
mod faults;
mod history;
mod in_flight;
mod options;
mod sessions;
mod switches;
mod table;
mod usage;

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::bulk::Jobs;
use crate::ids::{RecordId, record_id};
use crate::random::{Seeded, hash};
use crate::schema::ObjectName;

pub(crate) use calls::{Call, Calls, client_of};
pub(crate) use counters::Counters;
pub(crate) use faults::{Fault, FaultAction, FaultQueue, Occasion, RecordFault, StatusFault};
pub(crate) use history::{History, HistoryEntry, WriteKind};
pub(crate) use in_flight::{InFlight, RecordKey};
pub(crate) use options::{App, OrgOptions, PasswordFlow, UsageHeader, User};
pub(crate) use sessions::Sessions;
pub(crate) use switches::MAX_BODY_BYTES;
pub(crate) use table::{Record, Slot, Table, Values, compared};
pub(crate) use usage::Usage;

/// One org: what it was created with, and what has happened since.
#[derive(Debug)]
pub(crate) struct Org {
    pub options: OrgOptions,
    pub id: RecordId,
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
    pub bulk: Jobs,
    pub random: Seeded,
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
            bulk: Jobs::default(),
            random: Seeded::new(seed),
        };
        Self {
            options,
            id,
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
