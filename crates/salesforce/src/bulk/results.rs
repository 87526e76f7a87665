//! The three result sets of a job (§7). Rows come in another order than they
//! were sent, and columns are found by name.

use std::fmt;

use http::{HeaderValue, Method, header};

use super::Job;
use crate::{
    Http, Session,
    bulk::job::job_path,
    http::{Body, Call},
    lenient::Code,
    refusal::{RecordError, RecordRefusal},
    request::{RequestError, Unreadable, send},
};

/// The results of the largest job, 100 MB of upload, with ids and errors.
const MAX_RESULT_BYTES: usize = 400 << 20;

/// Salesforce's own columns; all others are those of the upload.
const ID: &str = "sf__Id";
const CREATED: &str = "sf__Created";
const ERROR: &str = "sf__Error";

/// A row that was stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SavedRow {
    pub id: String,
    pub created: bool,
    /// The upload's columns and values, as they were sent.
    pub columns: Vec<(String, String)>,
}

/// A row that was refused.
#[derive(Clone, PartialEq, Eq)]
pub struct FailedRow {
    /// Where Salesforce found the record.
    pub id: Option<String>,
    pub refusal: RecordRefusal,
    /// The upload's columns and values, as they were sent.
    pub columns: Vec<(String, String)>,
}

/// Without the upload's values.
impl fmt::Debug for SavedRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SavedRow")
            .field("id", &self.id)
            .field("created", &self.created)
            .finish_non_exhaustive()
    }
}

/// Without the upload's values.
impl fmt::Debug for FailedRow {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FailedRow")
            .field("id", &self.id)
            .field("refusal", &self.refusal)
            .finish_non_exhaustive()
    }
}

/// Reads the rows that were stored.
pub async fn saved_rows(http: &Http, session: &Session, job: &Job) -> Result<Vec<SavedRow>, RequestError> {
    let body = download(http, session, job, "successfulResults").await?;
    read_saved(&body).map_err(RequestError::Unreadable)
}

/// Reads the rows that were refused. `key_field` is the one of the upsert.
pub async fn failed_rows(
    http: &Http,
    session: &Session,
    job: &Job,
    key_field: Option<&str>,
) -> Result<Vec<FailedRow>, RequestError> {
    let body = download(http, session, job, "failedResults").await?;
    read_failed(&body, key_field).map_err(RequestError::Unreadable)
}

/// Reads the rows that nobody looked at, because the job failed or was
/// stopped; as columns and values.
pub async fn unprocessed_rows(
    http: &Http,
    session: &Session,
    job: &Job,
) -> Result<Vec<Vec<(String, String)>>, RequestError> {
    let body = download(http, session, job, "unprocessedrecords").await?;
    read_unprocessed(&body).map_err(RequestError::Unreadable)
}

async fn download(
    http: &Http,
    session: &Session,
    job: &Job,
    set: &str,
) -> Result<bytes::Bytes, RequestError> {
    let path = format!("{}/{set}", job_path(&job.id));
    let mut call = Call::json(Method::GET, session, &path, Body::Empty);
    call.headers
        .insert(header::ACCEPT, HeaderValue::from_static("text/csv"));
    call.max_answer_bytes = MAX_RESULT_BYTES;
    Ok(send(http, call).await?.body)
}

/// Reads `successfulResults`.
///
/// # Errors
/// When it is no CSV, a row is longer or shorter than the header, or a column
/// of Salesforce's own is missing.
pub fn read_saved(body: &[u8]) -> Result<Vec<SavedRow>, Unreadable> {
    let mut saved = Vec::new();
    for mut columns in rows(body, &[ID, CREATED])? {
        saved.push(SavedRow {
            id: take(&mut columns, ID),
            created: take(&mut columns, CREATED).eq_ignore_ascii_case("true"),
            columns,
        });
    }
    Ok(saved)
}

/// Reads `failedResults`.
///
/// # Errors
/// As [`read_saved`].
pub fn read_failed(body: &[u8], key_field: Option<&str>) -> Result<Vec<FailedRow>, Unreadable> {
    let mut failed = Vec::new();
    for mut columns in rows(body, &[ERROR])? {
        let error = take(&mut columns, ERROR);
        // A column since API 53 only.
        let id = take(&mut columns, ID);
        failed.push(FailedRow {
            id: (!id.is_empty()).then_some(id),
            refusal: RecordRefusal::of(vec![record_error(&error)], key_field),
            columns,
        });
    }
    Ok(failed)
}

/// Reads `unprocessedrecords`.
///
/// # Errors
/// When it is no CSV, or a row is longer or shorter than the header.
pub fn read_unprocessed(body: &[u8]) -> Result<Vec<Vec<(String, String)>>, Unreadable> {
    rows(body, &[])
}

/// Reads a CSV whose header has the `required` columns. A set without rows may
/// be empty altogether.
fn rows(body: &[u8], required: &[&str]) -> Result<Vec<Vec<(String, String)>>, Unreadable> {
    const NO_CSV: Unreadable =
        Unreadable::Shape("the results are no CSV, or a row has another length than the header");
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let mut reader = csv::ReaderBuilder::new().from_reader(body);
    let header = reader.headers().map_err(|_| NO_CSV)?.clone();
    if !required
        .iter()
        .all(|name| header.iter().any(|column| column == *name))
    {
        return Err(Unreadable::Shape("the results lack a column of Salesforce's own"));
    }
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.map_err(|_| NO_CSV)?;
        rows.push(
            header
                .iter()
                .zip(&row)
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        );
    }
    Ok(rows)
}

/// Takes a column out; empty if there is none.
fn take(columns: &mut Vec<(String, String)>, name: &str) -> String {
    let position = columns.iter().position(|(column, _)| column == name);
    position
        .map(|position| columns.remove(position).1)
        .unwrap_or_default()
}

/// Reads `CODE:message:fields --`; the message may hold colons itself.
fn record_error(text: &str) -> RecordError {
    let text = text.trim_end();
    let text = text.strip_suffix("--").unwrap_or(text).trim_end();
    let (code, rest) = text.split_once(':').unwrap_or((text, ""));
    // The last part is fields only if it looks so; else the message held a colon.
    let is_field = |field: &str| {
        field
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '_' | '.'))
    };
    let (message, fields) = match rest.rsplit_once(':') {
        Some((message, last)) => {
            let fields: Vec<&str> = last.split([',', ' ']).filter(|field| !field.is_empty()).collect();
            if fields.iter().all(|field| is_field(field)) {
                (message, fields)
            } else {
                (rest, Vec::new())
            }
        }
        None => (rest, Vec::new()),
    };
    RecordError {
        code: Code::of(code).0,
        message: message.to_owned(),
        fields: fields.into_iter().map(str::to_owned).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Fault;

    #[test]
    fn columns_are_found_by_name_in_any_order() {
        let saved = read_saved(
            b"\"sf__Id\",\"sf__Created\",\"Key__c\",\"Title\"\n\"003a\",\"true\",\"u,1\",\"\"\n\"003b\",\"false\",\"a\"\"b\",\"x\ny\"\n",
        )
        .unwrap();
        assert!(saved[0].created && !saved[1].created);
        assert_eq!(saved[0].columns[0], ("Key__c".to_owned(), "u,1".to_owned()));
        assert_eq!(saved[1].columns[1], ("Title".to_owned(), "x\ny".to_owned()));

        let failed = read_failed(
            b"\"sf__Error\",\"sf__Id\",\"Name\"\n\"REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --\",\"\",\"\"\n",
            None,
        )
        .unwrap();
        assert_eq!(failed[0].id, None);
        assert_eq!(failed[0].refusal.error.code, "REQUIRED_FIELD_MISSING");
        assert_eq!(
            failed[0].refusal.error.message,
            "Required fields are missing: [Name]"
        );
        assert_eq!(failed[0].refusal.error.fields, ["Name"]);
    }

    #[test]
    fn a_locked_row_is_told_from_a_bad_one() {
        let error = record_error(
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 200 records: 001A,001B:--",
        );
        assert!(error.message.ends_with("001A,001B"));
        let two = record_error("REQUIRED_FIELD_MISSING:missing: [A, B]:LastName Company --");
        assert_eq!(two.fields, ["LastName", "Company"]);
        let none = record_error("INVALID_EMAIL_ADDRESS:Email: invalid email address: ada@example.org");
        assert!(none.fields.is_empty() && none.message.ends_with("ada@example.org"));
        let refusal = RecordRefusal::of(vec![error], None);
        assert_eq!(refusal.fault, Fault::Contention);
    }

    #[test]
    fn what_is_no_result_is_an_error() {
        for body in [
            &b"\"sf__Created\"\n\"true\"\n"[..],
            b"<html>",
            b"sf__Id,sf__Created\n1\n",
            b"<html>\n<p>,\n",
            b"\"sf__Id\",\"sf__Created\"\n\"\xff\",\"true\"\n",
        ] {
            assert!(read_saved(body).is_err(), "{}", String::from_utf8_lossy(body));
        }
        assert_eq!(read_saved(b"").unwrap(), []);
    }
}
