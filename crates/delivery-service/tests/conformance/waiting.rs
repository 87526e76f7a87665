//! What waits: counted, and told to whoever decides what becomes of it.

use chrono::TimeDelta;
use contracts::config::v1::{
    DeliveryState, DisableDestinationRequest, EnableDestinationRequest, RecordType, WaitingUpdates,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{
    place::{Place, on_both_databases},
    whole::{PEOPLE, Whole, people},
};

on_both_databases!(
    what_waits_is_told_when_a_destination_is_disabled_and_enabled,
    what_waits_is_counted_again_after_a_restart,
);

fn enable(waiting_updates: WaitingUpdates) -> EnableDestinationRequest {
    EnableDestinationRequest {
        name: PEOPLE.to_owned(),
        etag: String::new(),
        waiting_updates: waiting_updates.into(),
    }
}

/// Accepts so many updates that cannot be sent, and disables the destination; returns when that many are told to wait.
async fn disable_with(whole: &mut Whole, updates: usize) {
    let down = serde_json::json!([{"on": "write", "times": 1_000_000,
        "do": {"kind": "status", "status": 503, "errorCode": "SERVER_UNAVAILABLE"}}]);
    whole.admin("POST", "/faults", down).await;
    whole.accept(people(1, updates)).await;
    let request = DisableDestinationRequest {
        name: PEOPLE.to_owned(),
        etag: String::new(),
    };
    whole
        .destinations
        .clone()
        .disable_destination(request)
        .await
        .unwrap();
    told(whole, DeliveryState::Paused, updates).await;
}

async fn told(whole: &Whole, state: DeliveryState, updates: usize) {
    let waiting = i64::try_from(updates).unwrap();
    whole
        .destination_where(|destination| {
            destination
                .delivery_status
                .as_ref()
                .is_some_and(|status| status.state() == state && status.waiting_updates == waiting)
        })
        .await;
}

async fn what_waits_is_told_when_a_destination_is_disabled_and_enabled(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    disable_with(&mut whole, 1_204).await;
    whole.admin("DELETE", "/faults", serde_json::Value::Null).await;

    let mut destinations = whole.destinations.clone();
    let no_choice = destinations
        .enable_destination(enable(WaitingUpdates::Unspecified))
        .await
        .unwrap_err();
    assert_eq!(no_choice.code(), Code::InvalidArgument);
    let wrong = no_choice
        .get_details_bad_request()
        .unwrap()
        .field_violations
        .remove(0);
    assert_eq!(wrong.field, "waiting_updates");
    assert!(
        wrong
            .description
            .contains("1,204 accepted updates wait; RESUME sends what waits, DISCARD does not"),
        "{}",
        wrong.description
    );

    whole.time.advance(TimeDelta::seconds(1));
    let enabled = destinations
        .enable_destination(enable(WaitingUpdates::Discard))
        .await
        .unwrap()
        .into_inner()
        .destination
        .unwrap();
    assert_eq!(enabled.delivery_status.unwrap().waiting_updates, 1_204);
    let reasons = whole.reasons(1).await;
    assert!(
        reasons.iter().all(|reason| reason == "DISCARDED"),
        "{}",
        reasons[0]
    );
    assert_eq!(whole.run().await.profiles_waiting, 0);
    assert_eq!(whole.created(0).await.len(), 0);
}

async fn what_waits_is_counted_again_after_a_restart(place: &Place) {
    let mut whole = Whole::start(place, RecordType::Contact).await;
    disable_with(&mut whole, 5).await;
    whole.admin("DELETE", "/faults", serde_json::Value::Null).await;

    whole.restart(place).await;
    told(&whole, DeliveryState::Paused, 5).await;
    whole
        .destinations
        .clone()
        .enable_destination(enable(WaitingUpdates::Resume))
        .await
        .unwrap();
    assert_eq!(whole.reasons(1).await, ["WRITTEN"; 5]);
    let disable = DisableDestinationRequest {
        name: PEOPLE.to_owned(),
        etag: String::new(),
    };
    whole
        .destinations
        .clone()
        .disable_destination(disable)
        .await
        .unwrap();
    told(&whole, DeliveryState::Paused, 0).await;
}
