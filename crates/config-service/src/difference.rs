//! How two versions of something differ, in the words of the API.

use std::collections::BTreeSet;

use contracts::config::v1::SettingChange;
use serde_json::{Map, Value};

/// Lists how two objects differ, by the paths of their fields. `Null` is
/// nothing: all of the other is different then.
pub(crate) fn between(before: &Value, after: &Value) -> Vec<SettingChange> {
    let mut found = Vec::new();
    compare("", before, after, &mut found);
    found
}

/// Puts the rows of a list in its place, each by its name (`list[name]`): their
/// order says nothing then.
pub(crate) fn by_name(fields: &mut Map<String, Value>, list: &str, name: fn(&Value) -> Option<&Value>) {
    let Some(Value::Array(rows)) = fields.remove(list) else {
        return;
    };
    for row in rows {
        let name = name(&row).and_then(Value::as_str).unwrap_or_default().to_owned();
        fields.insert(format!("{list}[{name}]"), row);
    }
}

fn compare(path: &str, before: &Value, after: &Value, found: &mut Vec<SettingChange>) {
    if before == after {
        return;
    }
    let (old, new) = match (before, after) {
        (Value::Object(old), Value::Object(new)) => (old, new),
        // The whole: each of its fields is told.
        (Value::Null, Value::Object(new)) if path.is_empty() => (&Map::new(), new),
        _ => {
            found.push(SettingChange {
                path: path.to_owned(),
                before: text(before),
                after: text(after),
            });
            return;
        }
    };
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for name in names {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let at = |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
        compare(&path, &at(old), &at(new), found);
    }
}

/// Absent is nothing, not `null`.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => value.to_string(),
    }
}
