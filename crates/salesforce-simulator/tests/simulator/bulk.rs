//! Bulk API 2.0 ingest. Source: salesforce-contract.md §7.

use std::io;
use std::time::Duration;

use chrono::TimeDelta;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use salesforce_simulator::record_id;
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::advance;

use crate::client::{Answer, Client, Rig, StandingTime, call_error};

const JOBS: &str = "/jobs/ingest";

async fn rig(options: Value) -> Rig {
    let rig = Rig::with_org(options).await;
    let key = json!({"object": "Contact", "name": "Crm_Key__c", "type": "string", "external_id": true, "unique": true});
    let flag = json!({"object": "Contact", "name": "Active__c", "label": "Active", "type": "boolean"});
    let score = json!({"object": "Contact", "name": "Score__c", "label": "Score", "type": "double"});
    for field in [key, flag, score] {
        rig.client.org("POST", "/fields", field).await;
    }
    rig
}

async fn create(client: &Client, job: Value) -> String {
    let answer = client.rest("POST", JOBS, &job).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn upload(client: &Client, id: &str, csv: &str) -> Answer {
    let path = format!("{JOBS}/{id}/batches");
    client.send("PUT", &path, "text/csv; charset=UTF-8", csv).await
}

async fn set_state(client: &Client, id: &str, state: &str) -> Answer {
    client
        .rest("PATCH", &format!("{JOBS}/{id}"), &json!({"state": state}))
        .await
}

async fn poll(client: &Client, id: &str) -> Value {
    client.get(&format!("{JOBS}/{id}")).await.json()
}

/// Opens, fills and closes a job, and returns it as the next poll tells it.
async fn run(client: &Client, job: Value, csv: &str) -> Value {
    let id = create(client, job).await;
    assert_eq!(upload(client, &id, csv).await.status, 201);
    assert_eq!(
        set_state(client, &id, "UploadComplete").await.json()["state"],
        "UploadComplete"
    );
    poll(client, &id).await
}

async fn results(client: &Client, job: &Value, set: &str) -> String {
    let answer = client
        .get(&format!("{JOBS}/{}/{set}", job["id"].as_str().unwrap()))
        .await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, Some("text/csv; charset=UTF-8"))
    );
    answer.text
}

/// Returns the rows of a result set, sorted, after its header.
fn sorted(csv: &str) -> (String, Vec<String>) {
    let mut lines = csv.lines().map(str::to_owned);
    let header = lines.next().unwrap();
    let mut rows: Vec<String> = lines.collect();
    rows.sort();
    (header, rows)
}

#[tokio::test]
async fn an_upsert_goes_from_open_to_complete_and_tells_every_row() {
    let rig = rig(json!({})).await;
    let client = &rig.client;
    let known = json!([{"Crm_Key__c": "u-1", "LastName": "Silva", "FirstName": "Ana", "Title": "Dr", "Score__c": 1.0}]);
    let known = client.org("POST", "/records/Contact", known).await[0]
        .as_str()
        .unwrap()
        .to_owned();

    let job = json!({"object": "contact", "operation": "upsert", "externalIdFieldName": "crm_key__c",
        "contentType": "CSV", "lineEnding": "LF"});
    let opened = client.rest("POST", JOBS, &job).await.json();
    let id = opened["id"].as_str().unwrap().to_owned();
    let csv = "crm_key__c,LASTNAME,FirstName,Title,Active__c,Score__c\n\
               u-1,,#N/A,,true,2.5\nu-2,\"O'Brien, \"\"Bo\"\"\",,,0,\nu-3,,,,,\nu-4,X,,,maybe,\n";
    let uploaded = upload(client, &id, csv).await;
    let closed = set_state(client, &id, "UploadComplete").await.json();
    let done = poll(client, &id).await;

    assert!(id.starts_with("750"));
    assert_eq!(
        opened,
        json!({"id": id, "operation": "upsert", "object": "Contact", "createdById": opened["createdById"],
            "createdDate": "2026-11-20T09:15:00.123+0000", "systemModstamp": "2026-11-20T09:15:00.123+0000",
            "state": "Open", "externalIdFieldName": "Crm_Key__c", "concurrencyMode": "Parallel",
            "contentType": "CSV", "apiVersion": 67.0, "jobType": "V2Ingest",
            "contentUrl": format!("services/data/v67.0/jobs/ingest/{id}/batches"),
            "lineEnding": "LF", "columnDelimiter": "COMMA"})
    );
    assert!(opened.to_string().contains("\"apiVersion\":67.0"));
    assert_eq!((uploaded.status, uploaded.text.as_str()), (201, ""));
    assert_eq!(closed["state"], "UploadComplete");
    assert_eq!(
        [
            "state",
            "numberRecordsProcessed",
            "numberRecordsFailed",
            "retries"
        ]
        .map(|key| done[key].clone()),
        [json!("JobComplete"), json!(4), json!(2), json!(0)]
    );

    let records = client.org("GET", "/records/Contact", Value::Null).await;
    assert_eq!(records.as_array().unwrap().len(), 2);
    let changed = client
        .org("GET", &format!("/records/Contact/{known}"), Value::Null)
        .await;
    assert_eq!(
        ["LastName", "FirstName", "Title", "Active__c", "Score__c"].map(|key| changed[key].clone()),
        [json!("Silva"), Value::Null, json!("Dr"), json!(true), json!(2.5)]
    );
    let created = records[1]["Id"].as_str().unwrap();
    assert_eq!(records[1]["LastName"], "O'Brien, \"Bo\"");

    let columns = "\"crm_key__c\",\"LASTNAME\",\"FirstName\",\"Title\",\"Active__c\",\"Score__c\"";
    let mut written = [
        format!("\"{known}\",\"false\",\"u-1\",\"\",\"#N/A\",\"\",\"true\",\"2.5\""),
        format!("\"{created}\",\"true\",\"u-2\",\"O'Brien, \"\"Bo\"\"\",\"\",\"\",\"0\",\"\""),
    ];
    written.sort();
    assert_eq!(
        sorted(&results(client, &done, "successfulResults").await),
        (format!("\"sf__Id\",\"sf__Created\",{columns}"), written.to_vec())
    );
    let refused = [
        "\"\",\"INVALID_TYPE_ON_FIELD_IN_RECORD:Active: value not of required type: maybe:Active__c --\",\"u-4\",\"X\",\"\",\"\",\"maybe\",\"\"",
        "\"\",\"REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --\",\"u-3\",\"\",\"\",\"\",\"\",\"\"",
    ];
    assert_eq!(
        sorted(&results(client, &done, "failedResults").await),
        (
            format!("\"sf__Id\",\"sf__Error\",{columns}"),
            refused.map(str::to_owned).to_vec()
        )
    );
    assert_eq!(
        results(client, &done, "unprocessedrecords").await,
        format!("{columns}\n")
    );
}

#[tokio::test]
async fn inserts_updates_and_deletes_name_records_by_id_and_keys_may_be_id_or_email() {
    let rig = rig(json!({})).await;
    let client = &rig.client;
    let inserted = run(
        client,
        json!({"object": "Contact", "operation": "insert"}),
        "LastName,Email,Id\nA,A@x.example,\nB,b@x.example,\nC,,0035g00000AbCdE\n",
    )
    .await;
    let records = client.org("GET", "/records/Contact", Value::Null).await;
    let ids: Vec<&str> = records
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["Id"].as_str().unwrap())
        .collect();
    let by_email = run(
        client,
        json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": "Email"}),
        "Email,Title\na@X.example,Dr\n",
    )
    .await;
    let by_id = run(
        client,
        json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": "Id"}),
        &format!("Id,Title,LastName\n{},Prof,\n,,D\n", ids[1]),
    )
    .await;
    let unknown = record_id("003", 999_999);
    let updated = run(
        client,
        json!({"object": "Contact", "operation": "update"}),
        &format!("Id,Department\n{},R&D\n{unknown},x\n,y\n", ids[0]),
    )
    .await;
    let deleted = run(
        client,
        json!({"object": "Contact", "operation": "delete"}),
        &format!("id\n{}\n{unknown}\nnope\n", &ids[1][..15]),
    )
    .await;

    let failed = |job: &Value| job["numberRecordsFailed"].clone();
    assert_eq!(
        [&inserted, &by_email, &by_id, &updated, &deleted].map(failed),
        [1, 0, 0, 2, 2].map(Value::from)
    );
    let records = client.org("GET", "/records/Contact", Value::Null).await;
    assert_eq!(
        ["Title", "Department"].map(|key| records[0][key].clone()),
        [json!("Dr"), json!("R&D")]
    );
    assert_eq!(
        ["Title", "IsDeleted"].map(|key| records[1][key].clone()),
        [json!("Prof"), json!(true)]
    );
    assert_eq!(records[2]["LastName"], "D");
    let (_, refused) = sorted(&results(client, &updated, "failedResults").await);
    assert_eq!(
        refused,
        [
            "\"\",\"MISSING_ARGUMENT:Id not specified in an update call:Id --\",\"\",\"y\"".to_owned(),
            format!(
                "\"{unknown}\",\"INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--\",\"{unknown}\",\"x\""
            ),
        ]
    );
    let (_, gone) = sorted(&results(client, &deleted, "successfulResults").await);
    assert_eq!(gone, [format!("\"{}\",\"false\",\"{}\"", ids[1], &ids[1][..15])]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_the_job_and_leaves_every_row_unprocessed() {
    let rig = rig(json!({})).await;
    let client = &rig.client;
    let insert = |extra: Value| {
        let mut job = json!({"object": "Contact", "operation": "insert"});
        for (name, value) in extra.as_object().unwrap() {
            job[name] = value.clone();
        }
        job
    };
    let cases = [
        (
            json!({}),
            "LastName,Nope__c\nA,1\n",
            "InvalidBatch : Field name not found : Nope__c",
        ),
        (
            json!({}),
            "LastName\r\nA\r\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        (
            json!({"lineEnding": "CRLF"}),
            "LastName\nA\n",
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF",
        ),
        (
            json!({"columnDelimiter": "PIPE"}),
            "LastName,Title\nA,1\n",
            "InvalidBatch : Field name not found : LastName,Title",
        ),
        (
            json!({}),
            "LastName,lastname\nA,1\n",
            "InvalidBatch : Field name is given twice : lastname",
        ),
    ];
    for (extra, csv, message) in cases {
        let job = run(client, insert(extra), csv).await;
        assert_eq!(
            (&job["state"], &job["errorMessage"]),
            (&json!("Failed"), &json!(message))
        );
        assert_eq!(job["numberRecordsProcessed"], 0);
    }
    let job = run(client, insert(json!({})), "LastName,Nope__c\nA,\"1,5\"\n").await;
    assert_eq!(
        results(client, &job, "unprocessedrecords").await,
        "\"LastName\",\"Nope__c\"\n\"A\",\"1,5\"\n"
    );
    for (delimiter, sign) in [
        ("TAB", "\t"),
        ("SEMICOLON", ";"),
        ("PIPE", "|"),
        ("CARET", "^"),
        ("BACKQUOTE", "`"),
    ] {
        let csv = format!("\u{feff}LastName{sign}Title\r\nA,B{sign}\"x{sign}y\"\r\n");
        let job = run(
            client,
            insert(json!({"columnDelimiter": delimiter, "lineEnding": "CRLF"})),
            &csv,
        )
        .await;
        assert_eq!(
            (&job["state"], &job["numberRecordsFailed"]),
            (&json!("JobComplete"), &json!(0)),
            "{delimiter}"
        );
    }
    let stored = client.org("GET", "/records/Contact", Value::Null).await;
    assert_eq!(
        (&stored[0]["LastName"], &stored[4]["Title"]),
        (&json!("A,B"), &json!("x`y"))
    );
}

#[tokio::test]
async fn jobs_take_one_upload_while_they_are_open_and_are_deleted_when_they_are_done() {
    let rig = rig(json!({"bulk": {"max_upload_bytes": 20, "content_url": "absolute"}})).await;
    let client = &rig.client;
    let rule = json!({"owner": "svc@acme.example", "active": false});
    let rule = client.org("POST", "/assignment-rules", rule).await["id"].clone();
    let insert = json!({"object": "Lead", "operation": "insert", "assignmentRuleId": rule});
    let id = create(client, insert.clone()).await;
    let path = format!("{JOBS}/{id}");
    let wrong_state = |message: &str| (400, call_error("INVALIDJOBSTATE", message));
    let told = |answer: Answer| (answer.status, answer.json());

    assert!(
        poll(client, &id).await["contentUrl"]
            .as_str()
            .unwrap()
            .starts_with("/services/data/")
    );
    assert_eq!(upload(client, &id, "LastName,Company,City\n").await.status, 413);
    assert_eq!(
        client
            .rest("PUT", &format!("{path}/batches"), &json!({}))
            .await
            .status,
        415
    );
    assert_eq!(upload(client, &id, "LastName,Company\n,\n").await.status, 201);
    let again = told(upload(client, &id, "LastName\n").await);
    assert_eq!(
        again,
        wrong_state(&format!("Found multiple contents for job: <{id}>"))
    );
    let early = told(client.get(&format!("{path}/failedResults")).await);
    assert_eq!(early, wrong_state("A job in state Open has no results yet"));
    let open = told(client.rest("DELETE", &path, &Value::Null).await);
    assert_eq!(open, wrong_state("Deleting a job in state Open is not allowed"));
    assert_eq!(told(set_state(client, &id, "Done").await).0, 400);

    set_state(client, &id, "UploadComplete").await;
    assert_eq!(poll(client, &id).await["state"], "JobComplete");
    let aborted = told(set_state(client, &id, "Aborted").await);
    assert_eq!(aborted, wrong_state("Aborting already Completed Job not allowed"));
    let late = told(upload(client, &id, "LastName\n").await);
    assert_eq!(
        late,
        wrong_state("Uploading to a job in state JobComplete is not allowed")
    );

    let other = create(client, insert).await;
    upload(client, &other, "LastName\nA\n").await;
    assert_eq!(
        set_state(client, &other, "Aborted").await.json()["state"],
        "Aborted"
    );
    let listed = client.get(JOBS).await.json();
    assert_eq!(
        (listed["done"].clone(), listed["nextRecordsUrl"].clone()),
        (json!(true), Value::Null)
    );
    let states: Vec<&Value> = listed["records"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| &job["state"])
        .collect();
    assert_eq!(states, ["JobComplete", "Aborted"]);
    let kept = client.get(&format!("{JOBS}/{other}/unprocessedRecords/")).await;
    assert_eq!(kept.text, "\"LastName\"\n\"A\"\n");

    let deleted = client.rest("DELETE", &path, &Value::Null).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    let gone = told(client.get(&path).await);
    assert_eq!(
        gone,
        (
            404,
            call_error("NOT_FOUND", "The requested resource does not exist")
        )
    );
}

#[tokio::test]
async fn a_job_that_makes_no_sense_is_refused() {
    let rig = rig(json!({})).await;
    let mixed = Rig::with_org(json!({"bulk": {"error_names": "mixed"}})).await;
    let cases = [
        (
            json!({"operation": "insert"}),
            "INVALIDJOB",
            "The object must be specified",
        ),
        (
            json!({"object": "Nope", "operation": "insert"}),
            "INVALIDJOB",
            "Unable to find object: Nope",
        ),
        (
            json!({"object": "Contact"}),
            "INVALIDJOB",
            "The operation must be specified",
        ),
        (
            json!({"object": "Contact", "operation": "upsert"}),
            "INVALIDJOB",
            "External ID was blank for Contact. An External ID must be specified for upsert.",
        ),
        (
            json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": "Title"}),
            "INVALIDJOB",
            "Field name provided, Title does not match an External ID, Salesforce Id, or indexed field for Contact",
        ),
        (
            json!({"object": "Contact", "operation": "insert", "contentType": "JSON"}),
            "INVALIDJOB",
            "The content type JSON is not CSV",
        ),
        (
            json!({"object": "Contact", "operation": "insert", "assignmentRuleId": "01Q"}),
            "INVALIDJOB",
            "assignmentRuleId is for Lead and Case only, not for Contact",
        ),
        (
            json!({"object": "Contact", "operation": "merge"}),
            "INVALIDOPERATION",
            "The operation merge is not one of insert, update, upsert, delete",
        ),
        (
            json!({"object": "Contact", "operation": "hardDelete"}),
            "FEATURENOTENABLED",
            "hardDelete needs the permission Bulk API Hard Delete, which no user here has",
        ),
    ];
    for (job, code, message) in cases {
        let answer = rig.client.rest("POST", JOBS, &job).await;
        assert_eq!(
            (answer.status, answer.json()),
            (400, call_error(code, message)),
            "{job}"
        );
    }
    for job in [
        json!({"lineEnding": "CR"}),
        json!({"columnDelimiter": ","}),
        json!({"colour": "red"}),
    ] {
        let answer = rig.client.rest("POST", JOBS, &job).await;
        assert_eq!(
            (answer.status, &answer.json()[0]["errorCode"]),
            (400, &json!("JSON_PARSER_ERROR")),
            "{job}"
        );
    }
    let answer = mixed
        .client
        .rest("POST", JOBS, &json!({"operation": "insert"}))
        .await;
    assert_eq!(answer.json()[0]["errorCode"], "InvalidJob");
}

#[tokio::test]
async fn a_small_job_comes_with_its_rows_in_one_call() {
    let rig = rig(json!({})).await;
    let client = &rig.client;
    let job = json!({"object": "Lead", "operation": "insert", "contentType": "CSV"});
    let body = |csv: &str| {
        format!(
            "--BOUNDARY\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name=\"job\"\r\n\r\n{job}\r\n\
                 --BOUNDARY\r\nContent-Type: text/csv\r\nContent-Disposition: form-data; name=\"content\"; filename=\"content\"\r\n\r\n{csv}\r\n--BOUNDARY--\r\n"
        )
    };
    let content_type = "multipart/form-data; boundary=BOUNDARY";

    let created = client
        .send("POST", JOBS, content_type, &body("LastName,Company\nA,B\n"))
        .await;
    let job = poll(client, created.json()["id"].as_str().unwrap()).await;
    let large = client
        .send(
            "POST",
            JOBS,
            content_type,
            &body(&format!("LastName\n{}", "x".repeat(100_000))),
        )
        .await;

    assert_eq!(
        (created.status, &created.json()["state"]),
        (200, &json!("UploadComplete"))
    );
    assert_eq!(
        (&job["state"], &job["numberRecordsProcessed"]),
        (&json!("JobComplete"), &json!(1))
    );
    assert_eq!(
        (large.status, &large.json()[0]["errorCode"]),
        (400, &json!("CLIENTINPUTERROR"))
    );
}

#[tokio::test]
async fn the_clock_drives_a_job_and_an_abort_keeps_what_was_written() {
    let rig = rig(json!({"bulk": {"queue_seconds": 5, "seconds_per_batch": 10}})).await;
    let client = &rig.client;
    let id = create(client, json!({"object": "Lead", "operation": "insert"})).await;
    let rows: String = (0..450).map(|number| format!("L{number},C\n")).collect();
    upload(client, &id, &format!("LastName,Company\n{rows}")).await;
    set_state(client, &id, "UploadComplete").await;
    let mut seen = Vec::new();
    for seconds in [4, 1, 10] {
        rig.clock.advance(TimeDelta::seconds(seconds));
        let job = poll(client, &id).await;
        seen.push((
            job["state"].as_str().unwrap().to_owned(),
            job["numberRecordsProcessed"].as_u64().unwrap(),
        ));
    }
    assert_eq!(
        seen,
        [
            ("UploadComplete".to_owned(), 0),
            ("InProgress".to_owned(), 0),
            ("InProgress".to_owned(), 200)
        ]
    );
    // The records are there without anyone polling the job.
    rig.clock.advance(TimeDelta::seconds(10));
    assert_eq!(
        client
            .org("GET", "/records/Lead", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        400
    );
    let aborted = set_state(client, &id, "Aborted").await.json();
    assert_eq!(aborted["numberRecordsProcessed"], 400);
    assert_eq!(
        results(client, &aborted, "unprocessedrecords")
            .await
            .lines()
            .count(),
        51
    );
    let written = results(client, &aborted, "successfulResults").await;
    assert_eq!(written.lines().count(), 401);
    assert_ne!(
        sorted(&written).1,
        written.lines().skip(1).collect::<Vec<_>>(),
        "the order is not kept"
    );

    let id = create(client, json!({"object": "Lead", "operation": "insert"})).await;
    rig.clock.advance(TimeDelta::hours(24));
    let renewed = Client {
        token: client.log_in().await,
        ..client.clone()
    };
    assert_eq!(poll(&renewed, &id).await["state"], "Aborted");
    rig.clock.advance(TimeDelta::days(7));
    let renewed = Client {
        token: client.log_in().await,
        ..client.clone()
    };
    assert_eq!(renewed.get(JOBS).await.json()["records"], json!([]));
}

#[tokio::test]
async fn the_server_retries_locked_rows_and_gives_up_in_the_end() {
    let rig = rig(json!({"bulk": {"max_retries": 3}})).await;
    let client = &rig.client;
    let locked = |times: u64| {
        json!([{"on": "bulk_rows", "times": times, "do": {"kind": "record_error", "statusCode": "UNABLE_TO_LOCK_ROW",
            "message": "unable to obtain exclusive access to this record or 1 records: 0015g00000AbCdE"}}])
    };
    let insert = json!({"object": "Lead", "operation": "insert"});
    client.org("POST", "/faults", locked(2)).await;
    let kept_trying = run(client, insert.clone(), "LastName,Company\nA,B\n").await;
    client.org("POST", "/faults", locked(4)).await;
    let gave_up = run(client, insert.clone(), "LastName,Company\nA,B\n").await;
    let broken =
        json!([{"on": "bulk_rows", "do": {"kind": "status", "status": 500, "message": "gone wrong"}}]);
    client.org("POST", "/faults", broken).await;
    let failed = run(client, insert, "LastName,Company\nA,B\n").await;

    let keys = [
        "state",
        "retries",
        "numberRecordsProcessed",
        "numberRecordsFailed",
    ];
    let told = |job: &Value| keys.map(|key| job[key].clone());
    assert_eq!(
        told(&kept_trying),
        [json!("JobComplete"), json!(2), json!(1), json!(0)]
    );
    assert_eq!(
        told(&gave_up),
        [json!("JobComplete"), json!(3), json!(1), json!(1)]
    );
    assert_eq!(told(&failed), [json!("Failed"), json!(0), json!(0), json!(0)]);
    assert_eq!(failed["errorMessage"], "InternalServerError : gone wrong");
    assert!(
        results(client, &gave_up, "failedResults")
            .await
            .contains("0015g00000AbCdE:--\"")
    );
    let cut = json!([{"on": "bulk_rows", "do": {"kind": "cut_before"}}]);
    let refused = client
        .admin("POST", &format!("/orgs/{}/faults", client.host), &cut)
        .await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn parents_are_named_by_their_key_and_blanked_by_na() {
    let rig = rig(json!({})).await;
    let client = &rig.client;
    let key = json!({"object": "Account", "name": "AcctKey__c", "type": "string", "external_id": true, "unique": true});
    client.org("POST", "/fields", key).await;
    let account = client
        .org(
            "POST",
            "/records/Account",
            json!([{"Name": "A", "AcctKey__c": "A-17"}]),
        )
        .await[0]
        .clone();
    let upsert = json!({"object": "Contact", "operation": "upsert", "externalIdFieldName": "Crm_Key__c"});
    let parents = async || -> Vec<Value> {
        let records = client.org("GET", "/records/Contact", Value::Null).await;
        records
            .as_array()
            .unwrap()
            .iter()
            .map(|record| record["AccountId"].clone())
            .collect()
    };

    let csv = "Crm_Key__c,LastName,account.ACCTKEY__C\nu-1,A,A-17\nu-2,B,\nu-3,C,A-18\n";
    let job = run(client, upsert.clone(), csv).await;
    let failed = results(client, &job, "failedResults").await;
    assert_eq!(
        (&job["numberRecordsProcessed"], &job["numberRecordsFailed"]),
        (&json!(3), &json!(1)),
        "{failed}"
    );
    assert_eq!(parents().await, [account, Value::Null]);
    assert!(
        failed.contains("INVALID_FIELD:Foreign key external ID: A-18 not found for field AcctKey__c"),
        "{failed}"
    );
    run(
        client,
        upsert.clone(),
        "Crm_Key__c,Account.AcctKey__c\nu-1,#N/A\nu-2,\n",
    )
    .await;
    assert_eq!(parents().await, [Value::Null, Value::Null]);
    let unknown = run(client, upsert, "Crm_Key__c,Account.Site\nu-1,x\n").await;
    assert_eq!(
        unknown["errorMessage"],
        "InvalidBatch : Field name not found : Account.Site"
    );
}

/// Starts an org with one Contact, which a call holds for a minute of tokio's time, and a job that updates it.
async fn held_row(options: Value) -> (Rig, StandingTime, JoinHandle<io::Result<Answer>>, Value) {
    let rig = rig(options).await;
    let time = StandingTime::begin();
    let client = &rig.client;
    client
        .org("POST", "/records/Contact", json!([{"LastName": "A"}]))
        .await;
    let slow = json!([{"on": "write", "do": {"kind": "slow", "delay_ms": 60_000}}]);
    client.org("POST", "/faults", slow).await;
    let call = client.begin_update(&[(1, json!({"Title": "by call"}))]);
    client.until_faults_are_used_up().await;
    let job = run(
        client,
        json!({"object": "Contact", "operation": "update"}),
        &format!("Id,Department\n{},by job\n", record_id("003", 1)),
    )
    .await;
    (rig, time, call, job)
}

#[tokio::test(start_paused = true)]
async fn a_held_row_is_tried_again_as_time_passes_however_often_one_looks() {
    let (rig, _time, call, job) = held_row(json!({})).await;
    let client = &rig.client;
    let id = job["id"].as_str().unwrap();
    assert_eq!(
        (&job["state"], &job["retries"]),
        (&json!("InProgress"), &json!(1))
    );
    for _ in 0..30 {
        assert_eq!(poll(client, id).await["retries"], 1);
    }
    for (seconds, retries) in [(9, 1), (1, 2), (30, 5)] {
        rig.clock.advance(TimeDelta::seconds(seconds));
        assert_eq!(poll(client, id).await["retries"], retries);
    }
    advance(Duration::from_secs(60)).await;
    call.await.unwrap().unwrap();
    assert_eq!(poll(client, id).await["state"], "InProgress");
    rig.clock.advance(TimeDelta::seconds(10));

    let job = poll(client, id).await;
    assert_eq!(
        (&job["state"], &job["retries"], &job["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(5), &json!(0))
    );
    assert_eq!(job["totalProcessingTime"], 50_000);
    let stored = client.stored("Contact", &record_id("003", 1)).await;
    assert_eq!(
        (&stored["Title"], &stored["Department"]),
        (&json!("by call"), &json!("by job"))
    );
    let counted = ["lock_waits", "lock_failures"].map(|name| client.counter(name));
    let [waits, failures] = counted;
    assert_eq!((waits.await, failures.await), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_row_that_stays_held_is_refused_and_counted_and_what_is_scripted_for_it_is_not_lost() {
    let (rig, _time, _call, job) = held_row(json!({"bulk": {"max_retries": 2}})).await;
    let client = &rig.client;
    let scripted =
        json!([{"on": "bulk_rows", "do": {"kind": "record_error", "statusCode": "CUSTOM", "message": "no"}}]);
    client.org("POST", "/faults", scripted.clone()).await;
    rig.clock.advance(TimeDelta::seconds(10));
    let id = job["id"].as_str().unwrap();
    assert_eq!(poll(client, id).await["retries"], 2);
    assert_eq!(
        client.org("GET", "/faults", Value::Null).await[0]["do"]["statusCode"],
        "CUSTOM"
    );
    client.org("DELETE", "/faults", Value::Null).await;
    rig.clock.advance(TimeDelta::seconds(10));

    let job = poll(client, id).await;
    assert_eq!(
        (&job["state"], &job["retries"], &job["numberRecordsFailed"]),
        (&json!("JobComplete"), &json!(2), &json!(1))
    );
    let failed = results(client, &job, "failedResults").await;
    assert!(failed.contains("UNABLE_TO_LOCK_ROW:"), "{failed}");
    assert_eq!(client.counter("lock_failures").await, 1);
}

#[tokio::test]
async fn batches_beyond_the_daily_allocation_are_not_processed() {
    let rig = rig(json!({"bulk": {"daily_batches": 1}})).await;
    let client = &rig.client;
    let insert = json!({"object": "Lead", "operation": "insert"});
    let rows: String = (0..10_001).map(|number| format!("L{number},C\n")).collect();
    let job = run(client, insert, &format!("LastName,Company\n{rows}")).await;
    assert_eq!(
        (&job["state"], &job["numberRecordsProcessed"]),
        (&json!("Failed"), &json!(10_000))
    );
    assert_eq!(
        job["errorMessage"],
        "ExceededQuota : ApiBatchItems Limit exceeded."
    );
    assert_eq!(
        results(client, &job, "unprocessedrecords").await,
        "\"LastName\",\"Company\"\n\"L10000\",\"C\"\n"
    );
    let limits = client.get("/limits").await.json();
    assert_eq!(limits["DailyBulkApiBatches"], json!({"Max": 1, "Remaining": 0}));
}

/// Writes a value as CSV, quoted only where it must be.
fn cell(value: &str) -> String {
    if value.contains(['"', ',', '\n', '\r']) {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value.to_owned()
    }
}

#[tokio::test]
async fn any_csv_comes_back_whole_in_the_results() {
    let rig = rig(json!({"history": false})).await;
    let client = &rig.client;
    let value = prop_oneof![
        "[ -~äß漢😀]{0,12}",
        "[\",\r\n a]{0,8}",
        Just("#N/A".to_owned()),
        Just(String::new())
    ];
    // A name so that most rows are written; a number that some of them get wrong.
    let row = ("[a-z\", ]{0,5}", value.clone(), value, "(1|2.50|x|)");
    let rows = vec(row, 1..30);
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    for _ in 0..40 {
        let rows = rows.new_tree(&mut runner).unwrap().current();
        let rows: Vec<[String; 4]> = rows.into_iter().map(|(a, b, c, d)| [a, b, c, d]).collect();
        let lines: String = rows
            .iter()
            .map(|row| row.each_ref().map(|value| cell(value)).join(",") + "\n")
            .collect();
        let job = run(
            client,
            json!({"object": "Contact", "operation": "insert"}),
            &format!("LastName,Description,MailingStreet,Score__c\n{lines}"),
        )
        .await;
        assert_eq!(job["state"], "JobComplete", "{job} {lines:?}");

        let mut returned: Vec<Vec<String>> = Vec::new();
        for set in ["successfulResults", "failedResults"] {
            let text = results(client, &job, set).await;
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            returned.extend(
                reader
                    .records()
                    .map(|row| row.unwrap().iter().skip(2).map(str::to_owned).collect()),
            );
        }
        let mut sent: Vec<Vec<String>> = rows.iter().map(|row| row.to_vec()).collect();
        sent.sort();
        returned.sort();
        assert_eq!(returned, sent);
    }
}
