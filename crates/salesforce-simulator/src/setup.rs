//! Who may see and write which fields.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::ids::RecordId;
use crate::org::OrgState;
use crate::schema::{Field, ObjectName};

/// Who looks at an org, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Viewer {
    pub user_id: RecordId,
    pub now: DateTime<Utc>,
}

impl OrgState {
    /// Finds a field as `viewer` sees it, by its name in any case.
    pub(crate) fn seen_field(&self, object: ObjectName, name: &str, _viewer: Viewer) -> Option<Arc<Field>> {
        self.table(object).schema().field(name).map(Arc::clone)
    }

    /// Returns the fields that `viewer` sees, in describe order.
    pub(crate) fn seen_fields(&self, object: ObjectName, _viewer: Viewer) -> Vec<Arc<Field>> {
        self.table(object).schema().fields().to_vec()
    }
}
