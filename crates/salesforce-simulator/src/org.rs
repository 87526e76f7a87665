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
mod latency;
mod login_switches;
mod logins;
mod long_calls;
mod options;
mod rolling_count;
mod row_locks;
mod rules;
mod sessions;
mod switches;
mod table;
mod usage;
mod user;
mod values;

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::bulk::Jobs;
use crate::ids::{RecordId, record_id};
use crate::random::{Seeded, hash};
use crate::schema::{ObjectName, person_account_fields};
use crate::setup::Setup;
use crate::tooling::CustomFields;

pub(crate) use app::{App, AppKind};
pub(crate) use approvals::{ApprovalId, Approvals, Authorization};
pub(crate) use calls::{Call, Calls, client_of};
pub(crate) use certificate::AppCertificate;
pub(crate) use counters::Counters;
pub(crate) use cursors::Cursors;
pub(crate) use directory::Directory;
pub(crate) use faults::{BodyShape, Fault, FaultAction, FaultQueue, Occasion, RecordFault, StatusFault};
pub(crate) use history::{History, HistoryEntry, WriteKind};
pub(crate) use in_flight::{InFlight, RecordKey};
pub(crate) use ip_range::IpRange;
pub(crate) use latency::Latency;
pub(crate) use login_switches::{
    Consent, InactiveUser, LoginRate, LoginSwitches, RevokeError, SessionErrorForm, SessionUse, Told,
    WrongAudience, WrongPassword, WrongSecret,
};
pub(crate) use logins::{Login, Logins};
pub(crate) use long_calls::RunningCalls;
pub(crate) use options::{OrgOptions, PasswordFlow, UsageHeader};
pub(crate) use rolling_count::RollingCount;
pub(crate) use row_locks::{RowLocks, RowsAsked};
pub(crate) use rules::{
    ASSIGNMENT_RULE_PREFIX, Access, AssignmentRule, Condition, DuplicateAction, DuplicateRule,
    RECORD_TYPE_PREFIX, Rules, ValidationRule,
};
pub(crate) use sessions::{Grant, Session, Sessions};
pub(crate) use switches::{
    ErrorBody, FailedCreated, FailedId, KeyNotIndexed, MAX_BODY_BYTES, RepeatedKey, RowLock, SessionError,
    Switches, UnknownField, UpsertKeyId, UpsertRace,
};
pub(crate) use table::{Record, Slot, Table, compared};
pub(crate) use usage::{QuotaOptions, Usage};
pub(crate) use user::{Permissions, User};
pub(crate) use values::Values;

/// One org: what it was created with, and what has happened since.
#[derive(Debug)]
pub(crate) struct Org {
    pub options: OrgOptions,
    pub id: RecordId,
    pub created_at: DateTime<Utc>,
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
    accounts: Table,
    pub directory: Directory,
    pub rules: Rules,
    switches: Switches,
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
    /// Has randomness of its own, so that setting it changes no token or id.
    pub latency: Latency,
    /// Tells how late the writes of clients that went away are applied.
    pub lateness: Seeded,
}

impl Org {
    pub(crate) fn new(mut options: OrgOptions, now: DateTime<Utc>) -> Self {
        let seed = hash(options.seed, &options.host);
        let id = RecordId::parse(&record_id("00D", seed)).expect("record_id returns valid ids");
        let directory = Directory::new(
            options.seed,
            std::mem::take(&mut options.users),
            std::mem::take(&mut options.apps),
            now,
        );
        let mut state = OrgState {
            contacts: Table::new(ObjectName::Contact, now),
            leads: Table::new(ObjectName::Lead, now),
            accounts: Table::new(ObjectName::Account, now),
            rules: Rules::default(),
            switches: Switches::default(),
            directory,
            sessions: Sessions::default(),
            approvals: Approvals::default(),
            logins: Logins::default(),
            faults: FaultQueue::default(),
            counters: Counters::default(),
            history: History::new(options.history),
            calls: Calls::default(),
            in_flight: InFlight::default(),
            bulk: Jobs::new(),
            cursors: Cursors::new(TimeDelta::seconds(i64::from(options.query_locator_seconds))),
            setup: Setup::new(now),
            custom_fields: CustomFields::default(),
            usage: Usage::new(options.daily_request_limit, options.quota, now),
            random: Seeded::new(seed),
            latency: Latency::new(options.latency(), Seeded::new(hash(seed, "latency"))),
            lateness: Seeded::new(hash(seed, "lateness")),
        };
        state.set_switches(options.switches.clone(), now);
        Self {
            options,
            id,
            created_at: now,
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
        directory::user_id(self.options.seed, username)
    }
}

impl OrgState {
    pub(crate) fn switches(&self) -> &Switches {
        &self.switches
    }

    /// Changes the switches, and with them the fields that an object has.
    pub(crate) fn set_switches(&mut self, switches: Switches, now: DateTime<Utc>) {
        if switches.person_accounts != self.switches.person_accounts {
            for table in [&mut self.accounts, &mut self.contacts] {
                for field in person_account_fields(table.object) {
                    if switches.person_accounts {
                        table.put_field(field, now);
                    } else {
                        table.remove_field(&field.name, now);
                    }
                }
            }
        }
        self.switches = switches;
    }

    pub(crate) fn table(&self, object: ObjectName) -> &Table {
        match object {
            ObjectName::Contact => &self.contacts,
            ObjectName::Lead => &self.leads,
            ObjectName::Account => &self.accounts,
        }
    }

    pub(crate) fn table_mut(&mut self, object: ObjectName) -> &mut Table {
        match object {
            ObjectName::Contact => &mut self.contacts,
            ObjectName::Lead => &mut self.leads,
            ObjectName::Account => &mut self.accounts,
        }
    }
}
