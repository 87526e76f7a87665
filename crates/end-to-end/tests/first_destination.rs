//! A new admin's path from nothing to an activated destination: `docs/first-destination.md`, followed to the letter.

use end_to_end::{
    installation::Installation,
    pages::{Reader, page},
    simulator::Simulator,
};

#[tokio::test]
async fn a_new_admin_gets_to_an_activated_destination_by_the_page_alone() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    let directory = tempfile::tempdir()?;
    let admin = Reader {
        services: &services,
        org: &org,
        directory: directory.path().to_owned(),
    };
    let page = page("docs/first-destination.md")?;

    let blocks = admin.follow(&page).await?;

    // Nothing of it was skipped.
    assert_eq!(blocks, page.matches("\n```sh").count());
    // And what the page promises is so: Ada's record has what the platform sent.
    let ada = org.contact("0035g0000000001AAA").await?;
    assert_eq!(ada["Bike_buyers__c"], "realized");
    assert_eq!(ada["Email"], "ada.okafor@example.org");
    let bruno = org.contact("0035g0000000002AAA").await?;
    assert_eq!(bruno.get("Bike_buyers__c"), None, "Salesforce refused him");
    Ok(())
}
