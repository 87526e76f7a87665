//! Hosts that may receive secrets: Salesforce's own.

use std::{fmt, str::FromStr};

/// Suffixes of hosts that Salesforce owns and gives out (§1.7).
const MY_DOMAIN_SUFFIXES: [&str; 2] = [".my.salesforce.com", ".my.salesforce.mil"];
/// Hosts that all orgs share (§1.7).
const SHARED_HOSTS: [&str; 2] = ["login.salesforce.com", "test.salesforce.com"];
/// Instance names such as `ap15.salesforce.com`; only as an `instance_url`.
const INSTANCE_SUFFIX: &str = ".salesforce.com";

/// What people copy from the browser: hosts of an org's pages, and the login
/// host of the same My Domain. Source: Salesforce Help, "My Domain URL Formats";
/// of the military's, Salesforce CLI (sfdx-core, `SfdcUrl`).
const PAGE_SUFFIXES: [(&str, &str); 3] = [
    (".lightning.force.com", ".my.salesforce.com"),
    (".my.salesforce-setup.com", ".my.salesforce.com"),
    (".lightning.crmforce.mil", ".my.salesforce.mil"),
];

/// Domains of Salesforce's below which nobody logs in. Source: Salesforce Help,
/// "My Domain URL Formats".
const OTHER_SUFFIXES: [&str; 9] = [
    ".salesforce.com",
    ".salesforce.mil",
    ".force.com",
    ".site.com",
    ".salesforce-setup.com",
    ".salesforce-sites.com",
    ".salesforce-experience.com",
    ".visualforce.com",
    ".crmforce.mil",
];

/// What stands between a My Domain's name and `.my.salesforce.com` where the
/// org is no production org (§1.7).
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

/// A host that is Salesforce's, lower case, without scheme and port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    #[error(
        "'{0}' is empty or no host name; give the My Domain prefix, such as acme, or acme.my.salesforce.com"
    )]
    Malformed(String),
    #[error(
        "'{0}' is not Salesforce's; give the My Domain prefix, such as acme or acme--uat.sandbox, or a host that \
         ends in .my.salesforce.com"
    )]
    NotSalesforce(String),
    #[error(
        "'{0}' is Salesforce's, but nobody logs in there; copy the host from Setup, My Domain, Current My Domain \
         URL: it ends in .my.salesforce.com"
    )]
    NotForLogins(String),
    #[error("'{0}' must be reached by https; write https:// or the host alone")]
    NotHttps(String),
}

impl Host {
    /// Normalises what people enter as custom domain: a My Domain prefix
    /// (`acme`, `acme--uat`, `acme-dev-ed.develop`), a host, its URL, or one of
    /// the org's pages.
    pub fn from_custom_domain(text: &str) -> Result<Self, InvalidHost> {
        let text = text.trim().to_ascii_lowercase();
        let host = match text.split_once("://") {
            Some(("https", rest)) => rest,
            Some(_) => return Err(InvalidHost::NotHttps(shown(&text))),
            None => text.as_str(),
        };
        let host = host.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.strip_suffix(":443").unwrap_or(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        let page = PAGE_SUFFIXES
            .iter()
            .find_map(|(suffix, login)| Some((host.strip_suffix(suffix)?, *login)));
        if let Some((name, login)) = page {
            return Self::login(&format!("{}{login}", with_partition(name)));
        }
        // Other connectors call the shared hosts by these names, and no org has them.
        if matches!(host, "login" | "test") {
            return Self::login(&format!("{host}.salesforce.com"));
        }
        if is_prefix(host) {
            return Self::login(&format!("{}.my.salesforce.com", with_partition(host)));
        }
        Self::login(host)
    }

    /// Takes a host that logins may be sent to.
    pub fn login(host: &str) -> Result<Self, InvalidHost> {
        let host = well_formed(host)?;
        if SHARED_HOSTS.contains(&host.as_str())
            || MY_DOMAIN_SUFFIXES.iter().any(|suffix| is_below(&host, suffix))
        {
            Ok(Self(host))
        } else if OTHER_SUFFIXES.iter().any(|suffix| is_below(&host, suffix)) {
            Err(InvalidHost::NotForLogins(shown(&host)))
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
    match text.split_once('.') {
        None => !text.is_empty(),
        Some((_, partition)) => PARTITIONS.contains(&partition),
    }
}

/// Adds the partition of sandboxes, which is no choice: two hyphens are in
/// their names only, and they are always below it (§1.7).
fn with_partition(name: &str) -> String {
    match name.split_once("--") {
        Some((domain, sandbox)) if !domain.is_empty() && !sandbox.is_empty() && !name.contains('.') => {
            format!("{name}.sandbox")
        }
        _ => name.to_owned(),
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
    fn row_27_every_form_of_a_custom_domain_becomes_its_host() {
        for (entered, host) in [
            // Production: prefix, host, URL, as people paste them.
            ("acme", "acme.my.salesforce.com"),
            (" ACME\t", "acme.my.salesforce.com"),
            ("\u{a0}acme\u{a0}", "acme.my.salesforce.com"),
            ("acme.my.salesforce.com", "acme.my.salesforce.com"),
            ("Acme.My.Salesforce.com.", "acme.my.salesforce.com"),
            ("acme.my.salesforce.com/", "acme.my.salesforce.com"),
            ("https://acme.my.salesforce.com/", "acme.my.salesforce.com"),
            ("HTTPS://ACME.MY.SALESFORCE.COM", "acme.my.salesforce.com"),
            (
                "https://acme.my.salesforce.com:443/services?x=1",
                "acme.my.salesforce.com",
            ),
            (
                "https://acme.my.salesforce.com?un=a@b.c#top",
                "acme.my.salesforce.com",
            ),
            // Pages of the same org.
            (
                "https://acme.lightning.force.com/lightning/page/home",
                "acme.my.salesforce.com",
            ),
            (
                "https://acme.my.salesforce-setup.com/lightning/setup/OrgDomain/home",
                "acme.my.salesforce.com",
            ),
            // Sandboxes.
            ("acme--uat", "acme--uat.sandbox.my.salesforce.com"),
            ("acme--uat.sandbox", "acme--uat.sandbox.my.salesforce.com"),
            (
                "acme--uat.sandbox.my.salesforce.com",
                "acme--uat.sandbox.my.salesforce.com",
            ),
            (
                "https://acme--uat.sandbox.lightning.force.com/one/one.app",
                "acme--uat.sandbox.my.salesforce.com",
            ),
            (
                "acme--uat.lightning.force.com",
                "acme--uat.sandbox.my.salesforce.com",
            ),
            (
                "acme--uat.sandbox.my.salesforce-setup.com",
                "acme--uat.sandbox.my.salesforce.com",
            ),
            // Developer Edition, old and new; scratch orgs, playgrounds, the rest.
            (
                "d5i000000isb4eak-dev-ed",
                "d5i000000isb4eak-dev-ed.my.salesforce.com",
            ),
            ("acme-dev-ed.develop", "acme-dev-ed.develop.my.salesforce.com"),
            (
                "https://acme-dev-ed.develop.lightning.force.com/",
                "acme-dev-ed.develop.my.salesforce.com",
            ),
            (
                "flow-1234-dev-ed.scratch",
                "flow-1234-dev-ed.scratch.my.salesforce.com",
            ),
            (
                "curious-panda-ab12.trailblaze.my.salesforce.com",
                "curious-panda-ab12.trailblaze.my.salesforce.com",
            ),
            (
                "curious-panda-ab12.trailblaze.my.salesforce-setup.com",
                "curious-panda-ab12.trailblaze.my.salesforce.com",
            ),
            ("acme.patch", "acme.patch.my.salesforce.com"),
            ("acme.demo", "acme.demo.my.salesforce.com"),
            ("acme.free", "acme.free.my.salesforce.com"),
            // United States military.
            ("acme.my.salesforce.mil", "acme.my.salesforce.mil"),
            (
                "https://acme.lightning.crmforce.mil/lightning",
                "acme.my.salesforce.mil",
            ),
            // Shared by all orgs.
            ("login.salesforce.com", "login.salesforce.com"),
            ("https://test.salesforce.com/", "test.salesforce.com"),
            ("login", "login.salesforce.com"),
            ("test", "test.salesforce.com"),
        ] {
            assert_eq!(
                Host::from_custom_domain(entered).as_ref().map(Host::as_str),
                Ok(host),
                "{entered}"
            );
        }
    }

    #[test]
    fn row_27_what_is_no_login_host_is_refused_with_a_hint() {
        for (entered, hint) in [
            ("", "give the My Domain prefix"),
            ("acme my", "give the My Domain prefix"),
            ("acme_corp", "give the My Domain prefix"),
            ("acme.my.salesforce.com:8443", "give the My Domain prefix"),
            ("http://acme.my.salesforce.com", "write https://"),
            ("acme.example", "ends in .my.salesforce.com"),
            ("acme.my", "ends in .my.salesforce.com"),
            ("acme.salesforce.com", "Current My Domain URL"),
            ("na139.salesforce.com", "Current My Domain URL"),
            ("acme.my.site.com", "Current My Domain URL"),
            ("acme--c.vf.force.com", "Current My Domain URL"),
            ("acme.my.salesforce-sites.com", "Current My Domain URL"),
        ] {
            let refused = Host::from_custom_domain(entered).unwrap_err().to_string();
            assert!(refused.contains(hint), "{entered}: {refused}");
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
            ".lightning.force.com",
            "evil.example/.lightning.force.com",
            "https://evil.example\\.my.salesforce.com",
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
