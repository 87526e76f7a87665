//! The `sluice` program as child processes. Each ends with its handle, also when a test panics.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, bail, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};

use crate::until::PATIENCE;

/// A command that ran to its end.
#[derive(Debug)]
pub struct Finished {
    command: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Running {
    name: &'static str,
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    /// Everything it said so far, on both its outputs.
    said: Arc<Mutex<String>>,
}

/// Returns the `sluice` program that was built beside this test.
pub fn program() -> anyhow::Result<PathBuf> {
    let test = std::env::current_exe().context("this test does not know where it is")?;
    // target/<profile>/deps/<test>
    let program = test
        .ancestors()
        .nth(2)
        .map(|profile| profile.join("sluice"))
        .with_context(|| format!("{} is not below a target directory", test.display()))?;
    ensure!(
        program.is_file(),
        "{} is missing; run cargo build --package sluice first",
        program.display()
    );
    Ok(program)
}

/// Returns the root of this repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Prepares a `sluice` command line whose words have no spaces in them.
///
/// # Errors
/// The program was not built.
pub fn sluice(line: &str) -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    command.args(line.split_whitespace());
    without_settings(&mut command);
    Ok(command)
}

/// Keeps the settings of whoever runs the tests from a child process.
pub fn without_settings(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("SLUICE_") {
            command.env_remove(name);
        }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// It could not be started, or it did not end within [`PATIENCE`]; it is killed then.
pub async fn finish(command: &mut Command) -> anyhow::Result<Finished> {
    let line = format!("{:?}", command.as_std());
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{line} could not be started"))?;
    let output = timeout(PATIENCE, child.wait_with_output())
        .await
        .with_context(|| format!("{line} did not end within {} s", PATIENCE.as_secs()))??;
    Ok(Finished {
        command: line,
        status: output.status,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

impl Finished {
    /// Returns what it printed.
    ///
    /// # Errors
    /// It exited with a failure.
    pub fn succeeded(self) -> anyhow::Result<String> {
        ensure!(self.status.success(), "should have succeeded: {self}");
        Ok(self.stdout)
    }

    /// Returns what it complained of.
    ///
    /// # Errors
    /// It exited with success, or was ended by a signal, or panicked.
    pub fn failed(self) -> anyhow::Result<String> {
        let is_failure = self.status.code().is_some_and(|code| code != 0);
        ensure!(
            is_failure && !self.stderr.contains("panicked"),
            "should have failed: {self}"
        );
        Ok(self.stderr)
    }
}

impl fmt::Display for Finished {
    /// Writes everything about it, for whoever reads a failed test.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            status,
            stdout,
            stderr,
        } = self;
        write!(formatter, "{command}\n{status}\n{stdout}\n{stderr}")
    }
}

impl Running {
    /// Starts a program that runs until it is ended.
    pub fn start(name: &'static str, command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{name} could not be started"))?;
        let (sender, lines) = mpsc::unbounded_channel();
        let said = Arc::new(Mutex::new(String::new()));
        let stdout = child.stdout.take().context("its output is piped")?;
        let stderr = child.stderr.take().context("its errors are piped")?;
        tokio::spawn(listen(stdout, sender.clone(), said.clone()));
        tokio::spawn(listen(stderr, sender, said.clone()));
        Ok(Self {
            name,
            child,
            lines,
            said,
        })
    }

    /// Waits for its next line that has `text` in it, and returns the line.
    ///
    /// # Errors
    /// It ended before, or [`PATIENCE`] did.
    pub async fn line_with(&mut self, text: &str) -> anyhow::Result<String> {
        let found = timeout(PATIENCE, async {
            loop {
                match self.lines.recv().await {
                    Some(line) if line.contains(text) => return Some(line),
                    Some(_) => {}
                    None => return None,
                }
            }
        })
        .await;
        match found {
            Ok(Some(line)) => Ok(line),
            Ok(None) => bail!("{} ended without saying '{text}':\n{}", self.name, self.said()),
            Err(_) => bail!("{} did not say '{text}':\n{}", self.name, self.said()),
        }
    }

    /// Returns everything it said so far.
    pub fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child
            .kill()
            .await
            .with_context(|| format!("{} could not be killed", self.name))
    }

    /// Asks it to stop with SIGTERM and waits until it has.
    pub async fn terminate(self) -> anyhow::Result<Finished> {
        let id = self
            .child
            .id()
            .with_context(|| format!("{} has ended before: {}", self.name, self.said()))?;
        finish(Command::new("kill").arg("-TERM").arg(id.to_string()))
            .await?
            .succeeded()?;
        self.ended().await
    }

    /// Waits until it has ended by itself. Its outputs come back as one, in `stderr`.
    ///
    /// # Errors
    /// [`PATIENCE`] ended before; it is killed then.
    pub async fn ended(mut self) -> anyhow::Result<Finished> {
        let status = timeout(PATIENCE, async {
            let status = self.child.wait().await;
            // Both listeners are through when the channel is closed.
            while self.lines.recv().await.is_some() {}
            status
        })
        .await
        .with_context(|| format!("{} did not end:\n{}", self.name, self.said()))??;
        Ok(Finished {
            command: self.name.to_owned(),
            status,
            stdout: String::new(),
            stderr: self.said(),
        })
    }
}

/// Reads a program's output to its end, so that the program never waits for a reader.
async fn listen(
    output: impl AsyncRead + Unpin,
    lines: mpsc::UnboundedSender<String>,
    said: Arc<Mutex<String>>,
) {
    let mut output = BufReader::new(output).lines();
    while let Ok(Some(line)) = output.next_line().await {
        {
            let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
            said.push_str(&line);
            said.push('\n');
        }
        // Nobody waits for a line any more, and the program may go on talking.
        let _ = lines.send(line);
    }
}
