//! Debian's Postgres packages, unpacked by a user who may not install them.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use crate::run::{output, run, works};

use super::programs::{Programs, unpack_directory};

/// Downloads the server and the libraries that the machine lacks, and unpacks them below target/.
pub(super) fn unpack() -> Result<Programs> {
    let server = server_package()?;
    let mut packages = missing_libraries(&server)?;
    packages.insert(server);

    let directory = unpack_directory();
    let archives = directory.join("archives");
    fs::create_dir_all(&archives)?;
    run(Command::new("apt-get")
        .arg("download")
        .args(&packages)
        .current_dir(&archives))?;
    for archive in fs::read_dir(&archives)? {
        run(Command::new("dpkg-deb")
            .arg("--extract")
            .arg(archive?.path())
            .arg(&directory))?;
    }
    fs::remove_dir_all(&archives)?;

    let programs = Programs::unpacked(&directory).context("the package has no initdb")?;
    check(&programs)?;
    Ok(programs)
}

/// Returns the name of the server that this Debian has, such as `postgresql-15`.
fn server_package() -> Result<String> {
    depends(&["postgresql"])?
        .into_iter()
        .find(|name| {
            name.strip_prefix("postgresql-")
                .is_some_and(|version| version.parse::<u32>().is_ok())
        })
        .context("apt knows no postgresql package; its lists may be missing")
}

fn missing_libraries(server: &str) -> Result<BTreeSet<String>> {
    let mut missing = BTreeSet::new();
    for name in depends(&["--recurse", server])? {
        // LLVM would only compile queries, and is larger than all the rest.
        let is_library = name.starts_with("lib") && !name.starts_with("libllvm") && !name.ends_with("-perl");
        if is_library && !is_installed(&name)? {
            missing.insert(name);
        }
    }
    Ok(missing)
}

fn depends(arguments: &[&str]) -> Result<BTreeSet<String>> {
    let text = output(
        Command::new("apt-cache")
            .args([
                "depends",
                "--no-recommends",
                "--no-suggests",
                "--no-conflicts",
                "--no-breaks",
                "--no-replaces",
                "--no-enhances",
            ])
            .args(arguments),
    )?;
    Ok(dependencies(&text))
}

/// Reads lines such as `  Depends: libpq5`; a name in angle brackets is no package of its own.
fn dependencies(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.split_once("Depends: "))
        .map(|(_, name)| name.trim().to_owned())
        .filter(|name| !name.starts_with('<'))
        .collect()
}

fn is_installed(package: &str) -> Result<bool> {
    Ok(works(Command::new("dpkg-query").args(["--show", package]))?)
}

fn check(programs: &Programs) -> Result<()> {
    for program in ["initdb", "pg_ctl", "postgres"] {
        let file: &Path = &programs.directory.join(program);
        let mut command = Command::new(file);
        if let Some(libraries) = &programs.libraries {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if !works(command.arg("--version"))? {
            bail!("{} does not run", file.display());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_real_packages_are_dependencies() {
        let text = "postgresql-15\n  Depends: libpq5\n |Depends: debconf\n  Depends: <debconf-2.0>\n    cdebconf\n\
                    libpq5\n  PreDepends: libc6\n";
        assert_eq!(
            dependencies(text),
            ["debconf", "libc6", "libpq5"].map(str::to_owned).into()
        );
    }
}
