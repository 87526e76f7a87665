//! The data directory: made for its owner only, used by one process at a time.

use std::{
    fs::{self, File, TryLockError},
    io::{Read, Seek, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use anyhow::{Context, bail};

use super::installation::seed;

/// Holds the directory as long as it lives.
pub(crate) struct DataDir {
    _lock: File,
    instance: String,
}

impl DataDir {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("the data directory {shown} cannot be made"))?;
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .with_context(|| format!("the data directory {shown} cannot be written"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = lock.read_to_string(&mut holder);
                bail!(
                    "the data directory {shown} is in use by another sluice (process {}); \
                     stop it, or choose another --data-dir",
                    holder.trim()
                );
            }
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("the data directory {shown} cannot be locked"));
            }
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .with_context(|| format!("the data directory {shown} cannot be written"))?;
        let instance = instance(&path.join("instance"))
            .with_context(|| format!("the data directory {shown} has no instance file"))?;
        Ok(Self {
            _lock: lock,
            instance,
        })
    }

    /// Returns the name of the installation that the directory belongs to.
    pub(crate) fn instance(&self) -> &str {
        &self.instance
    }
}

/// Reads the name of this installation, or makes one up.
fn instance(path: &Path) -> anyhow::Result<String> {
    let kept = match fs::read_to_string(path) {
        Ok(name) => name.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.into()),
    };
    if !kept.is_empty() {
        return Ok(kept);
    }
    let name = format!("{:016x}", seed()?);
    fs::write(path, &name)?;
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_in_use_is_refused_and_free_again_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        let held = DataDir::open(&path).unwrap();
        let error = DataDir::open(&path).err().unwrap().to_string();
        assert!(
            error.contains("in use") && error.contains(&std::process::id().to_string()),
            "{error}"
        );
        drop(held);
        assert!(DataDir::open(&path).is_ok());
    }
}
