//! A query as it was written, and what may be wrong with it.

use crate::refusal::CallError;

/// A query as written.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    pub select: Select,
    pub object: Name,
    pub condition: Option<Condition>,
    pub order: Vec<Order>,
    pub limit: Option<usize>,
    pub offset: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Select {
    /// `COUNT()`
    Count,
    Fields(Vec<Name>),
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub text: String,
    pub at: usize,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        field: Name,
        operator: Operator,
        value: Literal,
    },
    /// `IN` and, if not `is_in`, `NOT IN`.
    In {
        field: Name,
        is_in: bool,
        set: Set,
    },
}

#[derive(Debug, PartialEq)]
pub(crate) enum Set {
    Values(Vec<Literal>),
    /// `(SELECT field FROM object …)`
    Query(Box<Query>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Boolean(bool),
    Text(String),
    Number(f64),
    /// A date or a time, as written.
    Date(String),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Order {
    pub field: Name,
    pub is_descending: bool,
    pub nulls_last: bool,
}

/// What is wrong with a query, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    code: &'static str,
    at: usize,
    text: String,
}

impl Query {
    /// Takes the name of the object, or the alias it was given, away from the front of field names.
    pub(super) fn unqualify(&mut self, alias: Option<&str>) {
        let object = self.object.text.clone();
        let strip = |name: &mut Name| {
            if let Some((first, rest)) = name.text.split_once('.') {
                let is_own = first.eq_ignore_ascii_case(&object)
                    || alias.is_some_and(|alias| alias.eq_ignore_ascii_case(first));
                if is_own {
                    name.text = rest.to_owned();
                }
            }
        };
        if let Select::Fields(fields) = &mut self.select {
            fields.iter_mut().for_each(strip);
        }
        self.order.iter_mut().for_each(|order| strip(&mut order.field));
        if let Some(condition) = &mut self.condition {
            condition.each_field(&strip);
        }
    }
}

impl Condition {
    fn each_field(&mut self, change: &impl Fn(&mut Name)) {
        match self {
            Self::And(conditions) | Self::Or(conditions) => {
                for condition in conditions {
                    condition.each_field(change);
                }
            }
            Self::Not(condition) => condition.each_field(change),
            Self::Compare { field, .. } | Self::In { field, .. } => change(field),
        }
    }
}

impl Problem {
    pub(super) fn malformed(at: usize, text: String) -> Self {
        Self {
            code: "MALFORMED_QUERY",
            at,
            text,
        }
    }

    pub(super) fn new(code: &'static str, at: usize, text: String) -> Self {
        Self { code, at, text }
    }

    /// Returns the refusal, which points at the place as Salesforce does.
    pub(super) fn of(self, query: &str) -> CallError {
        let before = query.get(..self.at).unwrap_or(query);
        let row = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[line_start..].chars().count() + 1;
        let line = query[line_start..].lines().next().unwrap_or_default();
        let message = format!(
            "\n{line}\n{:>column$}\nERROR at Row:{row}:Column:{column}\n{}",
            '^', self.text
        );
        CallError::bad_request(self.code, message)
    }
}
