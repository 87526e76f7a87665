//! One simulated org.

mod app;
mod approvals;
mod calls;
mod certificate;
mod counters;
mod cursors;
mod directory;
mod faults;
mod history;
mod in_flight;
mod ip_range;
mod login_switches;
mod logins;
mod options;
mod rolling_count;
mod sessions;
mod switches;
mod table;
mod usage;
mod user;

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::bulk::Jobs;
use crate::ids::{RecordId, record_id};
use crate::random::{Seeded, hash};
use crate::schema::ObjectName;
use crate::setup::Setup;
use crate::tooling::CustomFields;

pub(crate) use app::{App, AppKind};
pub(crate) use approvals::{ApprovalId, Approvals, Authorization};
pub(crate) use calls::{Call, Calls, client_of};
pub(crate) use certificate::AppCertificate;
pub(crate) use counters::Counters;
pub(crate) use cursors::Cursors;
pub(crate) use directory::Directory;
pub(crate) use faults::{Fault, FaultAction, FaultQueue, Occasion, RecordFault, StatusFault};
pub(crate) use history::{History, HistoryEntry, WriteKind};
pub(crate) use in_flight::{InFlight, RecordKey};
pub(crate) use ip_range::IpRange;
pub(crate) use login_switches::{
    Consent, InactiveUser, LoginRate, LoginSwitches, RevokeError, SessionErrorForm, SessionUse, Told,
    WrongAudience, WrongPassword, WrongSecret,
};
pub(crate) use logins::{Login, Logins};
pub(crate) use options::{OrgOptions, PasswordFlow, UsageHeader};
pub(crate) use rolling_count::RollingCount;
pub(crate) use sessions::{Grant, Session, Sessions};
pub(crate) use switches::{MAX_BODY_BYTES, Switches};
pub(crate) use table::{Record, Slot, Table, Values, compared};
pub(crate) use usage::{QuotaOptions, Usage};
pub(crate) use user::{Permissions, User};

/// One org: what it was created with, and what has happened since.
#[derive(Debug)]
pub(crate) struct Org {
    pub options: OrgOptions,
    pub id: RecordId,
    pub created_at: DateTime<Utc>,
    state: Mutex<OrgState>,
}

/// Everything of an org that changes, under one lock.
#[derive(Debug)]
pub(crate) struct OrgState {
    contacts: Table,
    leads: Table,
    pub directory: Directory,
    pub sessions: Sessions,
    pub approvals: Approvals,
    pub logins: Logins,
    pub faults: FaultQueue,
    pub counters: Counters,
    pub history: History,
    pub calls: Calls,
    pub in_flight: InFlight,
    pub usage: Usage,
    pub bulk: Jobs,
    pub cursors: Cursors,
    pub setup: Setup,
    pub custom_fields: CustomFields,
    pub random: Seeded,
}

impl Org {
    pub(crate) fn new(mut options: OrgOptions, now: DateTime<Utc>) -> Self {
        let seed = hash(options.seed, &options.host);
        let id = RecordId::parse(&record_id("00D", seed)).expect("record_id returns valid ids");
        let user_ids = options
            .users
            .iter()
            .map(|user| (user_id(options.seed, &user.username), user.username.clone()))
            .collect();
        let directory = Directory::new(
            std::mem::take(&mut options.users),
            std::mem::take(&mut options.apps),
        );
        let state = OrgState {
            contacts: Table::new(ObjectName::Contact, now),
            leads: Table::new(ObjectName::Lead, now),
            directory,
            sessions: Sessions::new(options.switches.login.session_use == SessionUse::AfterHalf),
            approvals: Approvals::default(),
            logins: Logins::default(),
            faults: FaultQueue::default(),
            counters: Counters::default(),
            history: History::new(options.history),
            calls: Calls::default(),
            in_flight: InFlight::default(),
            bulk: Jobs::new(),
            cursors: Cursors::new(TimeDelta::seconds(i64::from(options.query_locator_seconds))),
            setup: Setup::new(user_ids, now),
            custom_fields: CustomFields::default(),
            usage: Usage::new(options.daily_request_limit, options.quota, now),
            random: Seeded::new(seed),
        };
        Self {
            options,
            id,
            created_at: now,
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
        user_id(self.options.seed, username)
    }
}

fn user_id(seed: u64, username: &str) -> RecordId {
    RecordId::parse(&record_id("005", hash(seed, username))).expect("record_id returns valid ids")
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
