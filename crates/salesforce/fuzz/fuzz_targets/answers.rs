//! Feeds any bytes to everything that reads an answer. Two bytes of input
//! choose the status; the rest is the body, and the start of it a header too.

#![no_main]

use http::{HeaderMap, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use salesforce::{
    Host,
    bulk::{Job, read_failed, read_saved, read_unprocessed},
    collections::{Operation, RecordResult, results},
    describe::ObjectDescription,
    limits::Limits,
    oauth::{self, Introspection},
    query::Page,
    refusal::Refusal,
    usage::ApiUsage,
};

fuzz_target!(|input: &[u8]| {
    let Some((status, body)) = input.split_first_chunk::<2>() else {
        return;
    };
    let status = 100 + u16::from_le_bytes(*status) % 900;
    let status = StatusCode::from_u16(status).expect("100 to 999 are statuses");
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(&body[..body.len().min(64)]) {
        for name in ["Sforce-Limit-Info", "Retry-After", "Sfdc-OAuth-Error"] {
            headers.insert(name, value.clone());
        }
    }

    let upsert = Operation::Upsert {
        key_field: "Key__c".to_owned(),
        update_only: false,
    };
    for operation in [Operation::Create, Operation::Update, upsert] {
        for sent in 0..4 {
            if let Ok(results) = results(&operation, body, sent) {
                assert_eq!(results.len(), sent);
                let created =
                    |result: &RecordResult| matches!(result, RecordResult::Saved { created: true, .. });
                assert!(operation != Operation::Update || !results.iter().any(created));
            }
        }
    }
    let refusal = Refusal::read(status, &headers, body);
    assert_eq!(refusal.status, status.as_u16());
    assert!(!refusal.reason().is_empty());
    if let Ok(token) = oauth::issued(body) {
        assert_eq!((token.org_id.len(), token.user_id.len()), (18, 18));
        assert!(token.session.instance.as_str().contains(".salesforce."));
    }
    drop(oauth::refused(status, &headers, body));
    if let Ok(rows) = read_unprocessed(body) {
        assert!(rows.windows(2).all(|pair| pair[0].len() == pair[1].len()));
    }
    drop(read_saved(body));
    drop(read_failed(body, Some("Key__c")));
    drop(serde_json::from_slice::<ObjectDescription>(body));
    drop(serde_json::from_slice::<Limits>(body));
    drop(serde_json::from_slice::<Job>(body));
    drop(serde_json::from_slice::<Introspection>(body));
    drop(serde_json::from_slice::<Page<serde_json::Value>>(body));
    if let Ok(text) = std::str::from_utf8(body) {
        if let Some(usage) = ApiUsage::parse(text) {
            assert!(usage.others.len() <= text.len());
        }
        for host in [
            Host::from_custom_domain(text),
            Host::login(text),
            Host::from_instance_url(text),
        ] {
            let is_salesforces = |host: &Host| {
                host.as_str().ends_with(".salesforce.com") || host.as_str().ends_with(".my.salesforce.mil")
            };
            assert!(host.as_ref().map_or(true, is_salesforces), "{host:?}");
        }
    }
});
