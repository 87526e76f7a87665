//! The README's three terminals: a simulator, the services, and a person with a file and a shell.

use end_to_end::{
    installation::{Counts, Installation},
    pages::{commands_behind, page, shell},
    processes::{Running, finish, repository},
    simulator::{Org, Simulator},
    until::until,
};
use serde_json::{Value, json};

/// Salesforce is away until somebody clears the faults.
fn salesforce_is_away() -> Value {
    json!([{"on": "write", "times": 1_000_000, "do": {
        "kind": "status", "status": 503, "errorCode": "SERVER_UNAVAILABLE", "message": "try later",
    }}])
}

/// An ordinary profile, with one status.
fn profile(id: &str, last_name: &str, update_id: &str) -> String {
    json!({
        "identityMap": {"crmID": [{"id": id}]},
        "segmentMembership": {"ups": {"crm-2": {"status": "realized"}}},
        "person": {"name": {"lastName": last_name}},
        "_sluice": {"updateId": update_id},
    })
    .to_string()
}

/// The ids of some of the sample org's Contacts.
async fn contact_ids(org: &Org) -> anyhow::Result<Vec<String>> {
    Ok(org.contacts().await?.into_keys().collect())
}

/// What to do stands below what is wrong.
fn has_fix(complaint: &str) -> bool {
    complaint.lines().skip(1).any(|line| !line.trim().is_empty())
}

async fn wait_for_delivery_state(services: &Installation, state: &str) -> anyhow::Result<()> {
    until(&format!("the state '{state}' of the delivery"), async || {
        let text = services.run("destinations get crm-contacts").await?.succeeded()?;
        let delivery = text.lines().find(|line| line.starts_with("delivery "));
        Ok(delivery.filter(|line| line.contains(state)).map(drop))
    })
    .await
}

async fn wait_until_accepted(services: &Installation, updates: i64) -> anyhow::Result<()> {
    until("the acceptance of all updates", async || {
        let counts = services.counts().await?;
        Ok(counts.filter(|counts| counts.received == updates).map(drop))
    })
    .await
}

#[tokio::test]
async fn the_commands_of_the_readme_work_as_they_are_written() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let services = Installation::start(&simulator).await?;
    let commands = commands_behind(&page("README.md")?, "**Terminal 3**")?;

    let shown = finish(&mut shell(&commands, &services, &repository())?)
        .await?
        .succeeded()?;

    for told in ["Connected to Acme", "activated", "10 updates accepted, 0 refused"] {
        assert!(shown.contains(told), "no '{told}' in\n{shown}");
    }
    assert!(
        shown.contains("STRING_TOO_LONG") && shown.contains("INVALID_EMAIL_ADDRESS"),
        "{shown}"
    );
    let counts = services.counts().await?.unwrap();
    assert_eq!(
        (counts.received, counts.waiting, counts.failed),
        (10, 0, 2),
        "{shown}"
    );
    Ok(())
}

#[tokio::test]
async fn row_10_84_160_175_profiles_sent_from_the_shell_are_in_salesforce_field_by_field()
-> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    let ids = contact_ids(&org).await?;
    let before = org.contact(&ids[2]).await?;

    services.connect(&org).await?;
    let checked = services.run("connections check acme").await?.succeeded()?;
    assert!(checked.starts_with("Connected to Acme"), "{checked}");
    for line in [
        "destinations create crm-contacts --connection acme --record-type contact",
        "mappings set crm-contacts identity:crmID=SalesforceId person.name.lastName=LastName \
         person.name.firstName=FirstName personalEmail.address=Email",
        "segments add crm-contacts crm-2=crm_2_seg vip=vip_customers newsletter=newsletter",
        "destinations activate crm-contacts",
    ] {
        services.run(line).await?.succeeded()?;
    }
    let file = services.write(
        "profiles.jsonl",
        &[
            json!({
                "identityMap": {"crmID": [{"id": ids[0], "primary": true}], "Email": [{"id": "a@example.org"}]},
                "segmentMembership": {"ups": {
                    "crm-2": {"status": "realized", "lastQualificationTime": "2026-11-02T08:00:00Z"},
                    "vip": {"status": "exited"},
                    "somebody-elses": {"status": "realized"},
                }},
                "person": {"name": {"lastName": "Πάππας", "firstName": "Ελένη"}},
                "personalEmail": {"address": "eleni@example.org"},
            })
            .to_string(),
            // An explicit null blanks, an absent value leaves alone.
            json!({
                "identityMap": {"crmID": [{"id": ids[1]}]},
                "segmentMembership": {"ups": {"newsletter": {"status": "existing"}}},
                "person": {"name": {"lastName": "Only", "firstName": null}},
            })
            .to_string(),
        ],
    )?;
    let line = format!("send --destination crm-contacts {} --wait", file.display());
    let sent = services.run(&line).await?.succeeded()?;

    assert!(sent.contains("2 updates accepted, 0 refused"), "{sent}");
    assert!(
        sent.contains("2 identities delivered, 0 excluded, 0 failed"),
        "{sent}"
    );
    let first = org.contact(&ids[0]).await?;
    assert_eq!(first["LastName"], "Πάππας");
    assert_eq!(first["FirstName"], "Ελένη");
    assert_eq!(first["Email"], "eleni@example.org");
    assert_eq!(first["crm_2_seg__c"], "realized");
    assert_eq!(first["vip_customers__c"], "exited");
    assert_eq!(first.get("newsletter__c"), None);
    let second = org.contact(&ids[1]).await?;
    assert_eq!(second["LastName"], "Only");
    assert_eq!(second.get("FirstName"), None);
    assert!(
        second["Email"].as_str().unwrap().ends_with("@example.com"),
        "{second:?}"
    );
    assert_eq!(second["newsletter__c"], "existing");
    assert_eq!(org.contact(&ids[2]).await?, before, "nobody spoke of this one");
    Ok(())
}

#[tokio::test]
async fn the_same_file_is_not_sent_twice_and_the_command_says_so() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let lines = [profile(&ids[0], "One", "u-1"), profile(&ids[1], "Two", "u-2")];
    let file = services.write("profiles.jsonl", &lines)?;
    let line = format!("send --destination crm-contacts {} --wait", file.display());
    services.run(&line).await?.succeeded()?;
    let calls = org.counter("write_calls").await?;

    let again = services.run(&line).await?.succeeded()?;

    assert!(
        again.contains("2 updates") && again.contains("not sent again") && again.contains("--producer"),
        "{again}"
    );
    assert!(again.contains("0 updates accepted, 0 refused"), "{again}");
    assert_eq!(services.counts().await?.unwrap().received, 2);
    assert_eq!(org.counter("write_calls").await?, calls);
    Ok(())
}

#[tokio::test]
async fn a_malformed_line_is_refused_by_its_number_and_the_others_are_delivered() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let file = services.write(
        "profiles.jsonl",
        &[
            profile(&ids[0], "First", "u-1"),
            "this is no JSON".to_owned(),
            json!({"identityMap": {"crmID": [{"id": ids[1]}, {"id": 7}]}}).to_string(),
            json!({"segmentMembership": {"ups": {"vip": {"status": "left"}}}}).to_string(),
            String::new(),
            profile(&ids[1], "Sixth", "u-6"),
        ],
    )?;

    let finished = services
        .run(&format!(
            "send --destination crm-contacts {} --wait",
            file.display()
        ))
        .await?;

    let shown = finished.stdout.clone();
    let complaints = finished.failed()?;
    for (line, path) in [
        (2, "json_document"),
        (3, "identityMap.crmID[1].id"),
        (4, "segmentMembership.ups.vip.status"),
    ] {
        let complaint = complaints
            .lines()
            .find(|complaint| complaint.starts_with(&format!("line {line}: ")))
            .unwrap_or_else(|| panic!("nothing of line {line} in\n{complaints}"));
        assert!(complaint.contains(path), "{complaint}");
    }
    assert_eq!(complaints.lines().count(), 3, "{complaints}");
    assert!(shown.contains("2 updates accepted, 3 refused"), "{shown}");
    assert_eq!(org.contact(&ids[0]).await?["LastName"], "First");
    assert_eq!(org.contact(&ids[1]).await?["LastName"], "Sixth");
    Ok(())
}

#[tokio::test]
async fn a_line_that_was_refused_is_refused_again_when_the_file_is_sent_again() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let lines = ["this is no JSON".to_owned(), profile(&ids[0], "Second", "u-2")];
    let file = services.write("profiles.jsonl", &lines)?;
    let line = format!("send --destination crm-contacts {}", file.display());
    services.run(&line).await?.failed()?;

    let again = services.run(&line).await?;

    assert!(again.stdout.contains("1 updates were answered before"), "{again}");
    assert!(again.failed()?.contains("line 1: "));
    assert_eq!(services.counts().await?.unwrap().received, 1);
    Ok(())
}

#[tokio::test]
async fn a_last_name_that_is_too_long_is_a_dead_letter_with_code_and_field() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let lines = [
        profile(&ids[0], &"x".repeat(81), "u-long"),
        profile(&ids[1], "Short", "u-short"),
    ];
    let file = services.write("profiles.jsonl", &lines)?;

    let sent = services
        .run(&format!(
            "send --destination crm-contacts {} --wait",
            file.display()
        ))
        .await?
        .succeeded()?;
    let letters = services.run("dead-letters crm-contacts").await?.succeeded()?;

    assert!(
        sent.contains("1 identities delivered, 0 excluded, 1 failed"),
        "{sent}"
    );
    let letter = letters.lines().find(|line| line.contains("u-long")).unwrap();
    for told in ["STRING_TOO_LONG", "LastName", ids[0].as_str()] {
        assert!(letter.contains(told), "no '{told}' in {letter}");
    }
    assert!(!letters.contains("u-short"), "{letters}");
    assert_eq!(org.contact(&ids[1]).await?["LastName"], "Short");
    Ok(())
}

#[tokio::test]
async fn a_wrong_mapping_id_is_refused_at_activation_with_field_segment_and_fix() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.draft(&org).await?;
    services
        .run("segments update crm-contacts vip --mapping-id crm_3_seg")
        .await?
        .succeeded()?;

    let complaint = services
        .run("destinations activate crm-contacts")
        .await?
        .failed()?;

    for told in [
        "Field crm_3_seg__c does not exist on Contact",
        "segment vip",
        "Create it (sluice segments provision DESTINATION, or in Setup), or correct the Mapping ID",
    ] {
        assert!(complaint.contains(told), "no '{told}' in {complaint}");
    }
    services
        .run("segments update crm-contacts vip --mapping-id vip_customers")
        .await?
        .succeeded()?;
    services
        .run("destinations activate crm-contacts")
        .await?
        .succeeded()?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_client_secret_fails_the_connection_check_with_reason_and_fix() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.connect(&org).await?;
    let mut put = services.command("credentials put acme --client-id sluice-sample-client")?;
    finish(put.env("SLUICE_CLIENT_SECRET", "not-the-secret"))
        .await?
        .succeeded()?;

    let complaint = services.run("connections check acme").await?.failed()?;

    assert!(has_fix(&complaint), "{complaint}");
    for told in ["CLIENT_SECRET_REFUSED", "Consumer Secret"] {
        assert!(complaint.contains(told), "no '{told}' in {complaint}");
    }
    assert!(!complaint.contains("not-the-secret"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_connection_without_credentials_fails_its_check_with_reason_and_fix() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let services = Installation::start(&simulator).await?;
    services
        .run("connections create acme --custom-domain acme")
        .await?
        .succeeded()?;

    let complaint = services.run("connections check acme").await?.failed()?;

    assert!(complaint.contains("CREDENTIALS_NOT_FOUND"), "{complaint}");
    assert!(has_fix(&complaint), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn a_salesforce_that_does_not_answer_fails_the_connection_check_with_reason_and_fix()
-> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.draft(&org).await?;
    drop(simulator);

    let complaint = services.run("connections check acme").await?.failed()?;
    let activation = services
        .run("destinations activate crm-contacts")
        .await?
        .failed()?;

    for complaint in [&complaint, &activation] {
        assert!(
            complaint.contains("no connection to acme.my.salesforce.com"),
            "{complaint}"
        );
    }
    assert!(complaint.contains("SALESFORCE_UNAVAILABLE"), "{complaint}");
    assert!(has_fix(&complaint), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn row_63_a_disabled_destination_refuses_updates_and_keeps_what_waits_until_it_is_enabled()
-> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let accepted = services.write("accepted.jsonl", &[profile(&ids[0], "Accepted", "u-1")])?;
    let refused = services.write("refused.jsonl", &[profile(&ids[1], "Refused", "u-2")])?;
    org.add_faults(&salesforce_is_away()).await?;
    let send = |file: &std::path::Path| format!("send --destination crm-contacts {}", file.display());
    services.run(&send(&accepted)).await?.succeeded()?;

    services
        .run("destinations disable crm-contacts")
        .await?
        .succeeded()?;
    wait_for_delivery_state(&services, "paused").await?;
    let complaint = services.run(&send(&refused)).await?.failed()?;
    assert!(complaint.contains("DESTINATION_DISABLED"), "{complaint}");
    org.clear_faults().await?;
    let counts = services.counts().await?.unwrap();
    assert_eq!((counts.received, counts.waiting), (1, 1));

    services
        .run("destinations enable crm-contacts --waiting resume")
        .await?
        .succeeded()?;
    wait_for_delivery_state(&services, "delivering").await?;
    services
        .run(&format!("{} --wait", send(&refused)))
        .await?
        .succeeded()?;
    let expected = Counts {
        received: 2,
        delivered: 2,
        ..Counts::default()
    };
    assert_eq!(services.counts().await?, Some(expected));
    assert_eq!(org.contact(&ids[0]).await?["LastName"], "Accepted");
    assert_eq!(org.contact(&ids[1]).await?["LastName"], "Refused");
    Ok(())
}

#[tokio::test]
async fn row_67_68_a_deleted_destination_delivers_what_it_accepted_and_is_gone_then() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let file = services.write("profiles.jsonl", &[profile(&ids[0], "Drained", "u-1")])?;
    let send = format!("send --destination crm-contacts {}", file.display());
    org.add_faults(&salesforce_is_away()).await?;
    services.run(&send).await?.succeeded()?;
    wait_until_accepted(&services, 1).await?;

    services
        .run("destinations delete crm-contacts")
        .await?
        .succeeded()?;
    wait_for_delivery_state(&services, "error").await?;
    org.clear_faults().await?;

    let complaint = until("the end of the destination", async || {
        let got = services.run("destinations get crm-contacts").await?;
        Ok((!got.status.success()).then_some(got.stderr))
    })
    .await?;
    assert!(complaint.contains("crm-contacts does not exist"), "{complaint}");
    assert_eq!(org.contact(&ids[0]).await?["LastName"], "Drained");
    let complaint = services
        .run(&format!("{send} --producer later"))
        .await?
        .failed()?;
    assert!(complaint.contains("DESTINATION_NOT_FOUND"), "{complaint}");
    Ok(())
}

#[tokio::test]
async fn row_240_a_producer_is_told_how_each_of_its_updates_ended() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let file = services.write(
        "profiles.jsonl",
        &[
            profile(&ids[0], "Written", "u-written"),
            json!({"identityMap": {"Email": [{"id": "a@example.org"}]}, "_sluice": {"updateId": "u-nobody"}})
                .to_string(),
            profile(&ids[1], &"x".repeat(81), "u-long"),
        ],
    )?;
    let others = services.write("others.jsonl", &[profile(&ids[2], "Other", "u-other")])?;
    let watch = services.command("receipts --producer web");
    let receipts = Running::start("sluice receipts", &mut watch?)?;
    for (producer, file) in [("other", others), ("web", file)] {
        let line = format!(
            "send --destination crm-contacts {} --producer {producer}",
            file.display()
        );
        services.run(&line).await?.succeeded()?;
    }

    // Their order is that of settlement.
    until("a receipt for each update", async || {
        let said = receipts.said();
        let told = |update: &str, outcome: &str| {
            said.lines()
                .any(|line| line.contains(update) && line.contains(outcome) && line.contains("web"))
        };
        let all = told("#1 u-written identity 0", "delivered WRITTEN")
            && told("#2 u-nobody", "excluded NO_IDENTITY")
            && told("#3 u-long identity 0", "failed STRING_TOO_LONG");
        Ok(all.then_some(()))
    })
    .await?;
    assert!(!receipts.said().contains("u-other"), "{}", receipts.said());
    receipts.kill().await?;
    Ok(())
}

#[tokio::test]
async fn row_238_the_services_stop_cleanly_and_start_again_where_they_were() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let mut services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let ids = contact_ids(&org).await?;
    let file = services.write("profiles.jsonl", &[profile(&ids[0], "Waited", "u-1")])?;
    let send = format!("send --destination crm-contacts {}", file.display());
    org.add_faults(&salesforce_is_away()).await?;
    services.run(&send).await?.succeeded()?;

    let stopped = services.terminate().await?;
    assert!(stopped.status.success(), "{stopped}");
    org.clear_faults().await?;
    services.up().await?;

    let sent = services.run(&format!("{send} --wait")).await?.succeeded()?;
    assert!(sent.contains("1 identities delivered"), "{sent}");
    assert_eq!(org.contact(&ids[0]).await?["LastName"], "Waited");
    Ok(())
}
