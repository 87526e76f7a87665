//! What an admin's login would make, as a package of the Metadata API.
//! Source of names and order of elements: Salesforce Metadata API Developer
//! Guide, "CustomField", "PermissionSet", "package.xml"; elements are in the
//! order in which a retrieve answers them.

mod fields;
mod grants;
mod readme;
mod xml;

use std::io::{Cursor, Write};

use salesforce::API_VERSION;
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use self::xml::document;
use super::{notes::Note, wanted::Wanted};
use crate::destinations::Destination;

/// Holds what is deployed. The README stands beside it, because Salesforce reads
/// every file of what it is given.
const FOLDER: &str = "unpackaged";

/// Writes the package: the same bytes for the same destination and definition.
pub(crate) fn write(destination: &Destination, wanted: &Wanted, notes: &[Note]) -> Vec<u8> {
    let mut files = vec![
        ("README.txt".to_owned(), readme::text(destination, wanted, notes)),
        (format!("{FOLDER}/package.xml"), manifest(wanted)),
        (
            format!("{FOLDER}/objects/{}.object", wanted.object),
            fields::object(wanted),
        ),
    ];
    for (set, content) in [
        (&wanted.delivery_set, grants::of_delivery(wanted)),
        (&wanted.people_set, grants::of_people(wanted)),
    ] {
        files.push((
            format!("{FOLDER}/permissionsets/{}.permissionset", set.name),
            content,
        ));
    }
    zipped(&files)
}

/// Returns what to call the package.
pub(crate) fn file_name(destination: &Destination) -> String {
    format!("sluice-{}.zip", destination.name.id())
}

fn manifest(wanted: &Wanted) -> String {
    document("Package", |package| {
        package.open("types", |types| {
            for field in &wanted.fields {
                types.text("members", &format!("{}.{}", wanted.object, field.new.name));
            }
            types.text("name", "CustomField");
        });
        package.open("types", |types| {
            types.text("members", &wanted.delivery_set.name);
            types.text("members", &wanted.people_set.name);
            types.text("name", "PermissionSet");
        });
        package.text("version", API_VERSION.trim_start_matches('v'));
    })
}

fn zipped(files: &[(String, String)]) -> Vec<u8> {
    // Small files; and every tool reads what is stored as it is.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let write = || -> zip::result::ZipResult<Vec<u8>> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (path, content) in files {
            archive.start_file(path.as_str(), options)?;
            archive.write_all(content.as_bytes())?;
        }
        Ok(archive.finish()?.into_inner())
    };
    write().expect("a few small files fit into a zip file in memory")
}

#[cfg(test)]
mod tests;
