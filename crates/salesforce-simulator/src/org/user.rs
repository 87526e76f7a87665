//! The users of an org and what they may do.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::schema::ObjectName;

/// A user who can log in.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct User {
    pub username: String,
    #[serde(default)]
    pub password: String,
    #[serde(default)]
    pub security_token: String,
    #[serde(default = "yes")]
    pub active: bool,
    /// Too many wrong passwords, or an admin's doing; open sessions go on.
    #[serde(default)]
    pub locked: bool,
    /// Whether the REST API answers; otherwise 403 `API_DISABLED_FOR_ORG` (salesforce-contract.md §3.2).
    #[serde(default = "yes")]
    pub api_enabled: bool,
    #[serde(default)]
    pub permissions: Permissions,
}

/// What the profile and the permission sets of a user grant; everything, unless told otherwise.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Permissions {
    /// View Setup and Configuration, which `/limits` needs (salesforce-contract.md §4.2).
    pub view_setup: bool,
    /// Manage Users, which the storage entries of `/limits` need (salesforce-contract.md §4.2).
    pub manage_users: bool,
    /// Customize Application, which the Tooling API needs (salesforce-contract.md §6).
    pub customize_application: bool,
    /// By API name of an object; an object that is not named grants everything.
    #[serde(deserialize_with = "known_objects")]
    pub objects: BTreeMap<String, ObjectAccess>,
}

/// What a user may do with the records of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ObjectAccess {
    pub read: bool,
    pub create: bool,
    pub edit: bool,
    pub delete: bool,
}

impl User {
    /// Returns a user whom only an app can log in.
    pub(crate) fn without_password(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: String::new(),
            security_token: String::new(),
            active: true,
            locked: false,
            api_enabled: true,
            permissions: Permissions::default(),
        }
    }

    pub(crate) fn is_called(&self, username: &str) -> bool {
        self.username.eq_ignore_ascii_case(username)
    }
}

impl Permissions {
    /// Returns what is granted for the records of `object`.
    pub(crate) fn access_to(&self, object: ObjectName) -> ObjectAccess {
        self.objects.get(object.name()).copied().unwrap_or_default()
    }
}

impl Default for Permissions {
    fn default() -> Self {
        Self {
            view_setup: true,
            manage_users: true,
            customize_application: true,
            objects: BTreeMap::new(),
        }
    }
}

impl Default for ObjectAccess {
    fn default() -> Self {
        Self {
            read: true,
            create: true,
            edit: true,
            delete: true,
        }
    }
}

/// Reads the objects under their API names; one that does not exist would never be refused anything.
fn known_objects<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, ObjectAccess>, D::Error> {
    let mut known = BTreeMap::new();
    for (name, access) in BTreeMap::<String, ObjectAccess>::deserialize(deserializer)? {
        let Some(object) = ObjectName::parse(&name) else {
            return Err(de::Error::custom(format!(
                "permissions.objects names {name:?}, which is no object of the org; use its API name, such as Contact"
            )));
        };
        if known.insert(object.name().to_owned(), access).is_some() {
            return Err(de::Error::custom(format!(
                "permissions.objects names {0} in two spellings; use {0}",
                object.name()
            )));
        }
    }
    Ok(known)
}

fn yes() -> bool {
    true
}
