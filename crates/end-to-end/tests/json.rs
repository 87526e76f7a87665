//! The JSON API of the real program: the guide's commands, and what is not there.

use contracts::{
    auth::v1::{GetTokenRequest, token_service_client::TokenServiceClient},
    config::v1::{WatchPlansRequest, plan_service_client::PlanServiceClient},
};
use end_to_end::{
    installation::Installation,
    processes::{finish, repository, without_settings},
    simulator::Simulator,
};
use serde_json::{Value, json};
use tokio::process::Command;
use tonic::{Code, transport::Endpoint};

/// Returns the shell commands of docs/json-api.md, block by block.
fn guide() -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(repository().join("docs/json-api.md"))?;
    let blocks = text.split("```sh\n").skip(1);
    let blocks: Option<Vec<String>> = blocks
        .map(|block| Some(block.split_once("```")?.0.to_owned()))
        .collect();
    blocks.ok_or_else(|| anyhow::anyhow!("docs/json-api.md does not close a block"))
}

/// Gives commands to a shell that stops at the first that fails; returns the JSON documents that it shows.
async fn shell(services: &Installation, commands: &str) -> anyhow::Result<Vec<Value>> {
    let mut shell = Command::new("sh");
    without_settings(&mut shell);
    shell
        .args(["-e", "-c", commands])
        .env("SLUICE_SERVER", services.url());
    let shown = finish(&mut shell).await?.succeeded()?;
    Ok(serde_json::Deserializer::from_str(&shown)
        .into_iter()
        .collect::<Result<_, _>>()?)
}

#[tokio::test]
async fn row_227_228_the_commands_of_the_json_guide_work_as_they_are_written() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let org = simulator.sample_org();
    let services = Installation::start(&simulator).await?;
    let [set_up, look] = guide()?
        .try_into()
        .map_err(|blocks| anyhow::anyhow!("{blocks:?}"))?;

    let shown = shell(&services, &set_up).await?;

    // Catalog entry, connection, its credentials, its check, destination, mappings, segments, activation, change.
    assert_eq!(shown[0]["entries"][0]["displayName"], "Salesforce CRM");
    assert_eq!(shown[1]["name"], "workspaces/default/connections/acme");
    assert_eq!(shown[2]["clientId"], "sluice-sample-client");
    assert!(!shown[2].to_string().contains("sluice-sample-secret"));
    assert_eq!(shown[3]["check"]["state"], "CONNECTION_STATE_CONNECTED");
    assert_eq!(shown[4]["desiredState"], "DESIRED_STATE_DRAFT");
    assert_eq!(
        shown[6]["destination"]["segments"][1]["field"],
        "vip_customers__c"
    );
    assert_eq!(shown[7]["destination"]["desiredState"], "DESIRED_STATE_ENABLED");
    assert_eq!(shown[8]["description"], "For the sales team");
    assert_eq!(shown.len(), 9);

    // A run is of updates: one is sent, and one that Salesforce refuses.
    let ids: Vec<String> = org.contacts().await?.into_keys().collect();
    let profile = |id: &str, last_name: &str| {
        json!({"identityMap": {"crmID": [{"id": id}]}, "person": {"name": {"lastName": last_name}}})
            .to_string()
    };
    let lines = [profile(&ids[0], "Sent"), profile(&ids[1], &"x".repeat(81))];
    let file = services.write("profiles.jsonl", &lines)?;
    let line = format!("send --destination crm-contacts {} --wait", file.display());
    services.run(&line).await?.succeeded()?;
    let settings = set_up.split("\n\n").next().unwrap_or_default();
    let shown = shell(&services, &format!("{settings}\n{look}")).await?;
    let run = &shown[0]["runs"][0];
    assert_eq!(
        (
            &run["profilesReceived"],
            &run["identitiesDelivered"],
            &run["identitiesFailed"]
        ),
        (&json!("2"), &json!("1"), &json!("1"))
    );
    assert_eq!(shown[1]["deadLetters"][0]["code"], "STRING_TOO_LONG");
    Ok(())
}

#[tokio::test]
async fn json_and_grpc_share_a_port_on_which_no_internal_call_is() -> anyhow::Result<()> {
    let simulator = Simulator::start().await?;
    let services = Installation::start(&simulator).await?;
    let curl = |arguments: &str| format!("curl --silent {arguments}");

    let served = shell(&services, &curl("$SLUICE_SERVER/v1/openapi.json")).await?;
    let printed: Value = serde_json::from_str(&services.run("openapi").await?.succeeded()?)?;
    assert_eq!(served, [printed]);
    // HTTP/1.1 as HTTP/2.
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let listed = curl(&format!(
            "{version} $SLUICE_SERVER/v1/workspaces/default/destinations"
        ));
        assert_eq!(
            shell(&services, &listed).await?,
            [json!({"destinations": [], "nextPageToken": ""})]
        );
    }
    let refused = shell(
        &services,
        &curl("$SLUICE_SERVER/v1/workspaces/default/destinations/none"),
    )
    .await?;
    assert_eq!(
        (&refused[0]["status"], &refused[0]["code"]),
        (&json!(404), &json!("NOT_FOUND"))
    );

    let channel = Endpoint::from_shared(services.url())?.connect().await?;
    let plans = PlanServiceClient::new(channel.clone())
        .watch_plans(WatchPlansRequest::default())
        .await;
    assert_eq!(plans.unwrap_err().code(), Code::Unimplemented);
    let token = TokenServiceClient::new(channel)
        .get_token(GetTokenRequest::default())
        .await;
    assert_eq!(token.unwrap_err().code(), Code::Unimplemented);
    for path in [
        "sluice.config.v1.PlanService/ReportStatus",
        "v1/plans",
        "v1/tokens",
    ] {
        let refused = curl(&format!(
            "-H 'Content-Type: application/json' -d '{{}}' $SLUICE_SERVER/{path}"
        ));
        assert_eq!(
            shell(&services, &refused).await?[0]["reason"],
            "UNKNOWN_PATH",
            "{path}"
        );
    }
    Ok(())
}
