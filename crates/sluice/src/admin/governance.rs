//! `sluice governance …`

mod labels;
mod policies;

use clap::{Subcommand, ValueEnum};
use contracts::config::v1 as pb;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// List labels: the known ones and the workspace's own.
    Labels(labels::ListArgs),
    /// Add a label of your own, or say anew what it means.
    DefineLabel(labels::DefineArgs),
    /// Delete a label of your own.
    DeleteLabel(labels::DeleteArgs),
    /// List the profile fields that have labels.
    Fields(labels::ListArgs),
    /// Give a profile field labels, in place of those it has; they count for everything below it too.
    Label(labels::LabelArgs),
    /// Take all labels from profile fields.
    Unlabel(labels::UnlabelArgs),
    /// List marketing actions: the known ones and the workspace's own.
    Actions(labels::ListArgs),
    /// Add a marketing action of your own, or say anew what it means.
    DefineAction(labels::DefineArgs),
    /// Delete a marketing action of your own.
    DeleteAction(labels::DeleteArgs),
    /// Say what a destination's data is used for.
    Use(policies::UseArgs),
    /// List policies: what data with some labels may not be used for.
    Policies(labels::ListArgs),
    /// Create a policy of your own, switched on.
    CreatePolicy(policies::CreateArgs),
    /// Switch a policy on.
    EnablePolicy(policies::SwitchArgs),
    /// Switch a policy off.
    DisablePolicy(policies::SwitchArgs),
    /// Delete a policy of your own.
    DeletePolicy(policies::DeleteArgs),
    /// Tell which policies a destination breaks, or would.
    Evaluate(policies::DestinationArgs),
    /// Tell how many members of a destination's segments consented, as far as registered.
    Consent(policies::DestinationArgs),
}

/// What happens to activated destinations that would break a policy.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum OnViolation {
    /// They deliver on, and show it.
    Report,
    /// They are disabled; what was accepted waits.
    Disable,
    /// The change is not made.
    Refuse,
}

impl From<OnViolation> for pb::ViolationResponse {
    fn from(on_violation: OnViolation) -> Self {
        match on_violation {
            OnViolation::Report => Self::Report,
            OnViolation::Disable => Self::Disable,
            OnViolation::Refuse => Self::Refuse,
        }
    }
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Labels(args) => labels::list_labels(args).await,
        Command::DefineLabel(args) => labels::define_label(args).await,
        Command::DeleteLabel(args) => labels::delete_label(args).await,
        Command::Fields(args) => labels::list_fields(args).await,
        Command::Label(args) => labels::label(args).await,
        Command::Unlabel(args) => labels::unlabel(args).await,
        Command::Actions(args) => labels::list_actions(args).await,
        Command::DefineAction(args) => labels::define_action(args).await,
        Command::DeleteAction(args) => labels::delete_action(args).await,
        Command::Use(args) => policies::use_for(args).await,
        Command::Policies(args) => policies::list(args).await,
        Command::CreatePolicy(args) => policies::create(args).await,
        Command::EnablePolicy(args) => policies::switch(args, true).await,
        Command::DisablePolicy(args) => policies::switch(args, false).await,
        Command::DeletePolicy(args) => policies::delete(args).await,
        Command::Evaluate(args) => policies::evaluate(args).await,
        Command::Consent(args) => policies::consent(args).await,
    }
}

/// Reads a field as people write it: an attribute path, or identity:crmID.
pub(super) fn field_path(text: &str) -> String {
    match text.strip_prefix("identity:") {
        Some(namespace) => format!("identityMap.{namespace}"),
        None => text.to_owned(),
    }
}

/// Prints what a destination breaks, each with the ways out.
pub(super) fn print_violations(violations: &[pb::PolicyViolation]) {
    for violation in violations {
        println!("{}", violation.message);
        for resolution in &violation.resolutions {
            println!("  - {resolution}");
        }
    }
}

/// Prints which activated destinations a change made break a policy.
pub(super) fn print_affected(affected: &[pb::AffectedDestination]) {
    for one in affected {
        let and = if one.disabled { ", and was disabled" } else { "" };
        println!("{} breaks a policy now{and}:", one.destination);
        print_violations(&one.violations);
    }
}
