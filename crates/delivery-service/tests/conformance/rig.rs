//! A journal and the tables of outcomes, opened as the service opens them.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use activation::{
    destination::{
        Activation, CreationRules, DeletedProfilePolicy, DuplicateRule, FieldMapping, FieldSource,
        FieldTarget, MappingOptions, RecordType, StatusValues, WriteMode,
    },
    names::DestinationUid,
    org_shape::OrgShape,
    outcome::{Failure, Outcome},
    plan::{Plan, PlanState, Rules},
    record::Arrival,
};
use chrono::{DateTime, TimeDelta, Utc};
use delivery_service::{
    journal::{Entry, Frame, Journal},
    lane::machine::Settlement,
    map::AcceptedUpdate,
    pipeline::{delivery_migrations, journal_migrations},
    receipt::Receipts,
};
use service::{Clock, Database, seal::MasterKey};
use tempfile::TempDir;

use crate::place::Place;

/// The destination that most tests write for.
pub(crate) const UID: &str = "0193-contacts";

/// Open stores.
pub(crate) struct Rig {
    pub(crate) journal: Journal,
    pub(crate) receipts: Receipts,
    pub(crate) journal_database: Database,
    pub(crate) delivery_database: Database,
    pub(crate) time: Time,
    keys: TempDir,
}

/// A time that moves when told to.
#[derive(Clone)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Rig {
    pub(crate) async fn open(place: &Place) -> Self {
        Self::open_with(place, tempfile::tempdir().unwrap(), Time::start()).await
    }

    /// Closes the stores and opens them again, as after a restart.
    pub(crate) async fn reopen(self, place: &Place) -> Self {
        let (keys, time) = self.close().await;
        Self::open_with(place, keys, time).await
    }

    /// Closes the stores and opens them again with a new key file.
    pub(crate) async fn reopen_with_another_key(self, place: &Place) -> Self {
        let (_keys, time) = self.close().await;
        Self::open_with(place, tempfile::tempdir().unwrap(), time).await
    }

    /// Closes the stores; what is left can be opened by the service itself.
    pub(crate) async fn close(self) -> (TempDir, Time) {
        self.journal_database.close().await;
        self.delivery_database.close().await;
        (self.keys, self.time)
    }

    /// Opens stores that were closed.
    pub(crate) async fn open_again(place: &Place, keys: TempDir, time: Time) -> Self {
        Self::open_with(place, keys, time).await
    }

    async fn open_with(place: &Place, keys: TempDir, time: Time) -> Self {
        let location = &place.location;
        let journal_database = location.open("journal", &journal_migrations()).await.unwrap();
        let delivery_database = location.open("delivery", &delivery_migrations()).await.unwrap();
        let key = MasterKey::load_or_create(&key_file(&keys)).unwrap();
        let journal = Journal::new(journal_database.clone(), key, time.clock());
        Self {
            receipts: Receipts::new(delivery_database.clone(), journal.keys().clone()),
            journal,
            journal_database,
            delivery_database,
            time,
            keys,
        }
    }

    /// Appends one frame of [`UID`] with these updates, accepted now; returns its position.
    pub(crate) async fn append(&self, updates: &[&str]) -> i64 {
        let frames = [frame(UID, self.time.now(), updates)];
        let positions = self.journal.append(&frames, &HashMap::new()).await.unwrap();
        positions[0]
    }
}

impl Time {
    pub(crate) fn start() -> Self {
        let start: DateTime<Utc> = "2026-11-20T09:15:00Z".parse().unwrap();
        Self(Arc::new(AtomicI64::new(start.timestamp_micros())))
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }

    pub(crate) fn advance(&self, by: TimeDelta) {
        self.0.fetch_add(by.num_microseconds().unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn clock(&self) -> Clock {
        let time = self.clone();
        Clock::new(move || time.now())
    }
}

pub(crate) fn key_file(keys: &TempDir) -> PathBuf {
    keys.path().join("delivery.key")
}

pub(crate) fn uid(uid: &str) -> DestinationUid {
    DestinationUid::new(uid)
}

/// Returns a frame with an entry for each update.
pub(crate) fn frame(partition: &str, accepted_at: DateTime<Utc>, updates: &[&str]) -> Frame {
    Frame {
        partition: uid(partition),
        accepted_at,
        entries: updates
            .iter()
            .zip(1..)
            .map(|(update, sequence)| Entry {
                producer: "producer".to_owned(),
                sequence,
                update: update.as_bytes().to_vec().into(),
            })
            .collect(),
    }
}

/// Returns the plan of `workspaces/acme/destinations/{id}` with this uid.
pub(crate) fn plan(id: &str, uid_text: &str) -> Plan {
    let activation = Activation {
        record_type: RecordType::Contact,
        write_mode: WriteMode::UpdateById,
        field_mappings: vec![
            FieldMapping {
                source: FieldSource::IdentityNamespace("crmID".to_owned()),
                target: FieldTarget::Identity("SalesforceId".to_owned()),
                options: MappingOptions::default(),
            },
            FieldMapping {
                source: FieldSource::AttributePath("person.name.lastName".to_owned()),
                target: FieldTarget::Field("LastName".parse().unwrap()),
                options: MappingOptions::default(),
            },
        ],
        segments: Vec::new(),
        deleted_profile_policy: DeletedProfilePolicy::Leave,
        status_values: StatusValues::default(),
        max_delay: Duration::from_secs(60),
        creation_rules: CreationRules::default(),
        duplicate_rule: DuplicateRule::default(),
    };
    Plan {
        destination: format!("workspaces/acme/destinations/{id}").parse().unwrap(),
        uid: uid(uid_text),
        revision: 1,
        state: PlanState::Enabled,
        connection: "workspaces/acme/connections/crm".parse().unwrap(),
        login_host: "acme.my.salesforce.com".to_owned(),
        org_id: "00D5g00000ExAmPEAV".to_owned(),
        rules: Rules::compile(&activation, &OrgShape::unknown(true)).unwrap(),
        max_delay: activation.max_delay,
    }
}

/// Returns the plan of [`UID`].
pub(crate) fn contacts() -> Plan {
    plan("contacts", UID)
}

/// Returns how the identity `index` of the entry `entry` of the frame at `position` ended. The update's sequence
/// is `position`, and it names the segment `vip`.
pub(crate) fn settlement(
    position: i64,
    entry: u32,
    index: Option<usize>,
    accepted_at: DateTime<Utc>,
    outcome: Outcome,
) -> Settlement {
    Settlement {
        update: Arc::new(AcceptedUpdate {
            arrival: Arrival { position, entry },
            accepted_at,
            producer: "producer".to_owned(),
            sequence: u64::try_from(position).unwrap(),
            update_id: format!("update-{position}-{entry}"),
            segments: vec!["vip".to_owned()],
            trace: None,
            body: "body of okafor".into(),
        }),
        index,
        id: "003000000000001AAA".to_owned(),
        outcome,
        completes_update: true,
        created: None,
    }
}

pub(crate) fn failed(code: &str) -> Outcome {
    Outcome::Failed(Failure {
        code: code.to_owned(),
        message: format!("what was wrong with okafor: {code}"),
        fields: vec!["LastName".to_owned(), "Email".to_owned()],
    })
}
