//! What changes of a destination's definition have in common: their checks, here
//! and in the org.

use activation::{
    InvalidField, destination::Activation, names::DestinationName, org_shape::OrgShape, plan::Rules,
};
use contracts::{
    convert::parsed,
    status::{invalid_argument, invalid_field},
};
use tonic::Status;

use super::Adapter;
use crate::{
    destinations::{ClaimedField, Destination, Edit, claimed_by_others},
    org::shape_of,
    preflight::{check::org_findings, finding::refusals},
    request_rows::Rows,
    store::ChangeError,
};

/// How the segments of a destination are called in a request: problems are
/// told by the caller's own paths.
#[derive(Debug, Clone, Copy)]
pub(super) enum SegmentPaths {
    /// As in the destination.
    OfDestination,
    /// The request adds segments behind so many.
    Added { before: usize },
    /// The request is about one segment.
    One,
    /// The request gives the destination; so many segments that it does not name
    /// stay, before its own.
    Put { kept: usize },
}

impl SegmentPaths {
    pub(super) fn in_request(self, problems: Vec<InvalidField>) -> Vec<InvalidField> {
        let renamed = |problem: InvalidField| {
            let parts = problem
                .field
                .strip_prefix("segments[")
                .and_then(|rest| rest.split_once(']'));
            let Some((Ok(index), rest)) = parts.map(|(index, rest)| (index.parse::<usize>(), rest)) else {
                return match self {
                    Self::Put { .. } => in_destination(problem),
                    Self::OfDestination | Self::Added { .. } | Self::One => problem,
                };
            };
            let field = match self {
                Self::Added { before } if index >= before => format!("segments[{}]{rest}", index - before),
                Self::One => format!("segment{rest}"),
                Self::Put { kept } if index >= kept => {
                    format!("destination.segments[{}]{rest}", index - kept)
                }
                // One that the request does not name.
                Self::Put { .. } => "destination.segments".to_owned(),
                Self::OfDestination | Self::Added { .. } => return problem,
            };
            InvalidField::new(field, problem.problem)
        };
        problems.into_iter().map(renamed).collect()
    }
}

/// Tells a problem of a destination's definition by its path in a request that
/// gives the destination.
pub(super) fn in_destination(problem: InvalidField) -> InvalidField {
    if problem.field.starts_with("destination.") {
        problem
    } else {
        problem.below("destination")
    }
}

/// What the org says of a destination.
pub(super) struct OrgAnswer {
    pub(super) org_id: String,
    pub(super) shape: OrgShape,
}

impl Adapter {
    pub(super) async fn existing(&self, name: &DestinationName) -> Result<Destination, ChangeError> {
        self.store
            .destination(name)
            .await?
            .ok_or_else(|| ChangeError::NotFound(name.to_string()))
    }

    /// Refuses what could not go live: what is not finished by itself, and what
    /// does not fit the org's own description, all of it at once.
    pub(super) async fn check_ready(
        &self,
        destination: &Destination,
        paths: SegmentPaths,
    ) -> Result<OrgAnswer, Status> {
        let activation = &destination.activation;
        let mut problems = Rules::compile(activation, &destination.org_shape)
            .err()
            .unwrap_or_default();
        let is_finished = problems.is_empty();
        let connection = self
            .store
            .connection(&destination.connection)
            .await
            .map_err(ChangeError::from)?
            .ok_or_else(|| ChangeError::NotFound(destination.connection.to_string()))?;
        let answer = match self.orgs.described(&connection, activation).await {
            Ok(org) => {
                problems.extend(refusals(org_findings(activation, &org)));
                OrgAnswer {
                    shape: shape_of(activation, &org.object),
                    org_id: org.org_id,
                }
            }
            Err(trouble) if is_finished => return Err(Status::from(&trouble)),
            // What is wrong anyway is mended first.
            Err(_) => OrgAnswer {
                shape: OrgShape::unknown(false),
                org_id: String::new(),
            },
        };
        if problems.is_empty() {
            return Ok(answer);
        }
        Err(ChangeError::NotReady {
            reason: if is_finished {
                "ORG_DOES_NOT_FIT"
            } else {
                "NOT_FINISHED"
            },
            problems: paths.in_request(problems),
        }
        .into())
    }

    /// Makes a change of mappings or segments; of an activated destination it
    /// is staged.
    pub(super) async fn change_activation(
        &self,
        name: &str,
        etag: &str,
        actor: &str,
        change: impl FnOnce(&mut Activation) -> Result<SegmentPaths, ChangeError>,
    ) -> Result<Destination, Status> {
        let name: DestinationName = parsed(name, "name").map_err(invalid_field)?;
        let max_segments = self.max_segments;
        let edit = Edit {
            name: &name,
            etag,
            actor,
        };
        let mut asked = SegmentPaths::OfDestination;
        let stored = self
            .store
            .change_destination(edit, |destination, claimed| {
                let paths = change(&mut destination.activation)?;
                asked = paths;
                check_activation(&destination.activation, claimed, max_segments).map_err(
                    |error| match error {
                        ChangeError::Invalid(problems) => ChangeError::Invalid(paths.in_request(problems)),
                        other => other,
                    },
                )
            })
            .await
            .map_err(|error| error.with_problems(|problems| asked.in_request(problems)))?;
        Ok(stored)
    }

    /// Makes what was edited live, once it compiles and the org has what it
    /// names.
    pub(super) async fn make_live(
        &self,
        edited: &Destination,
        etag: &str,
        actor: &str,
        change: impl FnOnce(&mut Destination),
    ) -> Result<Destination, Status> {
        let answer = self.check_ready(edited, SegmentPaths::OfDestination).await?;
        self.store.pin_org(&edited.connection, &answer.org_id).await?;
        // What was asked of the org holds for what was read.
        let seen = edited.version.to_string();
        let edit = Edit {
            name: &edited.name,
            etag: if etag.is_empty() { &seen } else { etag },
            actor,
        };
        let max_segments = self.max_segments;
        let stored = self
            .store
            .change_destination(edit, |destination, claimed| {
                check_activation(&destination.activation, claimed, max_segments)?;
                destination.org_shape = answer.shape;
                destination.go_live();
                change(destination);
                Ok(())
            })
            .await?;
        Ok(stored)
    }

    /// Returns everything that is wrong with rows of which some cannot be read.
    pub(super) async fn every_problem<T>(
        &self,
        name: &str,
        mut rows: Rows<T>,
        add: impl FnOnce(&mut Activation, Vec<T>) -> SegmentPaths,
    ) -> Status {
        let name = match parsed::<DestinationName>(name, "name") {
            Ok(name) => name,
            Err(invalid) => {
                let mut wrong = vec![invalid];
                wrong.extend(rows.every_problem(Vec::new()));
                return invalid_argument(&wrong);
            }
        };
        let problems = async {
            let mut destination = self.existing(&name).await?;
            let claimed = self.store.claimed_by_others(&destination).await?;
            let paths = add(&mut destination.activation, rows.take_readable());
            match check_activation(&destination.activation, &claimed, self.max_segments) {
                Ok(()) => Ok(Vec::new()),
                Err(ChangeError::Invalid(problems)) => Ok(paths.in_request(problems)),
                Err(other) => Err(other),
            }
        };
        match problems.await {
            Ok(problems) => invalid_argument(&rows.every_problem(problems)),
            Err(error) => error.into(),
        }
    }
}

pub(super) fn check_activation(
    activation: &Activation,
    claimed: &[ClaimedField],
    max_segments: usize,
) -> Result<(), ChangeError> {
    let mut wrong = activation.conflicts();
    wrong.extend(claimed_by_others(activation, claimed));
    if activation.segments.len() > max_segments {
        wrong.push(InvalidField::new(
            "segments",
            format!(
                "{} segments would be active and {max_segments} may be; remove one, or raise \
                 config.max_segments_per_destination",
                activation.segments.len()
            ),
        ));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(ChangeError::Invalid(wrong))
    }
}
