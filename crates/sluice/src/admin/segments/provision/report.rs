//! What came of it, for people.

use contracts::config::v1 as pb;

use crate::admin::text::{enum_name, print_table};

pub(super) fn print(answer: &pb::ProvisionSegmentFieldsResponse) {
    let rows = answer
        .fields
        .iter()
        .map(|field| {
            vec![
                field.segment.clone(),
                field.field.clone(),
                state(field.state()),
                state(field.delivery_access()),
                state(field.people_access()),
            ]
        })
        .collect();
    print_table(
        &["segment", "field", "state", "delivery edits", "people read"],
        rows,
        "no fields",
    );
    let rows = answer
        .permission_sets
        .iter()
        .map(|set| {
            let given = if set.assignee.is_empty() {
                "nobody yet".to_owned()
            } else {
                format!("{} ({})", set.assignee, state(set.assignment()))
            };
            vec![
                set.label.clone(),
                state(set.state()),
                state(set.object_access()),
                given,
            ]
        })
        .collect();
    print_table(&["permission set", "state", "object", "given to"], rows, "");
    let of_fields = answer
        .fields
        .iter()
        .map(|one| (&one.field, &one.reason, &one.message, &one.fix));
    let of_sets = answer
        .permission_sets
        .iter()
        .map(|one| (&one.label, &one.reason, &one.message, &one.fix));
    let mut told: Vec<&String> = Vec::new();
    for (what, reason, message, fix) in of_fields.chain(of_sets) {
        // What stopped everything is said of everything.
        if reason.is_empty() || told.contains(&message) {
            continue;
        }
        told.push(message);
        println!("{what}: {message} ({reason})\n  {fix}");
    }
    print_notes(&answer.notes);
}

pub(super) fn print_notes(notes: &[pb::ProvisioningNote]) {
    if notes.is_empty() {
        return;
    }
    println!("left to do:");
    for note in notes {
        println!("- {}.", note.message);
        if !note.place.is_empty() {
            println!("  {}", note.place);
        }
    }
}

fn state(state: pb::ProvisionState) -> String {
    let name = enum_name(state.as_str_name(), "PROVISION_STATE_").replace('_', " ");
    if name.is_empty() { "-".to_owned() } else { name }
}
