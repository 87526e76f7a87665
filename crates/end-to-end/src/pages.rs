//! Pages of documentation whose commands are tried as they are written.
//!
//! A page is prose with fenced blocks. A `sh` block is given to a shell; a `text` block that follows it quotes what
//! it prints, where `…` stands for any text, a line of nothing else for any lines, and a time for any time. A word
//! behind `sh` says what is special about it: see [`Kind`]. What a person does elsewhere stands in a comment beside the
//! prose that says it: see [`Step`].

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::Value;
use tokio::process::Command;

use crate::{
    installation::Installation,
    processes::{Finished, finish, program, repository, without_settings},
    simulator::Org,
    until::until,
};

/// Something that a page has its reader do.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// `<!-- in Salesforce: PATCH apps/app {"run_as": null} -->`: what an admin does in Setup, as the simulator's admin
    /// surface takes it.
    InSalesforce {
        method: Method,
        path: String,
        body: String,
    },
    /// `<!-- file name: text -->`: what is saved in a file.
    Save { name: String, text: String },
    /// A `sh` block.
    Run(Block),
}

/// Commands, and what they print.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Of its first command on the page.
    line: usize,
    kind: Kind,
    commands: String,
    quoted: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `sh`: succeeds.
    Succeeds,
    /// `sh fails`: shows what a mistake, or a person with a bad value, comes to.
    Fails,
    /// `sh eventually`: asks for what takes a moment, and changes nothing.
    Eventually,
}

/// Where a page is tried.
pub struct Reader<'a> {
    pub services: &'a Installation,
    pub org: &'a Org,
    /// Where commands are given and files saved.
    pub directory: PathBuf,
}

/// Reads a page of this repository.
pub fn page(path: &str) -> anyhow::Result<String> {
    std::fs::read_to_string(repository().join(path)).with_context(|| format!("{path} cannot be read"))
}

/// Returns the commands of a page's first `sh` block behind these words.
pub fn commands_behind(page: &str, words: &str) -> anyhow::Result<String> {
    let (_, rest) = page
        .split_once(words)
        .with_context(|| format!("the page does not say '{words}'"))?;
    steps(rest)?
        .into_iter()
        .find_map(|step| match step {
            Step::Run(block) => Some(block.commands),
            Step::InSalesforce { .. } | Step::Save { .. } => None,
        })
        .with_context(|| format!("no commands behind '{words}'"))
}

impl Reader<'_> {
    /// Does everything that a page says, in its order, and holds what it quotes against what is printed. Returns how
    /// many blocks of commands there were.
    ///
    /// # Errors
    /// Names the line of the page where something else happened than it says.
    pub async fn follow(&self, page: &str) -> anyhow::Result<usize> {
        let mut blocks = 0;
        for step in steps(page)? {
            match step {
                Step::InSalesforce { method, path, body } => {
                    let body = serde_json::from_str::<Value>(&body)
                        .with_context(|| format!("{body} is not JSON"))?;
                    self.org.call(method, &path, &body).await?;
                }
                Step::Save { name, text } => std::fs::write(self.directory.join(name), text)?,
                Step::Run(block) => {
                    self.run(&block)
                        .await
                        .with_context(|| format!("the commands of line {}", block.line))?;
                    blocks += 1;
                }
            }
        }
        Ok(blocks)
    }

    async fn run(&self, block: &Block) -> anyhow::Result<()> {
        if block.kind != Kind::Eventually {
            return block.judge(&self.given(&block.commands).await?);
        }
        let mut problem = None;
        let agreed = until("what the page quotes", async || {
            match block.judge(&self.given(&block.commands).await?) {
                Ok(()) => Ok(Some(())),
                Err(error) => {
                    problem = Some(error);
                    Ok(None)
                }
            }
        })
        .await;
        agreed.map_err(|error| match problem {
            Some(problem) => problem.context(error),
            None => error,
        })
    }

    /// Gives commands to a shell; both its outputs come back as one, as on a screen.
    async fn given(&self, commands: &str) -> anyhow::Result<Finished> {
        finish(&mut shell(
            &format!("exec 2>&1\n{commands}"),
            self.services,
            &self.directory,
        )?)
        .await
    }
}

/// Prepares a shell of somebody called maria, for commands that talk to these services; it ends with the first command
/// that fails.
pub fn shell(commands: &str, services: &Installation, directory: &Path) -> anyhow::Result<Command> {
    let program = program()?;
    let mut path = program
        .parent()
        .context("the program lies in a directory")?
        .as_os_str()
        .to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    without_settings(&mut shell);
    shell
        .args(["-e", "-c", commands])
        .current_dir(directory)
        .env("PATH", path)
        .env("USER", "maria")
        .env("SLUICE_SERVER", services.url());
    Ok(shell)
}

impl Block {
    /// Holds what happened against what the page says.
    fn judge(&self, finished: &Finished) -> anyhow::Result<()> {
        let printed = &finished.stdout;
        ensure!(
            finished.status.success() == (self.kind != Kind::Fails) && !printed.contains("panicked"),
            "{} where the page says {:?}:\n{printed}",
            finished.status,
            self.kind
        );
        match &self.quoted {
            Some(quoted) if !agrees(quoted, printed) => {
                bail!("printed is:\n{printed}\nthe page quotes:\n{quoted}")
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Takes a page apart.
fn steps(page: &str) -> anyhow::Result<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut lines = page.lines().enumerate().map(|(index, line)| (index + 1, line));
    while let Some((number, line)) = lines.next() {
        if let Some(comment) = line.strip_prefix("<!-- ") {
            let mut comment = comment.to_owned();
            while !comment.ends_with("-->") {
                let (_, line) = lines
                    .next()
                    .with_context(|| format!("the comment of line {number} does not end"))?;
                let _ = write!(comment, "\n{line}");
            }
            steps.extend(
                step(comment.trim_end_matches("-->").trim()).with_context(|| format!("line {number}"))?,
            );
        } else if let Some(language) = line.strip_prefix("```") {
            let mut text = String::new();
            loop {
                match lines.next() {
                    Some((_, "```")) => break,
                    Some((_, line)) => {
                        let _ = writeln!(text, "{line}");
                    }
                    None => bail!("the block of line {number} does not end"),
                }
            }
            let kind = match language {
                "sh" => Kind::Succeeds,
                "sh fails" => Kind::Fails,
                "sh eventually" => Kind::Eventually,
                "text" => {
                    match steps.last_mut() {
                        Some(Step::Run(block)) if block.quoted.is_none() => block.quoted = Some(text),
                        _ => bail!("line {number} quotes what no commands printed"),
                    }
                    continue;
                }
                _ => continue,
            };
            steps.push(Step::Run(Block {
                line: number + 1,
                kind,
                commands: text,
                quoted: None,
            }));
        }
    }
    Ok(steps)
}

/// Reads a comment; nothing where it says nothing to us.
fn step(comment: &str) -> anyhow::Result<Option<Step>> {
    if let Some(call) = comment.strip_prefix("in Salesforce: ") {
        let mut words = call.splitn(3, char::is_whitespace);
        let (Some(method), Some(path)) = (words.next(), words.next()) else {
            bail!("say it as METHOD path body: {call}");
        };
        return Ok(Some(Step::InSalesforce {
            method: method.parse()?,
            path: path.to_owned(),
            body: words.next().unwrap_or("null").to_owned(),
        }));
    }
    let file = comment
        .strip_prefix("file ")
        .and_then(|file| file.split_once(": "));
    Ok(file.map(|(name, text)| Step::Save {
        name: name.to_owned(),
        text: text.to_owned(),
    }))
}

/// Tells whether a quotation agrees with what was printed. White space at the ends of lines says nothing.
fn agrees(quoted: &str, printed: &str) -> bool {
    fn lines_agree(quoted: &[&str], printed: &[&str]) -> bool {
        match quoted.split_first() {
            None => printed.is_empty(),
            Some((&"…", rest)) => (0..=printed.len()).any(|skipped| lines_agree(rest, &printed[skipped..])),
            Some((line, rest)) => printed
                .split_first()
                .is_some_and(|(first, others)| line_agrees(line, first) && lines_agree(rest, others)),
        }
    }
    fn line_agrees(quoted: &str, printed: &str) -> bool {
        let Some((beginning, rest)) = quoted.split_once('…') else {
            return quoted == printed;
        };
        let Some(mut left) = printed.strip_prefix(beginning) else {
            return false;
        };
        let mut parts: Vec<&str> = rest.split('…').collect();
        let end = parts.pop().unwrap_or_default();
        for part in parts {
            match left.split_once(part) {
                Some((_, behind)) => left = behind,
                None => return false,
            }
        }
        left.ends_with(end)
    }
    fn lines(text: &str) -> Vec<&str> {
        text.trim_end().lines().map(str::trim_end).collect()
    }
    let (quoted, printed) = (without_times(quoted), without_times(printed));
    lines_agree(&lines(&quoted), &lines(&printed))
}

/// Writes one and the same time in place of every time.
fn without_times(text: &str) -> String {
    const TIME: &str = "0000-00-00 00:00:00 UTC";
    let is_time = |text: &str| {
        text.len() >= TIME.len()
            && TIME
                .bytes()
                .zip(text.bytes())
                .all(|(pattern, byte)| match pattern {
                    b'0' => byte.is_ascii_digit(),
                    other => byte == other,
                })
    };
    let mut written = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(sign) = rest.chars().next() {
        let taken = if is_time(rest) {
            written.push_str(TIME);
            TIME.len()
        } else {
            written.push(sign);
            sign.len_utf8()
        };
        rest = &rest[taken..];
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ellipsis_stands_for_any_text_of_a_line_or_for_any_lines() {
        for (quoted, printed, is_equal) in [
            ("a\nb\n", "a  \nb\n\n", true),
            ("a\nb", "a", false),
            ("a", "a\nb", false),
            ("…\nb", "a\na\nb", true),
            ("a\n…", "a", true),
            ("a\n…\nc\n…\n", "a\nb\nc", true),
            ("a\n…\nc", "a\nb", false),
            ("at … UTC", "at 12:00 UTC", true),
            ("at … UTC", "at 12:00 CET", false),
            ("│ 2026-11-24 04:12:57 UTC │", "│ 2031-01-02 03:04:05 UTC │", true),
            ("2026-11-24 04:12:57 UTC", "2026-11-24", false),
            ("a…c…e", "abcde", true),
            ("a…e…c", "abcde", false),
            // What one part took is not there for another.
            ("ab…b", "ab", false),
            ("…", "", true),
        ] {
            assert_eq!(agrees(quoted, printed), is_equal, "{quoted:?} {printed:?}");
        }
    }

    #[test]
    fn a_page_is_read_into_what_its_reader_does() {
        let page = "Do this.\n<!-- in Salesforce: PATCH apps/app {\"run_as\":\n null} -->\n<!-- file a.txt: secret -->\n\
                    <!-- a remark -->\n```sh fails\nfalse\n```\nIt says:\n```text\nno\n```\n```json\n{}\n```\n```sh\ntrue\n```\n";
        let run = |line, kind, commands: &str, quoted: Option<&str>| {
            Step::Run(Block {
                line,
                kind,
                commands: commands.to_owned(),
                quoted: quoted.map(str::to_owned),
            })
        };
        assert_eq!(
            steps(page).unwrap(),
            [
                Step::InSalesforce {
                    method: Method::PATCH,
                    path: "apps/app".to_owned(),
                    body: "{\"run_as\":\n null}".to_owned(),
                },
                Step::Save {
                    name: "a.txt".to_owned(),
                    text: "secret".to_owned(),
                },
                run(7, Kind::Fails, "false\n", Some("no\n")),
                run(17, Kind::Succeeds, "true\n", None),
            ]
        );
        assert_eq!(commands_behind(page, "Do this.").unwrap(), "false\n");
        for broken in ["```sh\n", "```text\nx\n```\n", "<!-- in Salesforce: PATCH\n"] {
            assert!(steps(broken).is_err(), "{broken}");
        }
    }
}
