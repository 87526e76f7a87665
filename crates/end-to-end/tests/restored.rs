//! Configuration can be lost and restored: what was accepted for it waits, and is delivered when it is back.

use std::{fs, path::Path};

use anyhow::ensure;
use end_to_end::{
    installation::{Counts, Installation},
    profiles::Profiles,
    simulator::Simulator,
    until::until,
};
use serde_json::json;

const PEOPLE: usize = 20;
const UPDATES: usize = 80;
/// Updates that are accepted and cannot be delivered before the configuration is gone.
const WAITING: usize = 40;

/// Sends one update; tells whether it was taken. One that was not must name the reason.
async fn is_taken(services: &Installation, line: &str) -> anyhow::Result<bool> {
    let file = services.write("next.jsonl", &[line.to_owned()])?;
    let sent = services
        .run(&format!("send --destination crm-contacts {}", file.display()))
        .await?;
    if sent.status.success() {
        return Ok(true);
    }
    let said = format!("{}{}", sent.stdout, sent.stderr);
    ensure!(
        said.contains("DESTINATION_MISSING") && said.contains("nobody deleted it"),
        "{said}"
    );
    Ok(false)
}

fn move_config(data: &Path, from: &str, to: &str) -> anyhow::Result<()> {
    Ok(fs::rename(data.join(from), data.join(to))?)
}

#[tokio::test]
async fn what_was_accepted_waits_while_its_configuration_is_lost() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.create_org("restored", 0).await?;
    let profiles = Profiles::create(&org, PEOPLE, UPDATES).await?;
    let mut services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let fault =
        json!({"on": "write", "times": 1_000_000, "do": {"kind": "status", "status": 503, "body": "down"}});
    org.add_faults(&json!([fault])).await?;
    let file = services.write("waiting.jsonl", &profiles.lines[..WAITING])?;
    services
        .run(&format!("send --destination crm-contacts {}", file.display()))
        .await?
        .succeeded()?;

    // Somebody starts the services on an empty database of configuration.
    services.terminate().await?.succeeded()?;
    move_config(&services.data(), "config.db", "config.db.kept")?;
    services.up().await?;
    let mut next = WAITING;
    until("the refusal of an update", async || {
        let is_taken = is_taken(&services, &profiles.lines[next]).await?;
        next += usize::from(is_taken);
        Ok((!is_taken).then_some(()))
    })
    .await?;
    org.clear_faults().await?;

    // The right one again.
    services.terminate().await?.succeeded()?;
    assert_eq!(org.counter("records_written").await?, 0);
    move_config(&services.data(), "config.db", "config.db.empty")?;
    move_config(&services.data(), "config.db.kept", "config.db")?;
    services.up().await?;
    let rest = services.write("rest.jsonl", &profiles.lines[next..])?;
    until("the rest to be taken", async || {
        let sent = services
            .run(&format!(
                "send --destination crm-contacts {} --wait",
                rest.display()
            ))
            .await?;
        Ok(sent.status.success().then_some(()))
    })
    .await?;

    let waits = |counts: &Counts| counts.waiting > 0;
    until("the last outcome", async || {
        Ok(services.counts().await?.filter(|counts| !waits(counts)))
    })
    .await?;
    let differences = profiles.differences(&org.contacts().await?, 10);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(services.counts().await?, Some(profiles.counts));
    Ok(())
}
