//! Names of a query, found in the objects of an org.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value;

use super::eval::{Test, in_order};
use super::query::{Condition, Literal, Name, Problem, Query, Select, Set};
use crate::ids::RecordId;
use crate::org::{Record, Rules};
use crate::refusal::CallError;
use crate::schema::{Field, relationship_name};
use crate::setup;

/// Most rows that may be skipped. Source: Salesforce, "SOQL and SOSL Reference", OFFSET.
const MAX_OFFSET: usize = 2_000;

/// An object as one user sees it.
#[derive(Debug)]
pub(crate) struct Entity<'a> {
    pub name: &'static str,
    /// In describe order.
    pub fields: Vec<Arc<Field>>,
    pub rows: Rows<'a>,
}

/// Records that are stored, or were made for this query.
#[derive(Debug)]
pub(crate) enum Rows<'a> {
    /// Those that the rules hide are not there.
    Stored(&'a [Record], &'a Rules),
    Made(Vec<Record>),
}

/// What a query can reach.
pub(crate) trait Entities<'a> {
    /// Finds an object by its name in any case.
    fn entity(&self, name: &str) -> Option<Entity<'a>>;
}

impl<'a, F: Fn(&str) -> Option<Entity<'a>>> Entities<'a> for F {
    fn entity(&self, name: &str) -> Option<Entity<'a>> {
        self(name)
    }
}

/// A query whose names are all found.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub entity: Entity<'a>,
    /// None counts.
    pub columns: Option<Vec<Column>>,
    parents: Parents<'a>,
    test: Option<Test>,
    order: Vec<(Column, bool, bool)>,
    limit: usize,
    offset: usize,
}

/// A field of the queried object, or of a record it refers to.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// The lookups on the way, outermost first.
    pub path: Vec<Step>,
    pub field: Arc<Field>,
}

/// One lookup on the way to a parent's field.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub lookup: Arc<Field>,
    /// As describe writes it.
    pub relationship: String,
    pub object: &'static str,
}

/// The objects that columns lead to, by name, and where their records are.
#[derive(Debug, Default)]
struct Parents<'a>(HashMap<&'static str, (Entity<'a>, HashMap<RecordId, usize>)>);

impl Deref for Rows<'_> {
    type Target = [Record];

    fn deref(&self) -> &[Record] {
        match self {
            Self::Stored(records, _) => records,
            Self::Made(records) => records,
        }
    }
}

impl Rows<'_> {
    /// Returns what the user can see, each record with its place.
    fn visible(&self) -> impl Iterator<Item = (usize, &Record)> {
        self.iter().enumerate().filter(|(_, record)| match self {
            Self::Stored(_, rules) => rules.is_visible(record.id),
            Self::Made(_) => true,
        })
    }
}

impl Entity<'_> {
    fn field(&self, name: &str) -> Option<&Arc<Field>> {
        self.fields
            .iter()
            .find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl<'a> Plan<'a> {
    /// Finds the names of `query`, which was read from `text`.
    ///
    /// # Errors
    /// 400 `INVALID_TYPE`, `INVALID_FIELD` and what a value may not be compared with.
    pub(crate) fn new(entities: &impl Entities<'a>, query: &Query, text: &str) -> Result<Self, CallError> {
        Self::build(entities, query).map_err(|problem| problem.of(text))
    }

    fn build(entities: &impl Entities<'a>, query: &Query) -> Result<Self, Problem> {
        let object = &query.object;
        let entity = entities
            .entity(&object.text)
            .ok_or_else(|| no_such_object(object))?;
        let mut finder = Finder {
            entities,
            parents: Parents::default(),
        };
        let columns = match &query.select {
            Select::Count => None,
            Select::Fields(names) => {
                let mut columns = Vec::with_capacity(names.len());
                for name in names {
                    columns.extend(finder.selected(&entity, name, query.limit)?);
                }
                Some(columns)
            }
        };
        let test = match &query.condition {
            Some(condition) => Some(finder.test(&entity, condition)?),
            None => None,
        };
        let mut order = Vec::with_capacity(query.order.len());
        for by in &query.order {
            let column = finder.column(&entity, &by.field)?;
            if column.field.is_long_text() {
                let message = format!("field '{}' can not be sorted in a query call", by.field.text);
                return Err(Problem::new("INVALID_FIELD", by.field.at, message));
            }
            order.push((column, by.is_descending, by.nulls_last));
        }
        if query.offset > MAX_OFFSET {
            let message = format!("Maximum SOQL offset allowed is {MAX_OFFSET}");
            return Err(Problem::new("NUMBER_OUTSIDE_VALID_RANGE", object.at, message));
        }
        Ok(Self {
            entity,
            columns,
            parents: finder.parents,
            test,
            order,
            limit: query.limit.unwrap_or(usize::MAX),
            offset: query.offset,
        })
    }

    /// Returns the records that the query finds, in its order; deleted ones only `with_deleted`.
    pub(crate) fn found(&self, with_deleted: bool) -> Vec<&Record> {
        let mut found: Vec<&Record> = self
            .entity
            .rows
            .visible()
            .map(|(_, record)| record)
            .filter(|record| with_deleted || !record.is("IsDeleted"))
            .filter(|record| self.test.as_ref().is_none_or(|test| test.holds(self, record)))
            .collect();
        in_order(self, &self.order, &mut found);
        found.into_iter().skip(self.offset).take(self.limit).collect()
    }

    /// Returns the value of a column; null where the way to it ends early.
    pub(crate) fn value(&self, record: &Record, column: &Column) -> Value {
        self.owner(record, &column.path)
            .map_or(Value::Null, |owner| setup::value(owner, &column.field))
    }

    /// Returns the record that holds what a path leads to.
    pub(crate) fn owner<'b>(&'b self, record: &'b Record, path: &[Step]) -> Option<&'b Record> {
        path.iter().try_fold(record, |record, step| {
            let id = setup::value(record, &step.lookup);
            self.parents.find(step.object, RecordId::parse(id.as_str()?)?)
        })
    }
}

impl<'a> Parents<'a> {
    fn add(&mut self, parent: Entity<'a>) {
        self.0.entry(parent.name).or_insert_with(|| {
            let by_id = parent
                .rows
                .visible()
                .map(|(index, record)| (record.id, index))
                .collect();
            (parent, by_id)
        });
    }

    fn find(&self, object: &str, id: RecordId) -> Option<&Record> {
        let (entity, by_id) = self.0.get(object)?;
        entity.rows.get(*by_id.get(&id)?)
    }
}

struct Finder<'e, 'a, E> {
    entities: &'e E,
    parents: Parents<'a>,
}

impl<'a, E: Entities<'a>> Finder<'_, 'a, E> {
    /// Returns the columns that a name in the `SELECT` stands for.
    fn selected(
        &mut self,
        entity: &Entity<'a>,
        name: &Name,
        limit: Option<usize>,
    ) -> Result<Vec<Column>, Problem> {
        let wanted: fn(&Field) -> bool = match name.text.as_str() {
            "FIELDS(ALL)" => |_| true,
            "FIELDS(STANDARD)" => |field| !field.is_custom(),
            "FIELDS(CUSTOM)" => Field::is_custom,
            _ => return Ok(vec![self.column(entity, name)?]),
        };
        if name.text != "FIELDS(STANDARD)" && limit.is_none_or(|limit| limit > 200) {
            let message = "The SOQL FIELDS function must have a LIMIT of at most 200".to_owned();
            return Err(Problem::malformed(name.at, message));
        }
        let fields = entity.fields.iter().filter(|field| wanted(field));
        Ok(fields
            .map(|field| Column {
                path: Vec::new(),
                field: Arc::clone(field),
            })
            .collect())
    }

    fn column(&mut self, entity: &Entity<'a>, name: &Name) -> Result<Column, Problem> {
        let mut steps: Vec<&str> = name.text.split('.').collect();
        let last = steps.pop().unwrap_or_default();
        let mut path: Vec<Step> = Vec::with_capacity(steps.len());
        for relationship in steps {
            let from = self.reached(entity, &path);
            let (step, parent) = self.step(from, relationship).ok_or_else(|| {
                let message = format!(
                    "Didn't understand relationship '{relationship}' in field path. If you are attempting to use a custom relationship, be sure to append the '__r' after the custom relationship name. Please reference your WSDL or the describe call for the appropriate names."
                );
                Problem::new("INVALID_FIELD", name.at, message)
            })?;
            path.push(step);
            self.parents.add(parent);
        }
        let owner = self.reached(entity, &path);
        let field = owner
            .field(last)
            .map(Arc::clone)
            .ok_or_else(|| no_such_column(name.at, last, owner.name))?;
        Ok(Column { path, field })
    }

    fn reached<'b>(&'b self, entity: &'b Entity<'a>, path: &[Step]) -> &'b Entity<'a> {
        path.last()
            .and_then(|step| self.parents.0.get(step.object))
            .map_or(entity, |(parent, _)| parent)
    }

    fn step(&self, from: &Entity<'a>, relationship: &str) -> Option<(Step, Entity<'a>)> {
        let (lookup, own) = from.fields.iter().find_map(|field| {
            let own = relationship_name(field)?;
            own.eq_ignore_ascii_case(relationship)
                .then(|| (Arc::clone(field), own))
        })?;
        let parent = lookup
            .reference_to
            .iter()
            .find_map(|object| self.entities.entity(object))?;
        let step = Step {
            lookup,
            relationship: own,
            object: parent.name,
        };
        Some((step, parent))
    }

    fn test(&mut self, entity: &Entity<'a>, condition: &Condition) -> Result<Test, Problem> {
        Ok(match condition {
            Condition::And(conditions) => Test::And(self.tests(entity, conditions)?),
            Condition::Or(conditions) => Test::Or(self.tests(entity, conditions)?),
            Condition::Not(condition) => Test::Not(Box::new(self.test(entity, condition)?)),
            Condition::Compare {
                field,
                operator,
                value,
            } => {
                let column = self.filtered(entity, field)?;
                Test::compare(column, *operator, value, field)?
            }
            Condition::In { field, is_in, set } => {
                let column = self.filtered(entity, field)?;
                let values = match set {
                    Set::Values(values) => values.clone(),
                    Set::Query(query) => self.inner(query)?,
                };
                Test::one_of(column, *is_in, &values, field)?
            }
        })
    }

    fn tests(&mut self, entity: &Entity<'a>, conditions: &[Condition]) -> Result<Vec<Test>, Problem> {
        conditions
            .iter()
            .map(|condition| self.test(entity, condition))
            .collect()
    }

    /// Runs a query inside of another: its one column becomes a list.
    fn inner(&self, query: &Query) -> Result<Vec<Literal>, Problem> {
        let plan = Plan::build(self.entities, query)?;
        let [column] = plan.columns.as_deref().unwrap_or_default() else {
            let message = "A semi join sub-select must select exactly one field".to_owned();
            return Err(Problem::malformed(query.object.at, message));
        };
        let values = plan
            .found(false)
            .into_iter()
            .filter_map(|record| match plan.value(record, column) {
                Value::String(text) => Some(Literal::Text(text)),
                Value::Bool(flag) => Some(Literal::Boolean(flag)),
                Value::Number(number) => number.as_f64().map(Literal::Number),
                _ => None,
            });
        Ok(values.collect())
    }

    fn filtered(&mut self, entity: &Entity<'a>, name: &Name) -> Result<Column, Problem> {
        let column = self.column(entity, name)?;
        if column.field.is_long_text() {
            let message = format!("field '{}' can not be filtered in a query call", name.text);
            return Err(Problem::new("INVALID_FIELD", name.at, message));
        }
        Ok(column)
    }
}

/// Source: salesforce-contract.md §3.2.
fn no_such_column(at: usize, field: &str, object: &str) -> Problem {
    Problem::new(
        "INVALID_FIELD",
        at,
        format!(
            "No such column '{field}' on entity '{object}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate names."
        ),
    )
}

/// Source: salesforce-contract.md §3.2.
fn no_such_object(object: &Name) -> Problem {
    Problem::new(
        "INVALID_TYPE",
        object.at,
        format!(
            "sObject type '{}' is not supported. If you are attempting to use a custom object, be sure to append the '__c' after the entity name. Please reference your WSDL or the describe call for the appropriate names.",
            object.text
        ),
    )
}
