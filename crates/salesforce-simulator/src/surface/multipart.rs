//! `multipart/form-data`, as far as a job created with its rows needs it. Source: salesforce-contract.md §7;
//! RFC 2046, section 5.1.1.

/// One part of a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub name: String,
    pub body: &'a [u8],
}

/// Reads the parts of a body.
///
/// # Errors
/// What is wrong with it, for people.
pub(super) fn read<'a>(content_type: &str, body: &'a [u8]) -> Result<Vec<Part<'a>>, String> {
    let boundary = parameter(content_type, "boundary").ok_or("The content type names no boundary")?;
    let delimiter = format!("--{boundary}");
    let mut rest = after(body, delimiter.as_bytes()).ok_or("The body does not hold its boundary")?;
    let delimiter = format!("\r\n--{boundary}");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let (part, next) = split(rest, delimiter.as_bytes()).ok_or("A part of the body does not end")?;
        parts.push(read_part(part)?);
        rest = next;
    }
    Ok(parts)
}

fn read_part(part: &[u8]) -> Result<Part<'_>, String> {
    let (head, body) = split(part, b"\r\n\r\n").ok_or("A part of the body has no headers")?;
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim()
            .eq_ignore_ascii_case("Content-Disposition")
            .then_some(value)
    });
    let name = disposition
        .and_then(|disposition| parameter(disposition, "name"))
        .ok_or("A part of the body has no name")?;
    Ok(Part { name, body })
}

/// Returns the parameter of a header value, without its quotes.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

fn split<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes
        .windows(separator.len())
        .position(|window| window == separator)?;
    Some((&bytes[..at], &bytes[at + separator.len()..]))
}

fn after<'a>(bytes: &'a [u8], separator: &[u8]) -> Option<&'a [u8]> {
    split(bytes, separator).map(|(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"B\"";

    #[test]
    fn parts_are_told_by_name() {
        let body = "preamble\r\n--B\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{}\r\n\
                    --B\r\ncontent-disposition: form-data; name=content; filename=content\r\n\r\nA\n--B?\n\r\n--B--\r\n";
        let parts = read(TYPE, body.as_bytes()).unwrap();
        assert_eq!(parts.len(), 2);
        assert_eq!((parts[0].name.as_str(), parts[0].body), ("job", b"{}".as_slice()));
        assert_eq!(parts[1].body, b"A\n--B?\n");
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for body in [
            "",
            "--B",
            "--B\r\n\r\n{}",
            "--B\r\nContent-Disposition: form-data\r\n\r\n{}\r\n--B--",
        ] {
            assert!(read(TYPE, body.as_bytes()).is_err(), "{body}");
        }
        assert!(read("multipart/form-data", b"--B--").is_err());
    }
}
