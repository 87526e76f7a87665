//! Suggestions of Mapping IDs.

use activation::{InvalidField, mapping_id_suggestion::suggest, names::DestinationName};
use contracts::{
    config::v1 as pb,
    convert::parsed,
    status::{invalid_argument, invalid_field},
};
use tonic::Status;

use super::Adapter;
use crate::store::ChangeError;

impl Adapter {
    pub(super) async fn suggestions(
        &self,
        request: pb::SuggestMappingIdsRequest,
    ) -> Result<Vec<pb::SuggestedMappingId>, Status> {
        let name: DestinationName = parsed(&request.name, "name").map_err(invalid_field)?;
        check_segment_names(&request.segments)?;
        let destination = self.existing(&name).await?;
        let claimed = self
            .store
            .claimed_by_others(&destination)
            .await
            .map_err(ChangeError::from)?;
        let mut taken = destination.activation.taken_fields();
        taken.extend(claimed.iter().map(|one| one.segment.mapping_id.field()));
        let ids = request
            .segments
            .iter()
            .map(|segment| segment.segment.clone())
            .collect();
        let registered = self
            .store
            .registered_names(name.workspace(), &ids)
            .await
            .map_err(ChangeError::from)?;
        let mut suggestions = Vec::with_capacity(request.segments.len());
        for segment in request.segments {
            let display_name = match registered.get(&segment.segment) {
                Some(registered) if segment.display_name.is_empty() => registered,
                _ => &segment.display_name,
            };
            let mapping_id = suggest(
                &segment.segment,
                display_name,
                &destination.affixes,
                |candidate| {
                    let field = candidate.field();
                    taken.iter().any(|other| other.is_same_field(field.as_str()))
                },
            );
            let field = mapping_id.field();
            suggestions.push(pb::SuggestedMappingId {
                segment: segment.segment,
                mapping_id: mapping_id.to_string(),
                field: field.to_string(),
            });
            taken.push(field);
        }
        Ok(suggestions)
    }
}

fn check_segment_names(segments: &[pb::SegmentName]) -> Result<(), Status> {
    const MOST: usize = 1_000;
    let mut wrong = Vec::new();
    if segments.is_empty() || segments.len() > MOST {
        wrong.push(InvalidField::new(
            "segments",
            format!("is required: at least one segment, at most {MOST}"),
        ));
    }
    for (index, segment) in segments.iter().enumerate().take(MOST) {
        if segment.segment.trim().is_empty() {
            wrong.push(InvalidField::new(
                format!("segments[{index}].segment"),
                "is required: the platform's segment id",
            ));
        }
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(invalid_argument(&wrong))
    }
}
