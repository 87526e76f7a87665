//! `README.txt`: what is in the package, and how to deploy it.

use std::fmt::Write;

use salesforce::API_VERSION;

use super::{
    super::{notes::Note, wanted::Wanted},
    FOLDER, file_name,
};
use crate::destinations::Destination;

pub(super) fn text(destination: &Destination, wanted: &Wanted, notes: &[Note]) -> String {
    let object = wanted.object;
    let mut text = format!(
        "Custom fields of {object} for {}, written by Sluice\n\
         \n\
         Format: Metadata API {}. What is deployed is the folder {FOLDER}.\n\
         \n\
         What it makes\n",
        destination.name,
        API_VERSION.trim_start_matches('v'),
    );
    for field in &wanted.fields {
        let _ = writeln!(
            text,
            "  {object}.{}: {} (segment {})",
            field.new.name,
            one_line(&field.new.label),
            one_line(&field.segment)
        );
    }
    let _ = writeln!(
        text,
        "  Permission set {} ({}): edit\n  Permission set {} ({}): read",
        wanted.delivery_set.name, wanted.delivery_set.label, wanted.people_set.name, wanted.people_set.label
    );
    let others: Vec<&str> = wanted
        .all_fields
        .iter()
        .filter(|name| wanted.fields.iter().all(|field| field.new.name != **name))
        .map(String::as_str)
        .collect();
    if !others.is_empty() {
        let _ = writeln!(
            text,
            "\nThe permission sets open these fields too, which must be in the org already:\n  {}",
            others.join(", ")
        );
    }
    let _ = write!(
        text,
        "\nHow to deploy it with the Salesforce CLI, in a project directory\n\
         \x20 unzip {file} -d sluice\n\
         \x20 sf project deploy start --metadata-dir sluice/{FOLDER} --target-org YOUR_ORG --dry-run\n\
         \x20 sf project deploy start --metadata-dir sluice/{FOLDER} --target-org YOUR_ORG\n\
         \n\
         How to deploy it with Workbench\n\
         \x20 Zip what is inside the folder {FOLDER} (package.xml at the top), then choose\n\
         \x20 migration, Deploy, and tick Rollback On Error and Single Package.\n\
         \n\
         What is left to do\n",
        file = file_name(destination),
    );
    for note in notes {
        let _ = writeln!(text, "  - {}.", note.message);
        if !note.place.is_empty() {
            let _ = writeln!(text, "    {}", note.place);
        }
    }
    text
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
