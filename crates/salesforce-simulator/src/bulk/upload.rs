//! Reading the CSV of a job. Source: salesforce-contract.md §7 ("CSV in", limits).

use csv::StringRecord;

use super::job::{Delimiter, LineEnding};

/// Longest header, in characters.
const MAX_HEADER: usize = 32_000;

/// Longest value, in characters.
const MAX_FIELD: usize = 131_072;

/// Most columns of a record.
const MAX_COLUMNS: usize = 5_000;

/// Longest record, in characters.
const MAX_RECORD: usize = 400_000;

/// The rows of a job, as uploaded.
#[derive(Debug, Default)]
pub(crate) struct Upload {
    pub header: StringRecord,
    pub rows: Vec<StringRecord>,
}

impl Upload {
    /// Reads a whole upload.
    ///
    /// # Errors
    /// The `errorMessage` that the job fails with.
    pub(crate) fn read(bytes: &[u8], delimiter: Delimiter, line_ending: LineEnding) -> Result<Self, String> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)
            .map_err(|_| "ClientInputError : The uploaded data is not valid UTF-8".to_owned())?;
        check_form(text, delimiter, line_ending)?;

        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter.byte())
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut records = reader.records();
        let header = match records.next() {
            Some(Ok(header)) => header,
            Some(Err(error)) => return Err(unreadable(&error)),
            None => return Err("InvalidBatch : The uploaded data has no header row".to_owned()),
        };
        check_header(&header)?;
        let mut rows = Vec::new();
        for record in records {
            let record = record.map_err(|error| unreadable(&error))?;
            check_record(&record, header.len(), rows.len() + 1)?;
            rows.push(record);
        }
        Ok(Self { header, rows })
    }
}

fn unreadable(error: &csv::Error) -> String {
    format!("ClientInputError : Failed to read the uploaded data: {error}")
}

fn check_header(header: &StringRecord) -> Result<(), String> {
    let characters = characters(header) + header.len().saturating_sub(1);
    if characters > MAX_HEADER {
        return Err(format!(
            "InvalidBatch : The header row has {characters} characters, at most {MAX_HEADER} are allowed"
        ));
    }
    if header.len() > MAX_COLUMNS {
        return Err(format!(
            "InvalidBatch : The header row has {} columns, at most {MAX_COLUMNS} are allowed",
            header.len()
        ));
    }
    Ok(())
}

fn check_record(record: &StringRecord, columns: usize, number: usize) -> Result<(), String> {
    if record.len() != columns {
        return Err(format!(
            "ClientInputError : Record {number} has {} columns, the header row has {columns}",
            record.len()
        ));
    }
    // Characters are never more than bytes.
    if record.as_slice().len() > MAX_RECORD && characters(record) > MAX_RECORD {
        return Err(format!(
            "ClientInputError : Record {number} has more than {MAX_RECORD} characters"
        ));
    }
    let is_too_long = |field: &str| field.len() > MAX_FIELD && field.chars().count() > MAX_FIELD;
    if record.iter().any(is_too_long) {
        return Err(format!(
            "ClientInputError : A field of record {number} has more than {MAX_FIELD} characters"
        ));
    }
    Ok(())
}

fn characters(record: &StringRecord) -> usize {
    record.iter().map(|field| field.chars().count()).sum()
}

/// Where a reader of CSV is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    FieldStart,
    Plain,
    Quoted,
    /// After a quote that either ends the value or is the first of two.
    QuoteSeen,
}

/// Checks what the `csv` crate would read with good will: the line ending of every record, and that nothing
/// stands between a quote and the delimiter.
fn check_form(text: &str, delimiter: Delimiter, line_ending: LineEnding) -> Result<(), String> {
    let delimiter = delimiter.byte();
    let mut place = Place::FieldStart;
    let mut previous = 0;
    let mut record = 0_usize;
    for byte in text.bytes() {
        let is_line_end = byte == b'\n' && place != Place::Quoted;
        if is_line_end {
            let ends_with_both = previous == b'\r';
            if ends_with_both != (line_ending == LineEnding::Crlf) {
                return Err(wrong_line_ending(line_ending));
            }
            record += 1;
        } else if previous == b'\r' && place != Place::Quoted {
            // A carriage return alone ends no record.
            return Err(wrong_line_ending(line_ending));
        }
        place = match (place, byte) {
            (Place::Quoted, b'"') => Place::QuoteSeen,
            (Place::Quoted, _) | (Place::FieldStart | Place::QuoteSeen, b'"') => Place::Quoted,
            (_, b'\n') => Place::FieldStart,
            (place, b'\r') => place,
            (_, byte) if byte == delimiter => Place::FieldStart,
            (Place::QuoteSeen, _) | (Place::Plain, b'"') => return Err(quote_misplaced(record)),
            (Place::FieldStart | Place::Plain, _) => Place::Plain,
        };
        previous = byte;
    }
    match place {
        Place::Quoted => Err(format!(
            "ClientInputError : A quoted value of record {record} does not end"
        )),
        _ if previous == b'\r' => Err(wrong_line_ending(line_ending)),
        Place::FieldStart | Place::Plain | Place::QuoteSeen => Ok(()),
    }
}

/// Source of the text: salesforce-contract.md §7 names the case; the wording is what Salesforce's command line
/// prints of such a job.
fn wrong_line_ending(line_ending: LineEnding) -> String {
    format!(
        "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is {}",
        line_ending.name()
    )
}

fn quote_misplaced(record: usize) -> String {
    format!(
        "ClientInputError : A quote in record {record} does not stand at the beginning or end of its value"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Upload, String> {
        Upload::read(text.as_bytes(), Delimiter::Comma, LineEnding::Lf)
    }

    #[test]
    fn values_are_kept_as_they_stand() {
        let upload = read("\u{feff}A,B\n x ,\"a \"\"b\"\", c\"\n\"two\r\nlines\",\n").unwrap();
        assert_eq!(upload.header, vec!["A", "B"]);
        assert_eq!(upload.rows[0], vec![" x ", "a \"b\", c"]);
        assert_eq!(upload.rows[1], vec!["two\r\nlines", ""]);
        let upload = read("A\nlast line without end").unwrap();
        assert_eq!(upload.rows[0], vec!["last line without end"]);
    }

    #[test]
    fn the_line_ending_must_be_the_one_of_the_job() {
        let wrong_lf =
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF";
        assert_eq!(read("A\r\n1\r\n").unwrap_err(), wrong_lf);
        assert_eq!(read("A\r1\r").unwrap_err(), wrong_lf);
        let crlf = |text: &str| Upload::read(text.as_bytes(), Delimiter::Comma, LineEnding::Crlf);
        assert_eq!(crlf("A\r\n1\r\n").unwrap().rows[0], vec!["1"]);
        assert!(crlf("A\n1\n").unwrap_err().ends_with("setting is CRLF"));
    }

    #[test]
    fn a_blank_beside_a_quote_is_an_error() {
        for text in ["A,B\n1, \"2\"\n", "A,B\n\"1\" ,2\n", "A\n1\"2\n", "A\n\"1"] {
            assert!(
                read(text).unwrap_err().starts_with("ClientInputError : A quote"),
                "{text}"
            );
        }
    }

    #[test]
    fn rows_have_the_columns_of_the_header_and_fit_the_limits() {
        assert!(read("A,B\n1\n").unwrap_err().contains("Record 1 has 1 columns"));
        assert!(read("").unwrap_err().contains("no header row"));
        let wide = format!("A\n{}\n", "ä".repeat(MAX_FIELD));
        assert_eq!(read(&wide).unwrap().rows.len(), 1);
        assert!(read(&wide.replace("ä\n", "äx\n")).unwrap_err().contains("131072"));
        let header = format!("{},B\n1,2\n", "A".repeat(MAX_HEADER - 2));
        assert_eq!(read(&header).unwrap().rows.len(), 1);
        assert!(read(&format!("A{header}")).unwrap_err().contains("32001"));
    }
}
