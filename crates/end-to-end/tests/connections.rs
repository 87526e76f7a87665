//! A Salesforce login as an on-call person sees it: what is said of it, and what delivery does meanwhile.

use end_to_end::{installation::Installation, simulator::Simulator, until::until};
use serde_json::json;

/// Waits until the destination's properties have a line with all of these, and returns them.
async fn destination_with(services: &Installation, words: &[&str]) -> anyhow::Result<String> {
    until(&format!("a destination with {words:?}"), async || {
        let text = services.run("destinations get crm-contacts").await?.succeeded()?;
        Ok(words.iter().all(|word| text.contains(word)).then_some(text))
    })
    .await
}

#[tokio::test]
async fn a_login_that_reaches_another_org_holds_delivery_until_the_org_is_confirmed() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let first = simulator.create_org("first", 0).await?;
    let second = simulator.create_org("second", 0).await?;
    // The orgs name their records alike, as an org and its full copy do.
    let person = [json!({"LastName": "Before"})];
    let id = first.create_contacts(&person).await?.remove(0);
    let copy = second.create_contacts(&person).await?.remove(0);
    let services = Installation::start(&simulator).await?;
    services.activate(&first).await?;
    let send = async |id: &str, last_name: &str| {
        let profile = json!({
            "identityMap": {"crmID": [{"id": id}]},
            "segmentMembership": {"ups": {"crm-2": {"status": "realized"}}},
            "person": {"name": {"lastName": last_name}},
            "_sluice": {"updateId": last_name},
        });
        let file = services.write(&format!("{last_name}.jsonl"), &[profile.to_string()])?;
        let line = format!(
            "send --destination crm-contacts --producer {last_name} {}",
            file.display()
        );
        services.run(&line).await?.succeeded()
    };
    send(&id, "First").await?;
    until("the first delivery", async || {
        let counts = services.counts().await?;
        Ok(counts.filter(|counts| counts.delivered == 1).map(drop))
    })
    .await?;

    services
        .run("connections update acme --custom-domain second")
        .await?
        .succeeded()?;
    send(&copy, "Second").await?;

    let held = destination_with(&services, &["ORG_CHANGED", "different Salesforce org"]).await?;
    assert!(held.contains("confirm-org"), "{held}");
    assert_eq!(second.contact(&copy).await?["LastName"], "Before");
    let complaint = services.run("connections check acme").await?.failed()?;
    let org = complaint
        .split_whitespace()
        .last()
        .expect("the fix ends in the org's id")
        .to_owned();
    assert!(
        org.starts_with("00D") && complaint.contains("ORG_CHANGED"),
        "{complaint}"
    );
    let wrong = services
        .run("connections confirm-org acme 00D000000000001EAA")
        .await?
        .failed()?;
    assert!(wrong.contains(&org), "{wrong}");

    let confirmed = services
        .run(&format!("connections confirm-org acme {org} --actor ann"))
        .await?
        .succeeded()?;

    assert!(confirmed.contains("Connected to Simulated Org"), "{confirmed}");
    until("the delivery to the confirmed org", async || {
        let counts = services.counts().await?;
        Ok(counts
            .filter(|counts| counts.delivered == 2 && counts.waiting == 0)
            .map(drop))
    })
    .await?;
    assert_eq!(second.contact(&copy).await?["LastName"], "Second");
    assert_eq!(first.contact(&id).await?["LastName"], "First");
    let shown = services.run("connections get acme").await?.succeeded()?;
    for part in ["Connected", "second.my.salesforce.com", &org, "by ann"] {
        assert!(shown.contains(part), "no '{part}' in {shown}");
    }
    Ok(())
}

#[tokio::test]
async fn row_17_47_57_199_the_command_line_tells_what_an_on_call_person_needs() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.connect(&org).await?;
    let listed = services.run("connections list").await?.succeeded()?;
    assert!(listed.contains("Not checked"), "{listed}");

    let checked = services.run("connections check acme").await?.succeeded()?;

    assert!(checked.starts_with("Connected to Acme"), "{checked}");
    let listed = services.run("connections list").await?.succeeded()?;
    assert!(
        listed.contains("Connected") && listed.contains("Acme"),
        "{listed}"
    );
    let refused = json!([{"on": "token", "do": {"kind": "status", "status": 400,
        "content_type": "application/json;charset=UTF-8",
        "body": json!({"error": "invalid_grant", "error_description": "ip restricted"}).to_string()}}]);
    org.add_faults(&refused).await?;
    let complaint = services.run("connections check acme").await?.failed()?;
    for part in [
        "IP_NOT_ALLOWED",
        "The client's IP address is unauthorized for this account. Allowlist the client's IP address...",
        "Network Access",
        "config.egress_addresses",
    ] {
        assert!(complaint.contains(part), "no '{part}' in {complaint}");
    }
    let catalog = services.run("catalog").await?.succeeded()?;
    for part in [
        "Salesforce CRM (CRM)",
        "profile_based, streaming",
        "1 connections (0 connected), 0 destinations",
        "client_credentials",
        "recommended",
        "Salesforce ID Type",
    ] {
        assert!(catalog.contains(part), "no '{part}' in {catalog}");
    }
    Ok(())
}
