//! Compressed requests and answers.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::{GzDecoder, ZlibDecoder};
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use salesforce_simulator::{record_id, sample};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, Rig, body, written};

/// An answer whose body need not be text.
struct RawAnswer {
    status: u16,
    /// In lower case.
    head: String,
    body: Vec<u8>,
}

/// Sends any bytes to `/services/data/v67.0{path}` with the session.
async fn send(client: &Client, method: &str, path: &str, headers: &str, body: &[u8]) -> RawAnswer {
    let head = format!(
        "{method} /services/data/v67.0{path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n",
        client.host,
        client.token,
        body.len()
    );
    let mut stream = TcpStream::connect(client.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).await.unwrap();
    let end = received
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    let head = String::from_utf8(received[..end].to_vec())
        .unwrap()
        .to_ascii_lowercase();
    RawAnswer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head,
        body: received.split_off(end + 4),
    }
}

async fn update(client: &Client, coding: &str, body: &[u8]) -> RawAnswer {
    let headers = format!("Content-Encoding: {coding}\r\n");
    send(client, "PATCH", "/composite/sobjects", &headers, body).await
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn titled(title: &str) -> Vec<u8> {
    let records = json!([{"id": record_id("003", 1), "Title": title}]);
    body("Contact", &records).to_string().into_bytes()
}

async fn people(options: Value, count: u64) -> Rig {
    let rig = Rig::with_org(options).await;
    let records = Value::Array(sample::sample_records("Contact", count));
    rig.client.org("POST", "/records/Contact", records).await;
    rig
}

#[tokio::test]
async fn gzip_and_both_forms_of_deflate_are_read() {
    let rig = people(json!({}), 1).await;
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(&titled("zlib")).unwrap();
    let mut bare = DeflateEncoder::new(Vec::new(), Compression::fast());
    bare.write_all(&titled("bare")).unwrap();

    for (coding, sent, title) in [
        ("gzip", gzip(&titled("gzip")), "gzip"),
        ("deflate", zlib.finish().unwrap(), "zlib"),
        ("Deflate", bare.finish().unwrap(), "bare"),
        ("identity", titled("plain"), "plain"),
    ] {
        let answer = update(&rig.client, coding, &sent).await;
        let elements: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status, elements),
            (200, json!([written(&record_id("003", 1))]))
        );
        let stored = rig
            .client
            .org(
                "GET",
                &format!("/records/Contact/{}", record_id("003", 1)),
                Value::Null,
            )
            .await;
        assert_eq!(stored["Title"], title);
    }
}

#[tokio::test]
async fn broken_unknown_and_exploding_bodies_are_refused() {
    let rig = people(json!({"switches": {"max_body_bytes": 20_000}}), 1).await;
    let mut broken = gzip(&titled("x"));
    broken.truncate(broken.len() - 9);

    let broken = update(&rig.client, "gzip", &broken).await;
    let unknown = update(&rig.client, "br", &titled("x")).await;
    let bomb = update(&rig.client, "gzip", &gzip(&vec![b' '; 20_001])).await;
    let large = update(&rig.client, "identity", &vec![b' '; 20_001]).await;

    let error: Value = serde_json::from_slice(&broken.body).unwrap();
    assert_eq!(
        (broken.status, &error[0]["errorCode"]),
        (400, &json!("JSON_PARSER_ERROR"))
    );
    let error: Value = serde_json::from_slice(&unknown.body).unwrap();
    assert_eq!(
        (unknown.status, &error[0]["errorCode"]),
        (415, &json!("UNSUPPORTED_MEDIA_TYPE"))
    );
    assert_eq!((bomb.status, large.status), (413, 413));
}

#[tokio::test]
async fn large_answers_are_compressed_where_the_client_and_the_switch_allow_it() {
    let rig = people(json!({}), 100).await;
    let client = &rig.client;
    let query = "/query?q=SELECT+Id,Name+FROM+Contact";

    let plain = send(client, "GET", query, "", b"").await;
    let gzip = send(client, "GET", query, "Accept-Encoding: deflate, gzip\r\n", b"").await;
    let deflate = send(client, "GET", query, "Accept-Encoding: deflate\r\n", b"").await;
    let small = send(client, "GET", "/limits", "Accept-Encoding: gzip\r\n", b"").await;

    let mut unzipped = Vec::new();
    GzDecoder::new(&*gzip.body).read_to_end(&mut unzipped).unwrap();
    let mut inflated = Vec::new();
    ZlibDecoder::new(&*deflate.body)
        .read_to_end(&mut inflated)
        .unwrap();
    assert!(plain.body.len() > 2_048 && gzip.body.len() < plain.body.len() / 2);
    assert_eq!(unzipped, plain.body);
    assert_eq!(inflated, plain.body);
    assert!(plain.head.contains("\r\nvary: accept-encoding"));
    assert!(!plain.head.contains("content-encoding"));
    assert!(gzip.head.contains("\r\ncontent-encoding: gzip"));
    assert!(gzip.head.contains("\r\nvary: accept-encoding"));
    assert!(deflate.head.contains("\r\ncontent-encoding: deflate"));
    assert!(!small.head.contains("content-encoding"));

    let off = people(json!({"switches": {"compressed_answers": false}}), 100).await;
    let never = send(&off.client, "GET", query, "Accept-Encoding: gzip\r\n", b"").await;
    assert!(!never.head.contains("content-encoding"));
    assert_eq!(never.body, plain.body);
}
