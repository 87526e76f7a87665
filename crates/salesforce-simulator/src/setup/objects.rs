//! The objects that hold an org's configuration, and their fields.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::schema::Field;

/// An object whose records say who may do what, or what the org is; as far as a client needs them to grant
/// itself a new field (salesforce-contract.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum SetupObject {
    Organization,
    User,
    Profile,
    PermissionSet,
    PermissionSetAssignment,
    FieldPermissions,
    ObjectPermissions,
    /// Of the Tooling API only.
    CustomField,
}

static FIELDS: LazyLock<HashMap<String, Vec<Arc<Field>>>> = LazyLock::new(|| {
    serde_json::from_str::<HashMap<String, Vec<Field>>>(include_str!("objects.json"))
        .expect("the embedded tables are valid, which a test of this file holds")
        .into_iter()
        .map(|(object, fields)| (object, fields.into_iter().map(Arc::new).collect()))
        .collect()
});

impl SetupObject {
    /// Those of the REST API.
    pub(crate) const ALL: [Self; 7] = [
        Self::FieldPermissions,
        Self::ObjectPermissions,
        Self::Organization,
        Self::PermissionSet,
        Self::PermissionSetAssignment,
        Self::Profile,
        Self::User,
    ];

    /// Reads the name of an object of the REST API, in any case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|object| object.name().eq_ignore_ascii_case(text))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::User => "User",
            Self::Profile => "Profile",
            Self::PermissionSet => "PermissionSet",
            Self::PermissionSetAssignment => "PermissionSetAssignment",
            Self::FieldPermissions => "FieldPermissions",
            Self::ObjectPermissions => "ObjectPermissions",
            Self::CustomField => "CustomField",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::User => "User",
            Self::Profile => "Profile",
            Self::PermissionSet => "Permission Set",
            Self::PermissionSetAssignment => "Permission Set Assignment",
            Self::FieldPermissions => "Field Permissions",
            Self::ObjectPermissions => "Object Permissions",
            Self::CustomField => "Custom Field",
        }
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Organization => "Organizations",
            Self::User => "Users",
            Self::Profile => "Profiles",
            Self::PermissionSet => "Permission Sets",
            Self::PermissionSetAssignment => "Permission Set Assignments",
            Self::FieldPermissions => "Field Permissions",
            Self::ObjectPermissions => "Object Permissions",
            Self::CustomField => "Custom Fields",
        }
    }

    /// Source: salesforce-contract.md §5.5 (User, Organization, CustomField) and §6 (PermissionSet); the others
    /// from Salesforce Help, "Standard Field Record ID Prefix Decoder".
    pub(crate) fn key_prefix(self) -> &'static str {
        match self {
            Self::Organization => "00D",
            Self::User => "005",
            Self::Profile => "00e",
            Self::PermissionSet => "0PS",
            Self::PermissionSetAssignment => "0Pa",
            Self::FieldPermissions => "01k",
            Self::ObjectPermissions => "110",
            Self::CustomField => "00N",
        }
    }

    /// Tells whether its records are made by `POST …/sobjects/{object}`.
    pub(crate) fn is_createable(self) -> bool {
        match self {
            Self::PermissionSet
            | Self::PermissionSetAssignment
            | Self::FieldPermissions
            | Self::ObjectPermissions => true,
            Self::Organization | Self::User | Self::Profile | Self::CustomField => false,
        }
    }

    pub(crate) fn fields(self) -> &'static [Arc<Field>] {
        FIELDS.get(self.name()).map_or(&[], Vec::as_slice)
    }

    /// Finds a field by its API name in any case.
    pub(crate) fn field(self, name: &str) -> Option<&'static Arc<Field>> {
        self.fields()
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_has_its_fields() {
        for object in SetupObject::ALL.into_iter().chain([SetupObject::CustomField]) {
            assert_eq!(object.fields()[0].name, "Id", "{}", object.name());
            assert!(object.fields().len() > 3, "{}", object.name());
        }
        assert_eq!(FIELDS.len(), 8);
    }
}
