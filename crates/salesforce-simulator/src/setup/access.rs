//! Field-level security: what one user sees of an object. Source: salesforce-contract.md §5.1 and §6.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::store::Profile;
use crate::ids::RecordId;
use crate::org::{OrgState, UnknownField};
use crate::refusal::{CallError, RecordError};
use crate::schema::{Field, ObjectName};
use crate::write::{Operation, UpsertKey, WriteRequest};

/// Who looks at an org, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    pub user_id: RecordId,
    pub now: DateTime<Utc>,
}

/// What a user may do with a field, from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FieldAccess {
    Hidden,
    Read,
    Edit,
}

impl OrgState {
    /// Finds a field as `viewer` sees it, by its name in any case.
    pub(crate) fn seen_field(&self, object: ObjectName, name: &str, viewer: Viewer) -> Option<Arc<Field>> {
        self.as_seen(object, self.table(object).schema().field(name)?, viewer)
    }

    /// Returns the fields that `viewer` sees, in describe order.
    pub(crate) fn seen_fields(&self, object: ObjectName, viewer: Viewer) -> Cow<'_, [Arc<Field>]> {
        let fields = self.table(object).schema().fields();
        if !self.setup.has_restricted(object) {
            return Cow::Borrowed(fields);
        }
        fields
            .iter()
            .filter_map(|field| self.as_seen(object, field, viewer))
            .collect()
    }

    /// Returns when an object last changed for those who look at `now`.
    pub(crate) fn modified(&self, object: ObjectName, now: DateTime<Utc>) -> DateTime<Utc> {
        let modified = self.table(object).schema().modified();
        self.setup
            .last_known(object, now)
            .map_or(modified, |known| known.max(modified))
    }

    /// Makes a write request one of its author: a field that is hidden from them is unknown, and one that they
    /// may only read is not writable, which fails its records alone.
    ///
    /// # Errors
    /// 400 `INVALID_FIELD` for a hidden field, unless the org refuses its records alone, and what an unknown key of
    /// an upsert is refused with; nothing is stored then (salesforce-contract.md §2.6 and §10).
    pub(crate) fn restrict(&self, request: &mut WriteRequest, viewer: Viewer) -> Result<(), CallError> {
        let is_restricted = ObjectName::ALL.map(|object| self.setup.has_restricted(object));
        if is_restricted == [false; 3] {
            return Ok(());
        }
        if let Operation::Upsert { object, key, .. } = &mut request.operation
            && let UpsertKey::Field(field) = key
            && self.as_seen(*object, field, viewer).is_none()
        {
            *key = UpsertKey::missing(self, *object, &field.name)?;
        }
        let is_forgiven = self.switches().unknown_field == UnknownField::Element;
        for record in &mut request.records {
            let mut hidden = Vec::new();
            record.fields.retain_mut(|(field, _)| {
                let seen = self.as_seen(record.object, field, viewer);
                if seen.is_none() {
                    hidden.push((Arc::clone(field), record.object));
                }
                seen.map(|seen| *field = seen).is_some()
            });
            record.parents.retain_mut(|parent| {
                let lookup = self.as_seen(record.object, &parent.lookup, viewer);
                if lookup.is_none() {
                    hidden.push((Arc::clone(&parent.lookup), record.object));
                } else if self.as_seen(parent.object, &parent.key, viewer).is_none() {
                    hidden.push((Arc::clone(&parent.key), parent.object));
                    return false;
                }
                lookup.map(|lookup| parent.lookup = lookup).is_some()
            });
            for (field, object) in hidden {
                let error = CallError::no_such_column(&field.name, object.name());
                if !is_forgiven {
                    return Err(error);
                }
                record.refuse(RecordError::of_call(error, &field.name));
            }
        }
        Ok(())
    }

    /// Returns the profile of a user: who may customise the application is an administrator.
    pub(crate) fn profile(&self, user_id: RecordId) -> Profile {
        match self.directory.user_by_id(user_id) {
            Some(user) if user.permissions.customize_application => Profile::Administrator,
            Some(_) | None => Profile::Standard,
        }
    }

    fn as_seen(&self, object: ObjectName, field: &Arc<Field>, viewer: Viewer) -> Option<Arc<Field>> {
        let user = (viewer.user_id, self.profile(viewer.user_id));
        match self.setup.access(object, &field.name, user, viewer.now) {
            FieldAccess::Hidden => None,
            FieldAccess::Read => Some(Arc::new(Field {
                createable: false,
                updateable: false,
                ..Field::clone(field)
            })),
            FieldAccess::Edit => Some(Arc::clone(field)),
        }
    }
}
