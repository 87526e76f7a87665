//! The platform's JSON shape of a profile (requirements.md §2.4), with our own
//! envelope beside it:
//!
//! ```json
//! {"identityMap": {"crmID": [{"id": "0034S000005YJVlQAO", "primary": true}]},
//!  "segmentMembership": {"ups": {"vip": {"status": "realized"}}},
//!  "person": {"name": {"lastName": "Okafor"}},
//!  "_sluice": {"updateId": "u-1", "eventTime": "2026-01-02T03:04:05Z"}}
//! ```
//!
//! Every other key is an attribute, addressed by its dotted path.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::{
    InvalidField,
    names::shown,
    profile::{
        Attribute, AttributeValue, Consent, Identity, PLATFORM_SEGMENT_NAMESPACE, ProfileUpdate,
        SegmentMembership, SegmentStatus,
    },
    timestamp,
};

/// Parses one document. Unknown namespaces and attributes are kept; what is
/// malformed is named by its path in the document.
pub fn parse(document: &[u8]) -> Result<ProfileUpdate, InvalidField> {
    let value: Value = serde_json::from_slice(document)
        .map_err(|error| InvalidField::new("", format!("is not a JSON document: {error}")))?;
    let Value::Object(members) = value else {
        return Err(InvalidField::new(
            "",
            format!("must be a JSON object, not {}", kind(&value)),
        ));
    };
    let mut update = ProfileUpdate::default();
    for (key, value) in members {
        match key.as_str() {
            "identityMap" => identities(&value, &mut update.identities)?,
            "segmentMembership" => memberships(&value, &mut update.memberships)?,
            "_sluice" => envelope(&value, &mut update)?,
            _ => attributes(key, value, &mut update.attributes),
        }
    }
    Ok(update)
}

fn identities(value: &Value, identities: &mut Vec<Identity>) -> Result<(), InvalidField> {
    for (namespace, ids) in object(value, "identityMap")? {
        let path = format!("identityMap.{namespace}");
        let Value::Array(ids) = ids else {
            return Err(InvalidField::new(
                path,
                format!("must be a list of identities, not {}", kind(ids)),
            ));
        };
        for (index, identity) in ids.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let members = object(identity, &path)?;
            let id = match members.get("id") {
                Some(Value::String(id)) if !id.is_empty() => id.clone(),
                Some(Value::String(_)) => {
                    return Err(InvalidField::new(format!("{path}.id"), "must not be empty"));
                }
                Some(other) => {
                    return Err(InvalidField::new(
                        format!("{path}.id"),
                        format!("must be text, not {}", kind(other)),
                    ));
                }
                None => return Err(InvalidField::new(format!("{path}.id"), "is missing")),
            };
            let primary = members.get("primary").and_then(Value::as_bool).unwrap_or(false);
            identities.push(Identity {
                namespace: namespace.clone(),
                id,
                primary,
            });
        }
    }
    Ok(())
}

fn memberships(value: &Value, memberships: &mut Vec<SegmentMembership>) -> Result<(), InvalidField> {
    for (namespace, segments) in object(value, "segmentMembership")? {
        let path = format!("segmentMembership.{namespace}");
        for (segment, details) in object(segments, &path)? {
            let path = format!("{path}.{segment}");
            let details = object(details, &path)?;
            let status = match details.get("status") {
                None | Some(Value::Null) => SegmentStatus::Realized,
                Some(Value::String(text)) => SegmentStatus::parse(text).ok_or_else(|| {
                    InvalidField::new(
                        format!("{path}.status"),
                        format!("'{}' must be realized, existing or exited", shown(text)),
                    )
                })?,
                Some(other) => {
                    return Err(InvalidField::new(
                        format!("{path}.status"),
                        format!("must be text, not {}", kind(other)),
                    ));
                }
            };
            memberships.push(SegmentMembership {
                namespace: if namespace.is_empty() {
                    PLATFORM_SEGMENT_NAMESPACE.to_owned()
                } else {
                    namespace.clone()
                },
                segment: segment.clone(),
                status,
                last_qualification_time: time(details, "lastQualificationTime", &path)?,
                valid_until: time(details, "validUntil", &path)?,
            });
        }
    }
    Ok(())
}

fn envelope(value: &Value, update: &mut ProfileUpdate) -> Result<(), InvalidField> {
    let members = object(value, "_sluice")?;
    for (key, value) in members {
        let path = format!("_sluice.{key}");
        let flag = || match value {
            Value::Bool(flag) => Ok(*flag),
            other => Err(InvalidField::new(
                path.clone(),
                format!("must be true or false, not {}", kind(other)),
            )),
        };
        match key.as_str() {
            "updateId" => {
                update.update_id = value
                    .as_str()
                    .ok_or_else(|| {
                        InvalidField::new(path.clone(), format!("must be text, not {}", kind(value)))
                    })?
                    .to_owned();
            }
            "eventTime" => update.event_time = time(members, "eventTime", "_sluice")?,
            "deleted" => update.deleted = flag()?,
            "backfill" => update.backfill = flag()?,
            "force" => update.force = flag()?,
            "consent" => {
                update.consent = match value.as_str() {
                    Some("granted") => Consent::Granted,
                    Some("withdrawn") => Consent::Withdrawn,
                    _ => return Err(InvalidField::new(path, "must be granted or withdrawn")),
                }
            }
            _ => {
                return Err(InvalidField::new(
                    path,
                    "is not known here; updateId, eventTime, consent, deleted, backfill and force are",
                ));
            }
        }
    }
    Ok(())
}

fn attributes(path: String, value: Value, attributes: &mut Vec<Attribute>) {
    let value = match value {
        Value::Object(members) => {
            for (key, value) in members {
                self::attributes(format!("{path}.{key}"), value, attributes);
            }
            return;
        }
        Value::Array(_) => AttributeValue::Array,
        Value::Null => AttributeValue::Null,
        Value::Bool(flag) => AttributeValue::Boolean(flag),
        Value::String(text) => AttributeValue::Text(text),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => AttributeValue::Integer(integer),
            // A JSON number is finite, so it always has a nearest f64.
            None => AttributeValue::Number(number.as_f64().unwrap_or_default()),
        },
    };
    attributes.push(Attribute { path, value });
}

fn object<'a>(value: &'a Value, path: &str) -> Result<&'a Map<String, Value>, InvalidField> {
    value
        .as_object()
        .ok_or_else(|| InvalidField::new(path, format!("must be a JSON object, not {}", kind(value))))
}

fn time(members: &Map<String, Value>, key: &str, path: &str) -> Result<Option<DateTime<Utc>>, InvalidField> {
    match members.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_str().and_then(timestamp::parse) {
            Some(time) => Ok(Some(time)),
            None => Err(InvalidField::new(
                format!("{path}.{key}"),
                format!(
                    "'{}' must be a time such as 2026-01-02T03:04:05Z",
                    shown(&value.to_string())
                ),
            )),
        },
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::Found;

    #[test]
    fn row_37_145_146_147_149_the_platforms_shape_is_read_whole() {
        let update = parse(
            br#"{"identityMap": {"crmID": [{"id": "a", "primary": true}, {"id": "b", "authenticatedState": "ambiguous"}]},
                 "segmentMembership": {"ups": {"s1": {"status": "exited", "lastQualificationTime": "2026-01-02T03:04:05.000+0000"},
                                                "s2": {"payload": {"payloadType": "boolean"}}}},
                 "person": {"name": {"lastName": "Okafor", "firstName": null}}, "age": 7, "score": 0.5, "tags": ["x"],
                 "_sluice": {"updateId": "u-1", "consent": "withdrawn", "eventTime": "2026-01-02T03:04:05Z"}}"#,
        )
        .unwrap();
        assert_eq!(update.update_id, "u-1");
        assert_eq!(update.consent, Consent::Withdrawn);
        assert!(update.event_time.is_some());
        assert_eq!(update.identities.len(), 2);
        assert!(update.identities[0].primary && !update.identities[1].primary);
        assert_eq!(update.memberships[0].status, SegmentStatus::Exited);
        assert!(update.memberships[0].last_qualification_time.is_some());
        assert_eq!(update.memberships[1].status, SegmentStatus::Realized);
        assert_eq!(
            update.attribute("person.name.lastName"),
            Found::Value(&AttributeValue::Text("Okafor".to_owned()))
        );
        assert_eq!(
            update.attribute("person.name.firstName"),
            Found::Value(&AttributeValue::Null)
        );
        assert_eq!(update.attribute("person.name.middleName"), Found::Absent);
        assert_eq!(update.attribute("person.name"), Found::Object);
        assert_eq!(update.attribute("tags"), Found::Value(&AttributeValue::Array));
        assert_eq!(update.attribute("age"), Found::Value(&AttributeValue::Integer(7)));
    }

    #[test]
    fn what_is_malformed_is_named_by_its_path() {
        for (document, field) in [
            ("[]", ""),
            ("{", ""),
            (r#"{"identityMap": []}"#, "identityMap"),
            (r#"{"identityMap": {"crmID": "x"}}"#, "identityMap.crmID"),
            (
                r#"{"identityMap": {"crmID": [{"id": 3}]}}"#,
                "identityMap.crmID[0].id",
            ),
            (r#"{"identityMap": {"crmID": [{}]}}"#, "identityMap.crmID[0].id"),
            (
                r#"{"segmentMembership": {"ups": {"s": {"status": "left"}}}}"#,
                "segmentMembership.ups.s.status",
            ),
            (
                r#"{"segmentMembership": {"ups": {"s": {"lastQualificationTime": "now"}}}}"#,
                "segmentMembership.ups.s.lastQualificationTime",
            ),
            (r#"{"_sluice": {"consnet": "granted"}}"#, "_sluice.consnet"),
            (r#"{"_sluice": {"deleted": "yes"}}"#, "_sluice.deleted"),
        ] {
            assert_eq!(parse(document.as_bytes()).unwrap_err().field, field, "{document}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(document in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&document);
        }
    }
}
