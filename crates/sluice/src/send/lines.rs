//! Lines of files and standard input, numbered over all of them.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
    pin::Pin,
};

use anyhow::{Context, bail};
use aws_lc_rs::digest;
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::program::installation::seed;

/// Files to send, looked at once.
pub(super) struct Input {
    files: Vec<PathBuf>,
    /// Made from the content; from chance for standard input.
    pub(super) producer: String,
    /// How many lines there are; unknown for standard input.
    pub(super) lines: Option<u64>,
}

/// The lines, one by one.
pub(super) struct Lines {
    files: std::vec::IntoIter<PathBuf>,
    current: Option<Pin<Box<dyn AsyncBufRead + Send>>>,
    number: u64,
}

impl Input {
    /// Checks that every file can be read, counts lines, and names the content
    /// and where it goes.
    pub(super) fn open(files: Vec<PathBuf>, to: &str) -> anyhow::Result<Self> {
        let from_stdin = files.iter().filter(|file| is_stdin(file)).count();
        if from_stdin > 0 {
            if files.len() > 1 {
                bail!("- reads standard input and cannot be mixed with files");
            }
            return Ok(Self {
                files,
                producer: format!("send-{:016x}", seed()?),
                lines: None,
            });
        }
        let mut content = digest::Context::new(&digest::SHA256);
        content.update(to.as_bytes());
        let mut lines = 0;
        let mut buffer = vec![0; 1 << 16];
        for path in &files {
            let cannot = || format!("{} cannot be read", path.display());
            let mut file = BufReader::new(File::open(path).with_context(cannot)?);
            let mut last = b'\n';
            loop {
                let read = file.read(&mut buffer).with_context(cannot)?;
                if read == 0 {
                    break;
                }
                content.update(&buffer[..read]);
                lines += buffer[..read].iter().filter(|byte| **byte == b'\n').count();
                last = buffer[read - 1];
            }
            if last != b'\n' {
                lines += 1;
            }
        }
        let digest = content.finish();
        let name: String = digest.as_ref()[..8]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Ok(Self {
            files,
            producer: format!("send-{name}"),
            lines: u64::try_from(lines).ok(),
        })
    }

    pub(super) fn into_lines(self) -> Lines {
        Lines {
            files: self.files.into_iter(),
            current: None,
            number: 0,
        }
    }
}

impl Lines {
    /// Returns the next line that is not blank, with its number from 1.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<(u64, Vec<u8>)>> {
        loop {
            let Some(reader) = &mut self.current else {
                let Some(path) = self.files.next() else {
                    return Ok(None);
                };
                self.current = Some(if is_stdin(&path) {
                    Box::pin(tokio::io::BufReader::new(tokio::io::stdin()))
                } else {
                    let file = tokio::fs::File::open(&path)
                        .await
                        .with_context(|| format!("{} cannot be read", path.display()))?;
                    Box::pin(tokio::io::BufReader::new(file))
                });
                continue;
            };
            let mut line = Vec::new();
            let read = reader
                .read_until(b'\n', &mut line)
                .await
                .context("the input cannot be read")?;
            if read == 0 {
                self.current = None;
                continue;
            }
            self.number += 1;
            let text = line.trim_ascii();
            if !text.is_empty() {
                return Ok(Some((self.number, text.to_vec())));
            }
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_numbered_over_all_files_and_blank_ones_skipped() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("1"), directory.path().join("2"));
        std::fs::write(&one, "{\"a\":1}\n\n{\"b\":2}").unwrap();
        std::fs::write(&two, "{\"c\":3}\n").unwrap();
        let input = Input::open(vec![one.clone(), two], "a").unwrap();
        assert_eq!(input.lines, Some(4));
        assert_eq!(
            input.producer,
            Input::open(input.files.clone(), "a").unwrap().producer
        );
        assert_ne!(
            input.producer,
            Input::open(vec![one.clone()], "a").unwrap().producer
        );
        assert_ne!(
            input.producer,
            Input::open(input.files.clone(), "b").unwrap().producer
        );
        let mut lines = input.into_lines();
        let mut read = Vec::new();
        while let Some((number, line)) = lines.next().await.unwrap() {
            read.push((number, String::from_utf8(line).unwrap()));
        }
        let expected = [(1, "{\"a\":1}"), (3, "{\"b\":2}"), (4, "{\"c\":3}")];
        assert_eq!(read, expected.map(|(number, line)| (number, line.to_owned())));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = Input::open(vec!["no-such-file".into()], "a").err().unwrap();
        assert!(format!("{error:#}").contains("no-such-file"));
    }
}
