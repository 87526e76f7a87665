//! What files say, read.

use std::{collections::BTreeMap, fmt::Write, io::Read, path::Path};

use anyhow::{Context, bail};
use contracts::{
    config::v1::{Connection, DesiredState, Destination},
    json::DESCRIPTORS,
};
use prost::Message;
use prost_reflect::MessageDescriptor;
use serde_json::{Map, Value};

use super::words::{Problem, lengthen};
use crate::client::Servers;

/// The connections and destinations of some files; whole names, each once.
#[derive(Debug, Default)]
pub(super) struct Configuration {
    pub(super) connections: Vec<Connection>,
    pub(super) destinations: Vec<Wanted>,
    /// Whether a file has the list at all, if only an empty one.
    pub(super) lists_connections: bool,
    pub(super) lists_destinations: bool,
}

/// One destination of a file.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) destination: Destination,
    /// Those that are left out entirely are somebody else's concern.
    pub(super) says_field_mappings: bool,
    pub(super) says_segments: bool,
}

impl Configuration {
    /// Reads files; `-` is standard input.
    pub(super) fn read(files: &[impl AsRef<Path>], servers: &Servers) -> anyhow::Result<Self> {
        let mut all = Self::default();
        for file in files {
            let file = file.as_ref();
            let is_stdin = file.as_os_str() == "-";
            let shown = if is_stdin {
                "standard input".to_owned()
            } else {
                file.display().to_string()
            };
            let text = if is_stdin {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).map(|_| text)
            } else {
                std::fs::read_to_string(file)
            };
            let text = text.with_context(|| format!("{shown} cannot be read"))?;
            let read = Self::parse(&text, servers).map_err(|problems| {
                let mut text = format!("{shown} says what cannot be taken:");
                for Problem { path, problem } in problems {
                    let _ = write!(text, "\n  {path}: {problem}");
                }
                anyhow::anyhow!(text)
            });
            let read = read?;
            for connection in read.connections {
                // Each exported file has its own login.
                if !all.connections.contains(&connection) {
                    all.connections.push(connection);
                }
            }
            all.destinations.extend(read.destinations);
            all.lists_connections |= read.lists_connections;
            all.lists_destinations |= read.lists_destinations;
        }
        let names = all.connections.iter().map(|connection| &connection.name);
        let names = names.chain(all.destinations.iter().map(|wanted| &wanted.destination.name));
        let mut times: BTreeMap<&str, usize> = BTreeMap::new();
        for name in names {
            *times.entry(name).or_default() += 1;
        }
        if let Some((name, times)) = times.into_iter().find(|(_, times)| *times > 1) {
            bail!("{name} is there {times} times; say it once");
        }
        Ok(all)
    }

    fn parse(text: &str, servers: &Servers) -> Result<Self, Vec<Problem>> {
        let whole: Value = serde_saphyr::from_str(text)
            .map_err(|error| vec![Problem::new("not YAML", error.to_string())])?;
        let mut lists = match whole {
            Value::Object(lists) => lists,
            Value::Null => Map::new(),
            _ => {
                let problem = "must have connections, destinations, or both, each a list";
                return Err(vec![Problem::new("the file", problem)]);
            }
        };
        let mut wrong = Vec::new();
        let (lists_connections, lists_destinations) = (
            lists.contains_key("connections"),
            lists.contains_key("destinations"),
        );
        let connections = rows("connections", "Connection", &mut lists, &mut wrong);
        let destinations = rows("destinations", "Destination", &mut lists, &mut wrong);
        for other in lists.keys() {
            wrong.push(Problem::new(
                other,
                "is not known; what can be said here: connections, destinations",
            ));
        }
        let mut read = Self {
            lists_connections,
            lists_destinations,
            ..Self::default()
        };
        for row in connections {
            let Some(mut connection) = row.message::<Connection>(&mut wrong) else {
                continue;
            };
            whole_name(
                &row.at("name"),
                &mut connection.name,
                |name| servers.connection_name(name),
                &mut wrong,
            );
            if connection.display_name.is_empty() {
                connection.display_name = super::super::text::short(&connection.name);
            }
            read.connections.push(connection);
        }
        for row in destinations {
            let Some(mut destination) = row.message::<Destination>(&mut wrong) else {
                continue;
            };
            whole_name(
                &row.at("name"),
                &mut destination.name,
                |name| servers.destination_name(name),
                &mut wrong,
            );
            whole_name(
                &row.at("connection"),
                &mut destination.connection,
                |name| servers.connection_name(name),
                &mut wrong,
            );
            if destination.display_name.is_empty() {
                destination.display_name = super::super::text::short(&destination.name);
            }
            if destination.desired_state() == DesiredState::Deleting {
                wrong.push(Problem::new(
                    row.at("desired_state"),
                    "must be DRAFT, ENABLED or DISABLED; to delete it, leave it out of the file and apply with --prune \
                     destinations",
                ));
            }
            read.destinations.push(Wanted {
                destination,
                says_field_mappings: row.says("field_mappings"),
                says_segments: row.says("segments"),
            });
        }
        if wrong.is_empty() { Ok(read) } else { Err(wrong) }
    }
}

/// One element of a list.
struct Row {
    path: String,
    descriptor: MessageDescriptor,
    value: Value,
}

impl Row {
    fn at(&self, field: &str) -> String {
        format!("{}.{field}", self.path)
    }

    fn says(&self, field: &str) -> bool {
        let json_name = self.descriptor.get_field_by_name(field);
        let json_name = json_name.as_ref().map_or("", |field| field.json_name());
        [field, json_name]
            .iter()
            .any(|name| self.value.get(name).is_some_and(|value| !value.is_null()))
    }

    fn message<M: Message + Default>(&self, wrong: &mut Vec<Problem>) -> Option<M> {
        match json_api::read_message(&self.descriptor, &self.value) {
            Ok(message) => Some(message.transcode_to().expect("it was read as this message")),
            Err(violations) => {
                wrong.extend(violations.into_iter().map(|violation| {
                    // A path there begins inside the message.
                    let path = match violation.field.as_str() {
                        "body" => self.path.clone(),
                        field => self.at(field),
                    };
                    Problem::new(path, violation.description)
                }));
                None
            }
        }
    }
}

/// Takes a list out of a file; notes what no row can say.
fn rows(list: &str, message: &str, lists: &mut Map<String, Value>, wrong: &mut Vec<Problem>) -> Vec<Row> {
    let descriptor = DESCRIPTORS
        .get_message_by_name(&format!("sluice.config.v1.{message}"))
        .expect("the message is one of ours");
    let values = match lists.shift_remove(list) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values,
        Some(_) => {
            wrong.push(Problem::new(list, "must be a list: begin each with a hyphen"));
            Vec::new()
        }
    };
    let mut rows = Vec::new();
    for (index, mut value) in values.into_iter().enumerate() {
        let path = format!("{list}[{index}]");
        let before = wrong.len();
        lengthen(&descriptor, &mut value, &path, wrong);
        if wrong.len() == before {
            rows.push(Row {
                path,
                descriptor: descriptor.clone(),
                value,
            });
        }
    }
    rows
}

fn whole_name(
    path: &str,
    name: &mut String,
    whole: impl FnOnce(&str) -> anyhow::Result<String>,
    wrong: &mut Vec<Problem>,
) {
    if name.is_empty() {
        wrong.push(Problem::new(path, "is required"));
        return;
    }
    match whole(name) {
        Ok(whole) => *name = whole,
        Err(error) => wrong.push(Problem::new(path, error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use contracts::config::v1::RecordType;

    use super::*;

    fn servers() -> Servers {
        Servers::new(
            "http://127.0.0.1:1",
            "http://127.0.0.1:1",
            "http://127.0.0.1:1",
            "acme",
        )
        .unwrap()
    }

    fn parse(text: &str) -> Result<Configuration, Vec<String>> {
        Configuration::parse(text, &servers()).map_err(|problems| {
            problems
                .into_iter()
                .map(|problem| format!("{}: {}", problem.path, problem.problem))
                .collect()
        })
    }

    #[tokio::test]
    async fn a_file_names_things_by_short_words_and_leaves_to_others_what_it_leaves_out() {
        let read = parse(
            "connections:\n\
             - {name: crm, customDomain: acme}\n\
             destinations:\n\
             - name: contacts\n  connection: crm\n  record_type: contact\n  desired_state: ENABLED\n  segments: []\n\
             - name: workspaces/acme/destinations/leads\n  connection: workspaces/acme/connections/crm\n\
            \x20 record_type: RECORD_TYPE_LEAD\n  display_name: Leads\n  fieldMappings: []\n",
        )
        .unwrap();

        let connection = &read.connections[0];
        assert_eq!(
            (
                &*connection.name,
                &*connection.display_name,
                &*connection.custom_domain
            ),
            ("workspaces/acme/connections/crm", "crm", "acme")
        );
        let [contacts, leads] = &read.destinations[..] else {
            panic!("{:?}", read.destinations)
        };
        assert_eq!(contacts.destination.name, "workspaces/acme/destinations/contacts");
        assert_eq!(contacts.destination.connection, leads.destination.connection);
        assert_eq!(contacts.destination.record_type(), RecordType::Contact);
        assert_eq!(contacts.destination.desired_state(), DesiredState::Enabled);
        assert_eq!(
            (contacts.says_field_mappings, contacts.says_segments),
            (false, true)
        );
        assert_eq!((leads.says_field_mappings, leads.says_segments), (true, false));
    }

    #[tokio::test]
    async fn everything_wrong_in_a_file_is_named_by_its_place() {
        let wrong = parse(
            "connexions: []\n\
             connections:\n- name: Not An Id\n\
             destinations:\n- record_type: ACCOUNT\n- name: a\n  connection: b\n  segments: {}\n  max_delay: soon\n",
        )
        .unwrap_err();
        let places: Vec<&str> = wrong.iter().filter_map(|text| text.split(':').next()).collect();
        assert_eq!(
            places,
            [
                "destinations[0].record_type",
                "connexions",
                "connections[0].name",
                "destinations[1].segments",
                "destinations[1].max_delay",
            ],
            "{wrong:#?}"
        );
        assert!(parse("a: [\n").unwrap_err()[0].contains("line"));
        assert!(parse("a: 1\na: 2\n").unwrap_err()[0].contains("duplicate"));
        assert!(parse("- 1").unwrap_err()[0].starts_with("the file: must have connections"));
        assert!(parse("").unwrap().connections.is_empty());
    }
}
