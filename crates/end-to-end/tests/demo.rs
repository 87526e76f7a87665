//! `sluice demo`: everything at once, judged by an independent oracle.

use end_to_end::processes::{finish, sluice};
use serde_json::Value;

/// What people may build on.
const COUNTS: [&str; 7] = [
    "profiles_received",
    "identities_resolved",
    "identities_delivered",
    "identities_excluded",
    "identities_failed",
    "salesforce_write_calls",
    "records_written",
];

#[tokio::test]
async fn the_demo_is_verified_and_adds_up_whatever_the_seed() -> anyhow::Result<()> {
    for seed in [1, 20_261_123, u64::MAX] {
        let line = format!("demo --profiles 1000 --seed {seed} --output json");
        let text = finish(&mut sluice(&line)?).await?.succeeded()?;

        let result: Value = serde_json::from_str(&text)?;
        assert_eq!(result["verified"], true, "seed {seed}: {result:#}");
        assert!(result["seconds"].is_number(), "{result:#}");
        let count = |key: &str| {
            result[key]
                .as_i64()
                .unwrap_or_else(|| panic!("no {key} in {result:#}"))
        };
        assert_eq!(count("profiles_received"), 1_000);
        for key in COUNTS {
            assert!(count(key) > 0, "seed {seed}: nothing in {key}: {result:#}");
        }
        for kind in ["delivered", "excluded", "failed"] {
            let by_reason = result[format!("{kind}_by_reason")].as_object().unwrap();
            let sum: i64 = by_reason.values().map(|count| count.as_i64().unwrap()).sum();
            assert_eq!(
                sum,
                count(&format!("identities_{kind}")),
                "seed {seed}: {result:#}"
            );
        }
        assert_eq!(
            count("identities_delivered") + count("identities_excluded") + count("identities_failed"),
            count("identities_resolved"),
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_demo_shows_a_table_that_says_that_it_is_verified() -> anyhow::Result<()> {
    let text = finish(&mut sluice("demo --profiles 500")?).await?.succeeded()?;

    for shown in [
        "delivered + excluded + failed",
        "crm_2_seg",
        "Salesforce calls wrote",
        "Verified:",
    ] {
        assert!(text.contains(shown), "no '{shown}' in\n{text}");
    }
    Ok(())
}
