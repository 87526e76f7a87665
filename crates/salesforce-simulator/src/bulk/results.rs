//! The result sets of a job as CSV. Source: salesforce-contract.md §7 ("CSV out").

use csv::{QuoteStyle, StringRecord, Writer, WriterBuilder};

use super::job::Job;
use super::run::RowResult;
use crate::random::{Seeded, hash};
use crate::refusal::RecordError;

/// From which API version failures name their record.
const ID_IN_FAILURES: u32 = 53;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResultSet {
    Successful,
    Failed,
    Unprocessed,
}

impl Job {
    /// Returns a result set; `version` is that of the asking call.
    ///
    /// Rows come in an order that has nothing to do with the upload's, and is the same each time.
    pub(crate) fn results(&self, set: ResultSet, version: u32) -> String {
        let Some(Ok(upload)) = &self.content else {
            return String::new();
        };
        let mut writer = WriterBuilder::new()
            .delimiter(self.delimiter.byte())
            .quote_style(QuoteStyle::Always)
            .flexible(true)
            .from_writer(Vec::new());
        let added: &[&str] = match set {
            ResultSet::Successful => &["sf__Id", "sf__Created"],
            ResultSet::Failed if version >= ID_IN_FAILURES => &["sf__Id", "sf__Error"],
            ResultSet::Failed => &["sf__Error"],
            ResultSet::Unprocessed => &[],
        };
        write(&mut writer, added, &upload.header);

        let mut lines: Vec<(Vec<String>, &StringRecord)> = match set {
            ResultSet::Unprocessed => upload.rows[self.run.processed()..]
                .iter()
                .map(|row| (Vec::new(), row))
                .collect(),
            ResultSet::Successful | ResultSet::Failed => self
                .run
                .results
                .iter()
                .zip(&upload.rows)
                .filter_map(|(result, row)| Some((added_values(result, set, version)?, row)))
                .collect(),
        };
        shuffle(&mut lines, hash(set as u64, self.id.short()));
        for (values, row) in &lines {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            write(&mut writer, &values, row);
        }
        let bytes = writer.into_inner().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

/// Returns what stands before the uploaded columns; none if the row is not in the set.
fn added_values(result: &RowResult, set: ResultSet, version: u32) -> Option<Vec<String>> {
    let id = |id: &Option<_>| id.as_ref().map(ToString::to_string).unwrap_or_default();
    match (set, &result.outcome) {
        (ResultSet::Successful, Ok(written)) => {
            Some(vec![written.to_string(), result.is_created.to_string()])
        }
        (ResultSet::Failed, Err(error)) if version >= ID_IN_FAILURES => {
            Some(vec![id(&result.named), sf_error(error)])
        }
        (ResultSet::Failed, Err(error)) => Some(vec![sf_error(error)]),
        _ => None,
    }
}

/// Writes `CODE:message:fields --`; with no fields there is no blank either.
fn sf_error(error: &RecordError) -> String {
    let fields: String = error.fields.iter().map(|field| format!("{field} ")).collect();
    format!("{}:{}:{fields}--", error.status_code, error.message)
}

fn write(writer: &mut Writer<Vec<u8>>, added: &[&str], row: &StringRecord) {
    // A vector takes everything.
    let written = writer.write_record(added.iter().copied().chain(row));
    debug_assert!(written.is_ok(), "writing to memory failed");
}

/// Shuffles as Fisher and Yates do.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut random = Seeded::new(seed);
    for last in (1..items.len()).rev() {
        let other = usize::try_from(random.up_to(last as u64)).unwrap_or(last);
        items.swap(last, other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_written_as_recorded() {
        let one = RecordError::required_missing(&["Name"]);
        assert_eq!(
            sf_error(&one),
            "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
        );
        let none = RecordError::new("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", &[]);
        assert_eq!(
            sf_error(&none),
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access:--"
        );
    }

    #[test]
    fn shuffling_keeps_everything_and_repeats_itself() {
        let mut items: Vec<u32> = (0..50).collect();
        shuffle(&mut items, 7);
        let mut again: Vec<u32> = (0..50).collect();
        shuffle(&mut again, 7);
        assert_eq!(items, again);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
