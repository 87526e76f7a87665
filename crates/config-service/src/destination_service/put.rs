//! A destination made what a request says: `PutDestination`.

use activation::{
    InvalidField,
    destination::{Activation, SegmentActivation},
    names::{ConnectionName, DestinationName, DestinationUid},
};
use contracts::{
    config::v1 as pb,
    convert::{destination::write_mode_out, parsed, required},
    json::json,
    status::invalid_argument,
};
use serde_json::Value;
use tonic::Status;
use uuid::Uuid;

use super::{
    Adapter,
    edit::{SegmentPaths, check_activation},
    settings::definition_in,
};
use crate::{
    connection_service::keep,
    destinations::{DesiredState, Destination, Edit, Intent, NewDestination, Settings, staged},
    difference::between,
    governance::{self, add_use},
    store::ChangeError,
    warnings,
};

/// What is asked for.
struct Wanted {
    name: DestinationName,
    etag: String,
    settings: Settings,
    keep_field_mappings: bool,
    keep_other_segments: bool,
}

/// What came of it, or would.
struct Done {
    before: Option<Destination>,
    after: Destination,
    /// How many segments stay without being named.
    kept: usize,
}

impl Wanted {
    fn read(request: pb::PutDestinationRequest) -> Result<Self, Vec<InvalidField>> {
        let mut wrong = Vec::new();
        let Some(message) = keep(required(request.destination, "destination"), &mut wrong) else {
            return Err(wrong);
        };
        let name: Option<DestinationName> = keep(parsed(&message.name, "destination.name"), &mut wrong);
        if request.keep_field_mappings && !message.field_mappings.is_empty() {
            wrong.push(InvalidField::new(
                "destination.field_mappings",
                "must be empty with keep_field_mappings; give either",
            ));
        }
        let workspace = name.as_ref().map(DestinationName::workspace);
        match (definition_in(&message, workspace), name) {
            (Ok(settings), Some(name)) if wrong.is_empty() => Ok(Self {
                name,
                etag: message.etag,
                settings,
                keep_field_mappings: request.keep_field_mappings,
                keep_other_segments: request.keep_other_segments,
            }),
            (settings, _) => {
                wrong.extend(settings.err().unwrap_or_default());
                Err(wrong)
            }
        }
    }

    /// Returns the segments that stay without being named.
    fn kept_segments(&self, before: &Activation) -> Vec<SegmentActivation> {
        let is_named = |segment: &str| {
            let mut named = self.settings.activation.segments.iter();
            named.any(|wanted| wanted.segment == segment)
        };
        let mut kept = before.segments.clone();
        kept.retain(|segment| self.keep_other_segments && !is_named(&segment.segment));
        kept
    }

    /// Makes a destination what is asked for; returns how many segments stay
    /// without being named.
    fn put_into(&self, destination: &mut Destination) -> Result<usize, ChangeError> {
        self.check_fixed(destination)?;
        let settings = self.settings.clone();
        let mut wanted = settings.activation;
        let before = &destination.activation;
        if self.keep_field_mappings {
            wanted.field_mappings.clone_from(&before.field_mappings);
        }
        let mut segments = self.kept_segments(before);
        let kept = segments.len();
        segments.append(&mut wanted.segments);
        wanted.segments = segments;
        // The order of rows is none of the file's concern.
        let is_same = wanted.record_type == before.record_type
            && wanted.write_mode == before.write_mode
            && staged::changes(before, &wanted).is_empty();
        if !is_same {
            destination.activation = wanted;
        }
        destination.connection = settings.connection;
        destination.display_name = settings.display_name;
        destination.description = settings.description;
        destination.affixes = settings.affixes;
        destination.marketing_actions = settings.marketing_actions;
        destination.segment_namespaces = settings.segment_namespaces;
        Ok(kept)
    }

    fn check_fixed(&self, destination: &Destination) -> Result<(), ChangeError> {
        let kind = |activation: &Activation| write_mode_out(&activation.write_mode);
        let (wanted, had) = (&self.settings.activation, &destination.activation);
        let (wanted_kind, had_kind) = (kind(wanted), kind(had));
        let differing = [
            ("connection", self.settings.connection != destination.connection),
            ("record_type", wanted.record_type != had.record_type),
            ("write_mode", wanted_kind.0 != had_kind.0),
            ("key_field", wanted_kind.1 != had_kind.1),
        ];
        for (field, is_different) in differing {
            if is_different {
                destination.check_fixed(field)?;
            }
        }
        Ok(())
    }
}

impl Adapter {
    pub(super) async fn put(
        &self,
        request: pb::PutDestinationRequest,
        actor: &str,
    ) -> Result<pb::PutDestinationResponse, Status> {
        let (require_ready, validate_only) = (request.require_ready, request.validate_only);
        let mut wanted = Wanted::read(request).map_err(|wrong| invalid_argument(&wrong))?;
        let before = self
            .store
            .destination(&wanted.name)
            .await
            .map_err(ChangeError::from)?;
        let checked = self.put_on(before, &wanted, actor, Intent::Check).await?;
        if require_ready {
            let paths = SegmentPaths::Put { kept: checked.kept };
            self.check_ready(&checked.after, paths).await?;
            self.check_going_live(&checked).await?;
        }
        if validate_only {
            return Ok(checked.into());
        }
        if let Some(before) = &checked.before {
            // What was found out holds for what was read.
            wanted.etag = before.version.to_string();
        }
        let done = self.put_on(checked.before, &wanted, actor, Intent::Make).await?;
        Ok(done.into())
    }

    /// Refuses what governance would not let go live.
    async fn check_going_live(&self, checked: &Done) -> Result<(), ChangeError> {
        let mut live = checked.after.clone();
        live.go_live();
        live.desired_state = DesiredState::Enabled;
        let view = self.store.view([&live]).await?;
        governance::check(&view, checked.before.as_ref(), &live)
            .map_err(|error| in_request(error, checked.kept))
    }

    async fn put_on(
        &self,
        before: Option<Destination>,
        wanted: &Wanted,
        actor: &str,
        intent: Intent,
    ) -> Result<Done, ChangeError> {
        let Some(before) = before else {
            return self.create(wanted, actor, intent).await;
        };
        if wanted.settings.connection != before.connection {
            self.check_connection(&wanted.settings.connection).await?;
        }
        let edit = Edit {
            name: &wanted.name,
            etag: &wanted.etag,
            actor,
        };
        let mut kept = 0;
        let after = self
            .store
            .change_or_check(edit, intent, |destination, claimed| {
                kept = wanted.put_into(destination)?;
                check_activation(&destination.activation, claimed, self.max_segments)
            })
            .await
            .map_err(|error| in_request(error, kept))?;
        Ok(Done {
            before: Some(before),
            after,
            kept,
        })
    }

    async fn create(&self, wanted: &Wanted, actor: &str, intent: Intent) -> Result<Done, ChangeError> {
        if !wanted.etag.is_empty() {
            return Err(ChangeError::NotFound(wanted.name.to_string()));
        }
        let new = NewDestination {
            name: wanted.name.clone(),
            uid: DestinationUid::new(Uuid::now_v7().to_string()),
            settings: wanted.settings.clone(),
            created_by: actor.to_owned(),
        };
        match self.create_draft(new, intent).await {
            Ok(after) => Ok(Done {
                before: None,
                after,
                kept: 0,
            }),
            // Somebody was faster.
            Err(ChangeError::AlreadyExists(name)) => Err(ChangeError::Stale(name)),
            Err(error) => Err(error),
        }
    }

    /// Creates a destination from a request that gives all of it.
    pub(super) async fn create_draft(
        &self,
        new: NewDestination,
        intent: Intent,
    ) -> Result<Destination, ChangeError> {
        self.store
            .create_destination(new, self.max_destinations, intent, |activation, claimed| {
                check_activation(activation, claimed, self.max_segments)
            })
            .await
            .map_err(|error| in_request(error, 0))
    }

    pub(super) async fn check_connection(&self, connection: &ConnectionName) -> Result<(), ChangeError> {
        match self.store.connection(connection).await? {
            Some(_) => Ok(()),
            None => Err(ChangeError::invalid(
                "destination.connection",
                format!("{connection} does not exist; create it first"),
            )),
        }
    }
}

/// Tells what is wrong by its path in the request.
fn in_request(error: ChangeError, kept: usize) -> ChangeError {
    let paths = SegmentPaths::Put { kept };
    match error {
        ChangeError::Invalid(problems) => ChangeError::Invalid(paths.in_request(problems)),
        other => other.with_problems(|problems| paths.in_request(problems)),
    }
}

impl From<Done> for pb::PutDestinationResponse {
    fn from(done: Done) -> Self {
        let before = done.before.as_ref().map_or(Value::Null, in_words);
        let changes = between(&before, &in_words(&done.after));
        let mut warnings = Vec::new();
        if !changes.is_empty() {
            let activation = &done.after.activation;
            warnings.extend(warnings::of_field_mappings(activation));
            warnings.extend(warnings::of_segments(activation));
            let is_added = |segment: &&SegmentActivation| {
                let before = done.before.iter().flat_map(|before| &before.activation.segments);
                !before.into_iter().any(|old| old.segment == segment.segment)
            };
            let added = activation.segments.iter().filter(is_added);
            warnings.extend(warnings::of_added_segments(&done.after, added));
        }
        Self {
            created: done.before.is_none(),
            destination: Some(done.after.into()),
            changes,
            warnings,
        }
    }
}

/// Writes what an admin says of a destination as the API does.
fn in_words(destination: &Destination) -> Value {
    let mut words = staged::in_words(&destination.activation);
    let (write_mode, key_field) = write_mode_out(&destination.activation.write_mode);
    let mut settings = pb::Destination {
        connection: destination.connection.to_string(),
        display_name: destination.display_name.clone(),
        description: destination.description.clone(),
        record_type: pb::RecordType::from(destination.activation.record_type).into(),
        write_mode: write_mode.into(),
        key_field,
        mapping_id_prefix: destination.affixes.prefix().to_string(),
        mapping_id_suffix: destination.affixes.suffix().to_string(),
        ..pb::Destination::default()
    };
    add_use(&mut settings, destination);
    if let (Value::Object(words), Value::Object(settings)) =
        (&mut words, json("sluice.config.v1.Destination", &settings))
    {
        words.extend(settings);
    }
    words
}
