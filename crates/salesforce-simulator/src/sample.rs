//! A ready-made org, for trying things out: two fields of segments, a newsletter, and an external id.

use serde_json::{Map, Value, json};

use crate::admin::{AdminError, put_field, seed};
use crate::ids::record_id;
use crate::org::OrgOptions;
use crate::schema::ObjectName;
use crate::world::World;

/// Records of each object that [`Settings::sample_org`](crate::Settings::sample_org) creates.
const RECORDS: u64 = 100;

const FIRST_NAMES: [&str; 20] = [
    "Ada", "Bruno", "Chidi", "Dagmar", "Elif", "Farid", "Grace", "Hiro", "Ines", "Jonas", "Kavya", "Lars",
    "Mei", "Nuria", "Olu", "Priya", "Quentin", "Rosa", "Sven", "Tomas",
];

const LAST_NAMES: [&str; 23] = [
    "Okafor",
    "Silva",
    "Lindqvist",
    "Tanaka",
    "Moreau",
    "Haddad",
    "Kowalski",
    "Nguyen",
    "Ferrari",
    "O'Brien",
    "Schneider",
    "Costa",
    "Iyer",
    "Novak",
    "Jensen",
    "Mbeki",
    "Ortega",
    "Petrov",
    "Rahman",
    "Suzuki",
    "Virtanen",
    "Weber",
    "Yilmaz",
];

const COMPANIES: [&str; 7] = [
    "Northwind Foods",
    "Blue Harbor Travel",
    "Kestrel Energy",
    "Alder & Finch",
    "Meridian Health",
    "Quarry Robotics",
    "Tidewater Bank",
];

/// Returns the body of `POST /simulator/orgs` for the sample org.
pub fn sample_org() -> Value {
    json!({
        "host": "acme.my.salesforce.com",
        "name": "Acme",
        "type": "Developer Edition",
        "apps": [{
            "client_id": "sluice-sample-client",
            "client_secret": "sluice-sample-secret",
            "run_as": "integration@acme.example",
        }, {
            "client_id": "sluice-sample-admin",
            "client_secret": "sluice-sample-admin-secret",
            "run_as": "admin@acme.example",
        }],
        "users": [{
            "username": "integration@acme.example",
            "password": "sample-password",
            "security_token": "SampleToken123",
            "active": true,
        }],
    })
}

/// Returns the bodies of `POST /simulator/orgs/{host}/fields`, one for each custom field of Contact and Lead.
pub fn sample_fields() -> Vec<Value> {
    let segment_fields = [
        ("crm_2_seg__c", "CRM 2 Segments"),
        ("vip_customers__c", "VIP Customers"),
        ("newsletter__c", "Newsletter"),
    ];
    let mut fields = Vec::new();
    for object in ["Contact", "Lead"] {
        for (name, label) in segment_fields {
            fields.push(json!({
                "object": object,
                "name": name,
                "label": label,
                "type": "textarea",
                "length": 32_768,
            }));
        }
        fields.push(json!({
            "object": object,
            "name": "Crm_Key__c",
            "label": "CRM Key",
            "type": "string",
            "length": 255,
            "external_id": true,
            "unique": true,
        }));
    }
    fields
}

/// Returns the body of `POST /simulator/orgs/{host}/records/{object}`: `count` people or companies,
/// whose ids are [`record_id`] of the object's prefix and 1, 2, ….
///
/// `object` is `Contact`, `Lead` or `Account`; anything else gets Contacts.
pub fn sample_records(object: &str, count: u64) -> Vec<Value> {
    let object = ObjectName::parse(object).unwrap_or(ObjectName::Contact);
    (1..=count)
        .map(|number| Value::Object(members(object, number)))
        .collect()
}

/// Creates the sample org with its fields and records.
pub(crate) fn create(world: &World) {
    if let Err(error) = try_create(world) {
        tracing::error!(error = error.text(), "the sample org was not created");
    }
}

fn try_create(world: &World) -> Result<(), AdminError> {
    let options: OrgOptions =
        serde_json::from_value(sample_org()).map_err(|error| AdminError::bad_request(error.to_string()))?;
    let org = world.create(options)?;
    for field in sample_fields() {
        put_field(&org, &field.to_string().into(), world.clock.now())?;
    }
    let companies = 1..=COMPANIES.len() as u64;
    seed(
        &org,
        ObjectName::Account,
        companies
            .map(|number| members(ObjectName::Account, number))
            .collect(),
    )?;
    let mut contacts: Vec<_> = (1..=RECORDS)
        .map(|number| members(ObjectName::Contact, number))
        .collect();
    for (contact, number) in contacts.iter_mut().zip(0..) {
        let account = record_id(
            ObjectName::Account.key_prefix(),
            1 + number % COMPANIES.len() as u64,
        );
        contact.insert("AccountId".to_owned(), account.into());
    }
    seed(&org, ObjectName::Contact, contacts)?;
    let leads = (1..=RECORDS).map(|number| members(ObjectName::Lead, number));
    seed(&org, ObjectName::Lead, leads.collect())?;
    Ok(())
}

fn members(object: ObjectName, number: u64) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("Id".to_owned(), record_id(object.key_prefix(), number).into());
    match object {
        ObjectName::Contact => add_person(&mut members, "example.com", number),
        ObjectName::Lead => {
            add_person(&mut members, "example.net", number);
            members.insert("Company".to_owned(), pick(&COMPANIES, number).into());
            members.insert("Status".to_owned(), "Open - Not Contacted".into());
        }
        ObjectName::Account => {
            members.insert("Name".to_owned(), pick(&COMPANIES, number).into());
            members.insert("AccountNumber".to_owned(), format!("A-{number}").into());
        }
    }
    members
}

fn add_person(members: &mut Map<String, Value>, mail_host: &str, number: u64) {
    // Lists of coprime lengths: names repeat together only after 460 people.
    let first = pick(&FIRST_NAMES, number);
    let last = pick(&LAST_NAMES, number);
    let mail_name: String = format!("{first}.{last}")
        .to_lowercase()
        .chars()
        .filter(|character| *character != '\'')
        .collect();
    members.insert("FirstName".to_owned(), first.into());
    members.insert("LastName".to_owned(), last.into());
    members.insert(
        "Email".to_owned(),
        format!("{mail_name}.{number}@{mail_host}").into(),
    );
}

fn pick<const N: usize>(names: &[&'static str; N], number: u64) -> &'static str {
    names[usize::try_from(number % N as u64).unwrap_or(0)]
}
