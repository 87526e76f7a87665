//! The switches of logins, sessions and quota. The default comes first in each.

use serde::{Deserialize, Serialize};

/// `switches.login` of `POST /simulator/orgs`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct LoginSwitches {
    pub authorize: Consent,
    pub wrong_password: WrongPassword,
    pub wrong_secret: WrongSecret,
    pub wrong_audience: WrongAudience,
    pub inactive_user: InactiveUser,
    pub login_rate: LoginRate,
    pub revoke_error: RevokeError,
    pub session_use: SessionUse,
    pub session_error_form: SessionErrorForm,
    /// Whether the numbers of `/limits` are true or up to five minutes old (salesforce-contract.md §4.2).
    pub limits: Told,
    /// How far ahead `exp` of an assertion may be; null for any time. Source: salesforce-contract.md §1.1.
    pub jwt_max_ahead_seconds: Option<u32>,
    /// Whether token answers carry keys that clients must ignore, and a slash after `instance_url`.
    /// Source: salesforce-contract.md §1.1.
    pub odd_token_answers: bool,
}

/// What the user does on the page of `/services/oauth2/authorize`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Consent {
    #[default]
    Approve,
    Deny,
}

/// How a refused password is worded. Source: salesforce-contract.md §1.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WrongPassword {
    #[default]
    AuthenticationFailure,
    /// The older `authentication failure - Invalid Password`.
    InvalidPassword,
}

/// How a wrong consumer secret is answered. Source: salesforce-contract.md §1.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WrongSecret {
    #[default]
    InvalidClient,
    /// The error of older documents.
    InvalidClientCredentials,
    /// `invalid_client` with status 401.
    Unauthorized,
}

/// How a wrong `aud` is worded. Source: salesforce-contract.md §1.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WrongAudience {
    #[default]
    AudienceValidationFailed,
    AudienceIsInvalid,
}

/// Where an inactive user is named. Source: salesforce-contract.md §1.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InactiveUser {
    /// `invalid_grant`, as seen in the wild.
    #[default]
    Description,
    /// `inactive_user`, as documents list it.
    ErrorCode,
}

/// How too many logins are named. Source: salesforce-contract.md §1.2.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LoginRate {
    #[default]
    RateLimitExceeded,
    LoginRateExceeded,
}

/// The body of a refused revocation. Source: salesforce-contract.md §1.6.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RevokeError {
    #[default]
    Form,
    Json,
}

/// Which uses push the end of a session out. Source: salesforce-contract.md §1.4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionUse {
    #[default]
    Always,
    /// Only those after half of the idle time.
    AfterHalf,
}

/// In which form a request without a living session is refused. Source: salesforce-contract.md §3.1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionErrorForm {
    /// The array of one error.
    #[default]
    Json,
    /// XML with `LOGIN_OAUTH_INVALID_TOKEN`, and the header `Sfdc-OAuth-Error`.
    Xml,
    /// A page, and the header `Sfdc-OAuth-Error`.
    Html,
}

/// How true a number is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    #[default]
    Exact,
    Lagging,
}

impl Default for LoginSwitches {
    fn default() -> Self {
        Self {
            authorize: Consent::default(),
            wrong_password: WrongPassword::default(),
            wrong_secret: WrongSecret::default(),
            wrong_audience: WrongAudience::default(),
            inactive_user: InactiveUser::default(),
            login_rate: LoginRate::default(),
            revoke_error: RevokeError::default(),
            session_use: SessionUse::default(),
            session_error_form: SessionErrorForm::default(),
            limits: Told::default(),
            jwt_max_ahead_seconds: Some(300),
            odd_token_answers: false,
        }
    }
}
