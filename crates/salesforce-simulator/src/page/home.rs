//! The page at `/`: what this is, and every org at a glance.

use maud::{Markup, html};
use serde_json::json;

use super::facts;
use super::org::calls;
use crate::org::Org;
use crate::schema::ObjectName;
use crate::world::World;

/// Calls shown of each org.
const LAST_CALLS: usize = 5;

pub(super) fn orgs(world: &World) -> Markup {
    let orgs = world.orgs();
    html! {
        h1 { "Salesforce simulator" }
        p {
            "An in-memory Salesforce: " (orgs.len()) " org" (if orgs.len() == 1 { "" } else { "s" })
            ", each answering the REST, Bulk 2.0 and OAuth APIs under its own " code { "Host" }
            "; requests to this address itself go to the first one. Nothing here leaves this machine, and nothing is kept when it stops."
        }
        p.quiet {
            "Orgs are made, seeded and scripted by " code { "POST /simulator/orgs" } " and the paths below it, which docs/salesforce-simulator.md lists."
        }
        @for org in &orgs { (summary(world, org)) }
        @if orgs.is_empty() {
            p { "There is no org yet. Make one: " code { "curl -d '{\"host\": \"acme.my.salesforce.com\"}' …/simulator/orgs" } }
        }
    }
}

fn summary(world: &World, org: &Org) -> Markup {
    let now = world.clock.now();
    let mut state = org.state();
    let used = state.usage.used(now);
    let quota = json!({
        "requests in 24 h": format!("{used} of {}", state.usage.max()),
        "scheduled faults": state.faults.scheduled().count(),
        "bulk jobs": state.bulk.jobs.len(),
    });
    let counters = serde_json::to_value(&state.counters).unwrap_or_default();
    html! {
        section.org {
            h2 { a href={ "/simulator/view/" (org.options.host) } { (org.options.host) } }
            p.quiet { (org.options.name) ", " (org.options.organization_type) ", " code { (org.id) } }
            dl {
                @for object in ObjectName::ALL {
                    @let records = state.table(object).records();
                    @let deleted = records.iter().filter(|record| record.is("IsDeleted")).count();
                    div {
                        dt { (object.name()) " records" }
                        dd {
                            a href={ "/simulator/view/" (org.options.host) "?object=" (object.name()) "#records" } { (records.len() - deleted) }
                            @if deleted > 0 { " and " (deleted) " deleted" }
                        }
                    }
                }
            }
            (facts(&quota))
            details {
                summary { "Last calls" }
                (calls(&state, LAST_CALLS))
            }
            details {
                summary { "Users and apps" }
                ul {
                    @for (_, user) in state.directory.users() {
                        li {
                            (user.username)
                            @if !user.active { " " span.bad { "inactive" } }
                            @if !user.permissions.customize_application { span.quiet { " (may not customise)" } }
                        }
                    }
                    @for app in state.directory.apps() {
                        li { "app " code { (app.client_id) }
                            @if let Some(user) = &app.run_as { span.quiet { " runs as " (user) } }
                        }
                    }
                }
            }
            details { summary { "Counters" } (facts(&counters)) }
        }
    }
}
