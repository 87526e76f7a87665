//! gRPC adapter of `DeadLetterService`.

use activation::{InvalidField, names::DestinationName};
use contracts::{
    convert::{parsed, time::time_out},
    delivery::v1::{self as pb, dead_letter_service_server::DeadLetterService},
    page::Page,
    status::{invalid_field, status},
};
use service::chain::Chain;
use tonic::{Code, Request, Response, Status};
use tracing::error;

use super::Receipts;
use crate::plans::Plans;

pub(crate) struct Adapter {
    pub(crate) receipts: Receipts,
    pub(crate) plans: Plans,
}

const DEFAULT_PAGE_SIZE: i32 = 50;

#[tonic::async_trait]
impl DeadLetterService for Adapter {
    async fn list_dead_letters(
        &self,
        request: Request<pb::ListDeadLettersRequest>,
    ) -> Result<Response<pb::ListDeadLettersResponse>, Status> {
        let request = request.into_inner();
        let name = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let plan = self
            .plans
            .find(&name)
            .await
            .ok_or_else(|| unknown_destination(&name))?;
        let page =
            Page::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)?;
        let before = match page.after.as_str() {
            "" => i64::MAX,
            id => id.parse().map_err(|_| {
                invalid_field(InvalidField::new(
                    "page_token",
                    "is not one that this list answered",
                ))
            })?,
        };
        let mut letters = self
            .receipts
            .list_dead_letters(&plan.uid, &request.code, before, page.limit())
            .await
            .map_err(|error| {
                error!(error = %Chain(&error), "dead letters cannot be read");
                status(Code::Unavailable, "STORE_UNAVAILABLE", error.to_string())
            })?;
        let next_page_token = page.finish(&mut letters, |letter| letter.id.to_string());
        let dead_letters = letters
            .into_iter()
            .map(|letter| pb::DeadLetter {
                id: letter.id,
                destination: letter.destination,
                producer: letter.producer,
                sequence: u64::try_from(letter.sequence).unwrap_or(0),
                update_id: letter.update_id,
                identity: letter.identity,
                code: letter.code,
                message: letter.message,
                fields: letter.fields,
                accept_time: Some(time_out(letter.accept_time)),
                fail_time: Some(time_out(letter.fail_time)),
            })
            .collect();
        Ok(Response::new(pb::ListDeadLettersResponse {
            dead_letters,
            next_page_token,
        }))
    }
}

/// Says that delivery knows no such destination.
pub(super) fn unknown_destination(name: &DestinationName) -> Status {
    status(
        Code::NotFound,
        "DESTINATION_NOT_FOUND",
        format!("{name} does not exist or was never activated"),
    )
}
