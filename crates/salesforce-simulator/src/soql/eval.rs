//! Conditions and orders, as they hold for records.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::Value;

use super::plan::{Column, Plan};
use super::query::{Literal, Name, Operator, Problem};
use crate::clock::{date_in, datetime_in};
use crate::ids::RecordId;
use crate::org::Record;
use crate::schema::{Field, FieldType};

/// A condition whose fields are found and whose values fit them.
#[derive(Debug)]
pub(super) enum Test {
    And(Vec<Test>),
    Or(Vec<Test>),
    Not(Box<Test>),
    /// None stands for null.
    Compare(Column, Operator, Option<Key>),
    Like(Column, Pattern),
    OneOf {
        column: Column,
        is_in: bool,
        texts: HashSet<String>,
        others: Vec<Key>,
        with_null: bool,
    },
}

/// A value as it is compared.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub(super) enum Key {
    Boolean(bool),
    Number(f64),
    /// Milliseconds since the epoch.
    Time(i64),
    /// Without its case, unless that counts; an id in its short form.
    Text(String),
}

/// What `LIKE` compares with.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Wild>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wild {
    /// `%`
    Any,
    /// `_`
    One,
    Is(char),
}

impl Test {
    pub(super) fn compare(
        column: Column,
        operator: Operator,
        value: &Literal,
        name: &Name,
    ) -> Result<Self, Problem> {
        if operator == Operator::Like {
            return match value {
                Literal::Text(pattern) if column.field.field_type.is_text() => {
                    Ok(Self::Like(column, Pattern::new(pattern)))
                }
                _ => Err(invalid_operator(&column.field, name)),
            };
        }
        let is_ordering = !matches!(operator, Operator::Equal | Operator::NotEqual);
        if is_ordering && column.field.field_type == FieldType::Boolean {
            return Err(invalid_operator(&column.field, name));
        }
        let key = key_of_literal(&column.field, value, name)?;
        Ok(Self::Compare(column, operator, key))
    }

    pub(super) fn one_of(
        column: Column,
        is_in: bool,
        values: &[Literal],
        name: &Name,
    ) -> Result<Self, Problem> {
        let mut texts = HashSet::new();
        let mut others = Vec::new();
        let mut with_null = false;
        for value in values {
            match key_of_literal(&column.field, value, name)? {
                Some(Key::Text(text)) => {
                    texts.insert(text);
                }
                Some(other) => others.push(other),
                None => with_null = true,
            }
        }
        Ok(Self::OneOf {
            column,
            is_in,
            texts,
            others,
            with_null,
        })
    }

    pub(super) fn holds(&self, plan: &Plan<'_>, record: &Record) -> bool {
        match self {
            Self::And(tests) => tests.iter().all(|test| test.holds(plan, record)),
            Self::Or(tests) => tests.iter().any(|test| test.holds(plan, record)),
            Self::Not(test) => !test.holds(plan, record),
            Self::Compare(column, operator, expected) => {
                let actual = key(&column.field, &plan.value(record, column));
                let ordering = match (&actual, expected) {
                    (Some(actual), Some(expected)) => actual.partial_cmp(expected),
                    _ => None,
                };
                match operator {
                    Operator::Equal => actual == *expected,
                    Operator::NotEqual => actual != *expected,
                    Operator::Less => ordering == Some(Ordering::Less),
                    Operator::LessOrEqual => ordering.is_some_and(Ordering::is_le),
                    Operator::Greater => ordering == Some(Ordering::Greater),
                    Operator::GreaterOrEqual => ordering.is_some_and(Ordering::is_ge),
                    Operator::Like => false,
                }
            }
            Self::Like(column, pattern) => plan
                .value(record, column)
                .as_str()
                .is_some_and(|text| pattern.matches(text)),
            Self::OneOf {
                column,
                is_in,
                texts,
                others,
                with_null,
            } => {
                let found = match key(&column.field, &plan.value(record, column)) {
                    Some(Key::Text(text)) => texts.contains(&text),
                    Some(other) => others.contains(&other),
                    None => *with_null,
                };
                found == *is_in
            }
        }
    }
}

/// Sorts records by columns, each ascending or descending with nulls first or last; equal ones keep their order.
pub(super) fn in_order(plan: &Plan<'_>, order: &[(Column, bool, bool)], records: &mut [&Record]) {
    if order.is_empty() {
        return;
    }
    records.sort_by_cached_key(|record| {
        let keys = order.iter().map(|(column, is_descending, nulls_last)| SortKey {
            key: key(&column.field, &plan.value(record, column)),
            is_descending: *is_descending,
            nulls_last: *nulls_last,
        });
        keys.collect::<Vec<_>>()
    });
}

#[derive(Debug, PartialEq)]
struct SortKey {
    key: Option<Key>,
    is_descending: bool,
    nulls_last: bool,
}

impl Eq for SortKey {}

impl PartialOrd for SortKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SortKey {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.key, &other.key) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) if self.nulls_last => Ordering::Greater,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) if self.nulls_last => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(one), Some(two)) => {
                // Stored numbers are finite, so any two values of one field have an order.
                let ordering = one.partial_cmp(two).unwrap_or(Ordering::Equal);
                if self.is_descending {
                    ordering.reverse()
                } else {
                    ordering
                }
            }
        }
    }
}

impl Pattern {
    fn new(text: &str) -> Self {
        let mut wilds = Vec::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                '%' => wilds.push(Wild::Any),
                '_' => wilds.push(Wild::One),
                '\\' => wilds.extend(
                    characters
                        .next()
                        .into_iter()
                        .flat_map(char::to_lowercase)
                        .map(Wild::Is),
                ),
                other => wilds.extend(other.to_lowercase().map(Wild::Is)),
            }
        }
        Self(wilds)
    }

    /// Matches without case. Takes back only the last `%`, so the time is at most pattern × text.
    fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let (mut at, mut wild) = (0, 0);
        let mut retry: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.0.get(wild) {
                Some(Wild::Any) => {
                    retry = Some((at, wild));
                    wild += 1;
                }
                Some(Wild::One) => (at, wild) = (at + 1, wild + 1),
                Some(Wild::Is(character)) if *character == text[at] => (at, wild) = (at + 1, wild + 1),
                _ => match &mut retry {
                    Some((start, any)) => {
                        *start += 1;
                        (at, wild) = (*start, *any + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0[wild.min(self.0.len())..]
            .iter()
            .all(|wild| *wild == Wild::Any)
    }
}

/// Returns a stored value as it is compared.
fn key(field: &Field, value: &Value) -> Option<Key> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::Bool(flag) => Some(Key::Boolean(*flag)),
        Value::Number(number) => number.as_f64().map(Key::Number),
        Value::String(text) => match field.field_type {
            FieldType::Date | FieldType::Datetime => milliseconds(text).map(Key::Time),
            FieldType::Id | FieldType::Reference => {
                let id = RecordId::parse(text);
                Some(Key::Text(
                    id.map_or_else(|| text.clone(), |id| id.short().to_owned()),
                ))
            }
            _ if field.case_sensitive => Some(Key::Text(text.clone())),
            _ => Some(Key::Text(text.to_lowercase())),
        },
    }
}

/// Returns a written value as values of `field` are compared; none for null.
fn key_of_literal(field: &Field, literal: &Literal, name: &Name) -> Result<Option<Key>, Problem> {
    let kind = field.field_type;
    match literal {
        Literal::Null => Ok(None),
        Literal::Boolean(flag) if kind == FieldType::Boolean => Ok(Some(Key::Boolean(*flag))),
        Literal::Number(number) if kind.is_number() => Ok(Some(Key::Number(*number))),
        Literal::Text(text) if matches!(kind, FieldType::Id | FieldType::Reference) => {
            let id = RecordId::parse(text).ok_or_else(|| {
                let message = format!("invalid ID field: {text}");
                Problem::new("INVALID_QUERY_FILTER_OPERATOR", name.at, message)
            })?;
            Ok(Some(Key::Text(id.short().to_owned())))
        }
        // An empty text is null in the database (salesforce-contract.md §9).
        Literal::Text(text) if kind.is_text() && text.is_empty() => Ok(None),
        Literal::Text(text) if kind.is_text() => Ok(key(field, &Value::String(text.clone()))),
        Literal::Date(text) if is_written_as(kind, text) => {
            let time = milliseconds(text).ok_or_else(|| wrong_type(field, name))?;
            Ok(Some(Key::Time(time)))
        }
        Literal::Boolean(_) | Literal::Number(_) | Literal::Text(_) | Literal::Date(_) => {
            Err(wrong_type(field, name))
        }
    }
}

fn is_written_as(kind: FieldType, text: &str) -> bool {
    match kind {
        FieldType::Date => text.len() == 10,
        FieldType::Datetime => text.len() > 10,
        _ => false,
    }
}

fn milliseconds(text: &str) -> Option<i64> {
    let time = match date_in(text) {
        Some(date) => date.and_hms_opt(0, 0, 0)?.and_utc(),
        None => datetime_in(text)?,
    };
    Some(time.timestamp_millis())
}

fn wrong_type(field: &Field, name: &Name) -> Problem {
    let kind = field.field_type;
    let is_quoted = kind.is_text() || matches!(kind, FieldType::Id | FieldType::Reference);
    let quotes = if is_quoted { "should be" } else { "should not be" };
    Problem::new(
        "INVALID_FIELD",
        name.at,
        format!(
            "value of filter criterion for field '{}' must be of type {} and {quotes} enclosed in quotes",
            name.text,
            kind.name()
        ),
    )
}

fn invalid_operator(field: &Field, name: &Name) -> Problem {
    Problem::new(
        "INVALID_QUERY_FILTER_OPERATOR",
        name.at,
        format!("invalid operator on {} field", field.field_type.name()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_any_and_one() {
        for (pattern, text) in [
            ("a%c", "ABBC"),
            ("%", ""),
            ("_b%", "abc"),
            ("%b%b%", "abcab"),
            ("50\\%", "50%"),
            ("a\\_b", "a_b"),
            ("ÄÖ", "äö"),
        ] {
            assert!(Pattern::new(pattern).matches(text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a%c", "abcd"),
            ("_", ""),
            ("50\\%", "500"),
            ("a\\_b", "axb"),
            ("", "a"),
        ] {
            assert!(!Pattern::new(pattern).matches(text), "{pattern} {text}");
        }
        let slow = "a".repeat(2_000);
        assert!(!Pattern::new(&format!("{}b", "%a".repeat(50))).matches(&slow));
    }
}
