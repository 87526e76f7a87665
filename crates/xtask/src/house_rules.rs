//! Who may depend on whom (ARCHITECTURE.md, "The house").

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::{cargo::cargo, run::output};

/// Which dependencies a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Those of the tests too.
    All,
    /// Only what ends up in the crate itself.
    WithoutTests,
}

/// What a crate must not use.
enum Forbidden {
    /// Any crate of this repository.
    Ours,
    These(&'static [&'static str]),
}

struct Rule {
    of: &'static str,
    forbidden: Forbidden,
    reach: Reach,
    reason: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        of: "oracle",
        forbidden: Forbidden::Ours,
        reach: Reach::All,
        reason: "it must reach its answer without any code that it judges",
    },
    Rule {
        of: "salesforce-simulator",
        forbidden: Forbidden::These(&["salesforce"]),
        reach: Reach::All,
        reason: "a fault in both would cancel out",
    },
    Rule {
        of: "activation",
        forbidden: Forbidden::Ours,
        reach: Reach::All,
        reason: "everything else stands on it",
    },
    Rule {
        of: "salesforce",
        forbidden: Forbidden::Ours,
        // Its tests talk to the simulator over HTTP.
        reach: Reach::WithoutTests,
        reason: "it knows Salesforce and no profiles",
    },
    Rule {
        of: "service",
        forbidden: Forbidden::Ours,
        reach: Reach::WithoutTests,
        reason: "it is what every service shares, and knows none of them",
    },
    Rule {
        of: "json-api",
        forbidden: Forbidden::Ours,
        reach: Reach::WithoutTests,
        reason: "it knows annotations, and no service",
    },
    Rule {
        of: "config-service",
        forbidden: Forbidden::These(&["auth-service", "delivery-service"]),
        reach: Reach::WithoutTests,
        reason: SERVICES_MEET,
    },
    Rule {
        of: "auth-service",
        forbidden: Forbidden::These(&["config-service", "delivery-service"]),
        reach: Reach::WithoutTests,
        reason: SERVICES_MEET,
    },
    Rule {
        of: "delivery-service",
        forbidden: Forbidden::These(&["config-service", "auth-service"]),
        reach: Reach::WithoutTests,
        reason: SERVICES_MEET,
    },
];

// Their tests may start a neighbour, and still meet it there.
const SERVICES_MEET: &str = "services meet only in the protobuf contracts";

/// What `cargo metadata` says, as far as we read it.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug, Deserialize)]
struct Dependency {
    name: String,
    /// `dev`, `build`, or nothing for the ordinary ones.
    kind: Option<String>,
}

/// Fails with every rule that is broken.
pub(crate) fn check() -> Result<()> {
    let json = output(cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Metadata =
        serde_json::from_str(&json).context("cargo metadata answered something unexpected")?;
    let broken = broken_rules(&metadata);
    if !broken.is_empty() {
        bail!("the house rules are broken:\n{}", broken.join("\n"));
    }
    println!("xtask: the {} house rules hold", RULES.len());
    Ok(())
}

fn broken_rules(metadata: &Metadata) -> Vec<String> {
    let ours: BTreeSet<&str> = metadata
        .packages
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let mut broken = Vec::new();
    for rule in RULES {
        let Some(package) = metadata.packages.iter().find(|package| package.name == rule.of) else {
            broken.push(format!("there is a rule about {}, and no such crate", rule.of));
            continue;
        };
        for dependency in &package.dependencies {
            let counts = rule.reach == Reach::All || dependency.kind.as_deref() != Some("dev");
            let name = dependency.name.as_str();
            let is_forbidden = match rule.forbidden {
                Forbidden::Ours => ours.contains(name),
                Forbidden::These(names) => names.contains(&name),
            };
            if counts && is_forbidden {
                broken.push(format!("{} must not use {name}: {}", rule.of, rule.reason));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Every crate that a rule is about, with these (crate, dependency, kind) added.
    fn metadata(added: &[(&str, &str, Option<&str>)]) -> Metadata {
        let packages: Vec<_> = RULES
            .iter()
            .map(|rule| {
                let dependencies: Vec<_> = added
                    .iter()
                    .filter(|(of, _, _)| *of == rule.of)
                    .map(|(_, name, kind)| json!({"name": name, "kind": kind}))
                    .collect();
                json!({"name": rule.of, "dependencies": dependencies})
            })
            .collect();
        serde_json::from_value(json!({"packages": packages})).unwrap()
    }

    #[test]
    fn what_the_rules_allow_breaks_none() {
        let allowed = [
            ("oracle", "serde_json", None),
            ("salesforce", "salesforce-simulator", Some("dev")),
            ("config-service", "service", None),
            ("config-service", "auth-service", Some("dev")),
        ];
        assert_eq!(broken_rules(&metadata(&allowed)), Vec::<String>::new());
    }

    #[test]
    fn each_break_is_named() {
        for (of, name, kind) in [
            ("oracle", "activation", Some("dev")),
            ("salesforce-simulator", "salesforce", Some("dev")),
            ("salesforce", "service", None),
            ("service", "activation", Some("build")),
            ("delivery-service", "config-service", None),
        ] {
            let broken = broken_rules(&metadata(&[(of, name, kind)]));
            assert_eq!(broken.len(), 1, "{broken:?}");
            assert!(broken[0].starts_with(&format!("{of} must not use {name}: ")));
        }
    }

    #[test]
    fn a_rule_about_a_crate_that_is_gone_is_noticed() {
        let broken = broken_rules(&Metadata { packages: Vec::new() });
        assert_eq!(broken.len(), RULES.len());
    }
}
