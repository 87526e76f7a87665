//! The faults: each one that somebody could really make.

/// One exact text, and what stands there instead.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) file: &'static str,
    pub(super) right: &'static str,
    pub(super) wrong: &'static str,
}

const MAP: &str = "crates/activation/src/map.rs";
const VALUE: &str = "crates/activation/src/map/value.rs";
const RECORD: &str = "crates/activation/src/record.rs";

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        name: "the older of two values wins",
        file: RECORD,
        right: "held.get().version <= write.version",
        wrong: "held.get().version >= write.version",
    },
    Fault {
        name: "an explicit null is taken for an absent attribute",
        file: VALUE,
        right: "AttributeValue::Null) => return Ok(null(planned)),",
        wrong: "AttributeValue::Null) => return Ok(None),",
    },
    Fault {
        name: "`existing` is written as `realized`",
        file: MAP,
        right: "FieldValue::Text(text.to_owned())",
        wrong: "FieldValue::Text(text.replace(\"existing\", \"realized\"))",
    },
    Fault {
        name: "an exit is dropped when the last name is missing",
        file: MAP,
        right: "if exits.is_empty() || rules.write_mode != WriteMode::UpdateById {",
        wrong: "if true || exits.is_empty() || rules.write_mode != WriteMode::UpdateById {",
    },
    Fault {
        name: "only the first id of a namespace counts",
        file: MAP,
        right: ".map(|(index, identity)| (index, identity.id.as_str()))",
        wrong: ".map(|(index, identity)| (index, identity.id.as_str())).take(1)",
    },
];

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::repository;

    #[test]
    fn each_fault_has_one_place() {
        for fault in FAULTS {
            let text = fs::read_to_string(repository::root().join(fault.file)).unwrap();
            assert_eq!(text.matches(fault.right).count(), 1, "{}", fault.name);
        }
    }
}
