//! The shared login hosts, which are no orgs. Source: salesforce-contract.md §1.7.

/// Where users log in who do not know their My Domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginHost {
    /// For production and Developer Edition.
    Login,
    /// For sandboxes and scratch orgs.
    Test,
}

impl LoginHost {
    const ALL: [Self; 2] = [Self::Login, Self::Test];

    pub(crate) fn parse(host: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|login| login.name().eq_ignore_ascii_case(host))
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Login => "login.salesforce.com",
            Self::Test => "test.salesforce.com",
        }
    }

    /// Returns the login host of the org with this My Domain host.
    pub(crate) fn of_org(host: &str) -> Self {
        let is_test = [".sandbox.my.salesforce.", ".scratch.my.salesforce."]
            .into_iter()
            .any(|partition| host.contains(partition));
        if is_test { Self::Test } else { Self::Login }
    }
}
