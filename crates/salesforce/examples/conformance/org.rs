//! An org made over the simulator's own surface, by the template that all
//! clients share.

use anyhow::{Context, Result, bail};
use salesforce::Host;
use serde_json::{Value, json};

const TEMPLATE: &str = include_str!("../../../../clients/salesforce/org.json");

/// The simulator, as its admin surface reaches it.
pub(crate) struct Simulator {
    url: String,
    certificate: String,
    client: reqwest::Client,
}

/// One org of it.
pub(crate) struct Org {
    pub(crate) host: Host,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) security_token: String,
    pub(crate) id: String,
}

impl Simulator {
    pub(crate) fn new(url: String, certificate: String) -> Self {
        Self {
            url,
            certificate,
            client: reqwest::Client::new(),
        }
    }

    /// Makes an org; `options` stand beside those of the template.
    pub(crate) async fn create_org(&self, host: &str, options: Value) -> Result<Org> {
        // Names of apps and users are unique among all orgs.
        let name = host.split('.').next().unwrap_or(host);
        let mut template: Value = serde_json::from_str(&TEMPLATE.replace("{org}", name))?;
        let mut org = template["org"].take();
        org["host"] = json!(host);
        org["apps"][0]["certificate"] = json!(self.certificate);
        if let Value::Object(options) = options {
            for (name, value) in options {
                org[name.as_str()] = value;
            }
        }
        let created = self.admin("POST", "orgs", &org).await?;
        for field in template["fields"].as_array().into_iter().flatten() {
            self.admin("POST", &format!("orgs/{host}/fields"), field).await?;
        }
        let text = |pointer: &str| -> Result<String> {
            let value = org.pointer(pointer).and_then(Value::as_str);
            Ok(value
                .with_context(|| format!("org.json has no {pointer}"))?
                .to_owned())
        };
        Ok(Org {
            host: Host::login(host)?,
            client_id: text("/apps/0/client_id")?,
            client_secret: text("/apps/0/client_secret")?,
            username: text("/users/0/username")?,
            password: text("/users/0/password")?,
            security_token: text("/users/0/security_token")?,
            id: created["org_id"].as_str().unwrap_or_default().to_owned(),
        })
    }

    /// Stores records past every rule and returns their ids.
    pub(crate) async fn seed(&self, org: &Org, object: &str, records: &[Value]) -> Result<Vec<String>> {
        let path = format!("orgs/{}/records/{object}", org.host);
        Ok(serde_json::from_value(
            self.admin("POST", &path, &json!(records)).await?,
        )?)
    }

    pub(crate) async fn record(&self, org: &Org, object: &str, id: &str) -> Result<Value> {
        let path = format!("orgs/{}/records/{object}/{id}", org.host);
        self.admin("GET", &path, &Value::Null).await
    }

    pub(crate) async fn expire_sessions(&self, org: &Org) -> Result<()> {
        let path = format!("orgs/{}/sessions/expire", org.host);
        self.admin("POST", &path, &json!({})).await.map(drop)
    }

    pub(crate) async fn refresh_token(&self, org: &Org) -> Result<String> {
        let path = format!("orgs/{}/refresh-tokens", org.host);
        let body = json!({"client_id": org.client_id, "username": org.username});
        let answer = self.admin("POST", &path, &body).await?;
        Ok(answer["refresh_token"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) async fn token_requests(&self, org: &Org) -> Result<u64> {
        let path = format!("orgs/{}/counters", org.host);
        let counters = self.admin("GET", &path, &Value::Null).await?;
        counters["token_requests"].as_u64().context("no token_requests")
    }

    /// Opens a page as a browser would and returns where it leads.
    #[expect(clippy::disallowed_methods, reason = "a browser's part, not the client's")]
    pub(crate) async fn redirect_of(&self, org: &Org, path_and_query: &str) -> Result<String> {
        let browser = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let answer = browser
            .get(format!("{}{path_and_query}", self.url.trim_end_matches('/')))
            .header("Host", org.host.as_str())
            .send()
            .await?;
        let location = answer.headers().get("Location").context("no redirect")?;
        Ok(location.to_str()?.to_owned())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the simulator's own surface is no part of Salesforce"
    )]
    async fn admin(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}/simulator/{path}", self.url.trim_end_matches('/'));
        let mut request = self.client.request(method.parse()?, url);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{method} {path} answered {status}: {text}");
        }
        Ok(serde_json::from_str(&text)?)
    }
}
