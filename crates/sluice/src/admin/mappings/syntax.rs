//! How a field mapping is written on a command line, in both directions:
//! `SOURCE=TARGET,OPTION,…`. A backslash takes a sign as it is.

use contracts::config::v1::{self as pb, constant, field_source::Source, transform::Transform as Kind};

/// What `--help` says of it.
pub(super) const HELP: &str = "\
Each is SOURCE=TARGET, or SOURCE=TARGET,OPTION,…

SOURCE  person.name.lastName   an attribute, by its path
        identity:crmID         an identity namespace; only for what names the record
        text:Web  number:5  boolean:true
                               a constant, the same for every profile

TARGET  LastName               a Salesforce field
        SalesforceId           what names the record; or the external-id field of an upsert

OPTION  truncate               cut off what is longer than the field; else the identity fails
        leave-null             a null leaves the field as it is; else it blanks it
        trim                   without white space at both ends
        upper, lower, title    the case
        date:INPUT             as a date; INPUT: iso, seconds, millis, or like %d.%m.%Y
        datetime:INPUT         as a date with a time
        number[:DECIMAL[:THOUSANDS[:SCALE]]]
                               as a number; the separators are point, comma, space, apostrophe,
                               underscore or none, SCALE the digits after the point:
                               number:comma:point:2 reads 1.234,567 as 1234.57
        map:FROM=TO/FROM=TO    other values instead of these, for example those of a picklist
        map-or-refuse:…        the same, and any other value fails the identity
        map-or-blank:…         the same, and any other value is a null

Transforms are made in the order in which they are written. A backslash takes the next sign as it is.";

const PREFIXES: [&str; 5] = ["attribute:", "identity:", "text:", "number:", "boolean:"];

/// Words for separators, which are signs of the shell or of this syntax.
const SEPARATORS: [(&str, &str); 6] = [
    ("point", "."),
    ("comma", ","),
    ("space", " "),
    ("apostrophe", "'"),
    ("underscore", "_"),
    ("none", ""),
];

/// Reads a mapping; the target is not decided to be a field or an identity yet.
pub(super) fn parse(text: &str) -> Result<(Source, String, pb::FieldMapping), String> {
    let (source, rest) = split_once(text, '=')
        .filter(|(source, rest)| !source.is_empty() && !rest.is_empty())
        .ok_or("write it as SOURCE=TARGET, for example person.name.lastName=LastName")?;
    let mut parts = split(rest, ',').into_iter();
    let target = plain(parts.next().unwrap_or_default());
    if target.is_empty() {
        return Err("write it as SOURCE=TARGET, for example person.name.lastName=LastName".to_owned());
    }
    let mut mapping = pb::FieldMapping::default();
    for option in parts {
        read_option(option, &mut mapping)?;
    }
    Ok((read_source(source)?, target, mapping))
}

fn read_source(text: &str) -> Result<Source, String> {
    let constant = |value| Ok(Source::Constant(pb::Constant { value: Some(value) }));
    let Some(prefix) = PREFIXES.into_iter().find(|prefix| text.starts_with(prefix)) else {
        return Ok(Source::AttributePath(plain(text)));
    };
    let value = plain(&text[prefix.len()..]);
    if value.is_empty() {
        return Err(format!("'{prefix}' has nothing behind it"));
    }
    match prefix {
        "attribute:" => Ok(Source::AttributePath(value)),
        "identity:" => Ok(Source::IdentityNamespace(value)),
        "text:" => constant(constant::Value::Text(value)),
        "number:" => match value.parse() {
            Ok(number) => constant(constant::Value::Number(number)),
            Err(_) => Err(format!(
                "'{value}' is not a number; write it as number:5 or number:0.5"
            )),
        },
        _ => match value.as_str() {
            "true" => constant(constant::Value::Boolean(true)),
            "false" => constant(constant::Value::Boolean(false)),
            _ => Err(format!("'{value}' is not boolean:true or boolean:false")),
        },
    }
}

fn read_option(text: &str, mapping: &mut pb::FieldMapping) -> Result<(), String> {
    let (name, rest) = match split_once(text, ':') {
        Some((name, rest)) => (name, Some(rest)),
        None => (text, None),
    };
    let kind = match (name, rest) {
        ("truncate", None) => {
            mapping.too_long = pb::TooLong::Truncate.into();
            return Ok(());
        }
        ("leave-null", None) => {
            mapping.on_null = pb::OnNull::Leave.into();
            return Ok(());
        }
        ("trim", None) => Kind::Trim(pb::TrimTransform {}),
        ("upper", None) => Kind::TextCase(pb::TextCase::Upper.into()),
        ("lower", None) => Kind::TextCase(pb::TextCase::Lower.into()),
        ("title", None) => Kind::TextCase(pb::TextCase::Title.into()),
        ("date", Some(input)) => Kind::Date(date(input, pb::DateOutput::Date)),
        ("datetime", Some(input)) => Kind::Date(date(input, pb::DateOutput::Datetime)),
        ("number", format) => Kind::Number(number(format.unwrap_or_default())?),
        ("map", Some(values)) => Kind::ValueMap(value_map(values, pb::UnmappedValues::Unspecified)?),
        ("map-or-refuse", Some(values)) => Kind::ValueMap(value_map(values, pb::UnmappedValues::Refuse)?),
        ("map-or-blank", Some(values)) => Kind::ValueMap(value_map(values, pb::UnmappedValues::Blank)?),
        ("date" | "datetime", None) => {
            return Err(format!(
                "'{name}' needs an input, for example {name}:iso or {name}:%d.%m.%Y"
            ));
        }
        _ => {
            return Err(format!(
                "'{text}' is not an option; there are truncate, leave-null, trim, upper, lower, title, date:…, \
                 datetime:…, number, map:…, map-or-refuse:… and map-or-blank:…"
            ));
        }
    };
    mapping.transforms.push(pb::Transform {
        transform: Some(kind),
    });
    Ok(())
}

fn date(input: &str, output: pb::DateOutput) -> pb::DateTransform {
    let (input, pattern) = match input {
        "iso" => (pb::DateInput::Iso8601, String::new()),
        "seconds" => (pb::DateInput::EpochSeconds, String::new()),
        "millis" => (pb::DateInput::EpochMillis, String::new()),
        pattern => (pb::DateInput::Pattern, plain(pattern)),
    };
    pb::DateTransform {
        input: input.into(),
        pattern,
        output: output.into(),
    }
}

fn number(format: &str) -> Result<pb::NumberTransform, String> {
    let separator = |word: Option<&str>| match word {
        None | Some("") => Ok(String::new()),
        Some(word) => SEPARATORS
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, sign)| (*sign).to_owned())
            .ok_or_else(|| {
                format!(
                    "'{word}' is not a separator; use point, comma, space, apostrophe, underscore or none"
                )
            }),
    };
    let mut parts = format.split(':');
    let number = pb::NumberTransform {
        decimal_separator: separator(parts.next())?,
        thousands_separator: separator(parts.next())?,
        scale: match parts.next() {
            None | Some("") => None,
            Some(scale) => Some(
                scale
                    .parse()
                    .map_err(|_| format!("'{scale}' is not a number of digits"))?,
            ),
        },
    };
    match parts.next() {
        None => Ok(number),
        Some(_) => Err(format!(
            "'number:{format}' has too many parts; write number:comma:point:2"
        )),
    }
}

fn value_map(text: &str, unmapped: pb::UnmappedValues) -> Result<pb::ValueMapTransform, String> {
    let mut map = pb::ValueMapTransform {
        unmapped: unmapped.into(),
        ..Default::default()
    };
    for pair in split(text, '/') {
        let (from, to) = split_once(pair, '=')
            .ok_or_else(|| format!("'{pair}' must be FROM=TO, for example map:m=Mr./f=Ms."))?;
        if map.values.insert(plain(from), plain(to)).is_some() {
            return Err(format!("'{}' is mapped twice", plain(from)));
        }
    }
    Ok(map)
}

/// Writes a source as it is read.
pub(super) fn source(mapping: &pb::FieldMapping) -> String {
    match mapping.source.as_ref().and_then(|source| source.source.as_ref()) {
        Some(Source::AttributePath(path)) => {
            let is_ambiguous = PREFIXES.iter().any(|prefix| path.starts_with(prefix));
            format!(
                "{}{}",
                if is_ambiguous { "attribute:" } else { "" },
                escaped(path)
            )
        }
        Some(Source::IdentityNamespace(namespace)) => format!("identity:{}", escaped(namespace)),
        Some(Source::Constant(constant)) => match &constant.value {
            Some(constant::Value::Text(text)) => format!("text:{}", escaped(text)),
            Some(constant::Value::Number(number)) => format!("number:{number}"),
            Some(constant::Value::Boolean(flag)) => format!("boolean:{flag}"),
            None => String::new(),
        },
        None => String::new(),
    }
}

/// Writes a target as it is read.
pub(super) fn target(mapping: &pb::FieldMapping) -> &str {
    match mapping.target.as_ref().and_then(|target| target.target.as_ref()) {
        Some(pb::field_target::Target::Identity(name) | pb::field_target::Target::Field(name)) => name,
        None => "",
    }
}

/// Writes the options as they are read, separated by commas.
pub(super) fn options(mapping: &pb::FieldMapping) -> String {
    let mut options = Vec::new();
    if mapping.too_long() == pb::TooLong::Truncate {
        options.push("truncate".to_owned());
    }
    if mapping.on_null() == pb::OnNull::Leave {
        options.push("leave-null".to_owned());
    }
    options.extend(mapping.transforms.iter().map(transform));
    options.join(",")
}

fn transform(transform: &pb::Transform) -> String {
    match &transform.transform {
        Some(Kind::Trim(_)) => "trim".to_owned(),
        Some(Kind::TextCase(case)) => match pb::TextCase::try_from(*case) {
            Ok(pb::TextCase::Upper) => "upper".to_owned(),
            Ok(pb::TextCase::Lower) => "lower".to_owned(),
            Ok(pb::TextCase::Title) => "title".to_owned(),
            Ok(pb::TextCase::Unspecified) | Err(_) => String::new(),
        },
        Some(Kind::Date(date)) => {
            let name = match date.output() {
                pb::DateOutput::Datetime => "datetime",
                pb::DateOutput::Unspecified | pb::DateOutput::Date => "date",
            };
            let input = match date.input() {
                pb::DateInput::EpochSeconds => "seconds".to_owned(),
                pb::DateInput::EpochMillis => "millis".to_owned(),
                pb::DateInput::Pattern => escaped(&date.pattern),
                pb::DateInput::Unspecified | pb::DateInput::Iso8601 => "iso".to_owned(),
            };
            format!("{name}:{input}")
        }
        Some(Kind::Number(number)) => {
            let word = |sign: &str| {
                SEPARATORS
                    .iter()
                    .find(|(_, known)| *known == sign)
                    .map_or("none", |(word, _)| word)
            };
            let decimal = match number.decimal_separator.as_str() {
                "" => "point",
                sign => word(sign),
            };
            let mut text = format!("number:{decimal}:{}", word(&number.thousands_separator));
            if let Some(scale) = number.scale {
                text.push_str(&format!(":{scale}"));
            }
            text
        }
        Some(Kind::ValueMap(map)) => {
            let name = match map.unmapped() {
                pb::UnmappedValues::Refuse => "map-or-refuse",
                pb::UnmappedValues::Blank => "map-or-blank",
                pb::UnmappedValues::Unspecified | pb::UnmappedValues::Keep => "map",
            };
            let mut values: Vec<String> = map
                .values
                .iter()
                .map(|(from, to)| format!("{}={}", escaped(from), escaped(to)))
                .collect();
            values.sort();
            format!("{name}:{}", values.join("/"))
        }
        None => String::new(),
    }
}

/// What separates something. A colon does so only behind the name of an option.
const SIGNS: [char; 4] = ['\\', ',', '/', '='];

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for sign in text.chars() {
        if SIGNS.contains(&sign) {
            escaped.push('\\');
        }
        escaped.push(sign);
    }
    escaped
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut signs = text.chars();
    while let Some(sign) = signs.next() {
        plain.push(match sign {
            '\\' => signs.next().unwrap_or(sign),
            sign => sign,
        });
    }
    plain
}

/// Splits at every separator that no backslash stands before.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((part, next)) = split_once(rest, separator) {
        parts.push(part);
        rest = next;
    }
    parts.push(rest);
    parts
}

fn split_once(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut is_taken = false;
    for (start, sign) in text.char_indices() {
        if is_taken {
            is_taken = false;
        } else if sign == '\\' {
            is_taken = true;
        } else if sign == separator {
            return Some((&text[..start], &text[start + separator.len_utf8()..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads, and writes again.
    fn again(text: &str) -> Result<String, String> {
        let (read, name, mapping) = parse(text)?;
        let mapping = pb::FieldMapping {
            source: Some(pb::FieldSource { source: Some(read) }),
            target: Some(pb::FieldTarget {
                target: Some(pb::field_target::Target::Field(name)),
            }),
            ..mapping
        };
        let options = options(&mapping);
        let comma = if options.is_empty() { "" } else { "," };
        Ok(format!(
            "{}={}{comma}{options}",
            source(&mapping),
            target(&mapping)
        ))
    }

    #[test]
    fn what_is_read_is_written_in_the_same_way() {
        for text in [
            "person.name.lastName=LastName",
            "person.name.lastName=LastName,truncate,leave-null,trim,title",
            "identity:crmID=SalesforceId",
            "text:Web=LeadSource",
            r"text:a\=b\,c\\d\/e=LeadSource",
            "number:0.5=Rate__c",
            "boolean:true=Vip__c",
            "attribute:text:path=Title",
            "born=Birthdate,trim,date:%d.%m.%Y",
            "seen=Seen__c,datetime:millis",
            "seen=Seen__c,datetime:%Y-%m-%d %H:%M",
            "spent=Spent__c,number:comma:point:2",
            "spent=Spent__c,number:point:none",
            "sex=Salutation,lower,map-or-refuse:f=Ms./m=Mr./x=",
            "x=Y__c,map:a=b",
            r"x=Y__c,map-or-blank:a\/b=c\=d",
        ] {
            assert_eq!(again(text).as_deref(), Ok(text));
        }
        assert_eq!(again("a=B,number").as_deref(), Ok("a=B,number:point:none"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (text, part) in [
            ("LastName", "SOURCE=TARGET"),
            ("=LastName", "SOURCE=TARGET"),
            ("a=", "SOURCE=TARGET"),
            ("a=,trim", "SOURCE=TARGET"),
            ("text:=A", "'text:'"),
            ("number:five=A", "'five'"),
            ("boolean:yes=A", "'yes'"),
            ("a=B,shorten", "'shorten' is not an option"),
            ("a=B,date", "date:iso"),
            ("a=B,number:dot", "'dot'"),
            ("a=B,number:comma:point:two", "'two'"),
            ("a=B,number:comma:point:2:3", "too many parts"),
            ("a=B,map:x", "FROM=TO"),
            ("a=B,map:x=1/x=2", "'x' is mapped twice"),
        ] {
            let problem = parse(text).map(|_| ()).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        }
    }
}
