//! Nothing accepted is lost: `sluice up` is killed with SIGKILL while it takes, keeps and delivers updates.

use anyhow::Context;
use end_to_end::{
    installation::Installation,
    postgres::OwnDatabase,
    processes::Running,
    profiles::Profiles,
    simulator::{Org, Simulator},
    until::until,
};
use serde_json::{Value, json};

const PEOPLE: usize = 1_500;
const UPDATES: usize = 4_000;
/// Long enough that some of a backlog's requests are under way when the kill comes.
const LATENCY_MS: u64 = 40;
const SHOWN_DIFFERENCES: usize = 10;

/// When the services are killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// As soon as so many updates were accepted.
    Accepted(i64),
    /// As soon as Salesforce has written so many records.
    Written(u64),
}

/// Where the services keep everything.
enum Store {
    Files,
    Postgres(OwnDatabase),
}

/// What happens to the sender at each kill.
#[derive(Debug, Clone, Copy)]
enum Sender {
    /// It lives on and connects again.
    Survives,
    /// It is killed too and started again.
    StartsAgain,
}

struct Round {
    services: Installation,
    org: Org,
    profiles: Profiles,
    send: String,
    /// Held so that it lives as long as the round.
    _simulator: Simulator,
}

/// How many rounds to go; each kills at other moments.
fn rounds() -> anyhow::Result<u32> {
    match std::env::var("SLUICE_CRASH_ROUNDS") {
        Ok(rounds) => rounds
            .parse()
            .context("SLUICE_CRASH_ROUNDS is no number of rounds"),
        Err(_) => Ok(10),
    }
}

/// Returns the moments of a round: in intake, in delivery, or in both.
fn moments(round: u32) -> Vec<Moment> {
    // Steps that do not divide the ranges, so that more rounds meet other moments. The ranges end a little
    // before everything is accepted (`UPDATES`) and everybody is written once (`PEOPLE`).
    let accepted = Moment::Accepted(1 + i64::from(round) * 613 % 3_900);
    let written = Moment::Written(1 + u64::from(round) * 397 % 1_400);
    match round % 3 {
        0 => vec![accepted],
        1 => vec![written],
        _ => vec![accepted, written],
    }
}

fn sender(round: u32) -> Sender {
    if round.is_multiple_of(2) {
        Sender::Survives
    } else {
        Sender::StartsAgain
    }
}

/// Every way in which a call fails as a whole or in part, and passes.
fn faults() -> Value {
    json!([
        {"on": "token", "do": {"kind": "status", "status": 503, "body": "<html>Down for maintenance</html>"}},
        {"on": "write", "do": {"kind": "cut_after"}},
        {"on": "write", "skip": 1, "do": {"kind": "expire_sessions"}},
        {"on": "write", "times": 3, "do": {"kind": "record_error", "every": 7, "statusCode": "UNABLE_TO_LOCK_ROW",
            "message": "unable to obtain exclusive access to this record"}},
        {"on": "write", "do": {"kind": "status", "status": 503, "body": "<html>Service unavailable</html>"}},
        {"on": "write", "skip": 2, "do": {"kind": "cut_after"}},
        {"on": "write", "do": {"kind": "expire_sessions"}},
        {"on": "write", "do": {"kind": "cut_before"}},
    ])
}

impl Round {
    async fn start(store: &Store) -> anyhow::Result<Self> {
        let simulator = Simulator::start().await?;
        let org = simulator.create_org("crash", LATENCY_MS).await?;
        let profiles = Profiles::create(&org, PEOPLE, UPDATES).await?;
        let services = match store {
            Store::Files => Installation::start(&simulator).await?,
            Store::Postgres(database) => Installation::start_on_postgres(&simulator, database.url()).await?,
        };
        services.activate(&org).await?;
        let file = services.write("profiles.jsonl", &profiles.lines)?;
        Ok(Self {
            services,
            org,
            profiles,
            send: format!("send --destination crm-contacts {}", file.display()),
            _simulator: simulator,
        })
    }

    fn start_sender(&self) -> anyhow::Result<Running> {
        Running::start("sluice send", &mut self.services.command(&self.send)?)
    }

    async fn reach(&self, moment: Moment) -> anyhow::Result<()> {
        until(&format!("{moment:?}"), async || {
            let is_reached = match moment {
                Moment::Accepted(updates) => {
                    let counts = self.services.counts().await?;
                    counts.is_some_and(|counts| counts.received >= updates)
                }
                Moment::Written(records) => self.org.counter("records_written").await? >= records,
            };
            Ok(is_reached.then_some(()))
        })
        .await
    }

    /// Sends everything, killing the services at the moments given, and starting them again.
    async fn send_through(&mut self, moments: &[Moment], sender: Sender) -> anyhow::Result<()> {
        let mut sending = self.start_sender()?;
        for moment in moments {
            self.reach(*moment).await?;
            self.services.kill().await?;
            match sender {
                Sender::Survives => self.services.up().await?,
                Sender::StartsAgain => {
                    sending.kill().await?;
                    self.services.up().await?;
                    sending = self.start_sender()?;
                }
            }
        }
        sending.ended().await?.succeeded()?;
        Ok(())
    }

    /// Waits for every outcome, and compares everything with what it must be.
    async fn check(&self) -> anyhow::Result<()> {
        let said = self
            .services
            .run(&format!("{} --wait", self.send))
            .await?
            .succeeded()?;

        assert!(
            said.contains(&format!("{UPDATES} updates")) && said.contains("not sent again"),
            "the sender left something out: {said}"
        );
        let differences = self
            .profiles
            .differences(&self.org.contacts().await?, SHOWN_DIFFERENCES);
        assert!(differences.is_empty(), "{}", differences.join("\n"));
        assert_eq!(self.services.counts().await?, Some(self.profiles.counts));
        self.check_receipts().await?;
        assert_eq!(self.org.counter("same_record_overlaps").await?, 0);
        Ok(())
    }

    /// Every update has one identity, so it must have one receipt.
    async fn check_receipts(&self) -> anyhow::Result<()> {
        let receipts = self.services.receipts(UPDATES).await?;
        let mut sequences: Vec<u64> = receipts.iter().map(|receipt| receipt.sequence).collect();
        sequences.sort_unstable();
        let expected: Vec<u64> = (1..=UPDATES as u64).collect();
        assert!(
            sequences == expected,
            "an update has no outcome, or more than one"
        );
        Ok(())
    }
}

#[tokio::test]
async fn row_244_kill_nine_in_the_middle_of_a_send_loses_nothing() -> anyhow::Result<()> {
    for number in 0..rounds()? {
        println!(
            "round {number}: {:?}, the sender {:?}",
            moments(number),
            sender(number)
        );
        let mut round = Round::start(&Store::Files).await?;

        round.send_through(&moments(number), sender(number)).await?;

        round.check().await?;
    }
    Ok(())
}

#[tokio::test]
async fn kill_nine_while_salesforce_fails_too_loses_nothing() -> anyhow::Result<()> {
    let mut round = Round::start(&Store::Files).await?;
    round.org.add_faults(&faults()).await?;
    let moments = [
        Moment::Accepted(1_500),
        Moment::Written(200),
        Moment::Written(900),
    ];

    round.send_through(&moments, Sender::Survives).await?;

    round.check().await
}

#[tokio::test]
async fn row_244_kill_nine_on_postgres_loses_nothing() -> anyhow::Result<()> {
    for number in [2, 3, 4] {
        println!(
            "round {number}: {:?}, the sender {:?}",
            moments(number),
            sender(number)
        );
        let store = Store::Postgres(OwnDatabase::create().await?);
        let mut round = Round::start(&store).await?;

        round.send_through(&moments(number), sender(number)).await?;

        round.check().await?;
        drop(round);
        if let Store::Postgres(database) = store {
            database.remove().await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_full_disk_ends_the_services_with_one_clear_line_and_loses_nothing() -> anyhow::Result<()> {
    let mut round = Round::start(&Store::Files).await?;
    round.services.terminate().await?.succeeded()?;
    // Room for the tables and the first updates.
    round.services.up_with_small_files(600).await?;

    let sending = round.start_sender()?;
    let ended = round.services.ended().await?.failed()?;

    let errors: Vec<&str> = ended.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(errors.len(), 1, "{ended}");
    assert!(
        errors[0].contains("journal") || errors[0].contains("outcomes"),
        "{ended}"
    );
    // Now there is room again.
    round.services.up().await?;
    sending.ended().await?.succeeded()?;
    round.check().await
}
