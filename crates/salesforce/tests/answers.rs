//! Whatever Salesforce, its edge or a broken wire answers becomes a typed
//! outcome, and whatever a profile holds survives the bulk path.

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use salesforce::{
    Host,
    bulk::{Cell, FailedRow, PushError, SavedRow, UploadWriter, read_failed, read_saved, read_unprocessed},
    collections::{Operation, RecordResult, WriteError, results},
    describe::ObjectDescription,
    oauth,
    query::literal,
    refusal::Refusal,
    usage::ApiUsage,
};

const RESULTS: &str = r#"[{"id": "0035g00000AbCdEAAV", "success": true, "errors": [], "created": false},
 {"success": false, "errors": [{"statusCode": "INVALID_EMAIL_ADDRESS", "message": "Email: invalid email address: nope", "fields": ["Email"]}]},
 {"id": "0035g00000AbCdFAAV", "success": true, "errors": []}]"#;

const REFUSAL: &str =
    r#"[{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID", "fields": ["Id"]}]"#;

const TOKEN: &str = r#"{"access_token": "00D5g00000ExAmP!AQ0AQ", "instance_url": "https://acme.my.salesforce.com",
 "id": "https://login.salesforce.com/id/00D5g00000ExAmPEAV/0055g00000UsErIAAV", "token_type": "Bearer"}"#;

const SAVED: &str = "\"sf__Id\",\"sf__Created\",\"Key__c\"\n\"0035g00000AbCdEAAV\",\"true\",\"u-1\"\n";

/// A good answer with something done to it, or no answer at all.
fn spoilt() -> impl Strategy<Value = Vec<u8>> {
    let good = prop::sample::select(vec![RESULTS, REFUSAL, TOKEN, SAVED, "", "null", "[]", "{}"]);
    let scraps = prop::sample::select(vec![
        "null",
        "\"",
        "[",
        "}",
        "-1",
        "1e999",
        "\"\\ud800\"",
        "<html>",
        "\u{0}",
        ",,",
        "\"\n",
        "true",
        "é",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        (good.clone(), any::<prop::sample::Index>()).prop_map(|(good, end)| {
            let bytes = good.as_bytes();
            bytes[..end.index(bytes.len() + 1)].to_vec()
        }),
        (good, any::<prop::sample::Index>(), 0_usize..12, scraps).prop_map(|(good, start, length, scrap)| {
            let mut bytes = good.as_bytes().to_vec();
            let start = start.index(bytes.len() + 1);
            let end = (start + length).min(bytes.len());
            bytes.splice(start..end, scrap.bytes());
            bytes
        }),
    ]
}

fn upsert() -> Operation {
    Operation::Upsert {
        key_field: "Key__c".to_owned(),
        update_only: false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_answer_panics(body in spoilt(), status in 100_u16..1_000, header in "[ -~]{0,40}") {
        let status = StatusCode::from_u16(status).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("Sforce-Limit-Info", HeaderValue::from_str(&header).unwrap());
        headers.insert("Retry-After", HeaderValue::from_str(&header).unwrap());
        for sent in [0, 1, 3] {
            if let Ok(results) = results(&upsert(), &body, sent) {
                prop_assert_eq!(results.len(), sent);
            }
        }
        let refusal = Refusal::read(status, &headers, &body);
        prop_assert_eq!(refusal.status, status.as_u16());
        // What is shown of a refusal is never its message.
        prop_assert!(refusal.message.is_empty() || !refusal.to_string().contains(&refusal.message)
            || refusal.code.contains(&refusal.message) || status.as_str().contains(&refusal.message)
            || "salesforce answered ".contains(&refusal.message));
        let _outcome = oauth::issued(&body);
        let _outcome = oauth::refused(status, &headers, &body);
        let _outcome = serde_json::from_slice::<ObjectDescription>(&body);
        let _outcome = read_saved(&body);
        let _outcome = read_failed(&body, Some("Key__c"));
        let _outcome = read_unprocessed(&body);
    }

    #[test]
    fn a_cut_answer_is_never_taken_for_a_whole_one(end in 0..RESULTS.len()) {
        prop_assert!(matches!(
            results(&Operation::Update, &RESULTS.as_bytes()[..end], 3),
            Err(WriteError::Unreadable(_))
        ));
        prop_assert!(oauth::issued(&TOKEN.as_bytes()[..end.min(TOKEN.len() - 1)]).is_err());
    }

    #[test]
    fn there_is_one_result_for_each_record_or_none(successes in prop::collection::vec(any::<bool>(), 0..20), sent in 0_usize..20) {
        let elements: Vec<_> = successes
            .iter()
            .map(|success| serde_json::json!({"success": success, "errors": []}))
            .collect();
        let body = serde_json::to_vec(&elements).unwrap();
        match results(&Operation::Update, &body, sent) {
            Ok(results) => {
                let saved: Vec<bool> = results
                    .iter()
                    .map(|result| matches!(result, RecordResult::Saved { .. }))
                    .collect();
                prop_assert_eq!(saved, successes);
            }
            Err(WriteError::WrongCount { sent: told, got }) => {
                prop_assert_eq!((told, got), (sent, successes.len()));
                prop_assert_ne!(sent, successes.len());
            }
            Err(error) => prop_assert!(false, "{error}"),
        }
    }

    #[test]
    fn no_text_is_a_host_by_accident(text in prop_oneof!["[ -~é]{0,60}", near_host()]) {
        for host in [Host::from_custom_domain(&text), Host::login(&text), Host::from_instance_url(&text)].into_iter().flatten() {
            let host = host.as_str();
            prop_assert!(host.ends_with(".salesforce.com") || host.ends_with(".my.salesforce.mil"), "{host}");
            prop_assert!(!host.contains(['/', '@', ':', '?', '#', ' ']), "{host}");
        }
    }

    #[test]
    fn usage_is_read_back_as_written(used in any::<u64>(), max in any::<u64>()) {
        let usage = ApiUsage::parse(&format!("api-usage={used}/{max}")).unwrap();
        prop_assert_eq!((usage.used, usage.max), (used, max));
    }

    #[test]
    fn a_literal_ends_where_it_ends(text in "\\PC{0,40}") {
        let literal = literal(&text);
        let inside = &literal[1..literal.len() - 1];
        let mut is_escaped = false;
        for character in inside.chars() {
            prop_assert!(is_escaped || character != '\'', "{literal}");
            is_escaped = !is_escaped && character == '\\';
        }
        prop_assert!(!is_escaped, "{literal}");
    }

    #[test]
    fn every_row_comes_back_as_it_went_up(rows in prop::collection::vec(prop::collection::vec(cell(), 3), 0..20)) {
        let columns = ["Key__c", "Email", "Account.Key__c"].map(str::to_owned);
        let mut writer = UploadWriter::new(&columns).unwrap();
        let mut taken = Vec::new();
        for row in rows {
            match writer.push(&row) {
                Ok(()) => taken.push(row),
                // The one text that cannot be said; it harms no other row.
                Err(PushError::ReservedText { position }) => prop_assert_eq!(spelt(&row[position]), "#N/A"),
                Err(error) => prop_assert!(false, "{error}"),
            }
        }
        let rows = taken;
        let upload = writer.finish();
        prop_assert_eq!(upload.rows(), rows.len() as u64);

        // Every record has every column, and the three kinds of nothing stay apart.
        let read = read_unprocessed(upload.csv()).unwrap();
        prop_assert_eq!(read.len(), rows.len());
        for (columns_read, row) in read.iter().zip(&rows) {
            let names: Vec<&str> = columns_read.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(names, columns.iter().map(String::as_str).collect::<Vec<_>>());
            for ((_, text), cell) in columns_read.iter().zip(row) {
                prop_assert_eq!(text, spelt(cell));
            }
        }

        // As Salesforce gives them back: everything quoted, its own columns before.
        let saved = read_saved(&given_back(&["sf__Id", "sf__Created"], &["003x", "true"], &read)).unwrap();
        let failed = read_failed(&given_back(&["sf__Id", "sf__Error"], &["", "C:a:b:F --"], &read), None).unwrap();
        prop_assert_eq!(saved.into_iter().map(|row: SavedRow| row.columns).collect::<Vec<_>>(), read.clone());
        for (row, columns) in failed.into_iter().zip(read) {
            let FailedRow { id, refusal, columns: given } = row;
            prop_assert_eq!((id, given), (None, columns));
            prop_assert_eq!(refusal.error.message, "a:b");
        }
    }
}

/// Something like a host of Salesforce's.
fn near_host() -> impl Strategy<Value = String> {
    let scheme = prop::sample::select(vec!["", "https://", "http://", "https://user@", "//"]);
    let suffix = prop::sample::select(vec![
        ".my.salesforce.com",
        ".salesforce.com",
        ".my.salesforce.mil",
        ".my.salesforce.com.evil.example",
        ".mysalesforce.com",
        ".my.salesforce.com:443",
        ".my.salesforce.com/path",
        ".my.salesforce.com@evil.example",
        ".lightning.force.com",
        ".salesforce.com.",
        "#.salesforce.com",
        "?.salesforce.com",
    ]);
    (scheme, "[a-z0-9.-]{0,12}", suffix).prop_map(|(scheme, name, suffix)| format!("{scheme}{name}{suffix}"))
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        Just(Cell::Absent),
        Just(Cell::Null),
        Just(Cell::Text(String::new())),
        Just(Cell::Text("#N/A".to_owned())),
        "[\"',;\\t\\r\\n #/A-Za-zé\u{4e2d}]{1,12}".prop_map(Cell::Text),
        "\\PC{1,30}".prop_map(Cell::Text),
    ]
}

fn spelt(cell: &Cell) -> &str {
    match cell {
        Cell::Absent => "",
        Cell::Null => "#N/A",
        Cell::Text(text) if text.is_empty() => "#N/A",
        Cell::Text(text) => text,
    }
}

/// Writes a result set as Salesforce does (§7).
fn given_back(own_names: &[&str], own_values: &[&str], rows: &[Vec<(String, String)>]) -> Vec<u8> {
    let quoted = |texts: &mut dyn Iterator<Item = &str>| {
        let texts: Vec<String> = texts
            .map(|text| format!("\"{}\"", text.replace('"', "\"\"")))
            .collect();
        texts.join(",") + "\n"
    };
    let names = ["Key__c", "Email", "Account.Key__c"];
    let mut csv = quoted(&mut own_names.iter().copied().chain(names));
    for row in rows {
        csv += &quoted(
            &mut own_values
                .iter()
                .copied()
                .chain(row.iter().map(|(_, value)| value.as_str())),
        );
    }
    csv.into_bytes()
}
