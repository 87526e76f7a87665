//! Reads the package back, and holds it against the Metadata API's own words.

use std::{collections::BTreeMap, io::Read, time::Duration};

use activation::destination::{
    Activation, Create, DeletedProfilePolicy, RecordType, SegmentActivation, StatusValues, WriteMode,
};
use quick_xml::{Reader, events::Event};
use zip::ZipArchive;

use super::*;
use crate::provisioning::{FieldDefinition, StatusFieldType, of_package};

/// An element with its elements, or its text.
#[derive(Debug, Default, PartialEq, Eq)]
struct Node {
    name: String,
    text: String,
    children: Vec<Node>,
}

impl Node {
    fn names(&self) -> Vec<&str> {
        self.children.iter().map(|child| child.name.as_str()).collect()
    }

    fn all(&self, name: &str) -> Vec<&Node> {
        self.children.iter().filter(|child| child.name == name).collect()
    }

    fn child(&self, name: &str) -> &Node {
        let found = self.all(name);
        assert_eq!(found.len(), 1, "{name} in {self:?}");
        found[0]
    }

    fn value(&self, name: &str) -> &str {
        &self.child(name).text
    }
}

fn parse(xml: &str) -> Node {
    assert!(
        xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"),
        "{xml}"
    );
    assert!(
        xml.contains("xmlns=\"http://soap.sforce.com/2006/04/metadata\""),
        "{xml}"
    );
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(Node {
                name: start.name().as_ref().to_owned(),
                ..Node::default()
            }),
            Event::Text(text) => {
                open.last_mut().unwrap().text.push_str(&text.xml10_content());
            }
            Event::GeneralRef(reference) => {
                let written = format!("&{};", &*reference);
                let text = quick_xml::escape::unescape(&written).unwrap();
                open.last_mut().unwrap().text.push_str(&text);
            }
            Event::End(_) => {
                let mut done = open.pop().unwrap();
                if !done.children.is_empty() {
                    done.text.clear();
                }
                open.last_mut().unwrap().children.push(done);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open.len(), 1);
    open.remove(0).children.remove(0)
}

fn files(zip: &[u8]) -> BTreeMap<String, String> {
    let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut file = archive.by_index(index).unwrap();
            let mut content = String::new();
            file.read_to_string(&mut content).unwrap();
            (file.name().unwrap().into_owned(), content)
        })
        .collect()
}

fn segment(segment: &str, display_name: &str, mapping_id: &str) -> SegmentActivation {
    SegmentActivation {
        segment: segment.to_owned(),
        display_name: display_name.to_owned(),
        mapping_id: mapping_id.parse().unwrap(),
        start_time: None,
        end_time: None,
    }
}

fn activation(record_type: RecordType, write_mode: WriteMode) -> Activation {
    Activation {
        record_type,
        write_mode,
        field_mappings: Vec::new(),
        segments: vec![
            segment("s-1", "Cats & <dogs>\u{1}", "cats"),
            segment("s-2", "\"VIP\" ünï]]>", "vip"),
        ],
        deleted_profile_policy: DeletedProfilePolicy::Leave,
        status_values: StatusValues::default(),
        max_delay: Duration::from_secs(60),
        creation_rules: Default::default(),
        duplicate_rule: Default::default(),
    }
}

fn definition(field_type: StatusFieldType) -> FieldDefinition {
    FieldDefinition {
        field_type,
        labels: BTreeMap::new(),
        description: String::new(),
        help_text: String::new(),
    }
}

fn package(of: &Activation, segments: &[&str], definition: &FieldDefinition) -> Vec<u8> {
    let name = "workspaces/acme/destinations/contacts".parse().unwrap();
    let segments: Vec<String> = segments.iter().map(|one| (*one).to_owned()).collect();
    let wanted = Wanted::new(&name, of, &segments, definition).unwrap();
    write(&wanted, &of_package(&wanted, definition.field_type))
}

const LONG_TEXT: StatusFieldType = StatusFieldType::LongText { length: 256 };

#[test]
fn the_manifest_names_each_file_s_component_and_the_version_of_the_client() {
    let of = activation(RecordType::Contact, WriteMode::UpdateById);
    let files = files(&package(&of, &[], &definition(LONG_TEXT)));
    let manifest = parse(&files["unpackaged/package.xml"]);
    assert_eq!(manifest.name, "Package");
    assert_eq!(manifest.names(), ["types", "types", "version"]);
    assert_eq!(manifest.value("version"), "67.0");

    let types: Vec<(&str, Vec<&str>)> = manifest
        .all("types")
        .into_iter()
        .map(|one| {
            let members = one.all("members").into_iter().map(|member| member.text.as_str());
            (one.value("name"), members.collect())
        })
        .collect();
    assert_eq!(
        types[0],
        ("CustomField", vec!["Contact.cats__c", "Contact.vip__c"])
    );
    let (of_type, sets) = &types[1];
    assert_eq!((*of_type, sets.len()), ("PermissionSet", 2));

    let mut paths: Vec<String> = sets
        .iter()
        .map(|name| format!("unpackaged/permissionsets/{name}.permissionset"))
        .collect();
    paths.extend(
        [
            "unpackaged/objects/Contact.object",
            "unpackaged/package.xml",
            "README.txt",
        ]
        .map(Into::into),
    );
    paths.sort();
    assert_eq!(files.keys().cloned().collect::<Vec<_>>(), paths);
}

#[test]
fn a_field_has_the_elements_of_its_type_in_the_api_s_order() {
    let boolean = StatusValues {
        realized: "true".to_owned(),
        existing: "true".to_owned(),
        exited: "false".to_owned(),
    };
    let common = |more: &[&'static str]| {
        let mut names = vec!["fullName", "description", "externalId", "inlineHelpText", "label"];
        names.extend(more);
        names.sort_by_key(|name| (*name != "fullName", *name));
        names
    };
    for (field_type, name, names, facts) in [
        (
            LONG_TEXT,
            "LongTextArea",
            common(&["length", "type", "visibleLines"]),
            &[("length", "256"), ("visibleLines", "2")][..],
        ),
        (
            StatusFieldType::Text { length: 80 },
            "Text",
            common(&["length", "required", "type", "unique"]),
            &[("length", "80"), ("required", "false"), ("unique", "false")],
        ),
        (
            StatusFieldType::Picklist { restricted: true },
            "Picklist",
            common(&["required", "type", "valueSet"]),
            &[("required", "false")],
        ),
        (
            StatusFieldType::Checkbox,
            "Checkbox",
            common(&["defaultValue", "type"]),
            &[("defaultValue", "false")],
        ),
    ] {
        let mut of = activation(RecordType::Lead, WriteMode::UpdateById);
        if field_type == StatusFieldType::Checkbox {
            of.status_values = boolean.clone();
        }
        let files = files(&package(&of, &[], &definition(field_type)));
        let object = parse(&files["unpackaged/objects/Lead.object"]);
        assert_eq!(
            (object.name.as_str(), object.names()),
            ("CustomObject", vec!["fields"; 2])
        );
        let field = &object.children[0];
        assert_eq!(field.names(), names, "{name}");
        assert_eq!(field.value("type"), name);
        for (element, value) in facts {
            assert_eq!(field.value(element), *value, "{name}.{element}");
        }
        if name == "Picklist" {
            let set = field.child("valueSet");
            assert_eq!(set.names(), ["restricted", "valueSetDefinition"]);
            assert_eq!(set.value("restricted"), "true");
            let values = set.child("valueSetDefinition");
            assert_eq!(values.names(), ["sorted", "value", "value", "value"]);
            for (value, status) in values.all("value").iter().zip(["realized", "existing", "exited"]) {
                assert_eq!(value.names(), ["fullName", "default", "label"]);
                assert_eq!(
                    (value.value("fullName"), value.value("default")),
                    (status, "false")
                );
            }
        }
    }
}

#[test]
fn names_that_are_no_xml_come_back_as_they_were() {
    let of = activation(RecordType::Contact, WriteMode::UpdateById);
    let mut definition = definition(LONG_TEXT);
    definition.help_text = "a < b && \"c\" > 'd' ]]>".to_owned();
    let files = files(&package(&of, &[], &definition));
    let object = parse(&files["unpackaged/objects/Contact.object"]);
    let told: Vec<(&str, &str)> = object
        .children
        .iter()
        .map(|field| (field.value("label"), field.value("inlineHelpText")))
        .collect();
    let help = definition.help_text.as_str();
    assert_eq!(told, [("Cats & <dogs>", help), ("\"VIP\" ünï]]>", help)]);
    assert!(!object.children[0].value("description").contains('\u{1}'));
}

#[test]
fn permission_sets_open_every_field_of_the_destination() {
    let key_field = "Key__c".parse().unwrap();
    let upsert = activation(RecordType::Contact, WriteMode::Upsert { key_field });
    let files = files(&package(&upsert, &["s-2"], &definition(LONG_TEXT)));
    let sets: Vec<Node> = files
        .iter()
        .filter(|(path, _)| path.ends_with(".permissionset"))
        .map(|(_, content)| parse(content))
        .collect();
    let (delivery, people) = (&sets[0], &sets[1]);

    assert_eq!(
        delivery.names(),
        [
            "description",
            "fieldPermissions",
            "fieldPermissions",
            "hasActivationRequired",
            "label",
            "objectPermissions",
            "objectPermissions"
        ]
    );
    let fields = |set: &Node, editable: &str| {
        for permission in set.all("fieldPermissions") {
            assert_eq!(permission.names(), ["editable", "field", "readable"]);
            assert_eq!(permission.value("editable"), editable);
            assert_eq!(permission.value("readable"), "true");
        }
        let names = set.all("fieldPermissions").into_iter();
        names
            .map(|permission| permission.value("field").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(delivery, "true"), ["Contact.cats__c", "Contact.vip__c"]);
    assert_eq!(fields(people, "false"), ["Contact.cats__c", "Contact.vip__c"]);

    // Contacts cannot be opened without reading Accounts.
    let objects: Vec<[&str; 4]> = delivery
        .all("objectPermissions")
        .into_iter()
        .map(|permission| {
            assert_eq!(
                permission.names(),
                [
                    "allowCreate",
                    "allowDelete",
                    "allowEdit",
                    "allowRead",
                    "modifyAllRecords",
                    "object",
                    "viewAllRecords"
                ]
            );
            ["object", "allowRead", "allowEdit", "allowCreate"].map(|name| permission.value(name))
        })
        .collect();
    assert_eq!(
        objects,
        [
            ["Account", "true", "false", "false"],
            ["Contact", "true", "true", "true"]
        ]
    );
    assert!(people.all("objectPermissions").is_empty());

    // The other field must be there already.
    let object = parse(&files["unpackaged/objects/Contact.object"]);
    assert_eq!(object.children.len(), 1);
    let readme = &files["README.txt"];
    assert!(
        readme.contains("must be in the org already:\n  cats__c"),
        "{readme}"
    );
}

#[test]
fn the_permission_to_create_is_given_where_the_destination_may_create() {
    let mut of = activation(
        RecordType::Lead,
        WriteMode::Upsert {
            key_field: "Key__c".parse().unwrap(),
        },
    );
    for (create, expected) in [(Create::Allowed, "true"), (Create::Never, "false")] {
        of.creation_rules.create = create;
        let files = files(&package(&of, &[], &definition(LONG_TEXT)));
        let granted: Vec<String> = files
            .iter()
            .filter(|(path, _)| path.ends_with(".permissionset"))
            .flat_map(|(_, content)| {
                let set = parse(content);
                let objects = set.all("objectPermissions").into_iter();
                objects
                    .map(|object| object.value("allowCreate").to_owned())
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(granted, [expected], "{create:?}");
    }
}

#[test]
fn equal_input_gives_equal_bytes_and_a_readme_says_how_to_deploy() {
    let of = activation(RecordType::Contact, WriteMode::UpdateById);
    let definition = definition(LONG_TEXT);
    let package_of = || package(&of, &[], &definition);
    assert_eq!(package_of(), package_of());

    let readme = files(&package_of())["README.txt"].clone();
    for part in [
        "sf project deploy start --metadata-dir sluice/unpackaged",
        "Workbench",
        "Setup → Object Manager → Contact → Page Layouts",
        "Contact.vip__c: \"VIP\" ünï]]> (segment s-2)",
    ] {
        assert!(readme.contains(part), "no {part} in\n{readme}");
    }
}
