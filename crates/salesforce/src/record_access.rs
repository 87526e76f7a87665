//! What a user may do with records, by sharing and permissions together.
//! Source: Salesforce, "Object Reference", UserRecordAccess.

use serde::Deserialize;

use crate::{
    Http, Session,
    query::{literal, query},
    request::RequestError,
    usage::Answered,
};

/// Most records of one question.
/// Source: "Object Reference", UserRecordAccess, Usage.
pub const MAX_RECORDS_PER_QUESTION: usize = 200;

/// What a user may do with one record. Who may not see it gets a no for a
/// record that is not there, too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RecordAccess {
    /// The record, 18 characters.
    pub record_id: String,
    pub has_read_access: bool,
    pub has_edit_access: bool,
}

/// Asks what a user may do with up to [`MAX_RECORDS_PER_QUESTION`] records.
/// A record that is not there may be missing in the answer.
pub async fn record_access(
    http: &Http,
    session: &Session,
    user_id: &str,
    record_ids: &[String],
) -> Result<Answered<Vec<RecordAccess>>, RequestError> {
    let ids: Vec<String> = record_ids.iter().map(|id| literal(id)).collect();
    let soql = format!(
        "SELECT RecordId, HasReadAccess, HasEditAccess FROM UserRecordAccess \
         WHERE UserId = {} AND RecordId IN ({})",
        literal(user_id),
        ids.join(", ")
    );
    let Answered { value, usage } = query::<RecordAccess>(http, session, &soql).await?;
    Ok(Answered {
        value: value.records,
        usage,
    })
}
