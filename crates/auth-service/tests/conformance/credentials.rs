//! What is stored, told and forgotten.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
};

use auth_service::OpenError;
use contracts::{
    auth::v1::{
        CredentialsInfo, DeleteCredentialsRequest, GetCredentialsInfoRequest, GetCredentialsInfoResponse,
        PutCredentialsRequest, put_credentials_request::Grant,
    },
    status::reason,
};
use service::seal::KeyError;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    place::{Place, on_both_databases},
    rig::{CONNECTION, Rig, app, client_credentials, user},
};

on_both_databases!(
    row_28_29_30_credentials_of_both_grants_are_told_without_secrets_and_log_in_after_a_restart,
    credentials_take_the_place_of_those_before,
    row_46_every_missing_field_is_named_and_nothing_is_stored,
    deleted_credentials_are_gone,
    workspaces_do_not_share_credentials,
    every_answered_put_was_stored,
    another_key_file_is_refused_at_the_start,
);

async fn info(rig: &Rig, connection: &str) -> Result<CredentialsInfo, Status> {
    let request = GetCredentialsInfoRequest {
        connection: connection.to_owned(),
    };
    let answer: GetCredentialsInfoResponse = rig
        .credentials
        .clone()
        .get_credentials_info(request)
        .await?
        .into_inner();
    Ok(answer.info.unwrap())
}

async fn delete(rig: &Rig) -> Result<(), Status> {
    let request = DeleteCredentialsRequest {
        connection: CONNECTION.to_owned(),
    };
    rig.credentials.clone().delete_credentials(request).await?;
    Ok(())
}

async fn row_28_29_30_credentials_of_both_grants_are_told_without_secrets_and_log_in_after_a_restart(
    place: &Place,
) {
    let mut rig = Rig::start_with_acme(place).await;
    for (version, grant, kind, username) in [
        (1, app(), "client_credentials", ""),
        (
            2,
            user("svc@acme.example", "pass-word", "SecTok1"),
            "password",
            "svc@acme.example",
        ),
        // The token may be part of the password instead.
        (
            3,
            user("svc@acme.example", "pass-wordSecTok1", ""),
            "password",
            "svc@acme.example",
        ),
    ] {
        let put = rig.put(CONNECTION, grant).await;
        let expected = CredentialsInfo {
            connection: CONNECTION.to_owned(),
            grant: kind.to_owned(),
            client_id: "app".to_owned(),
            username: username.to_owned(),
            version,
            update_time: put.update_time,
        };
        assert_eq!(put, expected);
        assert!(put.update_time.is_some());

        rig = rig.restart(place, |_| {}).await.unwrap();

        assert_eq!(info(&rig, CONNECTION).await.unwrap(), expected);
        assert!(rig.token().await.is_ok(), "version {version}");
    }
}

async fn credentials_take_the_place_of_those_before(place: &Place) {
    let rig = Rig::start(place).await;
    rig.put(CONNECTION, user("svc@acme.example", "pass-word", ""))
        .await;

    let second = rig.put(CONNECTION, client_credentials("other", "secret")).await;

    assert_eq!(
        (
            second.version,
            second.client_id.as_str(),
            second.username.as_str()
        ),
        (2, "other", "")
    );
    assert_eq!(info(&rig, CONNECTION).await.unwrap(), second);
}

async fn row_46_every_missing_field_is_named_and_nothing_is_stored(place: &Place) {
    let rig = Rig::start(place).await;
    for (connection, grant, fields) in [
        ("", Some(app()), vec!["connection"]),
        ("workspaces/acme", Some(app()), vec!["connection"]),
        (
            "workspaces/acme/destinations/crm",
            Some(app()),
            vec!["connection"],
        ),
        (CONNECTION, None, vec!["grant"]),
        (
            CONNECTION,
            Some(client_credentials("", " ")),
            vec!["client_credentials.client_id", "client_credentials.client_secret"],
        ),
        (
            CONNECTION,
            Some(Grant::Password(contracts::auth::v1::PasswordGrant::default())),
            vec![
                "password.client_id",
                "password.client_secret",
                "password.username",
                "password.password",
            ],
        ),
    ] {
        let request = PutCredentialsRequest {
            connection: connection.to_owned(),
            grant,
        };
        let refused = rig
            .credentials
            .clone()
            .put_credentials(request)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused:?}");
        let violations = refused.get_details_bad_request().unwrap().field_violations;
        let named: Vec<&str> = violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(named, fields);
    }
    assert_eq!(info(&rig, CONNECTION).await.unwrap_err().code(), Code::NotFound);
}

async fn deleted_credentials_are_gone(place: &Place) {
    let rig = Rig::start_with_acme(place).await;
    rig.put(CONNECTION, app()).await;
    rig.token().await.unwrap();

    delete(&rig).await.unwrap();

    assert_eq!(info(&rig, CONNECTION).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(delete(&rig).await.unwrap_err().code(), Code::NotFound);
    let refused = rig.token().await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert_eq!(reason(&refused), "CREDENTIALS_NOT_FOUND");
}

async fn workspaces_do_not_share_credentials(place: &Place) {
    let other = "workspaces/globex/connections/crm";
    let rig = Rig::start(place).await;

    rig.put(CONNECTION, client_credentials("ours", "secret")).await;
    rig.put(other, client_credentials("theirs", "secret")).await;

    assert_eq!(info(&rig, CONNECTION).await.unwrap().client_id, "ours");
    assert_eq!(info(&rig, other).await.unwrap().client_id, "theirs");
}

async fn every_answered_put_was_stored(place: &Place) {
    const PUTS: i64 = 16;
    let rig = std::sync::Arc::new(Rig::start(place).await);
    let mut puts = JoinSet::new();
    for number in 0..PUTS {
        let rig = rig.clone();
        puts.spawn(async move {
            rig.put(CONNECTION, client_credentials(&format!("app-{number}"), "secret"))
                .await
        });
    }

    let mut answers = puts.join_all().await;

    answers.sort_by_key(|info| info.version);
    let versions: BTreeSet<i64> = answers.iter().map(|info| info.version).collect();
    // One version for two puts: one of them was answered and is nowhere.
    assert_eq!(versions, (1..=PUTS).collect());
    assert_eq!(info(&rig, CONNECTION).await.unwrap(), answers.pop().unwrap());
}

async fn another_key_file_is_refused_at_the_start(place: &Place) {
    let rig = Rig::start(place).await;
    rig.put(CONNECTION, app()).await;
    let path = rig.key_file().display().to_string();

    // A missing key file is made anew.
    let error = rig
        .restart(place, |key_file| fs::remove_file(key_file).unwrap())
        .await
        .err()
        .unwrap();

    let OpenError::WrongKey { stored, given, .. } = &error else {
        panic!("{error}")
    };
    assert_ne!(stored, given);
    let text = error.to_string();
    for part in [path.as_str(), stored, given, "put the right key file back"] {
        assert!(text.contains(part), "{text}");
    }
}

#[tokio::test]
async fn the_key_file_is_made_for_its_owner_only() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;
    assert_eq!(fs::metadata(rig.key_file()).unwrap().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused_with_the_command_that_mends_it() {
    let place = Place::sqlite();
    let rig = Rig::start(&place).await;
    let mends = format!("chmod 600 {}", rig.key_file().display());

    let expose = |key_file| fs::set_permissions(key_file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = rig.restart(&place, expose).await.err().unwrap();

    let OpenError::Key(cause @ KeyError::Exposed { mode: 0o640, .. }) = &error else {
        panic!("{error}")
    };
    assert!(cause.to_string().contains(&mends), "{cause}");
}
