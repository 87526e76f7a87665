//! An error with all its causes.

use std::{error::Error, fmt};

/// Displays an error and every cause below it, separated by colons. A cause
/// that the error above it quotes already is not said again.
pub struct Chain<'a>(pub &'a dyn Error);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        formatter.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !said.ends_with(&text) {
                write!(formatter, ": {text}")?;
                said = text;
            }
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: &'static str,
        source: Option<Box<Level>>,
    }

    #[test]
    fn each_cause_is_said_once() {
        let disk = Level {
            text: "disk full",
            source: None,
        };
        let quoting = Level {
            text: "database said: disk full",
            source: Some(Box::new(disk)),
        };
        let top = Level {
            text: "nothing was written",
            source: Some(Box::new(quoting)),
        };
        assert_eq!(
            Chain(&top).to_string(),
            "nothing was written: database said: disk full"
        );
    }
}
