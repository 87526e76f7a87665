//! What an org says of itself. Source: salesforce-contract.md §5.

use serde_json::{Value, json};

use crate::client::Rig;

/// Source: salesforce-contract.md §5.
const OBJECT_KEYS: &str = "actionOverrides, activateable, associateEntityType, associateParentEntity, childRelationships, compactLayoutable, createable, custom, customSetting, deepCloneable, defaultImplementation, deletable, deprecatedAndHidden, extendedBy, extendsInterfaces, feedEnabled, fields, hasSubtypes, implementedBy, implementsInterfaces, isInterface, isSubtype, keyPrefix, label, labelPlural, layoutable, listviewable, lookupLayoutable, mergeable, mruEnabled, name, namedLayoutInfos, networkScopeFieldName, queryable, recordTypeInfos, replicateable, retrieveable, searchLayoutable, searchable, sobjectDescribeOption, supportedScopes, triggerable, undeletable, updateable, urls";

/// Source: salesforce-contract.md §5.1.
const FIELD_KEYS: &str = "aggregatable, aiPredictionField, autoNumber, byteLength, calculated, calculatedFormula, cascadeDelete, caseSensitive, compoundFieldName, controllerName, createable, custom, defaultValue, defaultValueFormula, defaultedOnCreate, dependentPicklist, deprecatedAndHidden, digits, displayLocationInDecimal, encrypted, externalId, extraTypeInfo, filterable, filteredLookupInfo, formulaTreatNullNumberAsZero, groupable, highScaleNumber, htmlFormatted, idLookup, inlineHelpText, label, length, mask, maskType, name, nameField, namePointing, nillable, permissionable, picklistValues, polymorphicForeignKey, precision, queryByDistance, referenceTargetField, referenceTo, relationshipName, relationshipOrder, restrictedDelete, restrictedPicklist, scale, searchPrefilterable, soapType, sortable, type, unique, updateable, writeRequiresMasterRead";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn every_object_is_described_with_every_recorded_key() {
    let rig = Rig::with_org(json!({})).await;
    let object_keys: Vec<&str> = OBJECT_KEYS.split(", ").collect();
    let field_keys: Vec<&str> = FIELD_KEYS.split(", ").collect();
    for object in ["Contact", "lead", "PermissionSet", "FieldPermissions", "User"] {
        let describe = rig
            .client
            .get(&format!("/sobjects/{object}/describe"))
            .await
            .json();
        assert_eq!(keys(&describe), object_keys, "{object}");
        for field in describe["fields"].as_array().unwrap() {
            assert_eq!(keys(field), field_keys, "{object}");
        }
    }
    assert_eq!(rig.client.get("/sobjects/Nope/describe").await.status, 404);
}

#[tokio::test]
async fn the_global_describe_lists_what_the_user_may_read() {
    let rig = Rig::with_org(json!({"users": [
        {"username": "svc@acme.example", "permissions": {"objects": {"Lead": {"read": false, "create": false, "edit": false}}}},
    ]})).await;
    let all = rig.client.get("/sobjects/").await.json();
    assert_eq!(
        (&all["encoding"], &all["maxBatchSize"]),
        (&json!("UTF-8"), &json!(200))
    );
    let objects = all["sobjects"].as_array().unwrap();
    let names: Vec<&str> = objects
        .iter()
        .map(|object| object["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"Contact") && names.contains(&"PermissionSet") && !names.contains(&"Lead"),
        "{names:?}"
    );
    let contact = objects.iter().find(|object| object["name"] == "Contact").unwrap();
    assert_eq!(
        ["keyPrefix", "labelPlural", "createable", "queryable", "fields"].map(|key| contact[key].clone()),
        [
            json!("003"),
            json!("Contacts"),
            json!(true),
            json!(true),
            Value::Null
        ]
    );
    assert_eq!(
        contact["urls"]["describe"],
        "/services/data/v67.0/sobjects/Contact/describe"
    );
}

#[tokio::test]
async fn an_object_tells_what_the_user_wrote_last_and_the_version_its_resources() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    client
        .write(
            "POST",
            "",
            "Contact",
            &json!([{"LastName": "A"}, {"LastName": "B", "FirstName": "C"}]),
        )
        .await;
    let object = client.get("/sobjects/Contact").await.json();
    let resources = client.get("/").await.json();
    assert_eq!(object["objectDescribe"]["name"], "Contact");
    let names: Vec<&Value> = object["recentItems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["Name"])
        .collect();
    assert_eq!(names, ["C B", "A"]);
    assert_eq!(resources["sobjects"], "/services/data/v67.0/sobjects");
    assert_eq!(client.get("/sobjects/Nope").await.status, 404);
}

#[tokio::test]
async fn an_object_is_described_as_far_as_its_user_may_use_it() {
    let rig = Rig::with_org(json!({})).await;
    let client = &rig.client;
    let users = client.org("GET", "/users", Value::Null).await;
    let path = format!("/users/{}", users[0]["username"].as_str().unwrap());
    let objects = json!({"Contact": {"edit": false, "create": false}, "Lead": {"read": false}});
    client
        .org("PATCH", &path, json!({"permissions": {"objects": objects}}))
        .await;

    let contact = client.get("/sobjects/Contact/describe").await.json();

    assert_eq!(
        ["createable", "updateable", "deletable"].map(|key| contact[key].as_bool()),
        [Some(false), Some(false), Some(true)]
    );
    assert_eq!(client.get("/sobjects/Lead/describe").await.status, 404);
}
