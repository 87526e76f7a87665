//! Destinations kept in files: `docs/configuration-files.md` followed to the letter, and files taken elsewhere.

use anyhow::{Context, ensure};
use end_to_end::{
    installation::Installation,
    pages::{Reader, page},
    processes::repository,
    simulator::{Org, Simulator},
};
use serde_json::json;

const EXAMPLES: [&str; 3] = ["acme.yaml", "contacts.yaml", "leads.yaml"];

fn example(name: &str) -> String {
    repository().join("examples").join(name).display().to_string()
}

/// Applies files, and returns what was said.
async fn apply(services: &Installation, words: &str) -> anyhow::Result<String> {
    services.run(&format!("apply {words}")).await?.succeeded()
}

/// Starts services in which the examples are applied.
async fn with_examples(simulator: &Simulator, org: &Org) -> anyhow::Result<Installation> {
    let services = Installation::start(simulator).await?;
    services.connect(org).await?;
    let [acme, contacts, leads] = EXAMPLES.map(example);
    apply(&services, &format!("-f {acme} -f {contacts} -f {leads}")).await?;
    Ok(services)
}

#[tokio::test]
async fn the_page_about_files_is_true() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    let directory = tempfile::tempdir()?;
    for name in EXAMPLES {
        std::fs::copy(example(name), directory.path().join(name))?;
    }
    let reader = Reader {
        services: &services,
        org: &org,
        directory: directory.path().to_owned(),
    };
    let page = page("docs/configuration-files.md")?;

    let blocks = reader.follow(&page).await?;

    assert_eq!(blocks, page.matches("\n```sh").count());
    Ok(())
}

#[tokio::test]
async fn a_file_of_everything_makes_the_same_elsewhere() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let here = with_examples(&simulator, &org).await?;
    for line in [
        // Everything that a file can say.
        "destinations create everybody --connection acme --record-type contact --upsert-by Crm_Key__c \
         --display-name Everybody --description Of:all --deleted-profiles exit-and-blank \
         --status-values in,still,out --mapping-id-prefix P_ --mapping-id-suffix _S --create allowed \
         --max-creates-per-day 7 --duplicate-rule allow --max-delay 9",
        "mappings set everybody identity:crmID=Crm_Key__c person.name.lastName=LastName,truncate,trim \
         born=Birthdate,date:%d.%m.%Y sex=Salutation,map-or-refuse:f=Ms./m=Mr. text:Web=LeadSource \
         person.name.firstName=FirstName,leave-null",
        "segments add everybody newsletter=newsletter:yes --start 2026-11-01T00:00:00Z --end 2027-11-01T00:00:00Z",
        "destinations disable leads",
    ] {
        here.run(line).await?.succeeded()?;
    }
    let written = here.run("export").await?.succeeded()?;
    let file = here.write("everything.yaml", std::slice::from_ref(&written))?;
    assert!(
        apply(&here, &format!("-f {}", file.display()))
            .await?
            .ends_with("4 as said already\n")
    );

    let there = Installation::start(&simulator).await?;
    there.connect(&org).await?;
    let said = apply(&there, &format!("-f {}", file.display())).await?;
    ensure!(said.contains("3 created"), "{said}");
    assert_eq!(there.run("export").await?.succeeded()?, written);
    let leads = there.run("destinations get leads").await?.succeeded()?;
    ensure!(leads.contains("disabled"), "{leads}");
    Ok(())
}

#[tokio::test]
async fn row_94_95_the_examples_deliver_a_contact_and_a_lead_with_what_they_map() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = with_examples(&simulator, &org).await?;
    let lead = [json!({"LastName": "Before", "Company": "Old"})];
    let id = org.create("Lead", &lead).await?.remove(0);
    let profile = json!({
        "identityMap": {"crmID": [{"id": id}]},
        "segmentMembership": {"ups": {"crm-2": {"status": "realized"}}},
        "person": {"name": {"lastName": "Silva"}},
        "b2b": {"companyName": "Sertão"},
        "personalEmail": {"address": "bruno.silva@example.org"},
    });
    let file = services.write("leads.jsonl", &[profile.to_string()])?;
    let send = format!("send --destination leads {} --wait", file.display());

    services.run(&send).await?.succeeded()?;

    let lead = org.record("Lead", &id).await?;
    for (field, value) in [
        ("LastName", "Silva"),
        ("Company", "Sertão"),
        ("Email", "bruno.silva@example.org"),
        ("crm_2_seg__c", "realized"),
    ] {
        assert_eq!(lead.get(field), Some(&json!(value)), "{field}");
    }
    let profiles = example("profiles.jsonl");
    let send = format!("send --destination contacts {profiles} --wait");
    services.run(&send).await?.succeeded()?;
    let contact = org.contact("0035g0000000001AAA").await?;
    assert_eq!(contact["Email"], "bruno.silva@example.org");
    Ok(())
}

#[tokio::test]
async fn what_files_do_not_name_is_deleted_only_when_asked() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = with_examples(&simulator, &org).await?;
    let [acme, contacts, _] = EXAMPLES.map(example);
    services
        .run("segments add contacts vip=vip_customers")
        .await?
        .succeeded()?;

    let said = apply(&services, &format!("-f {contacts}")).await?;
    // What was staged by hand goes live with the file, and that is told.
    for words in [
        "staged before: + segment vip=vip_customers",
        "kept, and not in the file: vip",
    ] {
        ensure!(said.contains(words), "no '{words}' in {said}");
    }
    let before = services.run("export").await?.succeeded()?;
    let all = format!("-f {acme} -f {contacts} --prune segments,destinations");
    let said = apply(&services, &format!("{all} --dry-run")).await?;
    for words in ["- segment vip=vip_customers", "destination leads: to be deleted"] {
        ensure!(said.contains(words), "no '{words}' in {said}");
    }
    assert_eq!(services.run("export").await?.succeeded()?, before);
    // A login that is still needed is not deleted, and nothing else either.
    let none = services.write("none.yaml", &["connections: []".to_owned()])?;
    let none = none.display();
    let refused = services
        .run(&format!(
            "apply -f {contacts} -f {none} --prune destinations,connections"
        ))
        .await?
        .failed()?;
    ensure!(refused.contains("the destination contacts needs it"), "{refused}");
    assert_eq!(services.run("export").await?.succeeded()?, before);

    let empty = services.write("empty.yaml", &["# nothing".to_owned()])?;
    let refused = services
        .run(&format!("apply -f {} --prune destinations", empty.display()))
        .await?
        .failed()?;
    ensure!(refused.contains("say destinations: []"), "{refused}");
    let elsewhere = "connections: []
destinations:
- name: workspaces/other/destinations/contacts
  connection: acme
";
    let elsewhere = services.write("elsewhere.yaml", &[elsewhere.to_owned()])?;
    let refused = services
        .run(&format!("apply -f {} --prune destinations", elsewhere.display()))
        .await?
        .failed()?;
    ensure!(refused.contains("give that --workspace"), "{refused}");
    assert_eq!(services.run("export").await?.succeeded()?, before);

    let said = apply(&services, &all).await?;
    ensure!(said.contains("1 changed, 1 deleted, 1 as said already"), "{said}");
    let left = services.run("export").await?.succeeded()?;
    ensure!(!left.contains("vip") && !left.contains("leads"), "{left}");
    Ok(())
}

#[tokio::test]
async fn a_file_with_one_fault_changes_nothing_of_the_others() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = with_examples(&simulator, &org).await?;
    let before = services.run("export").await?.succeeded()?;
    let (others, lead) = before
        .split_once("- name: leads")
        .context("the leads are exported")?;
    let faulty = format!(
        "{}- name: leads{}",
        others
            .replace("display_name: Acme", "display_name: Another")
            .replace("max_delay: 60s", "max_delay: 5s"),
        lead.replace("target: {field: Email}", "target: {field: Emial}")
    );
    let file = services.write("faulty.yaml", &[faulty])?;

    let refused = services
        .run(&format!("apply -f {}", file.display()))
        .await?
        .failed()?;

    ensure!(
        refused.contains("nothing was changed: destination leads: "),
        "{refused}"
    );
    ensure!(refused.contains("Emial"), "{refused}");
    assert_eq!(services.run("export").await?.succeeded()?, before);
    Ok(())
}
