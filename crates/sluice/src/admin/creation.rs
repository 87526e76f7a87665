//! What `sluice destinations` says of records that Salesforce does not have.

use clap::{Args, ValueEnum};
use contracts::config::v1 as pb;

use super::text::enum_name;

/// Brakes of a destination.
#[derive(Debug, Args)]
pub(super) struct CreationArgs {
    /// Whether records that Salesforce does not have are created; only with --upsert-by.
    #[arg(long, value_name = "WHETHER")]
    create: Option<Create>,
    /// Create at most so many records a day (UTC); beyond it new ones are excluded (CREATE_LIMIT) and the others
    /// still updated; 0 for no limit.
    #[arg(long, value_name = "RECORDS")]
    max_creates_per_day: Option<i32>,
    /// Which assignment rule chooses the owner of created Leads: off, default (the active one), or the id of one
    /// (01Q…). Updates never assign.
    #[arg(long, value_name = "RULE")]
    assignment_rule: Option<String>,
    /// Id of the user (005…) or queue (00G…, Leads only) that owns created records; "" for the connection's user.
    #[arg(long, value_name = "ID")]
    owner_id: Option<String>,
    /// Id of the record type (012…) of created records; "" for the user's default.
    #[arg(long, value_name = "ID")]
    record_type_id: Option<String>,
    /// What happens to a record, new or not, that a duplicate rule of the org would only warn of.
    #[arg(long, value_name = "WHAT")]
    duplicate_rule: Option<DuplicateRule>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Create {
    Allowed,
    /// Only update; what is not there is excluded (NOT_FOUND_NOT_CREATED).
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum DuplicateRule {
    /// It fails with DUPLICATES_DETECTED.
    Respect,
    /// It is saved all the same.
    Allow,
}

impl CreationArgs {
    /// The flags, for whoever must be told that none was given.
    pub(super) const FLAGS: &str = "--create, --max-creates-per-day, --assignment-rule, --owner-id, --record-type-id, \
        --duplicate-rule";

    /// Puts what was given into a destination; returns the paths of an update.
    pub(super) fn put_into(self, destination: &mut pb::Destination) -> Vec<&'static str> {
        let mut paths = Vec::new();
        let mut rules = pb::CreationRules::default();
        if let Some(create) = self.create {
            let create = match create {
                Create::Allowed => pb::Create::Allowed,
                Create::Never => pb::Create::Never,
            };
            rules.create = create.into();
            paths.push("creation_rules.create");
        }
        if let Some(limit) = self.max_creates_per_day {
            rules.max_creates_per_day = limit;
            paths.push("creation_rules.max_creates_per_day");
        }
        if let Some(rule) = self.assignment_rule {
            match rule.to_lowercase().as_str() {
                "off" => rules.set_assignment_rule(pb::AssignmentRule::Off),
                "default" => rules.set_assignment_rule(pb::AssignmentRule::Default),
                _ => rules.assignment_rule_id = rule,
            }
            paths.push("creation_rules.assignment_rule");
        }
        if let Some(owner) = self.owner_id {
            rules.owner_id = owner;
            paths.push("creation_rules.owner_id");
        }
        if let Some(record_type) = self.record_type_id {
            rules.record_type_id = record_type;
            paths.push("creation_rules.record_type_id");
        }
        if !paths.is_empty() {
            destination.creation_rules = Some(rules);
        }
        if let Some(rule) = self.duplicate_rule {
            destination.set_duplicate_rule(match rule {
                DuplicateRule::Respect => pb::DuplicateRule::Respect,
                DuplicateRule::Allow => pb::DuplicateRule::Allow,
            });
            paths.push("duplicate_rule");
        }
        paths
    }
}

/// Returns the rules as properties; nothing where none was given.
pub(super) fn properties(destination: &pb::Destination) -> [(&'static str, String); 2] {
    let duplicates = enum_name(destination.duplicate_rule().as_str_name(), "DUPLICATE_RULE_");
    let Some(rules) = &destination.creation_rules else {
        return [("creates", String::new()), ("duplicate rules", duplicates)];
    };
    let mut words = Vec::new();
    match rules.create() {
        pb::Create::Never => words.push("never".to_owned()),
        pb::Create::Unspecified | pb::Create::Allowed => {}
    }
    if rules.max_creates_per_day > 0 {
        words.push(format!("at most {} a day", rules.max_creates_per_day));
    }
    if rules.assignment_rule() == pb::AssignmentRule::Default {
        words.push("the active assignment rule chooses the owner".to_owned());
    }
    for (what, id) in [
        ("assignment rule", &rules.assignment_rule_id),
        ("owner", &rules.owner_id),
        ("record type", &rules.record_type_id),
    ] {
        if !id.is_empty() {
            words.push(format!("{what} {id}"));
        }
    }
    [("creates", words.join(", ")), ("duplicate rules", duplicates)]
}

/// Says how many updates wait, where any do.
pub(super) fn waiting(updates: i64) -> String {
    match updates {
        ..=0 => String::new(),
        1 => "1 accepted update waits".to_owned(),
        many => format!("{many} accepted updates wait"),
    }
}

/// Returns how many updates wait, as delivery last reported.
pub(super) fn waiting_updates(destination: &pb::Destination) -> i64 {
    destination
        .delivery_status
        .as_ref()
        .map_or(0, |status| status.waiting_updates)
}
