//! Pages of lists: `page_size`, `page_token`, `next_page_token`.

use activation::InvalidField;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Most items on a page.
pub const MAX_PAGE_SIZE: i32 = 1_000;

/// Which part of a list is wanted: so many items after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub size: i64,
    /// The sort key of the last item of the page before; empty for the first page.
    pub after: String,
}

impl Page {
    /// Reads a request's page fields.
    pub fn parse(page_size: i32, page_token: &str, default_size: i32) -> Result<Self, InvalidField> {
        let size = match page_size {
            0 => default_size,
            size if size < 0 => return Err(InvalidField::new("page_size", "must not be negative")),
            size => size.min(MAX_PAGE_SIZE),
        };
        let after = URL_SAFE_NO_PAD
            .decode(page_token)
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .ok_or_else(|| {
                InvalidField::new(
                    "page_token",
                    "is not one that this list answered; leave it empty to begin again",
                )
            })?;
        Ok(Self {
            size: size.into(),
            after,
        })
    }

    /// Returns one more than a page, which tells whether there is a next one.
    pub fn limit(&self) -> i64 {
        self.size + 1
    }

    /// Cuts the extra item off and returns the token of the next page, or an
    /// empty one.
    pub fn finish<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> String) -> String {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if items.len() <= size {
            return String::new();
        }
        items.truncate(size);
        items
            .last()
            .map(|last| URL_SAFE_NO_PAD.encode(key(last)))
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let all = ["a", "b", "c"];
        let mut token = String::new();
        let mut seen: Vec<&&str> = Vec::new();
        loop {
            let page = Page::parse(2, &token, 50).unwrap();
            let limit = usize::try_from(page.limit()).unwrap();
            let mut items: Vec<_> = all
                .iter()
                .filter(|item| **item > page.after.as_str())
                .take(limit)
                .collect();
            token = page.finish(&mut items, ToString::to_string);
            seen.extend(items);
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, all.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_foreign_token_is_refused_by_name() {
        assert!(Page::parse(0, "%%", 50).unwrap_err().field.contains("page_token"));
        assert!(Page::parse(-1, "", 50).unwrap_err().field.contains("page_size"));
    }
}
