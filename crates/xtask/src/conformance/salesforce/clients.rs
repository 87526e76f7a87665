//! The clients, and what they have no way to do.

use anyhow::{Result, bail};

/// A client library and the program that uses it.
#[derive(Debug)]
pub(super) struct Client {
    /// The head of its column; of other people's clients also the folder below `clients/salesforce`.
    pub(super) name: &'static str,
    pub(super) runtime: Runtime,
    /// Cases that the library's own API has no way to do. Each says so itself, with the reason; one that is listed
    /// here and passes is a fault too, so that the list stays true.
    pub(super) not_offered: &'static [&'static str],
}

/// What runs a client's program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runtime {
    /// `conformance.js`, with `package-lock.json`.
    Node,
    /// `conformance.py`, with a `requirements.txt` that lists every package.
    Python,
    /// The example `conformance` of a crate of ours.
    Crate(&'static str),
}

const CLIENTS: &[Client] = &[
    Client {
        name: "jsforce",
        runtime: Runtime::Node,
        not_offered: &[],
    },
    Client {
        name: "simple-salesforce",
        runtime: Runtime::Python,
        // login.py knows the password, client credentials and JWT bearer grants.
        not_offered: &["token_refresh", "token_authorization_code"],
    },
    Client {
        name: "aiosalesforce",
        runtime: Runtime::Python,
        // auth/ knows the client credentials and JWT bearer grants, and a login by SOAP.
        not_offered: &["token_password", "token_refresh", "token_authorization_code"],
    },
    Client {
        name: "aio-sf",
        runtime: Runtime::Python,
        // api/auth/ knows the client credentials and refresh token grants; api/bulk_v2 knows queries only.
        not_offered: &[
            "token_password",
            "token_jwt_bearer",
            "token_authorization_code",
            "bulk_upsert",
        ],
    },
    Client {
        name: "salesforce",
        runtime: Runtime::Crate("salesforce"),
        not_offered: &[],
    },
];

/// The clients of one run.
#[derive(Debug)]
pub(in super::super) struct Chosen(Vec<&'static Client>);

/// Returns the clients that are named, or all when none is.
pub(in super::super) fn chosen(names: &[String]) -> Result<Chosen> {
    for name in names {
        if !CLIENTS.iter().any(|client| client.name == name) {
            let known: Vec<&str> = CLIENTS.iter().map(|client| client.name).collect();
            bail!("no client is called {name}; there are {}", known.join(", "));
        }
    }
    let is_named = |client: &&Client| names.is_empty() || names.iter().any(|name| name == client.name);
    Ok(Chosen(CLIENTS.iter().filter(is_named).collect()))
}

impl Chosen {
    /// Tells whether nobody asked for some clients only.
    pub(in super::super) fn is_all(&self) -> bool {
        self.0.len() == CLIENTS.len()
    }

    pub(super) fn clients(&self) -> impl Iterator<Item = &'static Client> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_not_there_is_told_with_those_that_are() {
        let error = chosen(&["jsforec".to_owned()]).unwrap_err().to_string();
        assert!(
            error.contains("no client is called jsforec; there are jsforce, "),
            "{error}"
        );
        assert!(chosen(&[]).unwrap().is_all());
        assert!(!chosen(&["jsforce".to_owned()]).unwrap().is_all());
    }
}
