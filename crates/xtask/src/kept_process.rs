//! A program that runs beside us and never outlives us.
//!
//! A small shell stands between: it starts the program and waits for the end of its own input, which comes when
//! we drop our end of the pipe, or when we die, in whatever way. Then it ends the program. The shell has its own
//! process group, so that Ctrl-C at the terminal reaches us and not it.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};

/// `timeout` ends a program that does not stop, and one that everybody has forgotten.
const KEEP: &str = r#"
timeout --kill-after=30s 20m "$@" </dev/null &
exec >/dev/null # so that the program alone holds its output, and its end is seen there
cat
kill -TERM "$!" 2>/dev/null
wait "$!"
"#;

/// A program and the shell that keeps it. Dropping it ends both.
#[derive(Debug)]
pub(crate) struct KeptProcess {
    keeper: Child,
    /// Open as long as the program is to run.
    hold: Option<ChildStdin>,
}

impl KeptProcess {
    /// Starts a program whose output goes to a file.
    pub(crate) fn start<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        environment: &[(&str, &str)],
        log: &Path,
    ) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", KEEP, "sh"])
            .arg(program)
            .args(arguments)
            .envs(environment.iter().copied())
            .stdout(output.try_clone()?)
            .stderr(output);
        Self::keep(&mut shell)
    }

    /// Starts a program and returns the first line that it prints, which says that it is there. Everything goes to
    /// the file too.
    pub(crate) fn start_announced<S: AsRef<OsStr>>(
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        log: &Path,
    ) -> Result<(Self, String)> {
        let mut output = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", KEEP, "sh"])
            .arg(program)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(output.try_clone()?);
        let mut kept = Self::keep(&mut shell)?;
        let mut printed = BufReader::new(kept.keeper.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        printed.read_line(&mut line)?;
        output.write_all(line.as_bytes())?;
        if line.is_empty() {
            let status = kept.end()?;
            bail!(
                "{} said nothing and ended with {status}\n{}",
                program.display(),
                last_lines(log)
            );
        }
        // It must never wait for a reader, nor find none. The thread ends with the program.
        thread::spawn(move || io::copy(&mut printed, &mut output));
        Ok((kept, line))
    }

    /// Starts a shell script of your own that keeps something until its input ends. Returns after the script has
    /// printed `ready`.
    pub(crate) fn start_script(script: &mut Command) -> Result<Self> {
        script.stdout(Stdio::piped());
        let mut kept = Self::keep(script)?;
        let output = kept.keeper.stdout.take().expect("its output is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        if line.trim() != "ready" {
            let status = kept.end()?;
            bail!("it did not start ({status})");
        }
        Ok(kept)
    }

    fn keep(shell: &mut Command) -> Result<Self> {
        let mut keeper = shell
            .stdin(Stdio::piped())
            .process_group(0)
            .spawn()
            .context("sh could not be started")?;
        let hold = keeper.stdin.take();
        Ok(Self { keeper, hold })
    }

    /// Ends the program with SIGTERM and returns how it ended.
    pub(crate) fn end(mut self) -> Result<ExitStatus> {
        drop(self.hold.take());
        Ok(self.keeper.wait()?)
    }
}

impl Drop for KeptProcess {
    fn drop(&mut self) {
        drop(self.hold.take());
        // Waited for already, or gone: either way it is over.
        let _ = self.keeper.wait();
    }
}

/// Returns the last lines of a log, for a person who wants to know why.
pub(crate) fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_program_ends_when_it_is_let_go_and_tells_how() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        // The pause lets `timeout` learn whom it keeps before it is told to end it.
        let script =
            "trap 'echo stopped; exit 7' TERM; sleep 0.2; echo started; while :; do sleep 0.05; done";
        let kept = KeptProcess::start(Path::new("sh"), ["-c", script], &[], &log).unwrap();
        while !std::fs::read_to_string(&log).unwrap().contains("started") {
            thread::yield_now();
        }

        let status = kept.end().unwrap();

        assert_eq!(status.code(), Some(7));
        assert!(last_lines(&log).ends_with("stopped"));
    }

    #[test]
    fn a_program_that_announces_itself_is_heard_and_one_that_cannot_start_is_explained() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let script = "echo here I am; exec sleep 60";
        let (kept, line) = KeptProcess::start_announced(Path::new("sh"), ["-c", script], &log).unwrap();
        assert_eq!(line, "here I am\n");
        drop(kept);

        let script = "echo no port >&2; exit 3";
        let error = KeptProcess::start_announced(Path::new("sh"), ["-c", script], &log).unwrap_err();
        assert!(error.to_string().ends_with("exit status: 3\nno port"), "{error}");
    }

    #[test]
    fn a_script_that_is_never_ready_is_an_error() {
        let mut script = Command::new("sh");
        script.args(["-c", "exit 3"]);
        let error = KeptProcess::start_script(&mut script).unwrap_err();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
