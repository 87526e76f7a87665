//! The catalog: what kinds of destination there are, and what each takes.

use activation::destination::{RecordType, WriteMode};
use contracts::config::v1::{self as pb, CatalogFieldType as Type};

use crate::for_people::{MAX_DESCRIPTION, MAX_DISPLAY_NAME};

struct Field {
    name: &'static str,
    label: &'static str,
    description: &'static str,
    field_type: Type,
    required: bool,
    max_length: usize,
    allowed_values: &'static [&'static str],
    grants: &'static [&'static str],
    fixed_after_activation: bool,
}

/// What most fields are: optional, free, of no login, changeable.
const PLAIN: Field = Field {
    name: "",
    label: "",
    description: "",
    field_type: Type::Text,
    required: false,
    max_length: 0,
    allowed_values: &[],
    grants: &[],
    fixed_after_activation: false,
};

const CLIENT_CREDENTIALS: &[&str] = &["client_credentials"];
const PASSWORD: &[&str] = &["password"];

/// In the order in which to ask for them.
const FIELDS: &[Field] = &[
    Field {
        name: "connection.display_name",
        label: "Connection name",
        description: "By which people recognise the login. Two may have one name.",
        required: true,
        max_length: MAX_DISPLAY_NAME,
        ..PLAIN
    },
    Field {
        name: "connection.description",
        label: "Connection description",
        description: "What it is for.",
        field_type: Type::LongText,
        max_length: MAX_DESCRIPTION,
        ..PLAIN
    },
    Field {
        name: "connection.custom_domain",
        label: "Custom Domain",
        description: "The org's My Domain (Setup, My Domain, Current My Domain URL): a prefix such as acme, \
            acme--uat for a sandbox or acme-dev-ed.develop for a Developer Edition org; or a host; or the address of \
            any of the org's pages.",
        field_type: Type::Host,
        required: true,
        ..PLAIN
    },
    Field {
        name: "client_credentials.client_id",
        label: "Client ID",
        description: "The app's Consumer Key (Setup, External Client App Manager or App Manager).",
        required: true,
        grants: CLIENT_CREDENTIALS,
        ..PLAIN
    },
    Field {
        name: "client_credentials.client_secret",
        label: "Client Secret",
        description: "The app's Consumer Secret, shown beside its Consumer Key.",
        field_type: Type::Password,
        required: true,
        grants: CLIENT_CREDENTIALS,
        ..PLAIN
    },
    Field {
        name: "password.username",
        label: "Username",
        description: "The Salesforce user that Sluice works as.",
        required: true,
        grants: PASSWORD,
        ..PLAIN
    },
    Field {
        name: "password.password",
        label: "Password",
        description: "The user's password. The security token may follow it directly, without braces or a blank.",
        field_type: Type::Password,
        required: true,
        grants: PASSWORD,
        ..PLAIN
    },
    Field {
        name: "password.security_token",
        label: "Security Token",
        description: "The user's security token, where it is not part of the password. Needed outside the org's \
            trusted IP ranges; changes with the password.",
        field_type: Type::Password,
        grants: PASSWORD,
        ..PLAIN
    },
    Field {
        name: "password.client_id",
        label: "Client ID",
        description: "The Consumer Key of a connected app (Setup, App Manager).",
        required: true,
        grants: PASSWORD,
        ..PLAIN
    },
    Field {
        name: "password.client_secret",
        label: "Client Secret",
        description: "The app's Consumer Secret, shown beside its Consumer Key.",
        field_type: Type::Password,
        required: true,
        grants: PASSWORD,
        ..PLAIN
    },
    Field {
        name: "destination.display_name",
        label: "Name",
        description: "By which people recognise the destination.",
        required: true,
        ..PLAIN
    },
    Field {
        name: "destination.description",
        label: "Description",
        description: "What it is for.",
        field_type: Type::LongText,
        ..PLAIN
    },
    Field {
        name: "destination.connection",
        label: "Connection",
        description: "The login, of the same workspace. Several destinations may share it.",
        required: true,
        fixed_after_activation: true,
        ..PLAIN
    },
    Field {
        name: "destination.record_type",
        label: "Salesforce ID Type",
        description: "The kind of record that is written.",
        field_type: Type::Choice,
        required: true,
        allowed_values: &["CONTACT", "LEAD"],
        fixed_after_activation: true,
        ..PLAIN
    },
    Field {
        name: "destination.write_mode",
        label: "Write mode",
        description: "Update records by their Salesforce id (when nothing is chosen), or upsert them by an external \
            id.",
        field_type: Type::Choice,
        allowed_values: &["UPDATE_BY_ID", "UPSERT"],
        fixed_after_activation: true,
        ..PLAIN
    },
    Field {
        name: "destination.key_field",
        label: "Key field",
        description: "The external-id field that names the record. For UPSERT, and then required.",
        fixed_after_activation: true,
        ..PLAIN
    },
    Field {
        name: "destination.status_values",
        label: "Status values",
        description: "What is written for realized, existing and exited, where it is not these words.",
        ..PLAIN
    },
    Field {
        name: "destination.marketing_actions",
        label: "Marketing actions",
        description: "What the data is used for, for example EMAIL_TARGETING, or one of the workspace's own. \
                      Policies forbid some for some data.",
        ..PLAIN
    },
    Field {
        name: "destination.mapping_id_prefix",
        label: "Mapping ID prefix",
        description: "Before every suggested Mapping ID, for example DEV_.",
        ..PLAIN
    },
    Field {
        name: "destination.mapping_id_suffix",
        label: "Mapping ID suffix",
        description: "Behind every suggested Mapping ID.",
        ..PLAIN
    },
    Field {
        name: "destination.deleted_profile_policy",
        label: "When a profile is deleted",
        description: "Leave its record (when nothing is chosen), write exited for every segment, or blank the mapped \
            fields too.",
        field_type: Type::Choice,
        allowed_values: &["LEAVE", "EXIT", "EXIT_AND_BLANK"],
        ..PLAIN
    },
    Field {
        name: "destination.max_delay",
        label: "Longest delay",
        description: "The longest that a partial batch waits for more records; 60 s when not given.",
        field_type: Type::Duration,
        ..PLAIN
    },
];

/// Name, label, description; the recommended one first.
const GRANTS: [(&str, &str, &str); 2] = [
    (
        "client_credentials",
        "OAuth 2.0 client credentials",
        "An External Client App or connected app with the Client Credentials Flow enabled and a run-as user. Works on \
         the org's own My Domain only, and keeps no password.",
    ),
    (
        "password",
        "OAuth 2.0 username and password",
        "A connected app and a user's password. Orgs made since Summer '23 block this flow until an administrator \
         allows it (Setup, OAuth and OpenID Connect Settings), External Client Apps do not offer it, and Salesforce \
         has announced its end: choose client credentials where you can.",
    ),
];

/// Scopes that other instructions ask for (requirements.md, row 15): name,
/// whether needed, what it is for.
const SCOPES: [(&str, bool, &str); 10] = [
    (
        "api",
        true,
        "Manage user data via APIs. All that Sluice calls is below it.",
    ),
    (
        "refresh_token",
        false,
        "Would renew the login of a person who authorized the app. Logins by client credentials or password get no \
         refresh token and ask for a new token instead.",
    ),
    ("offline_access", false, "The same as refresh_token."),
    (
        "full",
        false,
        "Everything the user may do, and so more than is needed; holds api.",
    ),
    ("web", false, "Using the token on web pages."),
    ("openid", false, "Telling who the user is."),
    ("chatter_api", false, "Feeds."),
    ("lightning", false, "Lightning pages."),
    ("visualforce", false, "Visualforce pages."),
    ("content", false, "Content pages."),
];

/// Returns the entry, without what depends on the installation and workspace.
pub(crate) fn salesforce_crm() -> pb::CatalogEntry {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    pb::CatalogEntry {
        required_mappings: required_mappings(),
        id: "salesforce-crm".to_owned(),
        display_name: "Salesforce CRM".to_owned(),
        category: "CRM".to_owned(),
        description:
            "Writes profiles and their segment statuses to Salesforce Contacts or Leads as they change."
                .to_owned(),
        fields: FIELDS
            .iter()
            .map(|field| pb::CatalogField {
                name: field.name.to_owned(),
                label: field.label.to_owned(),
                description: field.description.to_owned(),
                required: field.required,
                secret: field.field_type == Type::Password,
                allowed_values: texts(field.allowed_values),
                r#type: field.field_type.into(),
                max_length: i32::try_from(field.max_length).unwrap_or(i32::MAX),
                grants: texts(field.grants),
                fixed_after_activation: field.fixed_after_activation,
            })
            .collect(),
        grants: GRANTS
            .iter()
            .enumerate()
            .map(|(index, (name, label, description))| pb::CatalogGrant {
                name: (*name).to_owned(),
                label: (*label).to_owned(),
                description: (*description).to_owned(),
                recommended: index == 0,
            })
            .collect(),
        scopes: SCOPES
            .iter()
            .map(|(name, needed, description)| pb::CatalogScope {
                name: (*name).to_owned(),
                needed: *needed,
                description: (*description).to_owned(),
            })
            .collect(),
        export_type: pb::ExportType::ProfileBased.into(),
        export_frequency: pb::ExportFrequency::Streaming.into(),
        egress_addresses: Vec::new(),
        usage: None,
    }
}

/// Requirements 89 to 97: what names the record, and what Salesforce requires.
fn required_mappings() -> Vec<pb::RequiredMapping> {
    let required = |record_type: RecordType, write_mode: pb::WriteMode, target| pb::RequiredMapping {
        record_type: pb::RecordType::from(record_type).into(),
        write_mode: write_mode.into(),
        target: Some(pb::FieldTarget { target: Some(target) }),
    };
    let mut all = Vec::new();
    for record_type in RecordType::ALL {
        for (write_mode, identity) in [
            (pb::WriteMode::UpdateById, WriteMode::SALESFORCE_ID),
            (pb::WriteMode::Upsert, ""),
        ] {
            let identity = pb::field_target::Target::Identity(identity.to_owned());
            all.push(required(record_type, write_mode, identity));
        }
        for field in record_type.required_fields() {
            let field = pb::field_target::Target::Field((*field).to_owned());
            all.push(required(record_type, pb::WriteMode::Unspecified, field));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_choice_is_one_of_the_contract() {
        for field in FIELDS {
            for value in field.allowed_values {
                let known = match field.name {
                    "destination.record_type" => {
                        pb::RecordType::from_str_name(&format!("RECORD_TYPE_{value}")).is_some()
                    }
                    "destination.write_mode" => {
                        pb::WriteMode::from_str_name(&format!("WRITE_MODE_{value}")).is_some()
                    }
                    "destination.deleted_profile_policy" => {
                        pb::DeletedProfilePolicy::from_str_name(&format!("DELETED_PROFILE_POLICY_{value}"))
                            .is_some()
                    }
                    _ => false,
                };
                assert!(known, "{}: {value}", field.name);
            }
            assert_eq!(
                field.field_type == Type::Choice,
                !field.allowed_values.is_empty(),
                "{}",
                field.name
            );
        }
    }

    #[test]
    fn every_field_of_a_login_belongs_to_a_grant_that_is_offered() {
        for field in FIELDS {
            let of_login = field
                .name
                .split_once('.')
                .filter(|(parent, _)| GRANTS.iter().any(|(grant, ..)| grant == parent))
                .map(|(parent, _)| parent);
            assert_eq!(field.grants.first().copied(), of_login, "{}", field.name);
        }
    }
}
