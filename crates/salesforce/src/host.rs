//! Hosts that may receive secrets: Salesforce's own.

use std::{fmt, str::FromStr};

/// Suffixes of hosts that Salesforce owns and gives out (§1.7).
const MY_DOMAIN_SUFFIXES: [&str; 2] = [".my.salesforce.com", ".my.salesforce.mil"];
/// Hosts that all orgs share (§1.7).
const SHARED_HOSTS: [&str; 2] = ["login.salesforce.com", "test.salesforce.com"];
/// Instance names such as `ap15.salesforce.com`; only as an `instance_url`.
const INSTANCE_SUFFIX: &str = ".salesforce.com";

/// A host that is Salesforce's, lower case, without scheme and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    #[error(
        "'{0}' is empty or no host name; give the My Domain prefix, such as acme, or acme.my.salesforce.com"
    )]
    Malformed(String),
    #[error("'{0}' is not Salesforce's; a login host ends in .my.salesforce.com")]
    NotSalesforce(String),
    #[error("'{0}' must be reached by https")]
    NotHttps(String),
}

impl Host {
    /// Normalises what people enter as custom domain: a My Domain prefix
    /// (`acme`, `acme--uat.sandbox`), a host or its URL.
    pub fn from_custom_domain(text: &str) -> Result<Self, InvalidHost> {
        let text = text.trim();
        let host = match text.split_once("://") {
            Some(("https", rest)) => rest,
            Some(_) => return Err(InvalidHost::NotHttps(shown(text))),
            None => text,
        };
        let host = host
            .split(['/', '?', '#'])
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let host = host.strip_suffix(":443").unwrap_or(&host);
        // The Setup pages have hosts of their own for the same My Domain.
        let host = match host.strip_suffix(".lightning.force.com") {
            Some(prefix) => format!("{prefix}.my.salesforce.com"),
            None if host.contains(".salesforce.") || host.contains(".force.") => host.to_owned(),
            None if is_prefix(host) => format!("{host}.my.salesforce.com"),
            None => host.to_owned(),
        };
        Self::login(&host)
    }

    /// Takes a host that logins may be sent to.
    pub fn login(host: &str) -> Result<Self, InvalidHost> {
        let host = well_formed(host)?;
        if SHARED_HOSTS.contains(&host.as_str())
            || MY_DOMAIN_SUFFIXES.iter().any(|suffix| is_below(&host, suffix))
        {
            Ok(Self(host))
        } else {
            Err(InvalidHost::NotSalesforce(shown(&host)))
        }
    }

    /// Takes the `instance_url` of a token answer.
    pub fn from_instance_url(url: &str) -> Result<Self, InvalidHost> {
        let host = url
            .strip_prefix("https://")
            .ok_or_else(|| InvalidHost::NotHttps(shown(url)))?;
        let host = well_formed(host.trim_end_matches('/'))?;
        let is_salesforces = is_below(&host, INSTANCE_SUFFIX)
            || MY_DOMAIN_SUFFIXES.iter().any(|suffix| is_below(&host, suffix));
        if is_salesforces {
            Ok(Self(host))
        } else {
            Err(InvalidHost::NotSalesforce(shown(&host)))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for Host {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        Self::login(text)
    }
}

fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|prefix| !prefix.is_empty())
}

/// Tells whether it can stand before `.my.salesforce.com`: the domain's name,
/// or name and partition such as `.sandbox` or `.develop`.
fn is_prefix(text: &str) -> bool {
    const PARTITIONS: [&str; 9] = [
        "sandbox",
        "develop",
        "scratch",
        "trailblaze",
        "patch",
        "demo",
        "free",
        "sfdctest",
        "stage",
    ];
    match text.split_once('.') {
        None => true,
        Some((_, partition)) => PARTITIONS.contains(&partition),
    }
}

fn well_formed(host: &str) -> Result<String, InvalidHost> {
    let host = host.to_ascii_lowercase();
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if host.len() <= 253 && host.split('.').all(is_label) {
        Ok(host)
    } else {
        Err(InvalidHost::Malformed(shown(&host)))
    }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_custom_domain_becomes_its_host() {
        for (entered, host) in [
            ("acme", "acme.my.salesforce.com"),
            (" ACME ", "acme.my.salesforce.com"),
            (
                "d5i000000isb4eak-dev-ed",
                "d5i000000isb4eak-dev-ed.my.salesforce.com",
            ),
            ("acme--uat.sandbox", "acme--uat.sandbox.my.salesforce.com"),
            ("acme-dev-ed.develop", "acme-dev-ed.develop.my.salesforce.com"),
            ("acme.my.salesforce.com", "acme.my.salesforce.com"),
            ("https://acme.my.salesforce.com/", "acme.my.salesforce.com"),
            (
                "https://acme.my.salesforce.com:443/services?x=1",
                "acme.my.salesforce.com",
            ),
            (
                "https://acme.lightning.force.com/lightning/page",
                "acme.my.salesforce.com",
            ),
            ("acme.my.salesforce.mil", "acme.my.salesforce.mil"),
            ("login.salesforce.com", "login.salesforce.com"),
        ] {
            assert_eq!(
                Host::from_custom_domain(entered).unwrap().as_str(),
                host,
                "{entered}"
            );
        }
    }

    #[test]
    fn no_other_host_receives_a_secret() {
        for entered in [
            "",
            "https://",
            "http://acme.my.salesforce.com",
            "evil.example",
            "acme.my.salesforce.com.evil.example",
            "evilmy.salesforce.com",
            ".my.salesforce.com",
            "https://user@evil.example/.my.salesforce.com",
            "acme.my.salesforce.com@evil.example",
            "acme my",
            "127.0.0.1",
            "localhost:8080",
        ] {
            assert!(Host::from_custom_domain(entered).is_err(), "{entered}");
        }
        assert!(Host::from_instance_url("https://ap15.salesforce.com/").is_ok());
        for url in [
            "http://acme.my.salesforce.com",
            "https://salesforce.com.evil.example",
            "https://evilsalesforce.com",
        ] {
            assert!(Host::from_instance_url(url).is_err(), "{url}");
        }
    }
}
