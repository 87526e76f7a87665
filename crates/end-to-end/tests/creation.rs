//! What an upsert may create, and what waits, from the command line to Salesforce.

use end_to_end::{installation::Installation, simulator::Simulator};
use serde_json::json;

#[tokio::test]
async fn row_157_174_brakes_given_on_the_command_line_hold_and_created_records_are_told_apart()
-> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.connect(&org).await?;
    let before = org.contacts().await?.len();
    for line in [
        "destinations create people --connection acme --record-type contact --upsert-by Crm_Key__c \
         --max-creates-per-day 2",
        "mappings set people identity:crmID=Crm_Key__c person.name.lastName=LastName phone=Phone",
        "segments add people crm-2=crm_2_seg",
        "destinations activate people",
    ] {
        services.run(line).await?.succeeded()?;
    }
    let lines: Vec<String> = (0..3)
        .map(|number| {
            json!({
                "identityMap": {"crmID": [{"id": format!("new-{number}")}]},
                "person": {"name": {"lastName": "Okafor"}},
                // A number in a text field would fail the whole call.
                "phone": 5_550_100,
            })
            .to_string()
        })
        .collect();
    let file = services.write("profiles.jsonl", &lines)?;
    let send = format!("send --destination people {} --wait", file.display());

    let sent = services.run(&send).await?.succeeded()?;

    assert!(
        sent.contains("2 identities delivered, 1 excluded, 0 failed"),
        "{sent}"
    );
    let contacts = org.contacts().await?;
    assert_eq!(contacts.len(), before + 2);
    let created = contacts
        .values()
        .filter(|contact| contact.get("Phone") == Some(&json!("5550100")));
    assert_eq!(created.count(), 2);
    let runs = services.run("runs people").await?.succeeded()?;
    for told in ["records created", "CREATE_LIMIT"] {
        assert!(runs.contains(told), "no '{told}' in {runs}");
    }
    let changed = services
        .run("destinations update people --create never --max-creates-per-day 0")
        .await?
        .succeeded()?;
    assert!(changed.contains("creation_rules.create"), "{changed}");
    let refused = services
        .run("destinations update people --owner-id 0055g000000ExAm")
        .await?
        .failed()?;
    assert!(
        refused.contains("destination.creation_rules.owner_id: must be left out where create is NEVER"),
        "{refused}"
    );
    Ok(())
}

#[tokio::test]
async fn enabling_without_a_choice_says_what_waits_and_enables_nothing() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    services
        .run("destinations disable crm-contacts")
        .await?
        .succeeded()?;

    let asked = services.run("destinations enable crm-contacts").await?.failed()?;

    assert!(asked.contains("no accepted update waits now"), "{asked}");
    let shown = services.run("destinations get crm-contacts").await?.succeeded()?;
    assert!(shown.contains("disabled"), "{shown}");
    let enabled = services
        .run("destinations enable crm-contacts --waiting resume")
        .await?
        .succeeded()?;
    assert!(enabled.contains("enabled"), "{enabled}");
    Ok(())
}
