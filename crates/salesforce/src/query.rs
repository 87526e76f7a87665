//! SOQL queries, page by page (§9).

use std::fmt;

use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    API_VERSION, Http, Session,
    request::{RequestError, Unreadable, escaped, get},
    usage::Answered,
};

/// Where every page of every answer begins.
const DATA_PATH: &str = "/services/data/";

/// Some rows of a query.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// Rows of all pages.
    pub total_size: u64,
    pub records: Vec<T>,
    /// None on the last page.
    #[serde(default, rename = "nextRecordsUrl")]
    next: Option<String>,
}

/// Counts the rows, and shows none.
impl<T> fmt::Debug for Page<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Page")
            .field("total_size", &self.total_size)
            .field("records", &self.records.len())
            .finish_non_exhaustive()
    }
}

/// Runs a query and reads its first page; `T` takes a row as JSON.
pub async fn query<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    soql: &str,
) -> Result<Answered<Page<T>>, RequestError> {
    page(
        http,
        session,
        &format!("{DATA_PATH}{API_VERSION}/query?q={}", escaped(soql)),
    )
    .await
}

/// Runs a query of the Tooling API, whose objects are parts of the org's setup,
/// and reads its first page.
pub async fn query_tooling<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    soql: &str,
) -> Result<Answered<Page<T>>, RequestError> {
    page(
        http,
        session,
        &format!("{DATA_PATH}{API_VERSION}/tooling/query?q={}", escaped(soql)),
    )
    .await
}

/// Reads the page after `page`; none after the last.
pub async fn next_page<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    page_before: &Page<T>,
) -> Result<Option<Answered<Page<T>>>, RequestError> {
    match &page_before.next {
        Some(next) => page(http, session, next).await.map(Some),
        None => Ok(None),
    }
}

/// Runs a query and reads all of its pages.
pub async fn query_all_pages<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    soql: &str,
) -> Result<Vec<T>, RequestError> {
    let first = query(http, session, soql).await?.value;
    rest_of(http, session, first).await
}

/// Runs a query of the Tooling API and reads all of its pages.
pub async fn query_all_tooling_pages<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    soql: &str,
) -> Result<Vec<T>, RequestError> {
    let first = query_tooling(http, session, soql).await?.value;
    rest_of(http, session, first).await
}

async fn rest_of<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    mut page: Page<T>,
) -> Result<Vec<T>, RequestError> {
    let mut rows = std::mem::take(&mut page.records);
    while let Some(next) = next_page(http, session, &page).await? {
        if next.value.next == page.next || next.value.records.is_empty() {
            return Err(RequestError::Unreadable(Unreadable::Shape(
                "a page that leads to itself, or has no rows",
            )));
        }
        page = next.value;
        rows.append(&mut page.records);
    }
    Ok(rows)
}

/// Returns a text as it stands in SOQL: quoted, and not to be broken out of.
pub fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for character in text.chars() {
        match character {
            '\'' => literal.push_str("\\'"),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            other => literal.push(other),
        }
    }
    literal.push('\'');
    literal
}

async fn page<T: DeserializeOwned>(
    http: &Http,
    session: &Session,
    path: &str,
) -> Result<Answered<Page<T>>, RequestError> {
    let answered: Answered<Page<T>> = get(http, session, path).await?;
    // It becomes part of the next request's address.
    if answered
        .value
        .next
        .as_ref()
        .is_some_and(|next| !next.starts_with(DATA_PATH))
    {
        return Err(RequestError::Unreadable(Unreadable::Shape(
            "the next page is not at this host's API",
        )));
    }
    Ok(answered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_cannot_be_broken_out_of() {
        assert_eq!(literal(r"O'Brien \ x"), r"'O\'Brien \\ x'");
        assert_eq!(literal("a\nb"), r"'a\nb'");
    }
}
