//! §3.4: every status code of a refused record.

use salesforce::{
    collections::{DuplicateRules, Operation, Options, RecordResult},
    refusal::{Fault, RecordRefusal, Retry},
};
use salesforce_simulator::record_id;
use serde_json::{Value, json};

use crate::org::{Org, refused, results, upsert};

fn assert_row(refusal: &RecordRefusal, code: &str, message: &str, fields: &[&str], verdict: (Fault, Retry)) {
    assert_eq!(refusal.error.code, code, "{refusal:?}");
    assert!(refusal.error.message.contains(message), "{refusal:?}");
    assert_eq!(refusal.error.fields, fields, "{refusal:?}");
    assert_eq!((refusal.fault, refusal.retry), verdict, "{refusal:?}");
}

const PERMANENT: (Fault, Retry) = (Fault::Record, Retry::Never);
const CONFIGURATION: (Fault, Retry) = (Fault::Configuration, Retry::AfterChange);

#[tokio::test]
async fn values_are_the_records_fault_for_good() {
    let org = Org::start(json!({})).await;
    for (fields, code, message, named) in [
        (
            json!({"FirstName": "A"}),
            "REQUIRED_FIELD_MISSING",
            "Required fields are missing: [LastName]",
            "LastName",
        ),
        (
            json!({"LastName": "A", "Email": "nope"}),
            "INVALID_EMAIL_ADDRESS",
            "Email: invalid email address: nope",
            "Email",
        ),
        (
            json!({"LastName": "x".repeat(81)}),
            "STRING_TOO_LONG",
            "(max length=80)",
            "LastName",
        ),
        (
            json!({"LastName": "A", "Tier__c": "silver"}),
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "Tier: bad value for restricted picklist field: silver",
            "Tier__c",
        ),
        (
            json!({"LastName": "A", "Score__c": 123_456}),
            "NUMBER_OUTSIDE_VALID_RANGE",
            "Score: value outside of valid range on numeric field",
            "Score__c",
        ),
        (
            json!({"LastName": "A", "AccountId": "x"}),
            "MALFORMED_ID",
            "id value of incorrect type: x",
            "AccountId",
        ),
    ] {
        let refusal = refused(org.write(&Operation::Create, None, fields).await);
        assert_row(&refusal, code, message, &[named], PERMANENT);
    }
}

#[tokio::test]
async fn rules_of_the_org_are_told_in_their_own_words() {
    let org = Org::start(json!({})).await;
    let rule = json!({"object": "Contact", "field": "Title", "when": "equals", "value": "Dr",
        "message": "No doctors, please"});
    org.admin("POST", "validation-rules", rule).await;
    let titled = json!({"LastName": "A", "Title": "Dr"});
    let refusal = refused(org.write(&Operation::Create, None, titled).await);
    assert_eq!(refusal.error.code, "FIELD_CUSTOM_VALIDATION_EXCEPTION");
    assert_eq!(refusal.error.message, "No doctors, please");
    assert_eq!((refusal.fault, refusal.retry), PERMANENT);

    let record_type = org
        .admin(
            "POST",
            "record-types",
            json!({"object": "Contact", "name": "Vip", "available": false}),
        )
        .await;
    let typed = json!({"LastName": "A", "RecordTypeId": record_type["id"]});
    let refusal = refused(org.write(&Operation::Create, None, typed).await);
    assert_row(
        &refusal,
        "INVALID_CROSS_REFERENCE_KEY",
        "this ID value isn't valid for the user",
        &["RecordTypeId"],
        PERMANENT,
    );
}

#[tokio::test]
async fn what_is_gone_is_told_from_what_is_bad() {
    let org = Org::start(json!({})).await;
    let deleted = org
        .seed("Contact", json!({"LastName": "Gone", "IsDeleted": true}))
        .await;
    let converted = org
        .seed(
            "Lead",
            json!({"LastName": "Won", "Company": "C", "IsConverted": true}),
        )
        .await;
    let update = |object: &'static str, id: String| {
        let org = &org;
        async move {
            let records = [(Some(id.as_str()), json!({"Title": "x"}))];
            refused(
                org.write_object(object, &Operation::Update, &records, &Options::default())
                    .await,
            )
        }
    };
    assert_row(
        &update("Contact", deleted).await,
        "ENTITY_IS_DELETED",
        "entity is deleted",
        &[],
        (Fault::RecordGone, Retry::Never),
    );
    assert_row(
        &update("Lead", converted).await,
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "cannot reference converted lead",
        &[],
        (Fault::LeadConverted, Retry::Never),
    );
    assert_row(
        &update("Contact", record_id("003", 9_999)).await,
        "INVALID_CROSS_REFERENCE_KEY",
        "invalid cross reference id",
        &[],
        PERMANENT,
    );
}

#[tokio::test]
async fn keys_that_are_not_unique_are_told_from_lost_races() {
    let org = Org::start(json!({})).await;
    org.seed("Contact", json!({"LastName": "Taken", "Key__c": "taken"}))
        .await;
    for _ in 0..2 {
        org.seed("Contact", json!({"LastName": "Twin", "Loose__c": "twin"}))
            .await;
    }
    let taken = json!({"LastName": "A", "Key__c": "taken"});
    let message = "duplicate value found: Key__c duplicates value on record with id: 003";
    let refusal = refused(org.write(&Operation::Create, None, taken.clone()).await);
    assert_row(&refusal, "DUPLICATE_VALUE", message, &[], PERMANENT);
    // The id in it is the short one.
    assert_eq!(refusal.error.message.len(), message.len() + 12);

    let refusal = refused(
        org.write(&upsert("Loose__c"), Some("twin"), json!({"LastName": "A"}))
            .await,
    );
    assert_row(
        &refusal,
        "DUPLICATE_EXTERNAL_ID",
        "Loose: more than one record found for external id field: [003",
        &["Loose__c"],
        PERMANENT,
    );

    // Two calls created one key at once: the same words, but of the upsert's own key.
    org.script(
        "write",
        json!({"kind": "record_error", "statusCode": "DUPLICATE_VALUE",
            "message": "duplicate value found: Key__c duplicates value on record with id: 0035g00000AbCdE"}),
    )
    .await;
    let race = refused(
        org.write(&upsert("Key__c"), Some("new"), json!({"LastName": "A"}))
            .await,
    );
    assert_eq!((race.fault, race.retry), (Fault::Contention, Retry::Once));

    let twice = [
        (Some("a"), json!({"LastName": "A"})),
        (Some("a"), json!({"LastName": "B"})),
    ];
    for result in results(org.write_all(&upsert("Key__c"), &twice).await) {
        let RecordResult::Refused(refusal) = result else {
            panic!("{result:?}");
        };
        assert_eq!(refusal.error.code, "DUPLICATE_VALUE");
        assert_eq!(
            (refusal.fault, refusal.retry),
            (Fault::Batch, Retry::WithoutCulprit)
        );
    }
}

#[tokio::test]
async fn a_parent_that_is_not_there_is_named() {
    let org = Org::start(json!({})).await;
    let field = json!({"object": "Account", "name": "AcctKey__c", "type": "string", "external_id": true});
    org.admin("POST", "fields", field).await;
    let child = json!({"LastName": "A", "Account": {"AcctKey__c": "A-17"}});
    let refusal = refused(org.write(&Operation::Create, None, child).await);
    assert_eq!(refusal.error.code, "INVALID_FIELD");
    assert!(
        refusal
            .error
            .message
            .starts_with("Foreign key external ID: A-17 not found for field AcctKey__c"),
        "{refusal:?}"
    );
    assert_eq!((refusal.fault, refusal.retry), PERMANENT);
}

#[tokio::test]
async fn duplicate_rules_say_no_and_may_be_overruled() {
    let org = Org::start(json!({})).await;
    let rule = json!({"object": "Contact", "match_fields": ["Email"], "action": "alert",
        "message": "Use one of these records?"});
    org.admin("POST", "duplicate-rules", rule).await;
    org.seed("Contact", json!({"LastName": "A", "Email": "a@example.com"}))
        .await;
    let again = json!({"LastName": "B", "Email": "a@example.com"});
    let refusal = refused(org.write(&Operation::Create, None, again.clone()).await);
    assert_row(
        &refusal,
        "DUPLICATES_DETECTED",
        "Use one of these records?",
        &[],
        PERMANENT,
    );

    let options = Options {
        duplicate_rules: Some(DuplicateRules {
            allow_save: true,
            ..DuplicateRules::default()
        }),
        ..Options::default()
    };
    let saved = org
        .write_object("Contact", &Operation::Create, &[(None, again)], &options)
        .await;
    assert!(matches!(results(saved)[0], RecordResult::Saved { .. }));
}

#[tokio::test]
async fn what_only_somebody_else_can_change_says_so() {
    let org = Org::start(json!({})).await;
    let refusal = refused(
        org.write(
            &Operation::Create,
            None,
            json!({"LastName": "A", "CreatedDate": "2026-01-01T00:00:00Z"}),
        )
        .await,
    );
    assert_row(
        &refusal,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        "verify that it is read/write",
        &["CreatedDate"],
        CONFIGURATION,
    );
    for (access, code, fault) in [
        ("locked", "ENTITY_IS_LOCKED", Fault::Record),
        (
            "read_only",
            "INSUFFICIENT_ACCESS_OR_READONLY",
            Fault::Configuration,
        ),
        (
            "hidden",
            "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
            Fault::Configuration,
        ),
    ] {
        let id = org.seed("Contact", json!({"LastName": access})).await;
        org.admin("POST", "record-access", json!({"ids": [&id], "access": access}))
            .await;
        let refusal = refused(
            org.write(&Operation::Update, Some(&id), json!({"Title": "x"}))
                .await,
        );
        assert_eq!(refusal.error.code, code, "{refusal:?}");
        assert_eq!(
            (refusal.fault, refusal.retry),
            (fault, Retry::AfterChange),
            "{refusal:?}"
        );
    }
}

#[tokio::test]
async fn a_full_org_takes_no_new_records() {
    let org = Org::start(json!({"switches": {"max_stored_records": 0}})).await;
    let refusal = refused(
        org.write(&Operation::Create, None, json!({"LastName": "A"}))
            .await,
    );
    assert_row(
        &refusal,
        "STORAGE_LIMIT_EXCEEDED",
        "storage limit exceeded",
        &[],
        (Fault::Quota, Retry::AfterChange),
    );
}

/// Two calls on Contacts of one Account overlap; the later one gives up.
#[tokio::test]
async fn a_locked_row_is_tried_again_soon() {
    let org = Org::start(json!({"lock_wait_ms": 1, "latency_ms": 200})).await;
    let account = org.seed("Account", json!({"Name": "Shared"})).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let person = json!({"LastName": "A", "AccountId": account});
        ids.push(org.seed("Contact", person).await);
    }
    let update = |id: &str| {
        let id = id.to_owned();
        let org = &org;
        async move {
            results(
                org.write(&Operation::Update, Some(&id), json!({"Title": "x"}))
                    .await,
            )
            .remove(0)
        }
    };
    let (first, second) = futures::future::join(update(&ids[0]), update(&ids[1])).await;
    let (saved, refused): (Vec<_>, Vec<_>) = [first, second]
        .into_iter()
        .partition(|result| matches!(result, RecordResult::Saved { .. }));
    assert_eq!((saved.len(), refused.len()), (1, 1), "{refused:?}");
    let RecordResult::Refused(refusal) = &refused[0] else {
        panic!("{refused:?}");
    };
    assert_eq!(refusal.error.code, "UNABLE_TO_LOCK_ROW");
    assert!(
        refusal
            .error
            .message
            .starts_with("unable to obtain exclusive access to this record or 1 records: ")
    );
    assert_eq!((refusal.fault, refusal.retry), (Fault::Contention, Retry::Soon));
}

/// What an org's own automation and Salesforce's releases bring: scripted, as
/// the table words it.
#[tokio::test]
async fn each_other_code_has_its_verdict() {
    let org = Org::start(json!({})).await;
    let contention = (Fault::Contention, Retry::Soon);
    for (code, message, verdict) in [
        ("FIELD_INTEGRITY_EXCEPTION", "bad country", PERMANENT),
        ("FIELD_FILTER_VALIDATION_EXCEPTION", "lookup filter", PERMANENT),
        ("INACTIVE_OWNER_OR_USER", "owner is inactive", CONFIGURATION),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "T: execution of BeforeInsert\n\ncaused by: x",
            PERMANENT,
        ),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "T: caused by: UNABLE_TO_LOCK_ROW",
            contention,
        ),
        (
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            "T: Too many SOQL queries: 101",
            contention,
        ),
        (
            "CANNOT_EXECUTE_FLOW_TRIGGER",
            "flow failed",
            (Fault::Record, Retry::Once),
        ),
        (
            "TXN_SECURITY_METERING_ERROR",
            "",
            (Fault::Contention, Retry::Once),
        ),
        ("TXN_SECURITY_APEX_ERROR", "", CONFIGURATION),
        ("TXN_SECURITY_NO_ACCESS", "", CONFIGURATION),
        ("TXN_SECURITY_RUNTIME_ERROR", "", CONFIGURATION),
        ("TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET", "", PERMANENT),
        ("TOO_MANY_ENUM_VALUE", "", PERMANENT),
        ("LIMIT_EXCEEDED", "", PERMANENT),
        ("LICENSE_LIMIT_EXCEEDED", "", (Fault::Quota, Retry::AfterChange)),
        ("TOO_MANY_APEX_REQUESTS", "", contention),
        (
            "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
            "",
            (Fault::Salesforce, Retry::AfterMaintenance),
        ),
        ("PROCESSING_HALTED", "", (Fault::Batch, Retry::WithoutCulprit)),
        (
            "API_CURRENTLY_DISABLED",
            "",
            (Fault::Salesforce, Retry::WithBackoff),
        ),
        // Salesforce does not always say which record, nor which field.
        (
            "DUPLICATE_VALUE",
            "duplicate value found: <unknown> duplicates value on record with id: <unknown>",
            PERMANENT,
        ),
        ("INVENTED_NEXT_RELEASE", "", PERMANENT),
    ] {
        let action: Value = json!({"kind": "record_error", "statusCode": code, "message": message});
        org.script("write", action).await;
        let refusal = refused(
            org.write(&Operation::Create, None, json!({"LastName": "A"}))
                .await,
        );
        assert_row(&refusal, code, message, &[], verdict);
    }
}
