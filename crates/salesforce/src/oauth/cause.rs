//! Why logins are refused: the table of §1.2 as data.

use crate::lenient::Code;

/// Far above the longest description that is known.
const MAX_DESCRIPTION_CHARACTERS: usize = 300;

/// Parameters of a token request that nobody may see again.
const SECRETS: [&str; 6] = [
    "client_secret",
    "password",
    "assertion",
    "refresh_token",
    "code",
    "code_verifier",
];

/// Why a login was refused, as far as Salesforce tells (§1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRefusal {
    pub cause: LoginCause,
    /// Salesforce's `error`.
    pub error: String,
    /// Salesforce's `error_description`.
    pub description: String,
}

impl std::fmt::Display for LoginRefusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({})", self.error, self.description)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginCause {
    UnknownHost,
    UnknownClient,
    WrongClientSecret,
    /// Wrong user, password or security token, or the flow is blocked: the
    /// answer is the same (§0.1, 9).
    CredentialsRefused,
    InactiveUser,
    IpRefused,
    NoRunAsUser,
    WrongHostForGrant,
    GrantNotSupported,
    AppNotApproved,
    /// The refresh token was revoked, replaced or unused for too long.
    RefreshTokenExpired,
    /// The JWT names another audience than the org's.
    AudienceRefused,
    /// The JWT's signature, certificate or time is not accepted.
    AssertionRefused,
    UserLocked,
    InactiveOrg,
    /// The org's edition, or the user, may not use the API.
    ApiNotEnabled,
    /// The request itself is wrong: a mistake of ours.
    Malformed,
    /// The user logged in too often; it passes within an hour.
    LoginRateExceeded,
    Other,
}

/// `error`, part of the description (empty: any), cause. Read from the top.
const CAUSES: &[(&str, &str, LoginCause)] = &[
    ("invalid_grant", "inactive user", LoginCause::InactiveUser),
    ("invalid_grant", "ip restricted", LoginCause::IpRefused),
    (
        "invalid_grant",
        "request not supported on this domain",
        LoginCause::WrongHostForGrant,
    ),
    (
        "invalid_grant",
        "no client credentials user enabled",
        LoginCause::NoRunAsUser,
    ),
    (
        "invalid_grant",
        "hasn't approved this consumer",
        LoginCause::AppNotApproved,
    ),
    (
        "invalid_grant",
        "authentication failure",
        LoginCause::CredentialsRefused,
    ),
    ("invalid_grant", "user is locked", LoginCause::UserLocked),
    (
        "invalid_grant",
        "expired access/refresh token",
        LoginCause::RefreshTokenExpired,
    ),
    // Two wordings, in different cases.
    ("invalid_grant", "udience", LoginCause::AudienceRefused),
    ("invalid_grant", "assertion", LoginCause::AssertionRefused),
    ("invalid_grant", "redirect uri", LoginCause::Malformed),
    ("invalid_request", "", LoginCause::Malformed),
    ("inactive_org", "", LoginCause::InactiveOrg),
    ("", "LOGIN_RATE_EXCEEDED", LoginCause::LoginRateExceeded),
    ("", "login rate exceeded", LoginCause::LoginRateExceeded),
    ("invalid_client_id", "", LoginCause::UnknownClient),
    ("invalid_client", "", LoginCause::WrongClientSecret),
    ("invalid_client_credentials", "", LoginCause::WrongClientSecret),
    ("unsupported_grant_type", "", LoginCause::GrantNotSupported),
    ("inactive_user", "", LoginCause::InactiveUser),
    ("rate_limit_exceeded", "", LoginCause::LoginRateExceeded),
    ("invalid_app_access", "", LoginCause::AppNotApproved),
    ("API_DISABLED_FOR_ORG", "", LoginCause::ApiNotEnabled),
];

impl LoginRefusal {
    /// Reads a token endpoint's `error` and `error_description`.
    pub(super) fn of(error: &str, description: &str) -> Self {
        let error = Code::of(error).0;
        let cause = CAUSES
            .iter()
            .find(|(known, part, _)| (known.is_empty() || *known == error) && description.contains(part))
            .map_or(LoginCause::Other, |(_, _, cause)| *cause);
        Self {
            cause,
            error,
            description: description.chars().take(MAX_DESCRIPTION_CHARACTERS).collect(),
        }
    }

    /// Withholds a description that repeats what was sent: whoever answers
    /// may not be Salesforce.
    pub(super) fn without_what_was_sent(mut self, form: &str) -> Self {
        let repeats = url::form_urlencoded::parse(form.as_bytes())
            .filter(|(name, value)| SECRETS.contains(&name.as_ref()) && !value.is_empty())
            .any(|(_, value)| self.description.contains(value.as_ref()));
        if repeats {
            self.description = "(withheld: it repeats what was sent)".to_owned();
        }
        self
    }
}

impl LoginCause {
    /// Tells whether it passes without anybody changing anything.
    pub fn passes(self) -> bool {
        self == Self::LoginRateExceeded
    }

    /// Returns a stable word for machines.
    pub fn reason(self) -> &'static str {
        match self {
            Self::UnknownHost => "UNKNOWN_DOMAIN",
            Self::UnknownClient => "UNKNOWN_CLIENT",
            Self::WrongClientSecret => "CLIENT_SECRET_REFUSED",
            Self::CredentialsRefused => "CREDENTIALS_REFUSED",
            Self::InactiveUser => "USER_INACTIVE",
            Self::IpRefused => "IP_NOT_ALLOWED",
            Self::NoRunAsUser => "NO_RUN_AS_USER",
            Self::WrongHostForGrant => "WRONG_HOST_FOR_GRANT",
            Self::GrantNotSupported => "GRANT_NOT_SUPPORTED",
            Self::AppNotApproved => "APP_NOT_APPROVED",
            Self::RefreshTokenExpired => "REFRESH_TOKEN_EXPIRED",
            Self::AudienceRefused => "JWT_AUDIENCE_REFUSED",
            Self::AssertionRefused => "JWT_REFUSED",
            Self::UserLocked => "USER_LOCKED",
            Self::InactiveOrg => "ORG_INACTIVE",
            Self::ApiNotEnabled => "API_NOT_ENABLED",
            Self::Malformed => "TOKEN_REQUEST_MALFORMED",
            Self::LoginRateExceeded => "LOGIN_RATE_EXCEEDED",
            Self::Other => "LOGIN_REFUSED",
        }
    }

    /// Returns what is wrong, for people, without a final stop.
    pub fn problem(self) -> &'static str {
        match self {
            Self::UnknownHost => "Domain not found",
            Self::UnknownClient => "The org does not know the client id",
            Self::WrongClientSecret => "The client secret is wrong",
            Self::CredentialsRefused => {
                "Username, password or security token are wrong, or the org blocks the username-password flow"
            }
            Self::InactiveUser => "The user is not active",
            Self::IpRefused => "Salesforce does not take logins from this service's IP address",
            Self::NoRunAsUser => {
                "The client-credentials flow is not enabled for the app: it has no run-as user"
            }
            Self::WrongHostForGrant => "This host does not take client credentials",
            Self::GrantNotSupported => "The org or the app does not offer this OAuth flow",
            Self::AppNotApproved => "The user is not approved to use the app",
            Self::RefreshTokenExpired => "The refresh token is no longer valid",
            Self::AudienceRefused => "The login's JWT names another audience than the org's",
            Self::AssertionRefused => "Salesforce does not accept the login's JWT",
            Self::UserLocked => "The user is locked",
            Self::InactiveOrg => "The org is not active",
            Self::ApiNotEnabled => "The API is not enabled for the user or the org",
            Self::Malformed => "Salesforce does not understand the login",
            Self::LoginRateExceeded => "The user logged in too often",
            Self::Other => "Salesforce refused the login",
        }
    }

    /// Returns what to do about it, for people.
    pub fn fix(self) -> &'static str {
        match self {
            Self::UnknownHost => "Copy the domain from Setup, My Domain, Current My Domain URL.",
            Self::UnknownClient => {
                "Copy the app's Consumer Key again; a new app takes some minutes to become known, and it must be an \
                 app of this very org."
            }
            Self::WrongClientSecret => "Copy the Consumer Secret again; it may have been rotated.",
            Self::CredentialsRefused => {
                "Salesforce gives one answer for all of these, so check each: username and password; the security \
                 token, which is needed outside the org's trusted IP ranges and changes with the password; that the \
                 org allows the username-password flow (Setup, OAuth and OpenID Connect Settings), which orgs made \
                 since Summer '23 block; that the app is a connected app, as External Client Apps do not offer it. \
                 Client credentials are the better choice."
            }
            Self::InactiveUser => "Activate the user in Setup, Users, or use another one.",
            Self::IpRefused => {
                "Allow this service's addresses in Setup, Network Access and in the Login IP Ranges of the user's \
                 profile, or relax the app's IP restrictions."
            }
            Self::NoRunAsUser => {
                "In the app's policies enable the Client Credentials Flow and choose a run-as user: Setup, External \
                 Client App Manager, the app, Policies; for a connected app Setup, App Manager, Manage, Edit Policies."
            }
            Self::WrongHostForGrant => {
                "Client credentials work on the org's own My Domain only, not on login.salesforce.com or \
                 test.salesforce.com."
            }
            Self::GrantNotSupported => "Enable this OAuth flow for the app, or use another grant.",
            Self::AppNotApproved => {
                "Let an administrator approve the app for this user (Manage Connected Apps)."
            }
            Self::RefreshTokenExpired => {
                "Authorize the connection again: the grant was revoked, was not used for too long, or five newer \
                 ones of this user and app took its place."
            }
            Self::AudienceRefused => {
                "Use the org's own My Domain as the connection's host: login.salesforce.com is for production, \
                 test.salesforce.com for sandboxes."
            }
            Self::AssertionRefused => {
                "Check that the certificate uploaded to the app belongs to this private key, that it has not \
                 expired, and that this machine's clock is right."
            }
            Self::UserLocked => "Unlock the user in Setup, Users, or wait until the lockout period is over.",
            Self::InactiveOrg => "The org is locked, closed or suspended; ask Salesforce.",
            Self::ApiNotEnabled => {
                "Give the user the permission API Enabled. Editions without API access (Essentials, Group, \
                 Professional without the add-on) cannot be used."
            }
            Self::Malformed => "This is a fault of Sluice; report it with what Salesforce says.",
            Self::LoginRateExceeded => {
                "The user logged in more than 3,600 times in an hour. Wait, and find who does."
            }
            Self::Other => "See what Salesforce says, and the org's Login History.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_of_the_contracts_table_has_its_cause() {
        for (error, description, cause) in [
            (
                "invalid_grant",
                "authentication failure",
                LoginCause::CredentialsRefused,
            ),
            (
                "invalid_grant",
                "authentication failure - Invalid Password",
                LoginCause::CredentialsRefused,
            ),
            ("invalid_grant", "inactive user", LoginCause::InactiveUser),
            ("invalid_grant", "ip restricted", LoginCause::IpRefused),
            (
                "invalid_grant",
                "user hasn't approved this consumer",
                LoginCause::AppNotApproved,
            ),
            (
                "invalid_grant",
                "request not supported on this domain",
                LoginCause::WrongHostForGrant,
            ),
            (
                "invalid_grant",
                "no client credentials user enabled",
                LoginCause::NoRunAsUser,
            ),
            (
                "invalid_grant",
                "expired access/refresh token",
                LoginCause::RefreshTokenExpired,
            ),
            (
                "invalid_grant",
                "Audience validation failed",
                LoginCause::AudienceRefused,
            ),
            (
                "invalid_grant",
                "audience is invalid",
                LoginCause::AudienceRefused,
            ),
            ("invalid_grant", "invalid assertion", LoginCause::AssertionRefused),
            ("invalid_grant", "user is locked", LoginCause::UserLocked),
            (
                "invalid_grant",
                "redirect uri does not match configuration",
                LoginCause::Malformed,
            ),
            ("invalid_client_credentials", "", LoginCause::WrongClientSecret),
            (
                "invalid_request",
                "missing required parameter: grant_type",
                LoginCause::Malformed,
            ),
            ("inactive_user", "", LoginCause::InactiveUser),
            ("inactive_org", "", LoginCause::InactiveOrg),
            ("rate_limit_exceeded", "", LoginCause::LoginRateExceeded),
            (
                "invalid_grant",
                "login rate exceeded",
                LoginCause::LoginRateExceeded,
            ),
            ("something_new", "", LoginCause::Other),
            ("API_DISABLED_FOR_ORG", "m", LoginCause::ApiNotEnabled),
            (
                "invalid_client_id",
                "client identifier invalid",
                LoginCause::UnknownClient,
            ),
            (
                "invalid_client",
                "invalid client credentials",
                LoginCause::WrongClientSecret,
            ),
            (
                "unsupported_grant_type",
                "grant type not supported",
                LoginCause::GrantNotSupported,
            ),
            (
                "invalid_app_access",
                "user is not admin approved to access this app",
                LoginCause::AppNotApproved,
            ),
        ] {
            let refusal = LoginRefusal::of(error, description);
            assert_eq!(refusal.cause, cause, "{error}: {description}");
        }
    }

    #[test]
    fn what_was_sent_is_not_repeated() {
        let refusal = |description: &str| LoginRefusal::of("invalid_grant", description);
        let form = "grant_type=password&client_secret=s%26t&password=";
        let shown = refusal("you sent s&t").without_what_was_sent(form);
        assert!(!shown.to_string().contains("s&t"), "{shown}");
        let shown = refusal("authentication failure").without_what_was_sent(form);
        assert_eq!(shown.description, "authentication failure");
        assert_eq!(LoginRefusal::of("<html> x", "").error, "");
    }
}
