//! Profile updates.

use activation::{
    InvalidField,
    profile::{
        Attribute, AttributeValue, Consent, Identity, PLATFORM_SEGMENT_NAMESPACE, ProfileUpdate,
        SegmentMembership, SegmentStatus,
    },
    profile_json,
};

use super::time::{time_in, time_out};
use crate::delivery::v1 as pb;

/// Longest `update_id`, in bytes.
pub const MAX_UPDATE_ID_BYTES: usize = 128;

impl TryFrom<&pb::ProfileUpdate> for ProfileUpdate {
    type Error = InvalidField;

    /// Reads the typed fields, or the JSON document in their place. The paths
    /// of errors begin inside the update.
    fn try_from(message: &pb::ProfileUpdate) -> Result<Self, InvalidField> {
        let mut update = if message.json_document.is_empty() {
            Self {
                identities: all(&message.identities, "identities", identity)?,
                attributes: all(&message.attributes, "attributes", attribute)?,
                memberships: all(&message.segment_memberships, "segment_memberships", membership)?,
                ..Self::default()
            }
        } else {
            if !(message.identities.is_empty()
                && message.attributes.is_empty()
                && message.segment_memberships.is_empty())
            {
                return Err(InvalidField::new(
                    "json_document",
                    "must not come with identities, attributes or segment_memberships",
                ));
            }
            profile_json::parse(&message.json_document).map_err(|invalid| invalid.below("json_document"))?
        };
        if !message.update_id.is_empty() {
            message.update_id.clone_into(&mut update.update_id);
        }
        if update.update_id.len() > MAX_UPDATE_ID_BYTES {
            return Err(InvalidField::new(
                "update_id",
                format!("is longer than {MAX_UPDATE_ID_BYTES} bytes"),
            ));
        }
        if let Some(time) = time_in(message.event_time, "event_time")? {
            update.event_time = Some(time);
        }
        match pb::Consent::try_from(message.consent) {
            Ok(pb::Consent::Withdrawn) => update.consent = Consent::Withdrawn,
            Ok(pb::Consent::Unspecified | pb::Consent::Granted) => {}
            Err(_) => return Err(InvalidField::new("consent", "must be GRANTED or WITHDRAWN")),
        }
        update.deleted |= message.deleted;
        update.backfill |= message.backfill;
        update.force |= message.force;
        Ok(update)
    }
}

fn all<M, T>(
    messages: &[M],
    field: &str,
    convert: impl Fn(&M) -> Result<T, InvalidField>,
) -> Result<Vec<T>, InvalidField> {
    messages
        .iter()
        .enumerate()
        .map(|(index, message)| {
            convert(message).map_err(|invalid| invalid.below(&format!("{field}[{index}]")))
        })
        .collect()
}

fn identity(message: &pb::Identity) -> Result<Identity, InvalidField> {
    not_empty(&message.namespace, "namespace")?;
    not_empty(&message.id, "id")?;
    Ok(Identity {
        namespace: message.namespace.clone(),
        id: message.id.clone(),
        primary: message.primary,
    })
}

fn attribute(message: &pb::Attribute) -> Result<Attribute, InvalidField> {
    not_empty(&message.path, "path")?;
    let value = match &message.value {
        None => {
            return Err(InvalidField::new(
                "value",
                "is required; leave the attribute out, or say null_value",
            ));
        }
        Some(pb::attribute::Value::StringValue(text)) => AttributeValue::Text(text.clone()),
        Some(pb::attribute::Value::IntegerValue(integer)) => AttributeValue::Integer(*integer),
        Some(pb::attribute::Value::DoubleValue(number)) if number.is_finite() => {
            AttributeValue::Number(*number)
        }
        Some(pb::attribute::Value::DoubleValue(_)) => {
            return Err(InvalidField::new("double_value", "must be a finite number"));
        }
        Some(pb::attribute::Value::BooleanValue(flag)) => AttributeValue::Boolean(*flag),
        Some(pb::attribute::Value::NullValue(_)) => AttributeValue::Null,
    };
    Ok(Attribute {
        path: message.path.clone(),
        value,
    })
}

fn membership(message: &pb::SegmentMembership) -> Result<SegmentMembership, InvalidField> {
    not_empty(&message.segment, "segment")?;
    let status = match pb::SegmentStatus::try_from(message.status) {
        Ok(pb::SegmentStatus::Unspecified | pb::SegmentStatus::Realized) => SegmentStatus::Realized,
        Ok(pb::SegmentStatus::Existing) => SegmentStatus::Existing,
        Ok(pb::SegmentStatus::Exited) => SegmentStatus::Exited,
        Err(_) => {
            return Err(InvalidField::new(
                "status",
                "must be REALIZED, EXISTING or EXITED",
            ));
        }
    };
    let namespace = match message.namespace.as_str() {
        "" => PLATFORM_SEGMENT_NAMESPACE.to_owned(),
        namespace => namespace.to_owned(),
    };
    Ok(SegmentMembership {
        namespace,
        segment: message.segment.clone(),
        status,
        last_qualification_time: time_in(message.last_qualification_time, "last_qualification_time")?,
        valid_until: time_in(message.valid_until, "valid_until")?,
    })
}

fn not_empty(text: &str, field: &str) -> Result<(), InvalidField> {
    if text.is_empty() {
        Err(InvalidField::new(field, "must not be empty"))
    } else {
        Ok(())
    }
}

/// Writes an update in the typed form. `None` for one with an array among its
/// attributes, which only the JSON form can carry.
pub fn typed(update: &ProfileUpdate, sequence: u64) -> Option<pb::ProfileUpdate> {
    let attributes = update
        .attributes
        .iter()
        .map(|attribute| {
            let value = match &attribute.value {
                AttributeValue::Null => pb::attribute::Value::NullValue(pb::NullValue {}),
                AttributeValue::Boolean(flag) => pb::attribute::Value::BooleanValue(*flag),
                AttributeValue::Integer(integer) => pb::attribute::Value::IntegerValue(*integer),
                AttributeValue::Number(number) => pb::attribute::Value::DoubleValue(*number),
                AttributeValue::Text(text) => pb::attribute::Value::StringValue(text.clone()),
                AttributeValue::Array => return None,
            };
            Some(pb::Attribute {
                path: attribute.path.clone(),
                value: Some(value),
            })
        })
        .collect::<Option<Vec<_>>>()?;
    let segment_memberships = update
        .memberships
        .iter()
        .map(|membership| pb::SegmentMembership {
            namespace: membership.namespace.clone(),
            segment: membership.segment.clone(),
            status: match membership.status {
                SegmentStatus::Realized => pb::SegmentStatus::Realized,
                SegmentStatus::Existing => pb::SegmentStatus::Existing,
                SegmentStatus::Exited => pb::SegmentStatus::Exited,
            }
            .into(),
            last_qualification_time: membership.last_qualification_time.map(time_out),
            valid_until: membership.valid_until.map(time_out),
        })
        .collect();
    Some(pb::ProfileUpdate {
        sequence,
        update_id: update.update_id.clone(),
        event_time: update.event_time.map(time_out),
        trace_context: None,
        identities: update
            .identities
            .iter()
            .map(|identity| pb::Identity {
                namespace: identity.namespace.clone(),
                id: identity.id.clone(),
                primary: identity.primary,
            })
            .collect(),
        attributes,
        segment_memberships,
        consent: match update.consent {
            Consent::Granted => pb::Consent::Granted,
            Consent::Withdrawn => pb::Consent::Withdrawn,
        }
        .into(),
        deleted: update.deleted,
        backfill: update.backfill,
        force: update.force,
        json_document: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    #[test]
    fn an_update_survives_the_typed_form() {
        let update = profile_json::parse(
            br#"{"identityMap": {"crmID": [{"id": "a", "primary": true}]},
                 "segmentMembership": {"ups": {"s": {"status": "existing", "validUntil": "2026-01-02T03:04:05Z"}}},
                 "name": "x", "age": 7, "score": 0.5, "old": null, "vip": true,
                 "_sluice": {"updateId": "u", "eventTime": "2026-01-02T03:04:05.25Z", "consent": "withdrawn", "force": true}}"#,
        )
        .unwrap();
        let message = typed(&update, 3).unwrap();
        assert_eq!(ProfileUpdate::try_from(&message).unwrap(), update);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path() {
        let identity = pb::Identity {
            namespace: "crmID".to_owned(),
            ..Default::default()
        };
        let message = pb::ProfileUpdate {
            identities: vec![identity],
            ..Default::default()
        };
        assert_eq!(
            ProfileUpdate::try_from(&message).unwrap_err().field,
            "identities[0].id"
        );

        let value = Some(pb::attribute::Value::DoubleValue(f64::NAN));
        let message = pb::ProfileUpdate {
            attributes: vec![pb::Attribute {
                path: "x".to_owned(),
                value,
            }],
            ..Default::default()
        };
        assert_eq!(
            ProfileUpdate::try_from(&message).unwrap_err().field,
            "attributes[0].double_value"
        );

        let message = pb::ProfileUpdate {
            json_document: b"{\"identityMap\": 1}".to_vec(),
            ..Default::default()
        };
        assert_eq!(
            ProfileUpdate::try_from(&message).unwrap_err().field,
            "json_document.identityMap"
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(message) = pb::ProfileUpdate::decode(bytes.as_slice()) {
                let _ = ProfileUpdate::try_from(&message);
            }
        }
    }
}
