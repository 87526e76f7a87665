//! The CSV that goes up (§7).
//!
//! In it, an empty value leaves a field alone and `#N/A` blanks it: nothing
//! else says the two, so both are spelt here and nowhere else.

use std::{collections::HashSet, fmt, ops::RangeInclusive};

use bytes::Bytes;
use http::{HeaderValue, Method, header};

use super::{Job, job::job_path};
use crate::{
    Http, Session,
    http::{Body, Call},
    request::{RequestError, send},
};

/// Most bytes of one upload: 150 MB after Salesforce's base64.
pub const MAX_UPLOAD_BYTES: usize = 100_000_000;
const MAX_HEADER_CHARACTERS: usize = 32_000;
const MAX_FIELD_CHARACTERS: usize = 131_072;
const MAX_RECORD_CHARACTERS: usize = 400_000;
const COLUMNS: RangeInclusive<usize> = 1..=5_000;
/// What blanks a field.
const NULL: &str = "#N/A";

/// One value of one row.
#[derive(Clone, PartialEq, Eq)]
pub enum Cell {
    /// The field stays as it is.
    Absent,
    /// The field is blanked. An empty text is stored as nothing too (§9).
    Null,
    Text(String),
}

/// Writes rows as CSV: commas, line feeds, every row with every column.
pub struct UploadWriter {
    csv: csv::Writer<Vec<u8>>,
    columns: usize,
    rows: u64,
    written_bytes: usize,
}

/// A whole CSV.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    csv: Bytes,
    rows: u64,
}

impl Upload {
    pub fn csv(&self) -> &Bytes {
        &self.csv
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }
}

/// Why columns cannot be uploaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUpload {
    #[error("{0} columns; Salesforce takes 1 to 5,000")]
    ColumnCount(usize),
    #[error("column '{0}' is given twice")]
    ColumnTwice(String),
    #[error("'{0}' is no name of a column")]
    ColumnName(String),
    #[error("the names of the columns have more than 32,000 characters")]
    HeaderTooLong,
}

/// Why a row was not taken. The rows before it stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// Finish this upload and begin another with the row.
    #[error("the upload is full")]
    Full,
    #[error("a row of {got} values under {columns} columns")]
    ValueCount { columns: usize, got: usize },
    #[error("value {position} has more than 131,072 characters")]
    ValueTooLong { position: usize },
    #[error("the row has more than 400,000 characters")]
    RowTooLong,
    #[error("value {position} is the text #N/A, which blanks a field here; send it by sObject Collections")]
    ReservedText { position: usize },
}

/// Without the text.
impl fmt::Debug for Cell {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Absent => "Absent",
            Self::Null => "Null",
            Self::Text(_) => "Text(…)",
        })
    }
}

/// Says how much it is, not what.
impl fmt::Debug for UploadWriter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("UploadWriter")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// Says how much it is, not what.
impl fmt::Debug for Upload {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Upload")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl UploadWriter {
    /// Begins with the columns' API names, for example `Crm_Key__c` or
    /// `Account.AcctKey__c`.
    pub fn new(columns: &[String]) -> Result<Self, InvalidUpload> {
        if !COLUMNS.contains(&columns.len()) {
            return Err(InvalidUpload::ColumnCount(columns.len()));
        }
        let mut seen = HashSet::new();
        for column in columns {
            let is_name = !column.is_empty()
                && column.chars().all(|character| {
                    character.is_ascii_alphanumeric() || matches!(character, '_' | '.' | ':')
                });
            if !is_name {
                return Err(InvalidUpload::ColumnName(column.clone()));
            }
            if !seen.insert(column.to_ascii_lowercase()) {
                return Err(InvalidUpload::ColumnTwice(column.clone()));
            }
        }
        let header_characters = columns.iter().map(|column| column.len() + 1).sum::<usize>();
        if header_characters > MAX_HEADER_CHARACTERS {
            return Err(InvalidUpload::HeaderTooLong);
        }
        let mut csv = csv::WriterBuilder::new()
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(Vec::new());
        csv.write_record(columns)
            .expect("a vector takes every write, and the first row sets the length");
        Ok(Self {
            csv,
            columns: columns.len(),
            rows: 0,
            written_bytes: header_characters,
        })
    }

    /// Adds a row, one value for each column.
    pub fn push(&mut self, row: &[Cell]) -> Result<(), PushError> {
        if row.len() != self.columns {
            return Err(PushError::ValueCount {
                columns: self.columns,
                got: row.len(),
            });
        }
        let mut characters = 0;
        let mut bytes = 0;
        let mut texts = Vec::with_capacity(row.len());
        for (position, cell) in row.iter().enumerate() {
            let text = match cell {
                Cell::Absent => "",
                Cell::Null => NULL,
                Cell::Text(text) if text.is_empty() => NULL,
                Cell::Text(text) if text == NULL => return Err(PushError::ReservedText { position }),
                Cell::Text(text) => text,
            };
            let length = text.chars().count();
            if length > MAX_FIELD_CHARACTERS {
                return Err(PushError::ValueTooLong { position });
            }
            characters += length;
            // Two quotes around it, each one inside doubled, and what separates.
            bytes += text.len() + text.bytes().filter(|byte| *byte == b'"').count() + 3;
            texts.push(text);
        }
        if characters > MAX_RECORD_CHARACTERS {
            return Err(PushError::RowTooLong);
        }
        if self.written_bytes + bytes > MAX_UPLOAD_BYTES {
            return Err(PushError::Full);
        }
        self.csv
            .write_record(texts)
            .expect("a vector takes every write, and the length was checked");
        self.written_bytes += bytes;
        self.rows += 1;
        Ok(())
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the CSV.
    pub fn finish(self) -> Upload {
        let csv = self.csv.into_inner().expect("a vector takes every write").into();
        Upload { csv, rows: self.rows }
    }
}

/// Uploads the job's data, which can be done once.
pub async fn upload(http: &Http, session: &Session, job: &Job, upload: &Upload) -> Result<(), RequestError> {
    // Not the answer's `contentUrl`, which comes with and without a slash.
    let path = format!("{}/batches", job_path(&job.id));
    let mut call = Call::json(Method::PUT, session, &path, Body::Plain(upload.csv.clone()));
    call.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=UTF-8"),
    );
    send(http, call).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn absent_empty_and_null_are_told_apart() {
        let mut writer = UploadWriter::new(&columns(&["Key__c", "Email", "Title"])).unwrap();
        writer
            .push(&[Cell::Text("u,1".to_owned()), Cell::Absent, Cell::Null])
            .unwrap();
        writer
            .push(&[
                Cell::Text(" a\"b\nc ".to_owned()),
                Cell::Text(String::new()),
                Cell::Absent,
            ])
            .unwrap();
        let upload = writer.finish();
        assert_eq!(
            String::from_utf8(upload.csv.to_vec()).unwrap(),
            "Key__c,Email,Title\n\"u,1\",,#N/A\n\" a\"\"b\nc \",#N/A,\n"
        );
        assert_eq!(upload.rows, 2);
    }

    #[test]
    fn a_row_that_cannot_be_said_is_refused_and_harms_no_other() {
        let mut writer = UploadWriter::new(&columns(&["Key__c", "Email"])).unwrap();
        let text = |text: &str| Cell::Text(text.to_owned());
        for (row, error) in [
            (vec![text("a")], PushError::ValueCount { columns: 2, got: 1 }),
            (
                vec![text("a"), text("#N/A")],
                PushError::ReservedText { position: 1 },
            ),
            (
                vec![text(&"x".repeat(MAX_FIELD_CHARACTERS + 1)), Cell::Null],
                PushError::ValueTooLong { position: 0 },
            ),
        ] {
            assert_eq!(writer.push(&row), Err(error));
        }
        writer.push(&[text("a"), text("b")]).unwrap();
        assert_eq!(writer.finish().csv(), "Key__c,Email\na,b\n");
    }

    #[test]
    fn a_full_upload_says_so_before_it_is_too_large() {
        let mut writer = UploadWriter::new(&columns(&["Key__c"])).unwrap();
        let row = [Cell::Text("\"".repeat(MAX_FIELD_CHARACTERS))];
        while writer.push(&row).is_ok() {}
        assert_eq!(writer.push(&row), Err(PushError::Full));
        let upload = writer.finish();
        assert!(upload.csv.len() <= MAX_UPLOAD_BYTES);
        assert!(upload.csv.len() > MAX_UPLOAD_BYTES - 300_000);
    }

    #[test]
    fn columns_are_checked() {
        assert_eq!(UploadWriter::new(&[]).unwrap_err(), InvalidUpload::ColumnCount(0));
        assert_eq!(
            UploadWriter::new(&columns(&["Email", "email"])).unwrap_err(),
            InvalidUpload::ColumnTwice("email".to_owned())
        );
        assert_eq!(
            UploadWriter::new(&columns(&["E mail"])).unwrap_err(),
            InvalidUpload::ColumnName("E mail".to_owned())
        );
        let long: Vec<String> = (0..1_000)
            .map(|number| format!("Field_{number:030}__c"))
            .collect();
        assert_eq!(
            UploadWriter::new(&long).unwrap_err(),
            InvalidUpload::HeaderTooLong
        );
    }
}
