//! Finding the Postgres of the machine.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use crate::{repository, run::on_path};

use super::has_programs;

/// Where Debian puts the programs of each version, below its number.
const DEBIAN: &str = "usr/lib/postgresql";

/// The programs of one Postgres.
pub(super) struct Programs {
    pub(super) directory: PathBuf,
    /// Folders of its libraries, where they are not the machine's own.
    pub(super) libraries: Option<OsString>,
}

impl Programs {
    /// Looks on the `PATH`, then where Debian puts them, then where an earlier run unpacked them.
    pub(super) fn find() -> Option<Self> {
        let on_path = on_path("initdb")
            .and_then(|initdb| initdb.parent().map(Path::to_owned))
            .filter(|directory| has_programs(directory));
        on_path
            .or_else(|| newest_below(&Path::new("/").join(DEBIAN)))
            .map(|directory| Self {
                directory,
                libraries: None,
            })
            .or_else(|| Self::unpacked(&unpack_directory()))
    }

    /// Returns the programs of a package that was unpacked into a folder.
    pub(super) fn unpacked(root: &Path) -> Option<Self> {
        Some(Self {
            directory: newest_below(&root.join(DEBIAN))?,
            libraries: Some(library_path(root)),
        })
    }
}

/// Returns where packages are unpacked for a user who may not install them.
pub(super) fn unpack_directory() -> PathBuf {
    repository::target().join("postgres-package")
}

fn newest_below(versions: &Path) -> Option<PathBuf> {
    fs::read_dir(versions)
        .ok()?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            has_programs(&programs).then_some((version, programs))
        })
        .max()
        .map(|(_, programs)| programs)
}

/// Returns `usr/lib` and its folders for one architecture, such as `usr/lib/x86_64-linux-gnu`.
fn library_path(root: &Path) -> OsString {
    let mut folders = Vec::new();
    for parent in [root.join("usr/lib"), root.join("lib")] {
        let for_one_architecture = fs::read_dir(&parent)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .filter(|entry| entry.file_name().to_string_lossy().contains("-linux-"))
            .map(|entry| entry.path());
        folders.extend(for_one_architecture);
        folders.push(parent);
    }
    // Only a folder with a colon in its name cannot be joined; then the machine's own libraries must do.
    std::env::join_paths(folders).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_is_found() {
        let root = tempfile::tempdir().unwrap();
        for (version, programs) in [
            ("9", &["initdb", "pg_ctl", "postgres"][..]),
            ("15", &["initdb", "pg_ctl", "postgres"]),
            ("17", &["pg_ctl"]),
            ("share", &[]),
        ] {
            let directory = root.path().join(DEBIAN).join(version).join("bin");
            fs::create_dir_all(&directory).unwrap();
            for program in programs {
                fs::write(directory.join(program), "").unwrap();
            }
        }

        let found = Programs::unpacked(root.path()).unwrap();

        assert_eq!(found.directory, root.path().join(DEBIAN).join("15/bin"));
    }
}
