//! Words and signs of a query.

use super::query::Problem;

/// One token and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    /// Counts bytes of the query.
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name, keyword, number or date.
    Word(String),
    /// A quoted string, without its quotes and backslashes, except those of `\%` and `\_`.
    Text(String),
    Sign(&'static str),
    End,
}

/// Splits a query; the last token is [`Kind::End`].
pub(super) fn tokens(query: &str) -> Result<Vec<Token>, Problem> {
    let mut tokens = Vec::new();
    let mut rest = query;
    loop {
        rest = rest.trim_start();
        let at = query.len() - rest.len();
        let (kind, length) = next(rest, at)?;
        let is_end = kind == Kind::End;
        tokens.push(Token { kind, at });
        if is_end {
            return Ok(tokens);
        }
        rest = &rest[length..];
    }
}

/// Returns the first token and how many bytes it takes.
fn next(rest: &str, at: usize) -> Result<(Kind, usize), Problem> {
    const SIGNS: [&str; 10] = ["!=", "<>", "<=", ">=", "=", "<", ">", "(", ")", ","];
    let Some(first) = rest.chars().next() else {
        return Ok((Kind::End, 0));
    };
    if first == '\'' {
        return text(rest, at);
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
        // `<>` is the other spelling of `!=`.
        return Ok((Kind::Sign(if sign == "<>" { "!=" } else { sign }), sign.len()));
    }
    let is_word =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | '.' | '-' | '+' | ':');
    let length = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
    if length == 0 {
        return Err(Problem::malformed(at, format!("unexpected token: '{first}'")));
    }
    Ok((Kind::Word(rest[..length].to_owned()), length))
}

fn text(rest: &str, at: usize) -> Result<(Kind, usize), Problem> {
    let mut text = String::new();
    let mut characters = rest.char_indices().skip(1);
    while let Some((index, character)) = characters.next() {
        match character {
            '\'' => return Ok((Kind::Text(text), index + 1)),
            '\\' => match characters.next() {
                Some((_, 'n' | 'N')) => text.push('\n'),
                Some((_, 'r' | 'R')) => text.push('\r'),
                Some((_, 't' | 'T')) => text.push('\t'),
                Some((_, 'b' | 'B')) => text.push('\u{8}'),
                Some((_, 'f' | 'F')) => text.push('\u{c}'),
                Some((_, plain @ ('\'' | '"' | '\\'))) => text.push(plain),
                // LIKE needs to know that these are no wildcards.
                Some((_, wildcard @ ('%' | '_'))) => text.extend(['\\', wildcard]),
                _ => return Err(Problem::malformed(at, "Illegal string literal".to_owned())),
            },
            other => text.push(other),
        }
    }
    Err(Problem::malformed(
        at,
        "expecting a single quote, found: '<EOF>'".to_owned(),
    ))
}
