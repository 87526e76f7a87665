use std::{
    collections::VecDeque,
    path::Path,
    pin::Pin,
    sync::{Mutex, PoisonError},
};

use activation::{
    destination::{
        Activation, DeletedProfilePolicy, FieldMapping, FieldSource, FieldTarget, RecordType, WriteMode,
    },
    names::DestinationName,
    org_shape::OrgShape,
    plan::{PlanState, Rules},
};
use contracts::config::v1::{
    PlanRevision, ReportStatusRequest, ReportStatusResponse, WatchPlansResponse,
    plan_service_server::{PlanService, PlanServiceServer},
};
use futures::{Stream, stream};
use service::grpc::{client::traced, memory};
use tempfile::TempDir;
use tonic::{Request, Response, service::Routes};

use super::*;
use crate::pipeline::delivery_migrations;

/// Says these streams, one for each that asks, and remembers since when they were asked for.
#[derive(Clone, Default)]
struct Script {
    streams: Arc<Mutex<VecDeque<Vec<WatchPlansResponse>>>>,
    since: Arc<Mutex<Vec<i64>>>,
}

impl Script {
    fn of(streams: impl IntoIterator<Item = Vec<WatchPlansResponse>>) -> Self {
        Self {
            streams: Arc::new(Mutex::new(streams.into_iter().collect())),
            since: Arc::default(),
        }
    }

    fn since(&self) -> Vec<i64> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[tonic::async_trait]
impl PlanService for Script {
    type WatchPlansStream = Pin<Box<dyn Stream<Item = Result<WatchPlansResponse, Status>> + Send>>;

    async fn watch_plans(
        &self,
        request: Request<WatchPlansRequest>,
    ) -> Result<Response<Self::WatchPlansStream>, Status> {
        let since = request.into_inner().since_revision;
        self.since.lock().unwrap().push(since);
        let next = self.streams.lock().unwrap().pop_front();
        let messages = next.ok_or_else(|| Status::unavailable("the script has ended"))?;
        Ok(Response::new(Box::pin(stream::iter(
            messages.into_iter().map(Ok),
        ))))
    }

    async fn report_status(
        &self,
        _: Request<ReportStatusRequest>,
    ) -> Result<Response<ReportStatusResponse>, Status> {
        Ok(Response::new(ReportStatusResponse {}))
    }
}

/// A watcher beside a script, on a disk.
struct Watched {
    watcher: PlanWatcher,
    plans: Plans,
    script: Script,
    _serving: tokio_util::sync::DropGuard,
}

impl Watched {
    async fn start(directory: &Path, streams: impl IntoIterator<Item = Vec<WatchPlansResponse>>) -> Self {
        let script = Script::of(streams);
        let (listener, connector) = memory::pair();
        let shutdown = CancellationToken::new();
        let routes = Routes::default().add_service(PlanServiceServer::new(script.clone()));
        tokio::spawn(listener.serve(routes, shutdown.clone()));
        let file = directory.join("delivery.db");
        let database = Database::open_sqlite(&file, "delivery", &delivery_migrations())
            .await
            .unwrap();
        let (watcher, plans) = PlanWatcher::open(database, traced(connector.channel()))
            .await
            .unwrap();
        Self {
            watcher,
            plans,
            script,
            _serving: shutdown.drop_guard(),
        }
    }

    /// Returns what is there: uid, revision, whether it is held.
    fn known(&self) -> Vec<(String, i64, bool)> {
        let set = self.plans.now();
        let mut known: Vec<_> = set
            .iter()
            .map(|plan| (plan.uid.to_string(), plan.revision, set.is_held(&plan.uid)))
            .collect();
        known.sort();
        known
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn plan_of(name: &str, uid: &str, revision: i64) -> Plan {
    let activation = Activation {
        record_type: RecordType::Contact,
        write_mode: WriteMode::UpdateById,
        field_mappings: vec![
            FieldMapping {
                source: FieldSource::IdentityNamespace("crmID".to_owned()),
                target: FieldTarget::Identity("SalesforceId".to_owned()),
                options: Default::default(),
            },
            FieldMapping {
                source: FieldSource::AttributePath("name".to_owned()),
                target: FieldTarget::Field("LastName".parse().unwrap()),
                options: Default::default(),
            },
        ],
        segments: Vec::new(),
        deleted_profile_policy: DeletedProfilePolicy::Leave,
        status_values: Default::default(),
        max_delay: Duration::from_secs(60),
        creation_rules: Default::default(),
        duplicate_rule: Default::default(),
    };
    Plan {
        destination: name_of(name),
        uid: DestinationUid::new(uid),
        revision,
        state: PlanState::Enabled,
        connection: "workspaces/w/connections/c".parse().unwrap(),
        login_host: "acme.my.salesforce.com".to_owned(),
        org_id: "00D000000000001EAA".to_owned(),
        rules: Rules::compile(&activation, &OrgShape::unknown(true)).unwrap(),
        max_delay: activation.max_delay,
    }
}

fn name_of(id: &str) -> DestinationName {
    format!("workspaces/w/destinations/{id}").parse().unwrap()
}

/// The plan of a destination that is named as its uid.
fn plan(uid: &str, revision: i64) -> WatchPlansResponse {
    WatchPlansResponse {
        revision,
        event: Some(Event::Plan((&plan_of(uid, uid, revision)).into())),
    }
}

fn removed(uid: &str, revision: i64) -> WatchPlansResponse {
    WatchPlansResponse {
        revision,
        event: Some(Event::RemovedUid(uid.to_owned())),
    }
}

fn complete(revision: i64, started_over: bool, plans: &[(&str, i64)]) -> WatchPlansResponse {
    let plans = plans
        .iter()
        .map(|(uid, revision)| PlanRevision {
            uid: (*uid).to_owned(),
            revision: *revision,
        })
        .collect();
    WatchPlansResponse {
        revision,
        event: Some(Event::SnapshotComplete(SnapshotComplete { plans, started_over })),
    }
}

fn known(uid: &str, revision: i64) -> (String, i64, bool) {
    (uid.to_owned(), revision, false)
}

fn held(uid: &str, revision: i64) -> (String, i64, bool) {
    (uid.to_owned(), revision, true)
}

#[tokio::test]
async fn a_stream_that_ended_is_taken_up_at_the_last_revision_applied() {
    let directory = directory();
    let streams = [
        vec![
            plan("a", 3),
            complete(5, true, &[("a", 3)]),
            plan("b", 7),
            removed("a", 8),
        ],
        vec![complete(8, false, &[("b", 7)])],
    ];
    let mut watched = Watched::start(directory.path(), streams).await;

    assert_eq!(watched.watcher.follow().await.unwrap(), Left::Ended);
    assert_eq!(watched.known(), [known("b", 7)]);
    assert_eq!(watched.watcher.follow().await.unwrap(), Left::Ended);

    assert_eq!(watched.script.since(), [0, 8]);
    assert_eq!(watched.known(), [known("b", 7)]);
}

#[tokio::test]
async fn a_snapshot_that_broke_off_is_asked_for_again_and_nothing_is_held_for_it() {
    let directory = directory();
    let streams = [
        vec![
            plan("a", 3),
            plan("b", 4),
            complete(4, true, &[("a", 3), ("b", 4)]),
        ],
        vec![plan("a", 3)],
        vec![plan("a", 3), plan("b", 4)],
    ];
    let mut first = Watched::start(directory.path(), streams[..1].to_vec()).await;
    first.watcher.follow().await.unwrap();
    drop(first);
    let mut watched = Watched::start(directory.path(), streams[1..].to_vec()).await;

    watched.watcher.follow().await.unwrap();
    watched.watcher.follow().await.unwrap();

    assert_eq!(watched.script.since(), [0, 0]);
    assert_eq!(watched.known(), [known("a", 3), known("b", 4)]);
}

#[tokio::test]
async fn what_is_there_and_not_as_we_have_it_is_read_anew() {
    let directory = directory();
    let streams = [
        vec![
            plan("a", 3),
            plan("b", 90),
            complete(95, true, &[("a", 3), ("b", 90)]),
        ],
        // Restored from before 90, and edited beyond 95 since: b has an older plan, c was never heard of.
        vec![
            plan("d", 97),
            complete(97, false, &[("a", 3), ("b", 60), ("c", 70), ("d", 97)]),
        ],
        vec![
            plan("a", 3),
            plan("b", 60),
            plan("c", 70),
            plan("d", 97),
            complete(97, true, &[("a", 3), ("b", 60), ("c", 70), ("d", 97)]),
        ],
    ];
    let mut watched = Watched::start(directory.path(), streams).await;
    watched.watcher.follow().await.unwrap();

    assert_eq!(watched.watcher.follow().await.unwrap(), Left::MustStartOver);
    watched.watcher.applied = 0;
    assert_eq!(watched.watcher.follow().await.unwrap(), Left::Ended);

    assert_eq!(watched.script.since(), [0, 95, 0]);
    assert_eq!(
        watched.known(),
        [known("a", 3), known("b", 60), known("c", 70), known("d", 97)]
    );
}

#[tokio::test]
async fn a_plan_that_cannot_be_used_does_not_make_us_start_over_for_ever() {
    let directory = directory();
    let mut unusable = plan("a", 3);
    if let Some(Event::Plan(plan)) = &mut unusable.event {
        plan.state = 99;
    }
    let streams = [vec![unusable, complete(3, true, &[("a", 3)])]];
    let mut watched = Watched::start(directory.path(), streams).await;

    assert_eq!(watched.watcher.follow().await.unwrap(), Left::Ended);

    assert_eq!(watched.known(), []);
}

#[tokio::test]
async fn an_empty_database_holds_everything_and_the_right_one_lets_go_on() {
    let directory = directory();
    let all = [("a", 3), ("b", 4)];
    let streams = [
        vec![plan("a", 3), plan("b", 4), complete(9, true, &all)],
        vec![complete(0, true, &[])],
        // The right one again, which has nothing newer than the last revision applied, and then the deletion.
        vec![complete(9, false, &all), removed("b", 10)],
    ];
    let mut watched = Watched::start(directory.path(), streams).await;
    watched.watcher.follow().await.unwrap();

    watched.watcher.follow().await.unwrap();
    assert_eq!(watched.known(), [held("a", 3), held("b", 4)]);
    // A process that starts meanwhile does not go on either.
    let started = Watched::start(directory.path(), []).await;
    assert_eq!(started.known(), [held("a", 3), held("b", 4)]);

    watched.watcher.follow().await.unwrap();
    assert_eq!(watched.known(), [known("a", 3)]);
    let started = Watched::start(directory.path(), []).await;
    assert_eq!(started.known(), [known("a", 3)]);
}

#[tokio::test]
async fn a_name_is_that_of_the_destination_that_is_there() {
    let directory = directory();
    let old = WatchPlansResponse {
        revision: 80,
        event: Some(Event::Plan((&plan_of("contacts", "old", 80)).into())),
    };
    let new = WatchPlansResponse {
        revision: 7,
        event: Some(Event::Plan((&plan_of("contacts", "new", 7)).into())),
    };
    let streams = [
        vec![old, complete(80, true, &[("old", 80)])],
        // Restored from before the first was made; somebody made another one.
        vec![new, complete(7, true, &[("new", 7)]), removed("new", 8)],
    ];
    let mut watched = Watched::start(directory.path(), streams.clone()).await;
    watched.watcher.follow().await.unwrap();
    let of_name = |watched: &Watched| watched.plans.get(&name_of("contacts")).unwrap().uid.to_string();
    assert_eq!(of_name(&watched), "old");

    let until_removed = streams[1][..2].to_vec();
    let mut watched = Watched::start(directory.path(), [until_removed, streams[1][1..].to_vec()]).await;
    watched.watcher.follow().await.unwrap();
    assert_eq!(of_name(&watched), "new");
    // After a start too, though the held one has the higher revision.
    assert_eq!(of_name(&Watched::start(directory.path(), []).await), "new");

    watched.watcher.follow().await.unwrap();
    assert_eq!(of_name(&watched), "old");
    assert_eq!(watched.known(), [held("old", 80)]);
}
