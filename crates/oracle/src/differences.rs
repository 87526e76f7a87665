//! Comparing two states of an org.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Records;

/// Returns every difference as a sentence, at most `limit` of them, by object, record and field; none means equal.
///
/// A null field is the same as an absent one.
pub fn differences(
    expected: &BTreeMap<String, Records>,
    found: &BTreeMap<String, Records>,
    limit: usize,
) -> Vec<String> {
    let none = Records::new();
    let mut sentences = Vec::new();
    for object in keys_of_both(expected, found) {
        let expected = expected.get(object).unwrap_or(&none);
        let found = found.get(object).unwrap_or(&none);
        for id in keys_of_both(expected, found) {
            match (expected.get(id), found.get(id)) {
                (Some(expected), Some(found)) if expected == found => {}
                (Some(expected), Some(found)) => {
                    sentences.extend(field_differences(&format!("{object} {id}"), expected, found));
                }
                (Some(_), None) => sentences.push(format!("{object} {id}: expected the record, found none")),
                (None, _) => sentences.push(format!("{object} {id}: expected no record, found one")),
            }
            if sentences.len() >= limit {
                sentences.truncate(limit);
                return sentences;
            }
        }
    }
    sentences
}

fn field_differences(
    record: &str,
    expected: &BTreeMap<String, Value>,
    found: &BTreeMap<String, Value>,
) -> Vec<String> {
    let mut sentences = Vec::new();
    for field in keys_of_both(expected, found) {
        let expected = expected.get(field).unwrap_or(&Value::Null);
        let found = found.get(field).unwrap_or(&Value::Null);
        if expected != found {
            sentences.push(format!(
                "{record}, field {field}: expected {expected}, found {found}"
            ));
        }
    }
    sentences
}

fn keys_of_both<'a, V>(
    left: &'a BTreeMap<String, V>,
    right: &'a BTreeMap<String, V>,
) -> BTreeSet<&'a String> {
    left.keys().chain(right.keys()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn contacts(records: Value) -> BTreeMap<String, Records> {
        BTreeMap::from([("Contact".to_owned(), serde_json::from_value(records).unwrap())])
    }

    #[test]
    fn equal_states_have_no_differences() {
        let state = contacts(json!({"003A": {"LastName": "Rossi"}}));

        assert!(differences(&state, &state.clone(), 10).is_empty());
    }

    #[test]
    fn a_difference_names_record_field_expected_and_found() {
        let expected = contacts(json!({"003A": {"LastName": "Rossi", "Email": "a@b.c"}}));
        let found = contacts(json!({"003A": {"LastName": "Bianchi", "Phone": "1"}}));

        assert_eq!(
            differences(&expected, &found, 10),
            [
                r#"Contact 003A, field Email: expected "a@b.c", found null"#,
                r#"Contact 003A, field LastName: expected "Rossi", found "Bianchi""#,
                r#"Contact 003A, field Phone: expected null, found "1""#,
            ]
        );
    }

    #[test]
    fn a_missing_and_a_surplus_record_are_differences() {
        let expected = contacts(json!({"003A": {}}));
        let found = contacts(json!({"003B": {}}));

        assert_eq!(
            differences(&expected, &found, 10),
            [
                "Contact 003A: expected the record, found none",
                "Contact 003B: expected no record, found one"
            ]
        );
    }

    #[test]
    fn a_missing_object_is_its_records_missing() {
        let expected = contacts(json!({"003A": {}}));

        assert_eq!(
            differences(&expected, &BTreeMap::new(), 10),
            ["Contact 003A: expected the record, found none"]
        );
    }

    #[test]
    fn a_null_field_equals_an_absent_one() {
        let expected = contacts(json!({"003A": {}}));
        let found = contacts(json!({"003A": {"Email": null}}));

        assert!(differences(&expected, &found, 10).is_empty());
    }

    #[test]
    fn no_more_than_the_limit_is_returned() {
        let expected = contacts(json!({"003A": {"A": 1, "B": 1, "C": 1}, "003B": {"A": 1}}));
        let found = contacts(json!({"003A": {}, "003B": {}}));

        assert_eq!(differences(&expected, &found, 2).len(), 2);
        assert_eq!(differences(&expected, &found, 10).len(), 4);
        assert!(differences(&expected, &found, 0).is_empty());
    }
}
