//! A copy of the repository that may be spoiled.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{repository, run::output};

use super::faults::Fault;

/// The copy, below target/.
pub(super) struct Tree {
    root: PathBuf,
}

impl Tree {
    /// Copies what git tracks, and what it would track.
    pub(super) fn copy() -> Result<Self> {
        let root = repository::target().join("oracle-bites").join("tree");
        match fs::remove_dir_all(&root) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            Ok(()) | Err(_) => {}
        }
        let files = output(
            Command::new("git")
                .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
                .current_dir(repository::root()),
        )?;
        for file in files.split('\0').filter(|file| !file.is_empty()) {
            let from = repository::root().join(file);
            // Tracked, and deleted since.
            if !from.is_file() {
                continue;
            }
            let to = root.join(file);
            fs::create_dir_all(to.parent().expect("it is below the root"))?;
            fs::copy(&from, &to).with_context(|| file.to_owned())?;
        }
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Puts a fault in and returns what the file was before.
    pub(super) fn replace(&self, fault: &Fault) -> Result<String> {
        let path = self.root.join(fault.file);
        let original = fs::read_to_string(&path).with_context(|| fault.file.to_owned())?;
        let occurrences = original.matches(fault.right).count();
        if occurrences != 1 {
            bail!(
                "fault '{}': {} has its text {occurrences} times and not once; bring the fault up to date:\n{}",
                fault.name,
                fault.file,
                fault.right
            );
        }
        fs::write(&path, original.replace(fault.right, fault.wrong))?;
        Ok(original)
    }

    /// Takes a fault out again.
    pub(super) fn restore(&self, fault: &Fault, original: &str) -> Result<()> {
        fs::write(self.root.join(fault.file), original).with_context(|| fault.file.to_owned())
    }
}
