//! Trying a destination before profiles flow:
//! `sluice destinations check | dry-run | rehearse | send-one | last-check`.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use contracts::config::v1::{self as pb, sample_identity, sample_profile::Sample};
use serde_json::{Map, Value};

use super::{
    destinations::NameArgs,
    text::{print_table, short, time},
};
use crate::{
    cli::ClientArgs,
    client::{Servers, sent},
};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare a destination with the org as it is now, and list everything that is wrong. Writes nothing.
    Check(CheckArgs),
    /// Show the exact records that sample profiles would become, and what would be excluded and why.
    DryRun(SamplesArgs),
    /// Have Salesforce judge the records of sample profiles by all its rules, and save none of them.
    Rehearse(SamplesArgs),
    /// Really write one profile, and show its record before and after. Not while the destination is enabled.
    SendOne(SamplesArgs),
    /// Show what the newest daily check of a live destination found, and what changed.
    LastCheck(NameArgs),
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Id of the destination.
    destination: String,
    /// A Salesforce record that the login must see and edit; may be given several times.
    #[arg(long, value_name = "ID")]
    record: Vec<String>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct SamplesArgs {
    /// Id of the destination.
    destination: String,
    /// File with profiles as JSON documents, one after the other or as one list; - reads standard input.
    #[arg(long, value_name = "FILE")]
    samples: PathBuf,
    #[command(flatten)]
    client: ClientArgs,
}

/// Fails when something stands against the destination or a sample.
pub async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let is_fine = match command {
        Command::Check(args) => check(args).await?,
        Command::DryRun(args) => dry_run(args).await?,
        Command::Rehearse(args) => rehearse(args).await?,
        Command::SendOne(args) => send_one(args).await?,
        Command::LastCheck(args) => last_check(args).await?,
    };
    Ok(if is_fine {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn check(args: CheckArgs) -> anyhow::Result<bool> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::CheckDestinationRequest {
        name: name.clone(),
        sample_record_ids: args.record,
    };
    let answer = servers.preflight().check_destination(request).await?.into_inner();
    let check = sent(answer.check)?;
    print_check(&destination(&servers, name).await?, &check);
    Ok(check.errors == 0)
}

async fn last_check(args: NameArgs) -> anyhow::Result<bool> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::GetLastCheckRequest { name: name.clone() };
    let answer = servers.preflight().get_last_check(request).await?.into_inner();
    let check = sent(answer.check)?;
    println!("checked {}", time(check.check_time));
    print_check(&destination(&servers, name.clone()).await?, &check);
    let request = pb::ListCheckChangesRequest {
        parent: name,
        ..Default::default()
    };
    let changes = servers
        .preflight()
        .list_check_changes(request)
        .await?
        .into_inner();
    let rows = changes
        .changes
        .iter()
        .flat_map(|change| {
            let row = |what: &str, finding: &pb::Finding| {
                vec![
                    time(change.time),
                    what.to_owned(),
                    finding.code.clone(),
                    finding.message.clone(),
                ]
            };
            let appeared = change
                .appeared
                .iter()
                .map(|finding| row("new", finding))
                .collect::<Vec<_>>();
            let gone = change
                .disappeared
                .iter()
                .map(|finding| row("gone", finding))
                .collect();
            [appeared, gone].concat()
        })
        .collect();
    println!();
    print_table(
        &["noticed", "", "code", "finding"],
        rows,
        "nothing changed since the first check",
    );
    Ok(check.errors == 0)
}

async fn destination(servers: &Servers, name: String) -> anyhow::Result<pb::Destination> {
    let request = pb::GetDestinationRequest { name };
    let answer = servers.destinations().get_destination(request).await?;
    sent(answer.into_inner().destination)
}

fn print_check(of: &pb::Destination, check: &pb::DestinationCheck) {
    let id = short(&of.name);
    for finding in &check.findings {
        let severity = match finding.severity() {
            pb::Severity::Error => "ERROR",
            pb::Severity::Warning => "warning",
            pb::Severity::Advice => "advice",
            pb::Severity::Unspecified => "",
        };
        println!("{severity:8} {}.", finding.message);
        if !finding.fix.is_empty() {
            println!("{:8} -> {}.", "", finding.fix);
        }
        println!("{:8} {} ({})", "", finding.field, finding.code);
    }
    let counted = |count: i32, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    println!(
        "{id}: {}, {}, {}",
        counted(check.errors, "error", "errors"),
        counted(check.warnings, "warning", "warnings"),
        counted(check.advice, "piece of advice", "pieces of advice"),
    );
    println!("{}", verdict(of, check));
    for command in commands(&id, check) {
        println!("  {command}");
    }
}

/// Says what the findings mean for what comes next.
fn verdict(of: &pb::Destination, check: &pb::DestinationCheck) -> String {
    let id = short(&of.name);
    let is_draft = of.state() == pb::DestinationState::Draft;
    let has_changes = !of.staged_changes.is_empty();
    match (check.org_asked, check.errors) {
        (false, _) => "the org could not be asked; there may be more to mend when it can".to_owned(),
        (true, 0) if is_draft => {
            format!("nothing stands against activating it: sluice destinations activate {id}")
        }
        (true, 0) if has_changes => {
            format!("nothing stands against its changes: sluice destinations apply-changes {id}")
        }
        (true, 0) => "nothing stands against what is live".to_owned(),
        (true, _) if is_draft => "it cannot be activated until the errors are mended".to_owned(),
        (true, _) if has_changes => "its changes cannot go live until the errors are mended".to_owned(),
        (true, _) => {
            "what is live has errors; some of it cannot be delivered until they are mended".to_owned()
        }
    }
}

/// Returns the commands that mend findings, where one does.
fn commands(id: &str, check: &pb::DestinationCheck) -> Vec<String> {
    let lacks_field: Vec<&str> = check
        .findings
        .iter()
        .filter(|finding| finding.code == "FIELD_MISSING" && !finding.segment.is_empty())
        .map(|finding| finding.segment.as_str())
        .collect();
    let Some(one) = lacks_field.first() else {
        return Vec::new();
    };
    vec![
        format!("find a field's name: sluice fields list --destination {id} --query …"),
        format!("correct a Mapping ID: sluice segments update {id} {one} --mapping-id …"),
        format!(
            "make missing fields: sluice segments provision {id} {all}, or sluice segments package {id} {all}",
            all = lacks_field.join(" ")
        ),
    ]
}

async fn dry_run(args: SamplesArgs) -> anyhow::Result<bool> {
    let servers = args.client.servers()?;
    let request = pb::DryRunRequest {
        name: servers.destination_name(&args.destination)?,
        samples: read_samples(&args.samples)?,
    };
    let answer = servers.preflight().dry_run(request).await?.into_inner();
    for sample in &answer.samples {
        print_sample(sample);
    }
    if !answer.org_asked {
        println!("the org could not be asked; what is known of it was used");
    }
    let rows = answer
        .segments
        .iter()
        .map(|segment| {
            let name = if segment.display_name.is_empty() {
                &segment.segment
            } else {
                &segment.display_name
            };
            vec![
                name.clone(),
                segment.samples.to_string(),
                segment.without_consent.to_string(),
                segment.remaining.to_string(),
            ]
        })
        .collect();
    println!();
    print_table(
        &["segment", "samples in it", "without consent", "would be written"],
        rows,
        "no segments are active",
    );
    println!("nothing was written");
    Ok(!has_failures(&answer.samples))
}

async fn rehearse(args: SamplesArgs) -> anyhow::Result<bool> {
    let servers = args.client.servers()?;
    let request = pb::RehearseRequest {
        name: servers.destination_name(&args.destination)?,
        samples: read_samples(&args.samples)?,
    };
    let answer = servers.preflight().rehearse(request).await?.into_inner();
    for sample in &answer.samples {
        print_unwritten(sample);
    }
    let mut counts = [0; 3];
    for record in &answer.records {
        let samples: Vec<String> = record
            .samples
            .iter()
            .map(|sample| (sample + 1).to_string())
            .collect();
        let of = record.record.clone().unwrap_or_default();
        let (verdict, count) = match record.verdict() {
            pb::RehearsalVerdict::Fine => ("fine", 0),
            pb::RehearsalVerdict::Refused => ("REFUSED", 1),
            pb::RehearsalVerdict::NotJudged | pb::RehearsalVerdict::Unspecified => ("NOT JUDGED", 2),
        };
        counts[count] += 1;
        println!(
            "{verdict:10} {} {} (sample {})",
            of.object,
            of.key,
            samples.join(", ")
        );
        print_errors(&record.errors);
    }
    let [fine, refused, not_judged] = counts;
    println!(
        "\nof {} records Salesforce would take {fine} and refuse {refused}; {not_judged} were not judged",
        answer.records.len()
    );
    println!(
        "nothing was saved; it took {} of the org's daily calls",
        answer.calls
    );
    Ok(refused + not_judged == 0 && !has_failures(&answer.samples))
}

async fn send_one(args: SamplesArgs) -> anyhow::Result<bool> {
    let servers = args.client.servers()?;
    let mut samples = read_samples(&args.samples)?;
    let sample = samples.pop();
    if !samples.is_empty() {
        bail!(
            "the file has {} profiles; one is sent at a time",
            samples.len() + 1
        );
    }
    let request = pb::SendOneRequest {
        name: servers.destination_name(&args.destination)?,
        sample,
    };
    let answer = servers.preflight().send_one(request).await?.into_inner();
    let sample = sent(answer.sample)?;
    print_unwritten(&sample);
    for sent in &answer.records {
        let record = sent.record.clone().unwrap_or_default();
        let done = match (sent.errors.is_empty(), sent.created) {
            (true, true) => "created",
            (true, false) => "updated",
            (false, _) => "REFUSED",
        };
        println!("{done} {} {}", record.object, record.key);
        print_errors(&sent.errors);
        let shown = |json: &str| {
            if json.is_empty() {
                "(none)".to_owned()
            } else {
                json.to_owned()
            }
        };
        let rows = sent
            .changes
            .iter()
            .map(|change| {
                vec![
                    change.field.clone(),
                    shown(&change.before_json),
                    shown(&change.after_json),
                ]
            })
            .collect();
        print_table(&["field", "before", "after"], rows, "no fields were written");
        if !sent.link.is_empty() {
            println!("look at it: {}", sent.link);
        }
    }
    let is_fine = answer.records.iter().all(|record| record.errors.is_empty());
    Ok(is_fine && !answer.records.is_empty() && !has_failures(&[sample]))
}

fn print_sample(sample: &pb::SampleResult) {
    println!("{}", heading(sample));
    for identity in &sample.identities {
        if let Some(sample_identity::Result::Record(record)) = &identity.result {
            println!(
                "  writes {} with {} = {}",
                record.object, record.key_field, record.key
            );
            let fields: Map<String, Value> = serde_json::from_str(&record.fields_json).unwrap_or_default();
            let width = fields.keys().map(String::len).max().unwrap_or(0);
            for (field, value) in &fields {
                println!("    {field:width$}  {value}");
            }
            if !record.excluded_as.is_empty() {
                println!("  and counts it as excluded: {}", record.excluded_as);
            }
        }
    }
    print_reasons(sample);
}

/// Prints what of a sample is not written; nothing when all of it is.
fn print_unwritten(sample: &pb::SampleResult) {
    let is_written =
        |identity: &pb::SampleIdentity| matches!(identity.result, Some(sample_identity::Result::Record(_)));
    if !sample.identities.iter().all(is_written) {
        println!("{}", heading(sample));
        print_reasons(sample);
    }
}

fn print_reasons(sample: &pb::SampleResult) {
    for identity in &sample.identities {
        let (word, why) = match &identity.result {
            Some(sample_identity::Result::Excluded(why)) => ("excluded", why),
            Some(sample_identity::Result::Failed(why)) => ("FAILS", why),
            Some(sample_identity::Result::Record(_)) | None => continue,
        };
        let id = if identity.id.is_empty() {
            String::new()
        } else {
            format!(" {}", identity.id)
        };
        println!("  {word}{id}: {}", reason(why));
    }
}

fn heading(sample: &pb::SampleResult) -> String {
    let number = sample.sample + 1;
    if sample.update_id.is_empty() {
        format!("sample {number}")
    } else {
        format!("sample {number} ({})", sample.update_id)
    }
}

fn print_errors(errors: &[pb::SampleRefusal]) {
    for error in errors {
        println!("           {}", reason(error));
    }
}

fn reason(why: &pb::SampleRefusal) -> String {
    if why.fields.is_empty() {
        format!("{} ({})", why.message, why.code)
    } else {
        format!("{} ({}: {})", why.message, why.code, why.fields.join(", "))
    }
}

fn has_failures(samples: &[pb::SampleResult]) -> bool {
    samples
        .iter()
        .flat_map(|sample| &sample.identities)
        .any(|identity| matches!(identity.result, Some(sample_identity::Result::Failed(_))))
}

/// Reads JSON documents that follow each other, or stand in lists.
fn read_samples(path: &Path) -> anyhow::Result<Vec<pb::SampleProfile>> {
    let cannot = || format!("{} cannot be read", path.display());
    let text = if path.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).with_context(cannot)?;
        text
    } else {
        fs::read_to_string(path).with_context(cannot)?
    };
    let mut documents = Vec::new();
    for document in serde_json::Deserializer::from_str(&text).into_iter() {
        match document.with_context(|| format!("{} is not JSON", path.display()))? {
            Value::Array(list) => documents.extend(list),
            document => documents.push(document),
        }
    }
    if documents.is_empty() {
        bail!("{} has no profile in it", path.display());
    }
    Ok(documents
        .iter()
        .map(|document: &Value| pb::SampleProfile {
            sample: Some(Sample::Document(document.to_string())),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_ends_with_what_comes_next() {
        let draft = pb::Destination {
            name: "workspaces/default/destinations/crm".to_owned(),
            state: pb::DestinationState::Draft.into(),
            ..Default::default()
        };
        let live = pb::Destination {
            state: pb::DestinationState::Enabled.into(),
            ..draft.clone()
        };
        let edited = pb::Destination {
            staged_changes: vec![pb::StagedChange::default()],
            ..live.clone()
        };
        for (of, errors, told) in [
            (&draft, 0, "sluice destinations activate crm"),
            (&draft, 1, "cannot be activated"),
            (&edited, 0, "sluice destinations apply-changes crm"),
            (&edited, 1, "changes cannot go live"),
            (&live, 0, "nothing stands against what is live"),
            (&live, 1, "what is live has errors"),
        ] {
            let check = pb::DestinationCheck {
                org_asked: true,
                errors,
                ..Default::default()
            };
            let verdict = verdict(of, &check);
            assert!(verdict.contains(told), "{verdict}");
        }
        let unasked = verdict(&draft, &pb::DestinationCheck::default());
        assert!(unasked.contains("could not be asked"), "{unasked}");
    }

    #[test]
    fn segments_without_a_field_come_with_the_commands_that_help() {
        let finding = |code: &str, segment: &str| pb::Finding {
            code: code.to_owned(),
            segment: segment.to_owned(),
            ..Default::default()
        };
        let mut check = pb::DestinationCheck {
            findings: vec![
                finding("FIELD_MISSING", "6b8e"),
                finding("FIELD_MISSING", ""),
                finding("LONG_TEXT", "71f2"),
                finding("FIELD_MISSING", "9c0a"),
            ],
            ..Default::default()
        };
        assert_eq!(
            commands("crm", &check),
            [
                "find a field's name: sluice fields list --destination crm --query …",
                "correct a Mapping ID: sluice segments update crm 6b8e --mapping-id …",
                "make missing fields: sluice segments provision crm 6b8e 9c0a, \
                 or sluice segments package crm 6b8e 9c0a",
            ]
        );
        check.findings.remove(3);
        check.findings.remove(0);
        assert!(commands("crm", &check).is_empty());
    }

    #[test]
    fn samples_are_read_from_lines_pretty_documents_and_lists() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("samples");
        fs::write(
            &file,
            "{\"a\": 1}\n{\n  \"b\": 2\n}\n[{\"c\": 3}, {\"d\": 9007199254740993}]",
        )
        .unwrap();
        let read: Vec<String> = read_samples(&file)
            .unwrap()
            .into_iter()
            .map(|sample| match sample.sample {
                Some(Sample::Document(text)) => text,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            read,
            [
                r#"{"a":1}"#,
                r#"{"b":2}"#,
                r#"{"c":3}"#,
                r#"{"d":9007199254740993}"#
            ]
        );
        fs::write(&file, " ").unwrap();
        assert!(read_samples(&file).is_err());
    }
}
