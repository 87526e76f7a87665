//! The calls about registered segments, labels and policies, as the tests make them.

use contracts::{
    config::v1::{
        AffectedDestination, CreatePolicyRequest, DeleteSegmentsRequest, Destination,
        EvaluateDestinationRequest, FieldLabels, GetSegmentRequest, Policy, PolicyViolation,
        PolicyViolations, PutFieldLabelsRequest, PutSegmentsRequest, PutSegmentsResponse, RegisteredSegment,
        SegmentSettings, UpdatePolicyRequest, UpdateSegmentSettingsRequest, ViolationResponse,
    },
    status::reason,
};
use prost::Message;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::rig::{CONTACTS, Rig, WORKSPACE, mask};

/// The policy that forbids C2 for EXPORT_TO_THIRD_PARTY.
pub(crate) const THIRD_PARTY: &str = "core-third-party-export";

pub(crate) fn registered(segment: &str, fields: &[&str]) -> RegisteredSegment {
    RegisteredSegment {
        segment: segment.to_owned(),
        display_name: format!("Registered {segment}"),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        ..Default::default()
    }
}

pub(crate) fn policy_name(id: &str) -> String {
    format!("{WORKSPACE}/policies/{id}")
}

pub(crate) fn policy(action: &str, labels: &[&str]) -> Policy {
    Policy {
        display_name: "Ours".to_owned(),
        marketing_action: action.to_owned(),
        labels: labels.iter().map(|label| (*label).to_owned()).collect(),
        enabled: true,
        ..Default::default()
    }
}

impl Rig {
    pub(crate) async fn put_segments(
        &self,
        segments: &[RegisteredSegment],
    ) -> Result<PutSegmentsResponse, Status> {
        self.put_segments_or(segments, ViolationResponse::Unspecified)
            .await
    }

    pub(crate) async fn put_segments_or(
        &self,
        segments: &[RegisteredSegment],
        response: ViolationResponse,
    ) -> Result<PutSegmentsResponse, Status> {
        let request = PutSegmentsRequest {
            parent: WORKSPACE.to_owned(),
            segments: segments.to_vec(),
            violation_response: response.into(),
        };
        Ok(self.segments.clone().put_segments(request).await?.into_inner())
    }

    pub(crate) async fn forget_segments(&self, segments: &[&str]) {
        let request = DeleteSegmentsRequest {
            parent: WORKSPACE.to_owned(),
            segments: segments.iter().map(|one| (*one).to_owned()).collect(),
        };
        self.segments.clone().delete_segments(request).await.unwrap();
    }

    pub(crate) async fn registered(&self, segment: &str) -> Result<RegisteredSegment, Status> {
        let request = GetSegmentRequest {
            name: format!("{WORKSPACE}/segments/{segment}"),
        };
        let answer = self.segments.clone().get_segment(request).await?;
        Ok(answer.into_inner().segment.unwrap())
    }

    pub(crate) async fn update_segment_settings(
        &self,
        settings: SegmentSettings,
        paths: &[&str],
    ) -> Result<SegmentSettings, Status> {
        let request = UpdateSegmentSettingsRequest {
            settings: Some(SegmentSettings {
                name: format!("{WORKSPACE}/segmentSettings"),
                ..settings
            }),
            update_mask: Some(mask(paths)),
        };
        let answer = self.segments.clone().update_segment_settings(request).await?;
        Ok(answer.into_inner().settings.unwrap())
    }

    pub(crate) async fn label(&self, field: &str, labels: &[&str]) -> Vec<AffectedDestination> {
        self.label_or(field, labels, ViolationResponse::Unspecified)
            .await
            .unwrap()
    }

    pub(crate) async fn label_or(
        &self,
        field: &str,
        labels: &[&str],
        response: ViolationResponse,
    ) -> Result<Vec<AffectedDestination>, Status> {
        let request = PutFieldLabelsRequest {
            parent: WORKSPACE.to_owned(),
            field_labels: vec![FieldLabels {
                field: field.to_owned(),
                labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            }],
            violation_response: response.into(),
        };
        let answer = self.governance.clone().put_field_labels(request).await?;
        Ok(answer.into_inner().affected_destinations)
    }

    pub(crate) async fn create_policy(&self, id: &str, policy: Policy) -> Result<Policy, Status> {
        let request = CreatePolicyRequest {
            parent: WORKSPACE.to_owned(),
            policy_id: id.to_owned(),
            policy: Some(policy),
            violation_response: 0,
        };
        let answer = self.governance.clone().create_policy(request).await?;
        Ok(answer.into_inner().policy.unwrap())
    }

    pub(crate) async fn update_policy(
        &self,
        policy: Policy,
        paths: &[&str],
        response: ViolationResponse,
    ) -> Result<(Policy, Vec<AffectedDestination>), Status> {
        let request = UpdatePolicyRequest {
            policy: Some(policy),
            update_mask: Some(mask(paths)),
            violation_response: response.into(),
        };
        let answer = self.governance.clone().update_policy(request).await?.into_inner();
        Ok((answer.policy.unwrap(), answer.affected_destinations))
    }

    pub(crate) async fn switch(&self, id: &str, enabled: bool) -> Vec<AffectedDestination> {
        let policy = Policy {
            name: policy_name(id),
            enabled,
            ..Default::default()
        };
        self.update_policy(policy, &["enabled"], ViolationResponse::Unspecified)
            .await
            .unwrap()
            .1
    }

    pub(crate) async fn use_for(&self, destination: &str, actions: &[&str]) -> Result<Destination, Status> {
        let destination = Destination {
            name: destination.to_owned(),
            marketing_actions: actions.iter().map(|action| (*action).to_owned()).collect(),
            ..Default::default()
        };
        self.update_destination(destination, &["marketing_actions"]).await
    }

    pub(crate) async fn evaluate(&self, destination: &str) -> Vec<PolicyViolation> {
        let request = EvaluateDestinationRequest {
            name: destination.to_owned(),
        };
        let answer = self
            .governance
            .clone()
            .evaluate_destination(request)
            .await
            .unwrap();
        answer.into_inner().violations
    }

    /// Returns what the destination [`CONTACTS`] shows of violations.
    pub(crate) async fn shown_violations(&self) -> Vec<PolicyViolation> {
        self.destination(CONTACTS).await.unwrap().policy_violations
    }
}

/// Asserts that a change was refused for policies, and returns the typed detail.
#[track_caller]
pub(crate) fn violations_of(refused: &Status) -> Vec<PolicyViolation> {
    assert_eq!(refused.code(), Code::FailedPrecondition, "{refused:?}");
    assert_eq!(reason(refused), "POLICY_VIOLATION");
    let details = tonic_types::pb::Status::decode(refused.details())
        .unwrap()
        .details;
    let typed = details
        .iter()
        .find(|detail| detail.type_url.ends_with("/sluice.config.v1.PolicyViolations"))
        .expect("the violations are a detail");
    let violations = PolicyViolations::decode(typed.value.as_slice())
        .unwrap()
        .violations;
    let subjects: Vec<String> = refused
        .get_details_precondition_failure()
        .unwrap()
        .violations
        .into_iter()
        .map(|one| one.subject)
        .collect();
    let policies: Vec<String> = violations.iter().map(|one| one.policy.clone()).collect();
    assert_eq!(subjects, policies);
    violations
}

/// Asserts which fields a violation is about.
#[track_caller]
pub(crate) fn assert_fields(violation: &PolicyViolation, fields: &[&str]) {
    let found: Vec<&str> = violation
        .fields
        .iter()
        .map(|field| field.field.as_str())
        .collect();
    assert_eq!(found, fields, "{violation:?}");
}
