//! The part of SOQL that is read here: `SELECT` of fields, parents' fields and `COUNT()`, `WHERE` with every
//! comparison of plain values, `ORDER BY`, `LIMIT`, `OFFSET`. Source: Salesforce, "SOQL and SOSL Reference".

mod eval;
mod parse;
mod plan;
mod query;
mod token;

pub(crate) use parse::parse;
pub(crate) use plan::{Column, Entity, Plan, Rows};
