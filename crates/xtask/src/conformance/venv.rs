//! Virtual environments of Python, kept from run to run.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    debian,
    run::{on_path, run, works},
};

/// Whether pip adds what the listed packages ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dependencies {
    Added,
    /// The file lists every package.
    Listed,
}

/// A Python with the packages of one requirements file.
pub(super) struct Venv {
    interpreter: PathBuf,
}

impl Venv {
    /// Makes the environment; what an earlier run installed from the same file is used again.
    pub(super) fn prepare(directory: &Path, requirements: &Path, dependencies: Dependencies) -> Result<Self> {
        let venv = Self {
            interpreter: directory.join("bin/python"),
        };
        let wanted = fs::read_to_string(requirements).with_context(|| requirements.display().to_string())?;
        let installed = directory.join("installed.txt");
        if fs::read_to_string(&installed).ok().as_ref() == Some(&wanted) {
            return Ok(venv);
        }
        make(directory)?;
        let mut pip = venv.command();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        if dependencies == Dependencies::Listed {
            pip.arg("--no-deps");
        }
        run(pip.arg("--requirement").arg(requirements))?;
        fs::write(&installed, wanted)?;
        Ok(venv)
    }

    /// Returns the interpreter, which leaves nothing behind in our folders.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// Makes a fresh virtual environment. Debian's Python lacks the module for it until it is installed.
fn make(directory: &Path) -> Result<()> {
    if on_path("python3").is_none() {
        debian::install(
            "python3-venv",
            "foreign clients need Python 3.11 or newer, which is not here",
        )?;
    }
    if !works(Command::new("python3").args(["-c", "import tomllib"]))? {
        bail!(
            "foreign clients need Python 3.11 or newer, and python3 is older; install a newer one, then try again"
        );
    }
    if !works(Command::new("python3").args(["-c", "import ensurepip"]))? {
        debian::install("python3-venv", "Python's venv is not here")?;
    }
    remove_directory(directory)?;
    run(Command::new("python3").args(["-m", "venv"]).arg(directory))
}

/// Removes a folder, if it is there.
pub(super) fn remove_directory(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| directory.display().to_string())
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
