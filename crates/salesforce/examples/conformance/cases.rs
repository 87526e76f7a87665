//! The cases of `clients/salesforce/cases.toml`. What is checked is what the
//! client told its caller, and for stored values what the simulator holds.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rsa::{KeyPair, KeySize},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use futures::{FutureExt, future::LocalBoxFuture};
use salesforce::{
    Http, Session,
    bulk::{self, Cell, JobOperation, JobSpec, UploadWriter},
    collections::{self, Operation, Options, Record, RecordResult, WriteError, WriteOutcome},
    describe::{describe, describe_if_changed},
    limits::limits,
    oauth::{
        Authorization, Grant, LoginCause, Revocation, TokenError, TokenKind, introspect, request_token,
        revoke,
    },
    organization::organization,
    query::{literal, query, query_all_pages},
    record::get_record,
    refusal::{Fault, Refusal, Retry},
    request::RequestError,
};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::org::{Org, Simulator};

const REDIRECT_URI: &str = "https://client.example/callback";
/// A job is done after a few looks; the simulator needs no time for it.
const MAX_LOOKS: usize = 100;

pub(crate) struct Cases<'a> {
    simulator: &'a Simulator,
    http: Http,
    private_key: String,
    org: Org,
    /// Each answer takes longer than a lock is waited for.
    slow_org: Org,
}

type Case = for<'c> fn(&'c Cases<'_>) -> LocalBoxFuture<'c, Result<()>>;

impl<'a> Cases<'a> {
    pub(crate) const ALL: [(&'static str, Case); 23] = [
        ("token_password", |cases| cases.token_password().boxed_local()),
        ("token_client_credentials", |cases| {
            cases.token_client_credentials().boxed_local()
        }),
        ("token_jwt_bearer", |cases| cases.token_jwt_bearer().boxed_local()),
        ("token_refresh", |cases| cases.token_refresh().boxed_local()),
        ("token_authorization_code", |cases| {
            cases.token_authorization_code().boxed_local()
        }),
        ("identity", |cases| cases.identity().boxed_local()),
        ("describe", |cases| cases.describe().boxed_local()),
        ("query", |cases| cases.query().boxed_local()),
        ("create_200", |cases| cases.create_200().boxed_local()),
        ("update_200", |cases| cases.update_200().boxed_local()),
        ("upsert_200", |cases| cases.upsert_200().boxed_local()),
        ("over_200", |cases| cases.over_200().boxed_local()),
        ("upsert_created_then_updated", |cases| {
            cases.upsert_created_then_updated().boxed_local()
        }),
        ("upsert_ambiguous", |cases| cases.upsert_ambiguous().boxed_local()),
        ("null_blanks", |cases| cases.null_blanks().boxed_local()),
        ("unknown_field", |cases| cases.unknown_field().boxed_local()),
        ("duplicate_key", |cases| cases.duplicate_key().boxed_local()),
        ("session_expired", |cases| cases.session_expired().boxed_local()),
        ("session_refreshed", |cases| {
            cases.session_refreshed().boxed_local()
        }),
        ("row_lock", |cases| cases.row_lock().boxed_local()),
        ("limits", |cases| cases.limits().boxed_local()),
        ("bulk_upsert", |cases| cases.bulk_upsert().boxed_local()),
        ("revoke", |cases| cases.revoke().boxed_local()),
    ];

    pub(crate) async fn prepare(simulator: &'a Simulator, http: Http, private_key: String) -> Result<Self> {
        let org = simulator
            .create_org("sluice.my.salesforce.com", json!({}))
            .await?;
        let options = json!({"latency_ms": 600, "lock_wait_ms": 100});
        let slow_org = simulator
            .create_org("sluice-locks.my.salesforce.com", options)
            .await?;
        Ok(Self {
            simulator,
            http,
            private_key,
            org,
            slow_org,
        })
    }

    async fn token_password(&self) -> Result<()> {
        let grant = |password: &str| Grant::Password {
            client_id: self.org.client_id.clone(),
            client_secret: self.org.client_secret.as_str().into(),
            username: self.org.username.clone(),
            password: password.into(),
            security_token: Some(self.org.security_token.as_str().into()),
        };
        self.works(&self.log_in(&grant(&self.org.password)).await?)
            .await?;
        self.is_refused(&grant("wrong"), LoginCause::CredentialsRefused)
            .await
    }

    async fn token_client_credentials(&self) -> Result<()> {
        self.works(&self.session(&self.org).await?).await?;
        let wrong = Grant::ClientCredentials {
            client_id: self.org.client_id.clone(),
            client_secret: "wrong".into(),
        };
        self.is_refused(&wrong, LoginCause::WrongClientSecret).await
    }

    async fn token_jwt_bearer(&self) -> Result<()> {
        let grant = |username: &str, private_key: &str| Grant::JwtBearer {
            client_id: self.org.client_id.clone(),
            username: username.to_owned(),
            private_key: private_key.into(),
        };
        self.works(&self.log_in(&grant(&self.org.username, &self.private_key)).await?)
            .await?;
        let stranger = grant(&self.org.username, &new_key()?);
        self.is_refused(&stranger, LoginCause::AssertionRefused).await
    }

    async fn token_refresh(&self) -> Result<()> {
        let grant = |refresh_token: &str| Grant::RefreshToken {
            client_id: self.org.client_id.clone(),
            client_secret: Some(self.org.client_secret.as_str().into()),
            refresh_token: refresh_token.into(),
        };
        let refresh_token = self.simulator.refresh_token(&self.org).await?;
        self.works(&self.log_in(&grant(&refresh_token)).await?).await?;
        self.is_refused(&grant("5Aep861unknown"), LoginCause::RefreshTokenExpired)
            .await
    }

    async fn token_authorization_code(&self) -> Result<()> {
        let authorization = Authorization {
            client_id: self.org.client_id.clone(),
            client_secret: Some(self.org.client_secret.as_str().into()),
            redirect_uri: REDIRECT_URI.to_owned(),
            code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into(),
        };
        let page = authorization.page(&self.org.host, "state-1");
        let path = &page[url::Position::BeforePath..];
        let back = url::Url::parse(&self.simulator.redirect_of(&self.org, path).await?)?;
        let parameter = |name: &str| {
            back.query_pairs()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.into_owned())
        };
        ensure!(parameter("state").as_deref() == Some("state-1"), "{back}");
        let code = SecretString::from(parameter("code").context("no code")?);
        let token = authorization.exchange(&self.http, &self.org.host, &code).await?;
        ensure!(token.refresh_token.is_some());
        self.works(&token.session).await?;
        let again = authorization.exchange(&self.http, &self.org.host, &code).await;
        ensure!(matches!(again, Err(TokenError::Refused(_))), "{again:?}");
        Ok(())
    }

    async fn identity(&self) -> Result<()> {
        let session = self.session(&self.org).await?;
        let found = organization(&self.http, &session).await?;
        ensure!(found.username == self.org.username, "{found:?}");
        ensure!(found.name == "Conformance", "{found:?}");
        let token = request_token(&self.http, &self.org.host, &self.app(&self.org), now()).await?;
        ensure!(token.org_id == self.org.id, "{}", token.org_id);
        // A token of this grant can be looked into.
        let secret = self.org.client_secret.as_str().into();
        let known = introspect(
            &self.http,
            &self.org.host,
            &self.org.client_id,
            &secret,
            &session.access_token,
            TokenKind::Access,
        )
        .await?;
        ensure!(
            known.active && known.username.as_deref() == Some(self.org.username.as_str()),
            "{known:?}"
        );
        Ok(())
    }

    async fn describe(&self) -> Result<()> {
        let session = self.session(&self.org).await?;
        let contact = describe(&self.http, &session, "Contact").await?.value;
        let field = |name: &str| contact.field(name).with_context(|| format!("no {name}"));
        ensure!(field("Crm_Key__c")?.can_be_key() && field("Crm_Key__c")?.unique);
        ensure!(field("Email")?.id_lookup && !field("Email")?.external_id);
        ensure!(field("Segments__c")?.is_long_text());
        ensure!(field("LastName")?.is_required_on_create());
        let unchanged = describe_if_changed(&self.http, &session, "Contact", &contact.edition).await?;
        ensure!(unchanged.value.is_none(), "described again");
        let unknown = describe(&self.http, &session, "Nothing__c").await;
        ensure!(refusal(unknown)?.code == "NOT_FOUND");
        Ok(())
    }

    async fn query(&self) -> Result<()> {
        let people = people(3, |place| json!({"LastName": format!("Query {place}")}));
        let ids = self.simulator.seed(&self.org, "Contact", &people).await?;
        let session = self.session(&self.org).await?;
        let wanted: Vec<String> = ids.iter().map(|id| literal(id)).collect();
        let soql = format!(
            "SELECT Id, LastName FROM Contact WHERE Id IN ({})",
            wanted.join(", ")
        );
        let rows: Vec<Value> = query_all_pages(&self.http, &session, &soql).await?;
        ensure!(rows.len() == 3, "{rows:?}");
        let record = get_record(&self.http, &session, "Contact", &ids[1], &["Id", "LastName"]).await?;
        ensure!(record.context("no record")?.value["LastName"] == "Query 1");
        let unknown = query::<Value>(&self.http, &session, "SELECT Nope__c FROM Contact").await;
        ensure!(refusal(unknown)?.code == "INVALID_FIELD");
        Ok(())
    }

    async fn create_200(&self) -> Result<()> {
        let mut records = people(
            200,
            |place| json!({"LastName": format!("Create {place}"), "Email": format!("create.{place}@example.com")}),
        );
        records[50]["Email"] = json!("nope");
        records[150] = json!({"Email": "create.150@example.com"});
        let records: Vec<Record> = records.iter().map(|fields| record(None, fields)).collect();
        let results = self.write(&Operation::Create, &records).await?;
        check_results(&results, 200, &[(50, BAD_EMAIL), (150, NO_LAST_NAME)])?;
        let id = saved_id(&results[199])?;
        let stored = self.simulator.record(&self.org, "Contact", id).await?;
        ensure!(stored["LastName"] == "Create 199", "{stored}");
        Ok(())
    }

    async fn update_200(&self) -> Result<()> {
        let people = people(200, |place| json!({"LastName": format!("Update {place}")}));
        let ids = self.simulator.seed(&self.org, "Contact", &people).await?;
        let records: Vec<Record> = ids
            .iter()
            .enumerate()
            .map(|(place, id)| {
                let fields = match place {
                    0 => json!({"Title": "Title 0", "Email": "nope"}),
                    199 => json!({"Title": "Title 199", "LastName": null}),
                    _ => json!({"Title": format!("Title {place}")}),
                };
                record(Some(id), &fields)
            })
            .collect();
        let results = self.write(&Operation::Update, &records).await?;
        check_results(&results, 200, &[(0, BAD_EMAIL), (199, NO_LAST_NAME)])?;
        for place in 1..199 {
            ensure!(saved_id(&results[place])? == ids[place]);
        }
        let stored = self.simulator.record(&self.org, "Contact", &ids[7]).await?;
        ensure!(stored["Title"] == "Title 7", "{stored}");
        let refused = self.simulator.record(&self.org, "Contact", &ids[0]).await?;
        ensure!(refused["Title"].is_null(), "{refused}");
        Ok(())
    }

    async fn upsert_200(&self) -> Result<()> {
        let known = people(
            100,
            |place| json!({"LastName": format!("Known {place}"), "Crm_Key__c": format!("u-{place}")}),
        );
        let ids = self.simulator.seed(&self.org, "Contact", &known).await?;
        let records: Vec<Record> = (0..200)
            .map(|place| {
                let fields = match place {
                    3 => json!({"LastName": "Upsert 3", "Email": "nope"}),
                    150 => json!({}),
                    _ => json!({"LastName": format!("Upsert {place}")}),
                };
                record(Some(&format!("u-{place}")), &fields)
            })
            .collect();
        let results = self.write(&upsert("Crm_Key__c"), &records).await?;
        check_results(&results, 200, &[(3, BAD_EMAIL), (150, NO_LAST_NAME)])?;
        for (place, result) in results.iter().enumerate() {
            if let RecordResult::Saved { created, .. } = result {
                ensure!(*created == (place >= 100), "{place}: {result:?}");
            }
        }
        ensure!(saved_id(&results[99])? == ids[99]);
        Ok(())
    }

    async fn over_200(&self) -> Result<()> {
        let records: Vec<Record> = (0..201)
            .map(|place| record(Some(&format!("over-{place}")), &json!({"LastName": "Over"})))
            .collect();
        match self.outcome(&self.org, &upsert("Crm_Key__c"), &records).await? {
            WriteOutcome::NotSent(WriteError::TooManyRecords { count: 201 }) => {}
            other => bail!("{other:?}"),
        }
        // Nothing was stored, so that each is created now.
        let results = self.write(&upsert("Crm_Key__c"), &records[..200]).await?;
        for result in &results {
            ensure!(
                matches!(result, RecordResult::Saved { created: true, .. }),
                "{result:?}"
            );
        }
        Ok(())
    }

    async fn upsert_created_then_updated(&self) -> Result<()> {
        let mut ids = Vec::new();
        for (last_name, is_new) in [("First", true), ("Second", false)] {
            let records = [record(Some("one"), &json!({"LastName": last_name}))];
            let results = self.write(&upsert("Crm_Key__c"), &records).await?;
            let RecordResult::Saved { id, created } = &results[0] else {
                bail!("{results:?}");
            };
            ensure!(*created == is_new, "{results:?}");
            ids.push(id.clone().context("no id")?);
        }
        ensure!(ids[0] == ids[1], "{ids:?}");
        let stored = self.simulator.record(&self.org, "Contact", &ids[0]).await?;
        ensure!(stored["LastName"] == "Second", "{stored}");
        Ok(())
    }

    async fn upsert_ambiguous(&self) -> Result<()> {
        let twins = people(2, |_| json!({"LastName": "Twin", "Loose_Key__c": "twin"}));
        let ids = self.simulator.seed(&self.org, "Contact", &twins).await?;
        let records = [record(Some("twin"), &json!({"LastName": "Changed"}))];
        let results = self.write(&upsert("Loose_Key__c"), &records).await?;
        let RecordResult::Refused(refusal) = &results[0] else {
            bail!("{results:?}");
        };
        ensure!(refusal.error.code == "DUPLICATE_EXTERNAL_ID", "{refusal:?}");
        ensure!((refusal.fault, refusal.retry) == (Fault::Record, Retry::Never));
        for id in &ids {
            let stored = self.simulator.record(&self.org, "Contact", id).await?;
            ensure!(stored["LastName"] == "Twin", "{stored}");
        }
        Ok(())
    }

    async fn null_blanks(&self) -> Result<()> {
        let person = json!({"LastName": "Blank", "Title": "Dr", "Department": "Kept"});
        let ids = self.simulator.seed(&self.org, "Contact", &[person]).await?;
        let results = self
            .write(
                &Operation::Update,
                &[record(Some(&ids[0]), &json!({"Title": null}))],
            )
            .await?;
        saved_id(&results[0])?;
        let stored = self.simulator.record(&self.org, "Contact", &ids[0]).await?;
        ensure!(
            stored["Title"].is_null() && stored["Department"] == "Kept",
            "{stored}"
        );
        Ok(())
    }

    async fn unknown_field(&self) -> Result<()> {
        let records = [
            record(Some("unknown-1"), &json!({"LastName": "Good"})),
            record(Some("unknown-2"), &json!({"LastName": "Bad", "Nope__c": 1})),
        ];
        match self.outcome(&self.org, &upsert("Crm_Key__c"), &records).await? {
            WriteOutcome::NotSent(WriteError::Refused(refusal)) => {
                ensure!(refusal.code == "INVALID_FIELD", "{refusal:?}");
                ensure!(refusal.message == "No such column 'Nope__c' on sobject of type Contact");
                ensure!((refusal.fault, refusal.retry) == (Fault::Configuration, Retry::AfterChange));
            }
            other => bail!("{other:?}"),
        }
        let results = self.write(&upsert("Crm_Key__c"), &records[..1]).await?;
        ensure!(
            matches!(results[0], RecordResult::Saved { created: true, .. }),
            "{results:?}"
        );
        Ok(())
    }

    async fn duplicate_key(&self) -> Result<()> {
        let records: Vec<Record> = ["twice", "once", "twice"]
            .iter()
            .map(|key| record(Some(key), &json!({"LastName": "Duplicate"})))
            .collect();
        let results = self.write(&upsert("Crm_Key__c"), &records).await?;
        for place in [0, 2] {
            let RecordResult::Refused(refusal) = &results[place] else {
                bail!("{results:?}");
            };
            ensure!(refusal.error.code == "DUPLICATE_VALUE", "{refusal:?}");
            ensure!((refusal.fault, refusal.retry) == (Fault::Batch, Retry::WithoutCulprit));
        }
        saved_id(&results[1]).map(drop)
    }

    async fn session_expired(&self) -> Result<()> {
        let session = self.session(&self.org).await?;
        limits(&self.http, &session).await?;
        self.simulator.expire_sessions(&self.org).await?;
        let refusal = refusal(limits(&self.http, &session).await)?;
        ensure!(refusal.code == "INVALID_SESSION_ID", "{refusal:?}");
        ensure!((refusal.fault, refusal.retry) == (Fault::Token, Retry::WithNewToken));
        Ok(())
    }

    /// The client leaves logging in again to its caller and says when it helps.
    async fn session_refreshed(&self) -> Result<()> {
        let mut session = self.session(&self.org).await?;
        let logins = self.simulator.token_requests(&self.org).await?;
        self.simulator.expire_sessions(&self.org).await?;
        let mut calls = 0;
        let found = loop {
            calls += 1;
            match limits(&self.http, &session).await {
                Err(RequestError::Refused(refusal)) if refusal.retry == Retry::WithNewToken && calls == 1 => {
                    session = self.session(&self.org).await?;
                }
                answer => break answer?,
            }
        };
        ensure!(found.value.daily_api_requests().is_some());
        ensure!(self.simulator.token_requests(&self.org).await? == logins + 1);
        Ok(())
    }

    async fn row_lock(&self) -> Result<()> {
        let account = self
            .simulator
            .seed(&self.slow_org, "Account", &[json!({"Name": "Shared"})])
            .await?;
        let members = people(
            2,
            |place| json!({"LastName": format!("Lock {place}"), "AccountId": account[0]}),
        );
        let ids = self.simulator.seed(&self.slow_org, "Contact", &members).await?;
        let session = self.session(&self.slow_org).await?;
        let update = |id: &str| {
            let records = [record(Some(id), &json!({"Title": "Locked"}))];
            let session = session.clone();
            async move { self.answered(&session, &Operation::Update, &records).await }
        };
        let (first, second) = futures::future::join(update(&ids[0]), update(&ids[1])).await;
        let results = [first?.remove(0), second?.remove(0)];
        let refused: Vec<_> = results
            .iter()
            .filter_map(|result| match result {
                RecordResult::Refused(refusal) => Some(refusal),
                RecordResult::Saved { .. } | RecordResult::RolledBack => None,
            })
            .collect();
        ensure!(refused.len() == 1, "{results:?}");
        ensure!(refused[0].error.code == "UNABLE_TO_LOCK_ROW", "{results:?}");
        ensure!((refused[0].fault, refused[0].retry) == (Fault::Contention, Retry::Soon));
        Ok(())
    }

    async fn limits(&self) -> Result<()> {
        let session = self.session(&self.org).await?;
        let found = limits(&self.http, &session).await?;
        let daily = found.value.daily_api_requests().context("no DailyApiRequests")?;
        let usage = found.usage.context("the answer came without its usage")?;
        ensure!(i64::try_from(usage.max)? == daily.max, "{usage:?} {daily:?}");
        ensure!(
            usage.used > 0 && daily.remaining < daily.max,
            "{usage:?} {daily:?}"
        );
        Ok(())
    }

    async fn bulk_upsert(&self) -> Result<()> {
        let known = json!({"LastName": "Bulk", "Crm_Key__c": "bulk-1", "Title": "Dr", "Department": "Kept"});
        let ids = self.simulator.seed(&self.org, "Contact", &[known]).await?;
        let session = self.session(&self.org).await?;

        let columns = ["Crm_Key__c", "LastName", "Title", "Email", "Department"].map(str::to_owned);
        let mut writer = UploadWriter::new(&columns)?;
        let text = |text: &str| Cell::Text(text.to_owned());
        for row in [
            [
                text("bulk-1"),
                text("Bulk, \"1\""),
                Cell::Null,
                Cell::Absent,
                Cell::Absent,
            ],
            [
                text("bulk-2"),
                text("Two\nlines"),
                Cell::Absent,
                text("Two@Example.com"),
                Cell::Null,
            ],
            [
                text("bulk-3"),
                text("Three"),
                Cell::Absent,
                text("nope"),
                Cell::Absent,
            ],
            [
                text("bulk-4"),
                Cell::Absent,
                Cell::Absent,
                Cell::Absent,
                Cell::Absent,
            ],
        ] {
            writer.push(&row)?;
        }
        let spec = JobSpec {
            object: "Contact".to_owned(),
            operation: JobOperation::Upsert {
                key_field: "Crm_Key__c".to_owned(),
            },
            assignment_rule_id: None,
        };
        let job = bulk::create(&self.http, &session, &spec).await?.value;
        bulk::upload(&self.http, &session, &job, &writer.finish()).await?;
        let mut job = bulk::close(&self.http, &session, &job).await?.value;
        for _ in 0..MAX_LOOKS {
            if job.state.has_ended() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            job = bulk::job(&self.http, &session, &job.id).await?.value;
        }
        ensure!(job.state == bulk::JobState::JobComplete, "{job:?}");
        ensure!(
            (job.number_records_processed, job.number_records_failed) == (4, 2),
            "{job:?}"
        );

        let mut saved = bulk::saved_rows(&self.http, &session, &job).await?;
        saved.sort_by_key(|row| row.created);
        ensure!(saved.len() == 2, "{saved:?}");
        ensure!(
            saved[0].id == ids[0] && !saved[0].created && saved[1].created,
            "{saved:?}"
        );
        ensure!(saved[0].columns[1].1 == "Bulk, \"1\"" && saved[1].columns[1].1 == "Two\nlines");
        let mut failed = bulk::failed_rows(&self.http, &session, &job, Some("Crm_Key__c")).await?;
        failed.sort_by(|one, other| one.columns[0].1.cmp(&other.columns[0].1));
        let codes: Vec<&str> = failed.iter().map(|row| row.refusal.error.code.as_str()).collect();
        ensure!(
            codes == ["INVALID_EMAIL_ADDRESS", "REQUIRED_FIELD_MISSING"],
            "{failed:?}"
        );
        ensure!(
            bulk::unprocessed_rows(&self.http, &session, &job)
                .await?
                .is_empty()
        );

        let stored = self.simulator.record(&self.org, "Contact", &ids[0]).await?;
        ensure!(
            stored["Title"].is_null() && stored["Department"] == "Kept",
            "{stored}"
        );
        let stored = self.simulator.record(&self.org, "Contact", &saved[1].id).await?;
        ensure!(stored["Email"] == "two@example.com", "{stored}");
        bulk::delete(&self.http, &session, &job).await?;
        let gone = bulk::job(&self.http, &session, &job.id).await;
        ensure!(refusal(gone)?.code == "NOT_FOUND");
        Ok(())
    }

    async fn revoke(&self) -> Result<()> {
        let session = self.session(&self.org).await?;
        let host = &self.org.host;
        ensure!(revoke(&self.http, host, &session.access_token).await? == Revocation::Revoked);
        let refusal = refusal(limits(&self.http, &session).await)?;
        ensure!(refusal.fault == Fault::Token, "{refusal:?}");
        ensure!(revoke(&self.http, host, &session.access_token).await? == Revocation::AlreadyGone);
        Ok(())
    }

    fn app(&self, org: &Org) -> Grant {
        Grant::ClientCredentials {
            client_id: org.client_id.clone(),
            client_secret: org.client_secret.as_str().into(),
        }
    }

    async fn session(&self, org: &Org) -> Result<Session> {
        Ok(request_token(&self.http, &org.host, &self.app(org), now())
            .await?
            .session)
    }

    async fn log_in(&self, grant: &Grant) -> Result<Session> {
        Ok(request_token(&self.http, &self.org.host, grant, now())
            .await?
            .session)
    }

    async fn works(&self, session: &Session) -> Result<()> {
        let found = organization(&self.http, session).await?;
        ensure!(found.username == self.org.username, "{found:?}");
        Ok(())
    }

    async fn is_refused(&self, grant: &Grant, cause: LoginCause) -> Result<()> {
        match request_token(&self.http, &self.org.host, grant, now()).await {
            Err(TokenError::Refused(refusal)) if refusal.cause == cause => Ok(()),
            other => bail!("not {cause:?}: {other:?}"),
        }
    }

    async fn write(&self, operation: &Operation, records: &[Record]) -> Result<Vec<RecordResult>> {
        let session = self.session(&self.org).await?;
        self.answered(&session, operation, records).await
    }

    async fn answered(
        &self,
        session: &Session,
        operation: &Operation,
        records: &[Record],
    ) -> Result<Vec<RecordResult>> {
        let options = Options::default();
        let outcome = collections::write(&self.http, session, "Contact", operation, records, &options).await;
        match outcome {
            WriteOutcome::Answered(answered) => Ok(answered.value),
            other => bail!("{other:?}"),
        }
    }

    async fn outcome(&self, org: &Org, operation: &Operation, records: &[Record]) -> Result<WriteOutcome> {
        let session = self.session(org).await?;
        let options = Options::default();
        Ok(collections::write(&self.http, &session, "Contact", operation, records, &options).await)
    }
}

const BAD_EMAIL: (&str, &str) = ("INVALID_EMAIL_ADDRESS", "Email");
const NO_LAST_NAME: (&str, &str) = ("REQUIRED_FIELD_MISSING", "LastName");

fn upsert(key_field: &str) -> Operation {
    Operation::Upsert {
        key_field: key_field.to_owned(),
        update_only: false,
    }
}

fn people(count: usize, members: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..count).map(members).collect()
}

fn record(key: Option<&str>, fields: &Value) -> Record {
    let fields = fields.as_object().cloned().unwrap_or_default();
    Record {
        key: key.map(str::to_owned),
        fields: fields.into_iter().collect(),
    }
}

fn saved_id(result: &RecordResult) -> Result<&str> {
    match result {
        RecordResult::Saved { id: Some(id), .. } => Ok(id),
        other => bail!("{other:?}"),
    }
}

/// Fails unless every result but those named was saved, each at its own place.
fn check_results(results: &[RecordResult], count: usize, refused: &[(usize, (&str, &str))]) -> Result<()> {
    ensure!(results.len() == count, "{} results", results.len());
    for (place, result) in results.iter().enumerate() {
        match refused.iter().find(|(refused, _)| *refused == place) {
            Some((_, (code, field))) => {
                let RecordResult::Refused(refusal) = result else {
                    bail!("{place}: {result:?}");
                };
                ensure!(
                    refusal.error.code == *code && refusal.error.fields == [*field],
                    "{refusal:?}"
                );
                ensure!((refusal.fault, refusal.retry) == (Fault::Record, Retry::Never));
            }
            None => {
                let id = saved_id(result)?;
                ensure!(id.len() == 18 && id.starts_with("003"), "{id}");
            }
        }
    }
    Ok(())
}

fn refusal<T>(answer: Result<T, RequestError>) -> Result<Refusal> {
    match answer {
        Err(RequestError::Refused(refusal)) => Ok(refusal),
        Err(error) => Err(error.into()),
        Ok(_) => bail!("it was not refused"),
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of this program")]
fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

/// Makes a key that no app knows, as PEM.
fn new_key() -> Result<String> {
    let key = KeyPair::generate(KeySize::Rsa2048)?;
    let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key)?;
    let text = STANDARD.encode(der.as_ref());
    Ok(format!(
        "-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"
    ))
}
