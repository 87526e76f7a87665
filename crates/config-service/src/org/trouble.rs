//! Why an org could not be asked, in words: cause first, then what Salesforce
//! says, then what to do.

use contracts::status::{reason, status};
use salesforce::{
    refusal::{Fault, Refusal},
    request::RequestError,
};
use service::chain::Chain;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::connections::{Check, CheckState, Connection};

/// Why an org could not be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub state: CheckState,
    /// A stable word for machines.
    pub reason: String,
    pub message: String,
    pub fix: String,
}

impl Trouble {
    /// Tells whether somebody must change something; otherwise it may pass.
    pub fn is_refused(&self) -> bool {
        self.state != CheckState::Unreachable
    }

    fn new(state: CheckState, reason: &str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            state,
            reason: reason.to_owned(),
            message: message.into(),
            fix: fix.into(),
        }
    }

    /// Says what a check found, of one that found something.
    pub(crate) fn of_check(check: &Check) -> Self {
        Self::new(check.state, &check.reason, &check.message, &check.fix)
    }

    /// The login reaches another org than the one that is pinned.
    pub(super) fn org_changed(connection: &Connection, reached: &str) -> Self {
        Self::new(
            CheckState::Refused,
            "ORG_CHANGED",
            format!(
                "This login now reaches a different Salesforce org: {reached} instead of {}. Nothing is sent there",
                connection.org_id
            ),
            format!(
                "Correct the custom domain or the credentials, or create another connection for that org. If it is \
                 the org that is meant, as after a sandbox refresh, confirm it: sluice connections confirm-org {} \
                 {reached}",
                connection.name
            ),
        )
    }

    pub(super) fn instance(error: &salesforce::host::InvalidHost) -> Self {
        Self::new(
            CheckState::Unreachable,
            "INSTANCE_NOT_SALESFORCE",
            format!("The login answered an instance that is not Salesforce's: {error}"),
            "The token is sent nowhere. Check the custom domain, and who answers for it on this network.",
        )
    }

    /// No token: what the auth-service answered.
    pub(super) fn token(status: &Status, connection: &Connection, egress_addresses: &[String]) -> Self {
        let info = status.get_details_error_info();
        let fix = info
            .and_then(|info| info.metadata.get("fix").cloned())
            .unwrap_or_default();
        let state = match status.code() {
            Code::FailedPrecondition | Code::InvalidArgument => CheckState::Refused,
            _ => CheckState::Unreachable,
        };
        let reason = reason(status);
        let message = status.message().to_owned();
        match reason.as_str() {
            "" => Self::new(
                CheckState::Unreachable,
                "AUTH_SERVICE_UNAVAILABLE",
                format!(
                    "The auth-service, which holds the credentials, does not answer; Salesforce was not asked: {}",
                    Chain(status)
                ),
                "Start the auth-service, or correct internal.auth in the config-service's settings.",
            ),
            "STORE_UNAVAILABLE" => Self::new(
                state,
                &reason,
                message,
                "The auth-service's database does not answer; look there.",
            ),
            "CREDENTIALS_NOT_FOUND" => Self::new(
                state,
                &reason,
                message,
                format!(
                    "Put them: sluice credentials put {} --client-id … (CredentialService.PutCredentials)",
                    connection.name
                ),
            ),
            "UNKNOWN_DOMAIN" => Self::new(
                state,
                &reason,
                message,
                format!("{fix}{}", other_forms(connection.login_host.as_str())),
            ),
            "IP_NOT_ALLOWED" => Self::new(
                state,
                &reason,
                message,
                format!("{fix} {}", egress(egress_addresses)),
            ),
            _ => Self::new(state, &reason, message, fix),
        }
    }

    /// A token, but no answer to a read. `scopes` are the token's, where known.
    pub(super) fn read(error: &RequestError, scopes: &[String]) -> Self {
        match error {
            RequestError::Refused(refusal) => Self::refused(refusal, scopes),
            RequestError::Call(_) | RequestError::Unreadable(_) => Self::new(
                CheckState::Unreachable,
                "SALESFORCE_UNAVAILABLE",
                format!(
                    "Salesforce took the login and did not answer the call after it: {}",
                    Chain(error)
                ),
                UNAVAILABLE_FIX,
            ),
        }
    }

    fn refused(refusal: &Refusal, scopes: &[String]) -> Self {
        // Reads carry no profile values, so Salesforce's words can be told.
        let told = |problem: &str| format!("{problem}: {refusal}: {}", refusal.message);
        let own_reason = refusal.reason();
        let refused = |problem: &str, reason: &str, fix: &str| {
            Self::new(CheckState::Refused, reason, told(problem), fix)
        };
        let unreachable =
            |problem: &str, fix: &str| Self::new(CheckState::Unreachable, &own_reason, told(problem), fix);
        match refusal.fault {
            Fault::Login if refusal.code == "API_DISABLED_FOR_ORG" => refused(
                "The API is not enabled for the user or the org",
                "API_NOT_ENABLED",
                salesforce::oauth::LoginCause::ApiNotEnabled.fix(),
            ),
            Fault::Login if lacks_api(scopes) => refused(
                &format!(
                    "The token is not good for the API: its scopes ({}) have neither api nor full",
                    scopes.join(" ")
                ),
                "API_SCOPE_MISSING",
                SCOPE_FIX,
            ),
            Fault::Token => refused(
                "Salesforce took the login and refuses its token",
                &own_reason,
                "Check the session policies of the app and of the org, and the user's Login History.",
            ),
            Fault::Login => refused(
                "Salesforce took the login and refuses API calls",
                &own_reason,
                "Give the user the permission API Enabled and the app the scope api, and check the IP ranges of the \
                 org, the app and the user's profile.",
            ),
            Fault::Configuration
            | Fault::Host
            | Fault::Batch
            | Fault::Record
            | Fault::RecordGone
            | Fault::LeadConverted => refused(
                "The user cannot read what is needed",
                &own_reason,
                "Check what the user may see in Setup, Object Manager and its profile.",
            ),
            Fault::Quota => unreachable(
                "The org's API calls of the last 24 hours are used up",
                "They come back as old calls age out. Setup, System Overview shows who uses them; Salesforce sells \
                 more.",
            ),
            Fault::Contention => unreachable("The org has too many calls at once", "Try again in a while."),
            Fault::Salesforce => Self::new(
                CheckState::Unreachable,
                "SALESFORCE_UNAVAILABLE",
                told("Salesforce is not available"),
                UNAVAILABLE_FIX,
            ),
        }
    }
}

const UNAVAILABLE_FIX: &str = "Try again in a while; status.salesforce.com tells of maintenance and outages.";

pub(super) const SCOPE_FIX: &str = "Add the scope api (Manage user data via APIs) to the app's OAuth settings. \
     The change takes up to ten minutes, and a token that was authorized by a person must be authorized again.";

/// Tells whether scopes were told and do not open the REST API (requirements.md, row 15).
pub(super) fn lacks_api(scopes: &[String]) -> bool {
    !scopes.is_empty()
        && !scopes
            .iter()
            .any(|scope| matches!(scope.as_str(), "api" | "full"))
}

/// Says which addresses to allow.
fn egress(addresses: &[String]) -> String {
    if addresses.is_empty() {
        return "Which addresses these are, the operator of Sluice knows (and can tell here by \
                config.egress_addresses)."
            .to_owned();
    }
    format!("Its addresses: {}.", addresses.join(", "))
}

/// Says at which other host the same org may be (salesforce-contract.md §1.7).
fn other_forms(host: &str) -> String {
    let Some(name) = host.strip_suffix(".my.salesforce.com") else {
        return String::new();
    };
    if name.contains('.') {
        return String::new();
    }
    if name.contains("--") {
        return format!(" Sandboxes are at {name}.sandbox.my.salesforce.com.");
    }
    if name.ends_with("-dev-ed") {
        return format!(" Newer Developer Edition orgs are at {name}.develop.my.salesforce.com.");
    }
    " A prefix alone is a production org's: give sandboxes as acme--uat, Developer Edition orgs as \
     acme-dev-ed.develop, playgrounds as acme.trailblaze, scratch orgs as acme.scratch."
        .to_owned()
}

impl From<&Trouble> for Status {
    fn from(trouble: &Trouble) -> Self {
        let message = if trouble.fix.is_empty() {
            trouble.message.clone()
        } else {
            format!("{}. {}", trouble.message, trouble.fix)
        };
        let code = match trouble.state {
            CheckState::Connected | CheckState::Refused => Code::FailedPrecondition,
            CheckState::Unreachable => Code::Unavailable,
        };
        status(code, &trouble.reason, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|scope| (*scope).to_owned()).collect()
    }

    #[test]
    fn row_15_only_scopes_that_were_told_can_lack_api() {
        assert!(lacks_api(&texts(&["id", "web"])));
        for fine in [&["api"][..], &["full"], &["web", "api", "refresh_token"], &[]] {
            assert!(!lacks_api(&texts(fine)), "{fine:?}");
        }
    }

    #[test]
    fn an_unknown_domain_is_told_where_the_org_may_be() {
        for (host, part) in [
            ("acme.my.salesforce.com", "acme--uat"),
            (
                "acme-dev-ed.my.salesforce.com",
                "acme-dev-ed.develop.my.salesforce.com",
            ),
            (
                "acme--uat.my.salesforce.com",
                "acme--uat.sandbox.my.salesforce.com",
            ),
        ] {
            assert!(other_forms(host).contains(part), "{host}");
        }
        for host in [
            "acme--uat.sandbox.my.salesforce.com",
            "acme.my.salesforce.mil",
            "login.salesforce.com",
        ] {
            assert_eq!(other_forms(host), "");
        }
    }
}
