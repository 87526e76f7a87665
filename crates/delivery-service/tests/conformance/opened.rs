//! The whole service, opened on its stores: what it refuses to open, and what it tells of outcomes.

use activation::outcome::{Delivered, Excluded, Outcome};
use chrono::TimeDelta;
use contracts::{
    config::v1::Plan,
    convert::time::time_out,
    delivery::v1::{
        self as pb, ListDeadLettersRequest, ListRunsRequest, Outcome as Told, Run, WatchReceiptsRequest,
        dead_letter_service_client::DeadLetterServiceClient, receipt_service_client::ReceiptServiceClient,
        run_service_client::RunServiceClient,
    },
};
use delivery_service::{DeliveryService, OpenError, Settings, journal::hour_of, lane::machine::LaneSettings};
use prost::Message;
use salesforce::{Endpoint, Http};
use service::{
    grpc::{client::traced, memory},
    on_database,
};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, service::Routes, transport::Channel};

use crate::{
    place::{Place, on_both_databases},
    rig::{Rig, Time, UID, contacts, failed, key_file, plan, settlement, uid},
};

on_both_databases!(
    another_key_file_is_refused_at_the_start,
    a_second_service_is_refused_until_the_lease_of_the_first_ends,
    receipts_are_told_in_order_from_a_cursor_and_by_filter,
    runs_and_dead_letters_are_listed_for_a_plan_that_was_kept,
);

const NAME: &str = "workspaces/acme/destinations/contacts";

/// Opens the service without its neighbours.
async fn open(
    place: &Place,
    keys: &TempDir,
    time: &Time,
    instance: &str,
    shutdown: &CancellationToken,
) -> Result<DeliveryService, OpenError> {
    let (_nobody, neighbour) = memory::pair();
    let settings = Settings {
        database: place.location.clone(),
        key_file: key_file(keys),
        config: traced(neighbour.channel()),
        auth: traced(neighbour.channel()),
        salesforce: Http::new(Endpoint::Salesforce, std::time::Duration::from_secs(1)).unwrap(),
        clock: time.clock(),
        lanes: LaneSettings::default(),
        seed: 1,
        instance: instance.to_owned(),
    };
    DeliveryService::open(settings, shutdown.clone()).await
}

/// Serves what the stores hold, until the guard is dropped.
async fn serve(place: &Place, rig: Rig) -> (Channel, DropGuard) {
    let (keys, time) = rig.close().await;
    let shutdown = CancellationToken::new();
    let delivery = open(place, &keys, &time, "one", &shutdown).await.unwrap();
    let (listener, connector) = memory::pair();
    let routes = delivery.add_public_routes(Routes::default());
    tokio::spawn(listener.serve(routes, shutdown.clone()));
    (connector.channel(), shutdown.drop_guard())
}

async fn another_key_file_is_refused_at_the_start(place: &Place) {
    let rig = Rig::open(place).await;
    rig.append(&["update"]).await;
    let (keys, time) = rig.close().await;
    std::fs::remove_file(key_file(&keys)).unwrap();

    let error = open(place, &keys, &time, "one", &CancellationToken::new())
        .await
        .err()
        .unwrap();

    let OpenError::Journal(cause) = &error else {
        panic!("{error}")
    };
    let text = cause.to_string();
    assert!(text.contains("put the right key file back"), "{text}");
}

async fn a_second_service_is_refused_until_the_lease_of_the_first_ends(place: &Place) {
    let (keys, time) = Rig::open(place).await.close().await;
    let shutdown = CancellationToken::new();
    let first = open(place, &keys, &time, "one", &shutdown).await.unwrap();

    let held = open(place, &keys, &time, "two", &shutdown).await.err().unwrap();
    let restarted = open(place, &keys, &time, "one", &shutdown).await;
    time.advance(TimeDelta::seconds(31));
    let late = open(place, &keys, &time, "two", &shutdown).await;

    assert!(matches!(held, OpenError::Lease(_)), "{held}");
    assert!(held.to_string().contains("another delivery-service"), "{held}");
    assert!(restarted.is_ok());
    assert!(late.is_ok());
    drop(first);
}

async fn receipts_are_told_in_order_from_a_cursor_and_by_filter(place: &Place) {
    let rig = Rig::open(place).await;
    let now = rig.time.now();
    let settlements = [
        settlement(2, 0, Some(1), now, Outcome::Delivered(Delivered::Written)),
        settlement(1, 0, None, now, Outcome::Excluded(Excluded::NoIdentity)),
        settlement(3, 0, Some(0), now, failed("STRING_TOO_LONG")),
    ];
    let leads = plan("leads", "0193-leads");
    rig.receipts
        .settle(&contacts(), &settlements[..2], now)
        .await
        .unwrap();
    rig.receipts.settle(&leads, &settlements[..1], now).await.unwrap();
    rig.receipts
        .settle(&contacts(), &settlements[2..], now)
        .await
        .unwrap();
    let (channel, _serving) = serve(place, rig).await;
    let watch = async |after: i64, producer: &str, destination: &str| {
        let request = WatchReceiptsRequest {
            producer: producer.to_owned(),
            after,
            destination: destination.to_owned(),
        };
        let mut client = ReceiptServiceClient::new(channel.clone());
        let mut stream = client.watch_receipts(request).await.unwrap().into_inner();
        let message = stream.message().await.unwrap().unwrap();
        assert_eq!(message.cursor, message.receipts.last().unwrap().cursor);
        message.receipts
    };
    let sequences =
        |receipts: &[pb::Receipt]| -> Vec<u64> { receipts.iter().map(|receipt| receipt.sequence).collect() };

    let all = watch(0, "", "").await;

    assert_eq!(sequences(&all), [2, 1, 2, 3]);
    assert!(all.is_sorted_by(|one, next| one.cursor < next.cursor));
    assert_eq!(
        all[0],
        pb::Receipt {
            cursor: all[0].cursor,
            producer: "producer".to_owned(),
            sequence: 2,
            update_id: "update-2-0".to_owned(),
            destination: NAME.to_owned(),
            identity_index: 1,
            outcome: Told::Delivered.into(),
            reason: "WRITTEN".to_owned(),
            settle_time: Some(time_out(now)),
        }
    );
    assert_eq!((all[1].identity_index, all[1].outcome()), (-1, Told::Excluded));
    assert_eq!(
        (all[3].reason.as_str(), all[3].outcome()),
        ("STRING_TOO_LONG", Told::Failed)
    );
    assert_eq!(watch(all[1].cursor, "", "").await, all[2..]);
    assert_eq!(watch(0, "producer", "").await, all);
    assert_eq!(watch(0, "", &leads.destination.to_string()).await, all[2..3]);
    let mut client = ReceiptServiceClient::new(channel.clone());
    let request = WatchReceiptsRequest {
        after: -1,
        ..Default::default()
    };
    let refused = client.watch_receipts(request).await.err().unwrap();
    assert_eq!(refused.code(), Code::InvalidArgument);
}

async fn runs_and_dead_letters_are_listed_for_a_plan_that_was_kept(place: &Place) {
    const KEEP: &str = "INSERT INTO plans (uid, revision, body) VALUES ($1, 1, $2)";
    let rig = Rig::open(place).await;
    let body = Plan::from(&contacts()).encode_to_vec();
    on_database!(
        &rig.delivery_database,
        pool => sqlx::query(KEEP).bind(UID).bind(body).execute(pool).await.map(|_| ())
    )
    .unwrap();
    let first = rig.time.now();
    let position = rig.append(&["a", "b", "c"]).await;
    let settlements = [
        settlement(
            position,
            0,
            Some(0),
            first,
            Outcome::Delivered(Delivered::Written),
        ),
        settlement(position, 1, Some(0), first, failed("STRING_TOO_LONG")),
    ];
    rig.receipts
        .settle(&contacts(), &settlements, first)
        .await
        .unwrap();
    rig.time.advance(TimeDelta::hours(1));
    let second = rig.time.now();
    let position = rig.append(&["d"]).await;
    let settlements = [settlement(position, 0, Some(0), second, failed("OTHER"))];
    rig.receipts
        .settle(&contacts(), &settlements, second)
        .await
        .unwrap();
    assert_eq!(
        rig.receipts.settled(&uid(UID), 0, i64::MAX).await.unwrap().len(),
        3
    );
    let (channel, _serving) = serve(place, rig).await;

    let mut runs = RunServiceClient::new(channel.clone());
    let mut list_runs = async |parent: &str, page_token: String| {
        let request = ListRunsRequest {
            parent: parent.to_owned(),
            page_size: 1,
            page_token,
        };
        Ok::<_, tonic::Status>(runs.list_runs(request).await?.into_inner())
    };
    let newest = list_runs(NAME, String::new()).await.unwrap();
    let oldest = list_runs(NAME, newest.next_page_token.clone()).await.unwrap();
    let unknown = list_runs("workspaces/acme/destinations/gone", String::new()).await;

    let numbers = |run: &Run| {
        [
            run.profiles_received,
            run.profiles_waiting,
            run.identities_delivered,
            run.identities_excluded,
            run.identities_failed,
        ]
    };
    assert_eq!(newest.runs[0].start_time, Some(time_out(hour_of(second))));
    assert_eq!(numbers(&newest.runs[0]), [1, 0, 0, 0, 1]);
    assert_eq!(oldest.runs[0].start_time, Some(time_out(hour_of(first))));
    assert_eq!(numbers(&oldest.runs[0]), [3, 1, 1, 0, 1]);
    assert_eq!(oldest.next_page_token, "");
    let segment = &oldest.runs[0].segments[0];
    assert_eq!(
        (
            segment.segment.as_str(),
            segment.identities_delivered,
            segment.identities_failed
        ),
        ("vip", 1, 1)
    );
    assert_eq!(unknown.unwrap_err().code(), Code::NotFound);

    let mut letters = DeadLetterServiceClient::new(channel);
    let mut list_letters = async |code: &str, page_token: String| {
        let request = ListDeadLettersRequest {
            parent: NAME.to_owned(),
            page_size: 1,
            page_token,
            code: code.to_owned(),
        };
        letters.list_dead_letters(request).await.unwrap().into_inner()
    };
    let newest = list_letters("", String::new()).await;
    let oldest = list_letters("", newest.next_page_token.clone()).await;
    assert_eq!(newest.dead_letters[0].code, "OTHER");
    assert_eq!(oldest.dead_letters[0].identity, "003000000000001AAA");
    assert_eq!(oldest.next_page_token, "");
    let filtered = list_letters("STRING_TOO_LONG", String::new()).await;
    assert_eq!(filtered.dead_letters, oldest.dead_letters);
}
