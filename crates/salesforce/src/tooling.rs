//! Custom fields: made, and opened to a user (§6). Two steps that are not one:
//! a new field is invisible until a permission set opens it.

mod custom_field;
mod permissions;

pub use custom_field::{CreateFieldError, Creation, FieldKind, InvalidNewField, NewField, create_field};
pub use permissions::{
    FieldAccess, assign_permission_set, create_permission_set, find_permission_set, grant_field_access,
};
