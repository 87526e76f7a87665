//! What the rules of a mapping make of a profile, from the command line to the field in Salesforce.

use end_to_end::{installation::Installation, simulator::Simulator};
use serde_json::json;

#[tokio::test]
async fn row_78_90_148_rules_given_on_the_command_line_shape_what_salesforce_holds() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let mut services = Installation::start(&simulator).await?;
    let ids: Vec<String> = org.contacts().await?.into_keys().collect();
    services.connect(&org).await?;
    org.create_field(&json!({"object": "Contact", "name": "Member__c", "type": "boolean"}))
        .await?;
    let rows = [
        "identity:crmID=SalesforceId",
        "person.name.lastName=LastName,truncate,trim,title",
        "person.name.firstName=FirstName,leave-null",
        "born=Birthdate,date:%d.%m.%Y",
        "sex=Salutation,map-or-refuse:f=Ms./m=Mr.",
        "text:Web=LeadSource",
    ];
    for line in [
        "destinations create crm-contacts --connection acme --record-type contact --mapping-id-prefix DEV_ \
         --status-values true,true,false",
        &format!("mappings set crm-contacts {}", rows.join(" ")),
        "segments add crm-contacts crm-2=crm_2_seg member=Member",
        "destinations activate crm-contacts",
    ] {
        services.run(line).await?.succeeded()?;
    }
    let shown = services.run("mappings show crm-contacts").await?.succeeded()?;
    assert_eq!(shown.lines().collect::<Vec<_>>(), rows);
    let suggested = services
        .run("segments suggest crm-contacts 6b8e=Käufer")
        .await?
        .succeeded()?;
    assert_eq!(suggested.trim(), "'6b8e=DEV_Kaufer:Käufer'");
    // Whatever delivery knows of the rules, it knows from its own disk.
    services.terminate().await?;
    services.up().await?;

    let profile = |id: &str, sex: &str, last_name: &str| {
        json!({
            "identityMap": {"crmID": [{"id": id}]},
            "segmentMembership": {"ups": {"crm-2": {"status": "realized"}, "member": {"status": "existing"}}},
            "person": {"name": {"lastName": last_name, "firstName": null}},
            "born": "24.12.1990",
            "sex": sex,
        })
        .to_string()
    };
    let before = org.contact(&ids[0]).await?;
    let file = services.write(
        "profiles.jsonl",
        &[
            profile(&ids[0], "f", &format!("  {}", "ö".repeat(90))),
            profile(&ids[1], "unknown", "Refused"),
        ],
    )?;
    let line = format!("send --destination crm-contacts {} --wait", file.display());
    let sent = services.run(&line).await?.succeeded()?;

    assert!(
        sent.contains("1 identities delivered, 0 excluded, 1 failed"),
        "{sent}"
    );
    let contact = org.contact(&ids[0]).await?;
    assert_eq!(contact["LastName"], format!("Ö{}", "ö".repeat(79)));
    assert_eq!(contact["FirstName"], before["FirstName"]);
    assert_eq!(contact["Birthdate"], "1990-12-24");
    assert_eq!(contact["Salutation"], "Ms.");
    assert_eq!(contact["LeadSource"], "Web");
    assert_eq!(contact["crm_2_seg__c"], "true");
    assert_eq!(contact["Member__c"], true);
    let letters = services.run("dead-letters crm-contacts").await?.succeeded()?;
    let letter = letters.lines().find(|line| line.contains(&ids[1])).unwrap();
    assert!(
        letter.contains("UNSUPPORTED_VALUE") && letter.contains("Salutation"),
        "{letter}"
    );
    assert_ne!(org.contact(&ids[1]).await?["LastName"], "Refused");
    Ok(())
}

#[tokio::test]
async fn a_text_that_is_too_long_never_leaves_and_costs_no_call() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.activate(&org).await?;
    let id = org.contacts().await?.into_keys().next().unwrap();
    let before = org.counter("api_requests").await?;
    let line = json!({
        "identityMap": {"crmID": [{"id": id}]},
        "person": {"name": {"lastName": "x".repeat(81)}},
    });
    let file = services.write("profiles.jsonl", &[line.to_string()])?;

    services
        .run(&format!(
            "send --destination crm-contacts {} --wait",
            file.display()
        ))
        .await?
        .succeeded()?;

    let letters = services.run("dead-letters crm-contacts").await?.succeeded()?;
    for told in ["STRING_TOO_LONG", "LastName", "80"] {
        assert!(letters.contains(told), "no '{told}' in {letters}");
    }
    assert_eq!(org.counter("api_requests").await?, before);
    Ok(())
}
