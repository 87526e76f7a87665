//! An admin tries a destination before anything flows, with the program and a file of profiles.

use end_to_end::{installation::Installation, simulator::Simulator};
use serde_json::json;

fn assert_told(text: &str, told: &[&str]) {
    for part in told {
        assert!(text.contains(part), "no '{part}' in:\n{text}");
    }
}

#[tokio::test]
async fn a_destination_is_checked_tried_and_tried_for_real_before_it_is_activated() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.draft(&org).await?;
    services
        .run("segments update crm-contacts vip --mapping-id crm_3_seg")
        .await?
        .succeeded()?;

    // Everything that is wrong, with what to do, and a failure that a script notices.
    let wrong = services.run("destinations check crm-contacts").await?;
    let text = wrong.to_string();
    wrong.failed()?;
    assert_told(
        &text,
        &[
            "ERROR",
            "Field crm_3_seg__c does not exist on Contact (segment vip)",
            "-> Create it (sluice segments provision DESTINATION, or in Setup), or correct the Mapping ID.",
            "1 error,",
        ],
    );
    services
        .run("segments update crm-contacts vip --mapping-id vip_customers")
        .await?
        .succeeded()?;
    let fine = services
        .run("destinations check crm-contacts")
        .await?
        .succeeded()?;
    assert_told(&fine, &["0 errors", "nothing stands against activating it"]);

    let ids: Vec<String> = org.contacts().await?.into_keys().collect();
    let before = org.contact(&ids[0]).await?;
    let profile = |id: &str, email: &str| {
        json!({
            "identityMap": {"crmID": [{"id": id}]},
            "segmentMembership": {"ups": {"crm-2": {"status": "realized"}}},
            "person": {"name": {"lastName": "Okafor"}},
            "personalEmail": {"address": email},
        })
        .to_string()
    };
    let both = [
        profile(&ids[0], "ada@example.org"),
        profile(&ids[1], "not-an-email"),
    ];
    let both = services.write("both.jsonl", &both)?;
    let one = services.write("one.jsonl", &[profile(&ids[0], "ada@example.org")])?;

    let run = format!("destinations dry-run crm-contacts --samples {}", both.display());
    let dry = services.run(&run).await?.succeeded()?;
    assert_told(&dry, &[&ids[0], r#""Okafor""#, "nothing was written"]);
    let run = format!("destinations rehearse crm-contacts --samples {}", both.display());
    let rehearsed = services.run(&run).await?;
    let text = rehearsed.to_string();
    rehearsed.failed()?;
    assert_told(
        &text,
        &[
            "take 1 and refuse 1",
            "INVALID_EMAIL_ADDRESS",
            "nothing was saved",
        ],
    );
    assert_eq!(org.contact(&ids[0]).await?, before);
    assert_eq!(org.counter("records_written").await?, 0);

    let run = format!("destinations send-one crm-contacts --samples {}", one.display());
    let sent = services.run(&run).await?.succeeded()?;
    assert_told(
        &sent,
        &[
            "updated Contact",
            "before",
            &format!("https://acme.my.salesforce.com/{}", ids[0]),
        ],
    );
    assert_eq!(org.contact(&ids[0]).await?["LastName"], "Okafor");
    assert_eq!(org.counter("records_written").await?, 1);

    services
        .run("destinations activate crm-contacts")
        .await?
        .succeeded()?;
    let refused = services.run(&run).await?.failed()?;
    assert_told(&refused, &["is enabled", "`sluice send`"]);
    Ok(())
}

#[tokio::test]
async fn row_101_the_fields_of_the_org_are_listed_for_whoever_maps() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    services.connect(&org).await?;

    let fields = services
        .run("fields list --connection acme --record-type contact --query seg")
        .await?
        .succeeded()?;

    assert_told(&fields, &["crm_2_seg__c", "textarea(32768)", "attribute, status"]);
    assert!(!fields.contains("LastName"), "{fields}");
    Ok(())
}
