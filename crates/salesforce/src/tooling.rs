//! Custom fields: made, found, and opened to a user (§6). Making and opening are
//! not one step: a new field is invisible until a permission set opens it.

mod custom_field;
mod existing_field;
mod permissions;

pub use custom_field::{CreateFieldError, Creation, FieldKind, InvalidNewField, NewField, create_field};
pub use existing_field::{ExistingField, ListedField, list_custom_fields, read_custom_field};
pub use permissions::{
    FieldAccess, FieldGrant, ObjectAccess, ObjectGrant, assign_permission_set, create_permission_set,
    field_grants, find_permission_set, grant_field_access, grant_object_access, is_assigned, object_grant,
};
