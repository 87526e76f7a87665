//! gRPC adapter of `GovernanceService`.

pub(crate) mod convert;
mod policies;
mod words;

use std::collections::BTreeMap;

use activation::{
    InvalidField,
    names::{DestinationName, WorkspaceName},
};
use contracts::{
    actor::actor,
    config::v1::{self as pb, governance_service_server::GovernanceService},
    convert::{parsed, time::time_out},
    page::Page,
    status::{invalid_argument, invalid_field},
};
use tonic::{Request, Response, Status};

use self::convert::{affected_out, labels_in, response_in};
use crate::{
    connection_service::keep,
    destinations::Destination,
    governance::{WordKind, effects::Cause, field_path_in, violation_out},
    store::{ChangeError, Store},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
}

const DEFAULT_PAGE_SIZE: i32 = 50;
/// Most fields in one call.
const MAX_FIELDS_PER_CALL: usize = 1_000;

impl Adapter {
    async fn destination(&self, name: &str) -> Result<Destination, Status> {
        let name: DestinationName = parsed(name, "name").map_err(invalid_field)?;
        let destination = self.store.destination(&name).await.map_err(ChangeError::from)?;
        Ok(destination.ok_or_else(|| ChangeError::NotFound(name.to_string()))?)
    }
}

/// Reads the page fields of a request for a list that is cut here.
fn page_in(page_size: i32, page_token: &str) -> Result<Page, Status> {
    Page::parse(page_size, page_token, DEFAULT_PAGE_SIZE).map_err(invalid_field)
}

#[tonic::async_trait]
impl GovernanceService for Adapter {
    async fn list_labels(
        &self,
        request: Request<pb::ListLabelsRequest>,
    ) -> Result<Response<pb::ListLabelsResponse>, Status> {
        let request = request.into_inner();
        let page = page_in(request.page_size, &request.page_token)?;
        let (words, next_page_token) = self.list_words(WordKind::Label, &request.parent, &page).await?;
        Ok(Response::new(pb::ListLabelsResponse {
            labels: words.into_iter().map(words::Word::into_label).collect(),
            next_page_token,
        }))
    }

    async fn put_label(
        &self,
        request: Request<pb::PutLabelRequest>,
    ) -> Result<Response<pb::PutLabelResponse>, Status> {
        let label = request.into_inner().label.unwrap_or_default();
        let word = self
            .put_word(WordKind::Label, "label", &label.name, &label.description)
            .await?;
        Ok(Response::new(pb::PutLabelResponse {
            label: Some(word.into_label()),
        }))
    }

    async fn delete_label(
        &self,
        request: Request<pb::DeleteLabelRequest>,
    ) -> Result<Response<pb::DeleteLabelResponse>, Status> {
        self.delete_word(WordKind::Label, &request.into_inner().name)
            .await?;
        Ok(Response::new(pb::DeleteLabelResponse {}))
    }

    async fn list_field_labels(
        &self,
        request: Request<pb::ListFieldLabelsRequest>,
    ) -> Result<Response<pb::ListFieldLabelsResponse>, Status> {
        let request = request.into_inner();
        let workspace = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let page = page_in(request.page_size, &request.page_token)?;
        let labels = self
            .store
            .field_labels(&workspace)
            .await
            .map_err(ChangeError::from)?;
        let mut field_labels: Vec<pb::FieldLabels> = labels
            .iter()
            .filter(|(field, _)| **field > page.after)
            .map(|(field, labels)| pb::FieldLabels {
                field: field.clone(),
                labels: labels.iter().map(ToString::to_string).collect(),
            })
            .collect();
        let next_page_token = page.finish(&mut field_labels, |one| one.field.clone());
        Ok(Response::new(pb::ListFieldLabelsResponse {
            field_labels,
            next_page_token,
        }))
    }

    async fn put_field_labels(
        &self,
        request: Request<pb::PutFieldLabelsRequest>,
    ) -> Result<Response<pb::PutFieldLabelsResponse>, Status> {
        let actor = actor(request.metadata()).map_err(invalid_field)?;
        let request = request.into_inner();
        let mut wrong = Vec::new();
        let workspace: Option<WorkspaceName> = keep(parsed(&request.parent, "parent"), &mut wrong);
        let response = keep(response_in(request.violation_response), &mut wrong);
        let count = request.field_labels.len();
        if count == 0 || count > MAX_FIELDS_PER_CALL {
            wrong.push(InvalidField::new(
                "field_labels",
                format!(
                    "{count} were given and 1 to {MAX_FIELDS_PER_CALL} can be; label more with more calls"
                ),
            ));
            return Err(invalid_argument(&wrong));
        }
        let mut fields = Vec::with_capacity(count);
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        for (index, message) in request.field_labels.iter().enumerate() {
            let path = format!("field_labels[{index}]");
            let field = keep(
                field_path_in(&message.field, &format!("{path}.field")),
                &mut wrong,
            );
            let labels = labels_in(&message.labels, &format!("{path}.labels"), &mut wrong);
            if let Some(first) = first.get(message.field.as_str()) {
                wrong.push(InvalidField::new(
                    format!("{path}.field"),
                    format!("is given twice, by field_labels[{first}] too; give all its labels once"),
                ));
            } else {
                first.insert(&message.field, index);
            }
            fields.extend(field.map(|field| (field, labels)));
        }
        let (Some(workspace), Some(response), true) = (workspace, response, wrong.is_empty()) else {
            return Err(invalid_argument(&wrong));
        };
        let affected = self
            .store
            .put_field_labels(
                &workspace,
                &fields,
                Cause {
                    response,
                    actor: &actor,
                },
            )
            .await?;
        Ok(Response::new(pb::PutFieldLabelsResponse {
            affected_destinations: affected.iter().map(affected_out).collect(),
        }))
    }

    async fn list_marketing_actions(
        &self,
        request: Request<pb::ListMarketingActionsRequest>,
    ) -> Result<Response<pb::ListMarketingActionsResponse>, Status> {
        let request = request.into_inner();
        let page = page_in(request.page_size, &request.page_token)?;
        let (words, next_page_token) = self
            .list_words(WordKind::MarketingAction, &request.parent, &page)
            .await?;
        Ok(Response::new(pb::ListMarketingActionsResponse {
            marketing_actions: words
                .into_iter()
                .map(words::Word::into_marketing_action)
                .collect(),
            next_page_token,
        }))
    }

    async fn put_marketing_action(
        &self,
        request: Request<pb::PutMarketingActionRequest>,
    ) -> Result<Response<pb::PutMarketingActionResponse>, Status> {
        let action = request.into_inner().marketing_action.unwrap_or_default();
        let kind = WordKind::MarketingAction;
        let word = self
            .put_word(kind, "marketing_action", &action.name, &action.description)
            .await?;
        Ok(Response::new(pb::PutMarketingActionResponse {
            marketing_action: Some(word.into_marketing_action()),
        }))
    }

    async fn delete_marketing_action(
        &self,
        request: Request<pb::DeleteMarketingActionRequest>,
    ) -> Result<Response<pb::DeleteMarketingActionResponse>, Status> {
        let name = request.into_inner().name;
        self.delete_word(WordKind::MarketingAction, &name).await?;
        Ok(Response::new(pb::DeleteMarketingActionResponse {}))
    }

    async fn create_policy(
        &self,
        request: Request<pb::CreatePolicyRequest>,
    ) -> Result<Response<pb::CreatePolicyResponse>, Status> {
        let actor = actor(request.metadata()).map_err(invalid_field)?;
        self.create(request.into_inner(), &actor).await.map(Response::new)
    }

    async fn get_policy(
        &self,
        request: Request<pb::GetPolicyRequest>,
    ) -> Result<Response<pb::GetPolicyResponse>, Status> {
        self.get(&request.into_inner()).await.map(Response::new)
    }

    async fn list_policies(
        &self,
        request: Request<pb::ListPoliciesRequest>,
    ) -> Result<Response<pb::ListPoliciesResponse>, Status> {
        self.list(&request.into_inner()).await.map(Response::new)
    }

    async fn update_policy(
        &self,
        request: Request<pb::UpdatePolicyRequest>,
    ) -> Result<Response<pb::UpdatePolicyResponse>, Status> {
        let actor = actor(request.metadata()).map_err(invalid_field)?;
        self.update(request.into_inner(), &actor).await.map(Response::new)
    }

    async fn delete_policy(
        &self,
        request: Request<pb::DeletePolicyRequest>,
    ) -> Result<Response<pb::DeletePolicyResponse>, Status> {
        let request = request.into_inner();
        let name = parsed(&request.name, "name").map_err(invalid_field)?;
        self.store.delete_policy(&name, &request.etag).await?;
        Ok(Response::new(pb::DeletePolicyResponse {}))
    }

    async fn evaluate_destination(
        &self,
        request: Request<pb::EvaluateDestinationRequest>,
    ) -> Result<Response<pb::EvaluateDestinationResponse>, Status> {
        let destination = self.destination(&request.into_inner().name).await?;
        let standing = &destination.standing;
        Ok(Response::new(pb::EvaluateDestinationResponse {
            violations: standing.violations.iter().map(violation_out).collect(),
            staged_violations: standing.staged_violations.iter().map(violation_out).collect(),
        }))
    }

    async fn preview_consent(
        &self,
        request: Request<pb::PreviewConsentRequest>,
    ) -> Result<Response<pb::PreviewConsentResponse>, Status> {
        let destination = self.destination(&request.into_inner().name).await?;
        let view = self.store.view([&destination]).await.map_err(ChangeError::from)?;
        let segments = destination
            .activation
            .segments
            .iter()
            .map(|activated| {
                let known = view.segment(&activated.segment);
                let members = known.and_then(|known| known.members);
                pb::SegmentConsent {
                    segment: activated.segment.clone(),
                    display_name: known
                        .map_or_else(|| activated.label(), |known| known.shown_name(activated))
                        .to_owned(),
                    member_count: members.map(|members| members.all),
                    consented_member_count: members.and_then(|members| members.consented),
                    excluded_member_count: members.and_then(|members| Some(members.all - members.consented?)),
                    count_time: members.map(|members| time_out(members.count_time)),
                }
            })
            .collect();
        Ok(Response::new(pb::PreviewConsentResponse { segments }))
    }
}
