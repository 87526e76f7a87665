//! The page of one org: its last calls, records, writes, switches and faults.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{facts, page, plain};
use crate::bulk::{Job, catch_up};
use crate::clock::datetime_out;
use crate::org::{Call, HistoryEntry, Org, OrgState, Record};
use crate::schema::{Field, ObjectName};
use crate::world::World;

/// Calls and writes shown, the newest first.
const SHOWN: usize = 100;

/// Records on one page.
const PAGE: usize = 50;

/// Longest value shown whole in the table of records, in characters.
const LONGEST: usize = 60;

/// Which records are shown.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Shown {
    #[serde(default = "contact")]
    object: String,
    /// Counts from 1.
    #[serde(default = "first")]
    page: NonZeroUsize,
}

/// Answers `/simulator/view/{host}`.
pub(crate) async fn view(
    State(world): State<Arc<World>>,
    Path(host): Path<String>,
    shown: Result<Query<Shown>, QueryRejection>,
) -> Response {
    let Some(org) = world.org(&host) else {
        let content = html! {
            h1 { "No such org" }
            p { "No org has the host " code { (host) } ". " a href="/" { "All orgs" } }
        };
        return page(StatusCode::NOT_FOUND, "No such org", &content);
    };
    let (object, number) = match shown {
        Ok(Query(shown)) => match ObjectName::parse(&shown.object) {
            Some(object) => (object, shown.page.get()),
            None => {
                let known = ObjectName::ALL.map(ObjectName::name).join(", ");
                let problem = format!("object is {:?}, but there are only {known}", shown.object);
                return misasked(&org, &problem);
            }
        },
        Err(rejection) => return misasked(&org, &rejection.body_text()),
    };
    let mut state = org.state();
    catch_up(&org, &mut state, world.clock.now());
    let content = html! {
        nav { a href="/" { "All orgs" } a href="#calls" { "Calls" } a href="#records" { "Records" } a href="#writes" { "Writes" } a href="#jobs" { "Bulk jobs" } a href="#settings" { "Switches and faults" } }
        h1 { (org.options.host) }
        p.quiet { (org.options.name) ", " (org.options.organization_type) ", " code { (org.id) } }
        h2 #calls { "Last calls" }
        (calls(&state, SHOWN))
        h2 #records { "Records" }
        (records(&org, &state, object, number))
        h2 #writes { "Last writes" }
        (writes(&state))
        h2 #jobs { "Bulk jobs" }
        (jobs(&state))
        h2 #settings { "Switches" }
        (facts(&serde_json::to_value(state.switches()).unwrap_or_default()))
        h2 #faults { "Scheduled faults" }
        (faults(&state))
    };
    page(StatusCode::OK, &org.options.host, &content)
}

/// Answers a query string that cannot be read.
fn misasked(org: &Org, problem: &str) -> Response {
    let host = &org.options.host;
    let content = html! {
        h1 { "No such page" }
        p { (problem) ". The query may have " code { "object" } " and " code { "page" } ", which counts from 1. "
            a href={ "/simulator/view/" (host) } { (host) } }
    };
    page(StatusCode::BAD_REQUEST, "No such page", &content)
}

fn contact() -> String {
    ObjectName::Contact.name().to_owned()
}

fn first() -> NonZeroUsize {
    NonZeroUsize::MIN
}

/// Shows the newest calls, the newest first.
pub(super) fn calls(state: &OrgState, count: usize) -> Markup {
    let mut calls: Vec<&Call> = state.calls.last(count).collect();
    calls.reverse();
    html! {
        @if calls.is_empty() { p.quiet { "None yet." } } @else {
            div.wide { table {
                tr { th.number { "#" } th { "Time" } th { "Status" } th { "Call" } th.number { "Records" } th.number { "ms" } th { "Client" } th { "Fault" } }
                @for call in calls {
                    tr {
                        td.number { (call.n) }
                        td.number title=(datetime_out(call.time)) { (call.time.format("%H:%M:%S%.3f")) }
                        td {
                            @match call.status {
                                Some(status) if status < 400 => (status),
                                Some(status) => span.bad { (status) },
                                None => span.bad { "no answer" },
                            }
                        }
                        td { code { (call.method) " " (call.path) } }
                        td.number { (call.records) }
                        td.number { (call.duration_ms) }
                        td { (call.client.as_deref().unwrap_or_default()) }
                        td { (call.fault.unwrap_or_default()) }
                    }
                }
            } }
        }
    }
}

fn records(org: &Org, state: &OrgState, object: ObjectName, number: usize) -> Markup {
    let table = state.table(object);
    let total = table.records().len();
    let pages = total.div_ceil(PAGE).max(1);
    let number = number.min(pages);
    let rows: Vec<&Record> = table
        .records()
        .iter()
        .skip((number - 1) * PAGE)
        .take(PAGE)
        .collect();
    // Only columns in which something stands: most of the sixty are empty.
    let known: BTreeSet<&str> = rows
        .iter()
        .flat_map(|record| record.values.iter().map(|(name, _)| name))
        .collect();
    let is_shown = |field: &&Arc<Field>| field.name == "Id" || known.contains(field.name.as_str());
    let fields: Vec<&Arc<Field>> = table.schema().fields().iter().filter(is_shown).collect();
    let link = |object: ObjectName, page: usize| {
        format!(
            "/simulator/view/{}?object={}&page={page}#records",
            org.options.host,
            object.name()
        )
    };
    html! {
        nav {
            @for other in ObjectName::ALL {
                a href=(link(other, 1)) { (other.name()) " (" (state.table(other).records().len()) ")" }
            }
        }
        p.quiet {
            (object.name()) ", page " (number) " of " (pages) ". "
            @if number > 1 { a href=(link(object, number - 1)) { "Previous" } " " }
            @if number < pages { a href=(link(object, number + 1)) { "Next" } }
        }
        @if rows.is_empty() { p.quiet { "No records." } } @else {
            div.wide { table {
                tr { @for field in &fields { th title=(field.label) { (field.name) } } }
                @for record in rows {
                    tr {
                        @for field in &fields {
                            @let text = plain(&record.value(field));
                            @if text.chars().count() > LONGEST {
                                td title=(text) { (text.chars().take(LONGEST).collect::<String>()) "…" }
                            } @else {
                                td { (text) }
                            }
                        }
                    }
                }
            } }
        }
    }
}

fn writes(state: &OrgState) -> Markup {
    let entries = state.history.after(0);
    let last: Vec<&HistoryEntry> = entries.iter().rev().take(SHOWN).collect();
    html! {
        @if !state.history.is_kept() { p.quiet { "This org keeps no history." } }
        @else if last.is_empty() { p.quiet { "None yet." } }
        @else {
            div.wide { table {
                tr { th.number { "#" } th.number { "Call" } th { "Record" } th { "Operation" } th { "Result" } th { "Fields as sent" } }
                @for entry in last {
                    tr {
                        td.number { (entry.n) }
                        td.number { (entry.call) }
                        td { (entry.object) " " code { (entry.id.as_deref().unwrap_or_default()) } }
                        td { (plain(&serde_json::to_value(entry.operation).unwrap_or_default())) }
                        td { @if entry.success { "written" } @else { span.bad { "refused" } } }
                        td.text { (Value::Object(entry.fields.clone())) }
                    }
                }
            } }
        }
    }
}

fn jobs(state: &OrgState) -> Markup {
    let jobs: Vec<&Job> = state.bulk.jobs.iter().rev().take(SHOWN).collect();
    html! {
        @if jobs.is_empty() { p.quiet { "None yet." } } @else {
            div.wide { table {
                tr { th { "Job" } th { "Created" } th { "Operation" } th { "State" } th.number { "Processed" } th.number { "Failed" } th.number { "Retries" } th { "Error" } }
                @for job in jobs {
                    tr {
                        td { code { (job.id) } }
                        td { (datetime_out(job.created)) }
                        td { (job.operation.name()) " " (job.object.name()) }
                        td { (job.state.name()) }
                        td.number { (job.run.processed()) }
                        td.number { (job.run.failed()) }
                        td.number { (job.run.retries) }
                        td.text { (job.error_message.as_deref().unwrap_or_default()) }
                    }
                }
            } }
        }
    }
}

fn faults(state: &OrgState) -> Markup {
    let faults: Vec<Value> = state
        .faults
        .scheduled()
        .map(|fault| serde_json::to_value(fault).unwrap_or_default())
        .collect();
    html! {
        @if faults.is_empty() { p.quiet { "None." } } @else {
            div.wide { table {
                tr { th { "On" } th.number { "Skip" } th.number { "Times" } th { "Do" } }
                @for fault in faults {
                    tr {
                        td { (plain(&fault["on"])) }
                        td.number { (plain(&fault["skip"])) }
                        td.number { (plain(&fault["times"])) }
                        td.text { code { (plain(&fault["do"])) } }
                    }
                }
            } }
        }
    }
}
