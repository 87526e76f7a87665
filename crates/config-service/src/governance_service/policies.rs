//! The calls about policies.

use activation::{
    InvalidField,
    names::{PolicyName, ResourceId, WorkspaceName},
};
use contracts::{
    config::v1 as pb,
    convert::{parsed, required},
    status::{invalid_argument, invalid_field},
};
use tonic::Status;

use super::{
    Adapter,
    convert::{affected_out, description_in, display_name_in, labels_in, policy_out, response_in},
    page_in,
};
use crate::{
    connection_service::keep,
    governance::{CORE_PREFIX, Policy, PolicyChange, PolicyKind, effects::Cause},
    store::ChangeError,
};

/// Reads the fields of a policy that a mask names.
fn change_in(message: &pb::Policy, paths: &[String], wrong: &mut Vec<InvalidField>) -> PolicyChange {
    let mut change = PolicyChange::default();
    for path in paths {
        match path.as_str() {
            "display_name" => {
                let name = display_name_in(&message.display_name, "policy.display_name");
                change.display_name = keep(name, wrong);
            }
            "description" => {
                let description = description_in(&message.description, "policy.description");
                change.description = keep(description, wrong);
            }
            "marketing_action" => {
                let action = parsed(&message.marketing_action, "policy.marketing_action");
                change.marketing_action = keep(action, wrong);
            }
            "labels" => {
                if message.labels.is_empty() {
                    wrong.push(InvalidField::new("policy.labels", "is required: at least one label"));
                }
                change.labels = Some(labels_in(&message.labels, "policy.labels", wrong));
            }
            "enabled" => change.enabled = Some(message.enabled),
            other => wrong.push(InvalidField::new(
                "update_mask",
                format!(
                    "'{other}' cannot be updated; display_name, description, marketing_action, labels and enabled can"
                ),
            )),
        }
    }
    change
}

fn id_in(text: &str) -> Result<ResourceId, InvalidField> {
    if text.starts_with(CORE_PREFIX) {
        return Err(InvalidField::new(
            "policy_id",
            format!("must not begin with {CORE_PREFIX}, which policies do that exist from the start"),
        ));
    }
    parsed(text, "policy_id")
}

impl Adapter {
    pub(super) async fn create(
        &self,
        request: pb::CreatePolicyRequest,
        actor: &str,
    ) -> Result<pb::CreatePolicyResponse, Status> {
        let mut wrong = Vec::new();
        let workspace: Option<WorkspaceName> = keep(parsed(&request.parent, "parent"), &mut wrong);
        let id = keep(id_in(&request.policy_id), &mut wrong);
        let response = keep(response_in(request.violation_response), &mut wrong);
        let Some(message) = keep(required(request.policy, "policy"), &mut wrong) else {
            return Err(invalid_argument(&wrong));
        };
        let all = [
            "display_name",
            "description",
            "marketing_action",
            "labels",
            "enabled",
        ];
        let given = change_in(&message, &all.map(str::to_owned), &mut wrong);
        let (Some(workspace), Some(id), Some(response), true) = (workspace, id, response, wrong.is_empty())
        else {
            return Err(invalid_argument(&wrong));
        };
        let policy = Policy {
            name: PolicyName::new(workspace, id),
            display_name: given.display_name.unwrap_or_default(),
            description: given.description.unwrap_or_default(),
            marketing_action: given.marketing_action,
            labels: given.labels.unwrap_or_default(),
            enabled: message.enabled,
            kind: PolicyKind::Custom,
            version: 1,
            update_time: None,
        };
        let (policy, affected) = self
            .store
            .create_policy(policy, Cause { response, actor })
            .await?;
        Ok(pb::CreatePolicyResponse {
            policy: Some(policy_out(&policy)),
            affected_destinations: affected.iter().map(affected_out).collect(),
        })
    }

    pub(super) async fn get(&self, request: &pb::GetPolicyRequest) -> Result<pb::GetPolicyResponse, Status> {
        let name: PolicyName = parsed(&request.name, "name").map_err(invalid_field)?;
        let policies = self
            .store
            .policies(name.workspace())
            .await
            .map_err(ChangeError::from)?;
        let policy = policies
            .iter()
            .find(|policy| policy.name == name)
            .ok_or_else(|| ChangeError::NotFound(name.to_string()))?;
        Ok(pb::GetPolicyResponse {
            policy: Some(policy_out(policy)),
        })
    }

    pub(super) async fn list(
        &self,
        request: &pb::ListPoliciesRequest,
    ) -> Result<pb::ListPoliciesResponse, Status> {
        let workspace = parsed(&request.parent, "parent").map_err(invalid_field)?;
        let page = page_in(request.page_size, &request.page_token)?;
        let policies = self.store.policies(&workspace).await.map_err(ChangeError::from)?;
        let mut policies: Vec<pb::Policy> = policies
            .iter()
            .map(policy_out)
            .filter(|policy| policy.name > page.after)
            .collect();
        let next_page_token = page.finish(&mut policies, |policy| policy.name.clone());
        Ok(pb::ListPoliciesResponse {
            policies,
            next_page_token,
        })
    }

    pub(super) async fn update(
        &self,
        request: pb::UpdatePolicyRequest,
        actor: &str,
    ) -> Result<pb::UpdatePolicyResponse, Status> {
        let mut wrong = Vec::new();
        let message = required(request.policy, "policy").map_err(invalid_field)?;
        let name: Option<PolicyName> = keep(parsed(&message.name, "policy.name"), &mut wrong);
        let mask = keep(required(request.update_mask, "update_mask"), &mut wrong).unwrap_or_default();
        let response = keep(response_in(request.violation_response), &mut wrong);
        let change = change_in(&message, &mask.paths, &mut wrong);
        let (Some(name), Some(response), true) = (name, response, wrong.is_empty()) else {
            return Err(invalid_argument(&wrong));
        };
        let (policy, affected) = self
            .store
            .update_policy(&name, &message.etag, &change, Cause { response, actor })
            .await?;
        Ok(pb::UpdatePolicyResponse {
            policy: Some(policy_out(&policy)),
            affected_destinations: affected.iter().map(affected_out).collect(),
        })
    }
}
