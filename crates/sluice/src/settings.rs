//! Settings of the services: a TOML file, then `SLUICE__SECTION__KEY`, then
//! flags. All are read before a port is bound or a database opened.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use anyhow::Context;
use config::{Config, Environment, File};
use salesforce::{Endpoint, Http};
use secrecy::SecretString;
use serde::Deserialize;
use service::{database::Location, grpc::tls::TlsSettings, telemetry::TelemetrySettings};
use url::Url;

use crate::cli::SettingsArgs;

/// What a service needs to know.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Key files; and the databases, when there is no `database_url`.
    pub data_dir: PathBuf,
    pub database_url: Option<SecretString>,
    pub listen: ListenSettings,
    pub internal: InternalSettings,
    pub salesforce: SalesforceSettings,
    pub config: ConfigSettings,
    pub telemetry: TelemetrySettings,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListenSettings {
    pub public: SocketAddr,
    /// Of `serve` only: `up` needs no internal port.
    pub internal: SocketAddr,
}

/// Where the other services' internal listeners are; of `serve` only.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InternalSettings {
    pub config: Option<String>,
    pub auth: Option<String>,
    pub tls: Option<TlsSettings>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SalesforceSettings {
    pub simulator_url: Option<Url>,
    /// Longest that one call may take.
    pub timeout_seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConfigSettings {
    pub max_segments_per_destination: usize,
    pub max_destinations_per_workspace: u32,
    /// Addresses or networks that calls to Salesforce come from, for people: the
    /// catalog tells them, and a check that Salesforce refuses for its address.
    pub egress_addresses: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("sluice-data"),
            database_url: None,
            listen: ListenSettings::default(),
            internal: InternalSettings::default(),
            salesforce: SalesforceSettings::default(),
            config: ConfigSettings::default(),
            telemetry: TelemetrySettings::default(),
        }
    }
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            public: SocketAddr::from(([127, 0, 0, 1], 7450)),
            internal: SocketAddr::from(([127, 0, 0, 1], 7451)),
        }
    }
}

impl Default for SalesforceSettings {
    fn default() -> Self {
        Self {
            simulator_url: None,
            timeout_seconds: 120,
        }
    }
}

impl Default for ConfigSettings {
    fn default() -> Self {
        Self {
            max_segments_per_destination: config_service::DEFAULT_MAX_SEGMENTS,
            max_destinations_per_workspace: config_service::DEFAULT_MAX_DESTINATIONS,
            egress_addresses: Vec::new(),
        }
    }
}

impl Settings {
    pub fn database(&self) -> Location {
        match &self.database_url {
            Some(url) => Location::Postgres(url.clone()),
            None => Location::Directory(self.data_dir.clone()),
        }
    }

    /// Makes the client for Salesforce, or for the simulator in its place.
    pub fn salesforce(&self) -> anyhow::Result<Http> {
        let endpoint = match &self.salesforce.simulator_url {
            Some(url) => Endpoint::Simulator(url.clone()),
            None => Endpoint::Salesforce,
        };
        Ok(Http::new(
            endpoint,
            Duration::from_secs(self.salesforce.timeout_seconds),
        )?)
    }
}

/// Reads the settings; an unknown or malformed one is an error that names it.
pub fn load(args: &SettingsArgs) -> anyhow::Result<Settings> {
    let mut builder = Config::builder();
    if let Some(file) = &args.config {
        builder = builder.add_source(File::from(file.as_path()).required(true));
    }
    builder = builder.add_source(
        Environment::with_prefix("SLUICE")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("config.egress_addresses"),
    );
    let flags = [
        (
            "data_dir",
            args.data_dir.as_ref().map(|path| path.display().to_string()),
        ),
        ("database_url", args.database_url.clone()),
        ("listen.public", args.listen.map(|address| address.to_string())),
        ("salesforce.simulator_url", args.simulator.clone()),
    ];
    for (key, value) in flags {
        builder = builder
            .set_override_option(key, value)
            .context("a flag cannot be used")?;
    }
    let settings: Settings = builder
        .build()
        .and_then(Config::try_deserialize)
        .context("the settings cannot be used")?;
    if let Some(url) = &settings.salesforce.simulator_url {
        anyhow::ensure!(
            matches!(url.scheme(), "http" | "https") && url.has_host(),
            "salesforce.simulator_url is '{url}'; it must be a URL such as http://127.0.0.1:7460"
        );
    }
    anyhow::ensure!(
        settings.salesforce.timeout_seconds > 0,
        "salesforce.timeout_seconds must be at least 1"
    );
    anyhow::ensure!(
        settings.config.max_segments_per_destination > 0,
        "config.max_segments_per_destination must be at least 1"
    );
    anyhow::ensure!(
        settings.config.max_destinations_per_workspace > 0,
        "config.max_destinations_per_workspace must be at least 1"
    );
    anyhow::ensure!(
        settings
            .config
            .egress_addresses
            .iter()
            .all(|address| !address.trim().is_empty()),
        "config.egress_addresses has an empty entry; give addresses such as 203.0.113.7 or 203.0.113.0/28"
    );
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(file: Option<PathBuf>) -> SettingsArgs {
        SettingsArgs {
            config: file,
            data_dir: None,
            database_url: None,
            listen: None,
            simulator: None,
        }
    }

    fn load_text(text: &str) -> anyhow::Result<Settings> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sluice.toml");
        std::fs::write(&path, text).unwrap();
        load(&args(Some(path)))
    }

    #[test]
    fn an_unknown_key_is_an_error_that_names_it() {
        let error = format!("{:#}", load_text("[salesforce]\ntimeout = 3\n").unwrap_err());
        assert!(
            error.contains("timeout") && error.contains("timeout_seconds"),
            "{error}"
        );
    }

    #[test]
    fn a_wrong_value_is_an_error_that_names_its_key() {
        let error = format!("{:#}", load_text("[listen]\npublic = \"here\"\n").unwrap_err());
        assert!(error.contains("listen.public"), "{error}");
    }

    #[test]
    fn row_17_egress_addresses_are_a_list_without_empty_entries() {
        let settings =
            load_text("[config]\negress_addresses = [\"203.0.113.7\", \"2001:db8::/64\"]\n").unwrap();
        assert_eq!(settings.config.egress_addresses, ["203.0.113.7", "2001:db8::/64"]);
        let error = load_text("[config]\negress_addresses = [\"203.0.113.7\", \" \"]\n").unwrap_err();
        assert!(error.to_string().contains("config.egress_addresses"), "{error}");
    }

    #[test]
    fn flags_win_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sluice.toml");
        std::fs::write(&path, "data_dir = \"a\"\n[listen]\npublic = \"127.0.0.1:1\"\n").unwrap();
        let mut args = args(Some(path));
        args.data_dir = Some("b".into());
        let settings = load(&args).unwrap();
        assert_eq!(settings.data_dir, PathBuf::from("b"));
        assert_eq!(settings.listen.public.port(), 1);
    }

    #[test]
    fn a_database_password_is_not_printed() {
        let settings = load_text("database_url = \"postgres://u:hush@h/d\"\n").unwrap();
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
