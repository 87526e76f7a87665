//! Labels, marketing actions and policies: what a workspace keeps of them.

use contracts::{
    config::v1::{
        DeleteLabelRequest, DeleteMarketingActionRequest, DeletePolicyRequest, FieldLabels, GetPolicyRequest,
        Label, ListFieldLabelsRequest, ListLabelsRequest, ListMarketingActionsRequest, ListPoliciesRequest,
        MarketingAction, Policy, PolicyKind, PutFieldLabelsRequest, PutLabelRequest,
        PutMarketingActionRequest, ViolationResponse,
    },
    status::reason,
};
use tonic::{Code, Status};

use crate::{
    governed::{THIRD_PARTY, policy, policy_name},
    place::{Place, on_both_databases},
    rig::{CONNECTION, CONTACTS, Rig, WORKSPACE, assert_names, draft},
};

on_both_databases!(
    row_218_labels_are_the_known_ones_and_the_workspaces_own,
    row_220_marketing_actions_are_the_known_ones_and_the_workspaces_own,
    row_221_core_policies_are_there_from_the_start_and_off,
    policies_of_the_workspace_are_created_read_changed_and_deleted,
    each_wrong_field_of_a_policy_is_named,
    labels_of_fields_are_replaced_listed_and_taken_away,
    row_55_marketing_actions_are_stored_on_the_destination,
);

async fn put_label(rig: &Rig, name: &str, description: &str) -> Result<Label, Status> {
    let label = Label {
        name: format!("{WORKSPACE}/labels/{name}"),
        description: description.to_owned(),
        core: false,
    };
    let request = PutLabelRequest { label: Some(label) };
    let answer = rig.governance.clone().put_label(request).await?;
    Ok(answer.into_inner().label.unwrap())
}

async fn delete_label(rig: &Rig, name: &str) -> Result<(), Status> {
    let request = DeleteLabelRequest {
        name: format!("{WORKSPACE}/labels/{name}"),
    };
    rig.governance.clone().delete_label(request).await.map(|_| ())
}

async fn put_action(rig: &Rig, name: &str) -> Result<(), Status> {
    let marketing_action = MarketingAction {
        name: format!("{WORKSPACE}/marketingActions/{name}"),
        description: "Ours".to_owned(),
        core: false,
    };
    let request = PutMarketingActionRequest {
        marketing_action: Some(marketing_action),
    };
    rig.governance
        .clone()
        .put_marketing_action(request)
        .await
        .map(|_| ())
}

async fn delete_action(rig: &Rig, name: &str) -> Result<(), Status> {
    let request = DeleteMarketingActionRequest {
        name: format!("{WORKSPACE}/marketingActions/{name}"),
    };
    rig.governance
        .clone()
        .delete_marketing_action(request)
        .await
        .map(|_| ())
}

async fn row_218_labels_are_the_known_ones_and_the_workspaces_own(place: &Place) {
    let rig = Rig::start(place).await;
    let list = async || {
        let mut ids = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ListLabelsRequest {
                parent: WORKSPACE.to_owned(),
                page_size: 7,
                page_token,
            };
            let answer = rig
                .governance
                .clone()
                .list_labels(request)
                .await
                .unwrap()
                .into_inner();
            ids.extend(answer.labels.into_iter().map(|label| {
                assert!(!label.description.is_empty(), "{label:?}");
                let id = label.name.rsplit('/').next().unwrap().to_owned();
                (id, label.core)
            }));
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return ids;
            }
        }
    };
    let known = list().await;
    assert!(known.is_sorted() && known.iter().all(|(_, core)| *core));
    let mut expected: Vec<String> = (1..=12).map(|number| format!("C{number}")).collect();
    expected.extend(["I1", "I2", "S1", "S2", "PSPD", "RHD", "THIRD_PARTY"].map(str::to_owned));
    expected.sort();
    let ids: Vec<String> = known.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(ids, expected);

    put_label(&rig, "LOYALTY", "Points").await.unwrap();
    let renamed = put_label(&rig, "LOYALTY", "Points and tiers").await.unwrap();
    assert_eq!(renamed.description, "Points and tiers");
    assert!(list().await.contains(&("LOYALTY".to_owned(), false)));
    for (name, description, field) in [
        ("loyalty", "Points", "label.name"),
        ("", "Points", "label.name"),
        ("LOYALTY", " ", "label.description"),
    ] {
        let refused = put_label(&rig, name, description).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, &[field]);
    }
    for refused in [
        put_label(&rig, "C2", "Mine").await.unwrap_err(),
        delete_label(&rig, "C2").await.unwrap_err(),
    ] {
        assert_eq!(reason(&refused), "CORE_WORD");
    }

    // What is used stays.
    rig.label("loyalty.points", &["LOYALTY"]).await;
    let used = delete_label(&rig, "LOYALTY").await.unwrap_err();
    let problems = assert_names(&used, Code::FailedPrecondition, &["name"]);
    assert!(problems[0].contains("loyalty.points"), "{problems:?}");
    rig.label("loyalty.points", &[]).await;
    delete_label(&rig, "LOYALTY").await.unwrap();
    assert_eq!(
        delete_label(&rig, "LOYALTY").await.unwrap_err().code(),
        Code::NotFound
    );
    assert_eq!(list().await, known);
}

async fn row_220_marketing_actions_are_the_known_ones_and_the_workspaces_own(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    rig.create_draft(WORKSPACE, "contacts", CONNECTION).await;
    let list = async || {
        let request = ListMarketingActionsRequest {
            parent: WORKSPACE.to_owned(),
            ..Default::default()
        };
        let answer = rig.governance.clone().list_marketing_actions(request).await;
        let actions = answer.unwrap().into_inner().marketing_actions;
        let prefix = "workspaces/acme/marketingActions/";
        actions
            .into_iter()
            .map(|action| action.name.strip_prefix(prefix).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        list().await,
        [
            "ANALYTICS",
            "COMBINE_WITH_DIRECTLY_IDENTIFIABLE",
            "CROSS_SITE_TARGETING",
            "DATA_SCIENCE",
            "EMAIL_TARGETING",
            "EXPORT_TO_THIRD_PARTY",
            "ONSITE_ADVERTISING",
            "ONSITE_PERSONALIZATION",
            "SEGMENT_MATCH",
            "SINGLE_IDENTITY_PERSONALIZATION",
        ]
    );

    put_action(&rig, "LOYALTY_MAILING").await.unwrap();
    assert!(list().await.contains(&"LOYALTY_MAILING".to_owned()));
    rig.use_for(CONTACTS, &["LOYALTY_MAILING"]).await.unwrap();
    rig.create_policy("no-mailing", policy("LOYALTY_MAILING", &["C2"]))
        .await
        .unwrap();
    let used = delete_action(&rig, "LOYALTY_MAILING").await.unwrap_err();
    let problems = assert_names(&used, Code::FailedPrecondition, &["name"]);
    for user in [CONTACTS, "workspaces/acme/policies/no-mailing"] {
        assert!(problems[0].contains(user), "{problems:?}");
    }
    let core = put_action(&rig, "ANALYTICS").await.unwrap_err();
    assert_eq!(reason(&core), "CORE_WORD");
    let unknown = rig
        .use_for(CONTACTS, &["ANALYTICS", "MADE_UP"])
        .await
        .unwrap_err();
    let problems = assert_names(
        &unknown,
        Code::InvalidArgument,
        &["destination.marketing_actions[1]"],
    );
    assert!(problems[0].contains("PutMarketingAction"), "{problems:?}");
}

async fn row_221_core_policies_are_there_from_the_start_and_off(place: &Place) {
    let rig = Rig::start(place).await;
    let list = async || {
        let request = ListPoliciesRequest {
            parent: WORKSPACE.to_owned(),
            ..Default::default()
        };
        let answer = rig.governance.clone().list_policies(request).await.unwrap();
        answer.into_inner().policies
    };
    let policies = list().await;
    assert!(policies.len() > 10);
    for policy in &policies {
        match policy.kind() {
            PolicyKind::Core => assert!(!policy.enabled, "{policy:?}"),
            // C12: excluded from every export (row 219).
            PolicyKind::Always => assert!(policy.enabled && policy.labels == ["C12"], "{policy:?}"),
            PolicyKind::Custom | PolicyKind::Unspecified => panic!("{policy:?}"),
        }
    }

    rig.switch(THIRD_PARTY, true).await;

    let on: Vec<String> = list()
        .await
        .into_iter()
        .filter(|policy| policy.enabled && policy.kind() == PolicyKind::Core)
        .map(|policy| policy.name)
        .collect();
    assert_eq!(on, [policy_name(THIRD_PARTY)]);
    // Nothing else of it can be changed, and of the other nothing at all.
    let change = async |id: &str, path: &str| {
        let policy = Policy {
            name: policy_name(id),
            ..policy("ANALYTICS", &["C1"])
        };
        rig.update_policy(policy, &[path], ViolationResponse::Unspecified)
            .await
            .unwrap_err()
    };
    for (id, path) in [
        (THIRD_PARTY, "labels"),
        (THIRD_PARTY, "marketing_action"),
        (THIRD_PARTY, "display_name"),
        ("core-never-exported", "enabled"),
    ] {
        let refused = change(id, path).await;
        assert_names(&refused, Code::FailedPrecondition, &["update_mask"]);
        assert_eq!(reason(&refused), "CORE_POLICY");
    }
    let delete = DeletePolicyRequest {
        name: policy_name(THIRD_PARTY),
        etag: String::new(),
    };
    let refused = rig.governance.clone().delete_policy(delete).await.unwrap_err();
    assert_eq!(reason(&refused), "CORE_POLICY");
    let taken = rig
        .create_policy("core-mine", policy("ANALYTICS", &["C1"]))
        .await
        .unwrap_err();
    assert_names(&taken, Code::InvalidArgument, &["policy_id"]);
}

async fn policies_of_the_workspace_are_created_read_changed_and_deleted(place: &Place) {
    let rig = Rig::start(place).await;
    let wanted = policy("ANALYTICS", &["C2", "C1"]);
    let read = async || {
        let request = GetPolicyRequest {
            name: policy_name("ours"),
        };
        let answer = rig.governance.clone().get_policy(request).await?;
        Ok::<_, Status>(answer.into_inner().policy.unwrap())
    };
    let created = rig.create_policy("ours", wanted.clone()).await.unwrap();
    assert_eq!(
        created,
        Policy {
            name: policy_name("ours"),
            labels: vec!["C1".to_owned(), "C2".to_owned()],
            kind: PolicyKind::Custom.into(),
            update_time: created.update_time,
            etag: "1".to_owned(),
            ..wanted.clone()
        }
    );
    assert_eq!(read().await.unwrap(), created);
    let twice = rig.create_policy("ours", wanted).await.unwrap_err();
    assert_eq!(twice.code(), Code::AlreadyExists);

    let change = Policy {
        labels: vec!["S1".to_owned()],
        marketing_action: "DATA_SCIENCE".to_owned(),
        ..created.clone()
    };
    let paths = ["labels", "marketing_action"];
    let (changed, _) = rig
        .update_policy(change.clone(), &paths, ViolationResponse::Unspecified)
        .await
        .unwrap();
    assert_eq!(changed.labels, ["S1"]);
    assert_eq!(changed.display_name, created.display_name);
    let stale = rig
        .update_policy(change, &paths, ViolationResponse::Unspecified)
        .await
        .unwrap_err();
    assert_eq!(stale.code(), Code::Aborted);
    assert_eq!(read().await.unwrap(), changed);

    let delete = DeletePolicyRequest {
        name: policy_name("ours"),
        etag: changed.etag,
    };
    rig.governance
        .clone()
        .delete_policy(delete.clone())
        .await
        .unwrap();
    assert_eq!(read().await.unwrap_err().code(), Code::NotFound);
    let gone = rig.governance.clone().delete_policy(delete).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
}

async fn each_wrong_field_of_a_policy_is_named(place: &Place) {
    let rig = Rig::start(place).await;
    for (id, wrong, fields) in [
        (
            "Ours",
            policy("analytics", &[]),
            vec!["policy_id", "policy.marketing_action", "policy.labels"],
        ),
        (
            "ours",
            Policy {
                display_name: String::new(),
                ..policy("", &["C1", "c2"])
            },
            vec![
                "policy.display_name",
                "policy.marketing_action",
                "policy.labels[1]",
            ],
        ),
        (
            "ours",
            policy("MADE_UP", &["C1", "MADE_UP"]),
            vec!["policy.labels", "policy.marketing_action"],
        ),
    ] {
        let refused = rig.create_policy(id, wrong).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, &fields);
    }
    let other = Policy {
        name: policy_name("ours"),
        ..Policy::default()
    };
    let refused = rig
        .update_policy(other, &["kind"], ViolationResponse::Unspecified)
        .await
        .unwrap_err();
    assert_names(&refused, Code::InvalidArgument, &["update_mask"]);
}

async fn labels_of_fields_are_replaced_listed_and_taken_away(place: &Place) {
    let rig = Rig::start(place).await;
    let fields = |fields: &[(&str, &[&str])]| PutFieldLabelsRequest {
        parent: WORKSPACE.to_owned(),
        field_labels: fields
            .iter()
            .map(|(field, labels)| FieldLabels {
                field: (*field).to_owned(),
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            })
            .collect(),
        violation_response: 0,
    };
    let put = async |request| rig.governance.clone().put_field_labels(request).await;
    let list = async |page_size, page_token| {
        let request = ListFieldLabelsRequest {
            parent: WORKSPACE.to_owned(),
            page_size,
            page_token,
        };
        let answer = rig.governance.clone().list_field_labels(request).await;
        let answer = answer.unwrap().into_inner();
        (answer.field_labels, answer.next_page_token)
    };

    put(fields(&[
        ("b", &["C2", "C1", "C2"]),
        ("a", &["C1"]),
        ("c", &["I1"]),
    ]))
    .await
    .unwrap();
    put(fields(&[("a", &["S1"]), ("c", &[])])).await.unwrap();

    let (first, token) = list(1, String::new()).await;
    let (second, end) = list(1, token).await;
    assert_eq!(first, fields(&[("a", &["S1"])]).field_labels);
    assert_eq!(second, fields(&[("b", &["C1", "C2"])]).field_labels);
    assert_eq!(end, "");

    for (wrong, named) in [
        (fields(&[]), vec!["field_labels"]),
        (
            fields(&[("d", &["C1"]), ("d", &["C2"]), ("", &["c1"])]),
            vec![
                "field_labels[1].field",
                "field_labels[2].field",
                "field_labels[2].labels[0]",
            ],
        ),
        (
            fields(&[("d", &["C1"]), ("e", &["MADE_UP"])]),
            vec!["field_labels[1].labels"],
        ),
    ] {
        let refused = put(wrong).await.unwrap_err();
        assert_names(&refused, Code::InvalidArgument, &named);
    }
    assert_eq!(list(0, String::new()).await.0.len(), 2);
}

async fn row_55_marketing_actions_are_stored_on_the_destination(place: &Place) {
    let rig = Rig::start_with_connection(place).await;
    let mut wanted = draft(CONNECTION);
    wanted.marketing_actions = vec!["EMAIL_TARGETING".to_owned(), "ANALYTICS".to_owned()];

    let created = rig
        .create_destination(WORKSPACE, "contacts", wanted)
        .await
        .unwrap();

    assert_eq!(created.marketing_actions, ["ANALYTICS", "EMAIL_TARGETING"]);
    assert_eq!(rig.destination(CONTACTS).await.unwrap(), created);
    let changed = rig.use_for(CONTACTS, &["DATA_SCIENCE"]).await.unwrap();
    assert_eq!(changed.marketing_actions, ["DATA_SCIENCE"]);
    let mut wrong = draft(CONNECTION);
    wrong.marketing_actions = vec!["ANALYTICS".to_owned(), "email".to_owned()];
    let refused = rig
        .create_destination(WORKSPACE, "other", wrong)
        .await
        .unwrap_err();
    assert_names(
        &refused,
        Code::InvalidArgument,
        &["destination.marketing_actions[1]"],
    );
}
