//! The orgs of one simulator, and which of them a request means.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::clock::Clock;
use crate::login_host::LoginHost;
use crate::org::{Org, OrgOptions};

/// Everything one simulator holds.
#[derive(Debug)]
pub(crate) struct World {
    pub clock: Clock,
    /// In order of creation.
    orgs: Mutex<Vec<Arc<Org>>>,
}

/// Where a request's `Host` leads.
#[derive(Debug)]
pub(crate) enum Destination {
    /// An org, by its own host or, `by_loopback`, by ours.
    Org { org: Arc<Org>, by_loopback: bool },
    /// A shared login host.
    Login(LoginHost),
    /// The edge has no route.
    Nowhere,
}

/// Why an org was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateOrgError {
    #[error("an org with host {0} exists")]
    Exists(String),
    #[error("users names {0} twice; each username is one user's")]
    RepeatedUser(String),
    #[error("apps has client_id {0} twice; each client_id is one app's")]
    RepeatedApp(String),
    #[error("host {host:?} {problem}; give a host name of its own, such as acme.my.salesforce.com")]
    Host { host: String, problem: String },
    #[error("{0}")]
    Options(String),
}

impl World {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            orgs: Mutex::new(Vec::new()),
        }
    }

    pub(crate) fn create(&self, mut options: OrgOptions) -> Result<Arc<Org>, CreateOrgError> {
        options.host = options.host.to_ascii_lowercase();
        if let Some(problem) = host_problem(&options.host) {
            return Err(CreateOrgError::Host {
                host: options.host,
                problem,
            });
        }
        if let Some(user) = repeated(&options.users, |user| user.username.to_lowercase()) {
            return Err(CreateOrgError::RepeatedUser(user.username.clone()));
        }
        if let Some(app) = repeated(&options.apps, |app| app.client_id.clone()) {
            return Err(CreateOrgError::RepeatedApp(app.client_id.clone()));
        }
        if let Some(problem) = options.problem() {
            return Err(CreateOrgError::Options(problem));
        }

        let mut orgs = self.lock();
        if orgs.iter().any(|org| org.options.host == options.host) {
            return Err(CreateOrgError::Exists(options.host));
        }
        let org = Arc::new(Org::new(options, self.clock.now()));
        orgs.push(Arc::clone(&org));
        Ok(org)
    }

    pub(crate) fn remove(&self, host: &str) -> bool {
        let mut orgs = self.lock();
        let before = orgs.len();
        orgs.retain(|org| !org.options.host.eq_ignore_ascii_case(host));
        orgs.len() < before
    }

    pub(crate) fn remove_all(&self) {
        self.lock().clear();
    }

    pub(crate) fn org(&self, host: &str) -> Option<Arc<Org>> {
        self.lock()
            .iter()
            .find(|org| org.options.host.eq_ignore_ascii_case(host))
            .cloned()
    }

    /// Returns the orgs in order of creation.
    pub(crate) fn orgs(&self) -> Vec<Arc<Org>> {
        self.lock().clone()
    }

    /// Finds what a `Host` header means; a loopback host means the first org.
    pub(crate) fn destination(&self, host_header: &str) -> Destination {
        let host = without_port(host_header);
        let by_loopback = is_loopback(host);
        let org = if by_loopback {
            self.lock().first().cloned()
        } else {
            self.org(host)
        };
        match (org, LoginHost::parse(host)) {
            (Some(org), _) => Destination::Org { org, by_loopback },
            (None, Some(login)) => Destination::Login(login),
            (None, None) => Destination::Nowhere,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Org>>> {
        self.orgs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns why no org can have this host.
fn host_problem(host: &str) -> Option<String> {
    if host.is_empty() {
        return Some("is empty".to_owned());
    }
    if is_local(host) {
        return Some("is a loopback address, which means the org made first".to_owned());
    }
    let name = without_port(host);
    if LoginHost::parse(name).is_some() {
        return Some("is a login host, which is no org's".to_owned());
    }
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-');
    if let Some(other) = name.chars().find(|character| !is_allowed(*character)) {
        return Some(format!(
            "has the character {other:?}, but may have letters, digits, '.' and '-' only"
        ));
    }
    (name.len() < host.len()).then(|| "has a port, which is ignored in requests".to_owned())
}

/// Returns the first that has the same key as one before it.
fn repeated<T>(all: &[T], key: impl Fn(&T) -> String) -> Option<&T> {
    let mut seen = HashSet::new();
    all.iter().find(|one| !seen.insert(key(one)))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Tells whether a `Host` header means this machine, and no org by its own name.
pub(crate) fn is_local(host_header: &str) -> bool {
    is_loopback(without_port(host_header))
}

fn is_loopback(host: &str) -> bool {
    host.starts_with("127.") || host.eq_ignore_ascii_case("localhost") || host == "[::1]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_ignored_and_loopback_is_recognised() {
        assert_eq!(
            without_port("Acme.my.salesforce.com:443"),
            "Acme.my.salesforce.com"
        );
        assert_eq!(without_port("[::1]:7460"), "[::1]");
        assert_eq!(without_port("[::1]"), "[::1]");
        for host in ["127.0.0.1", "LOCALHOST", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        assert!(!is_loopback("acme.my.salesforce.com"));
    }
}
