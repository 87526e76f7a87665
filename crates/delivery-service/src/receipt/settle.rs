//! The one transaction that ends identities.

use std::collections::BTreeMap;

use activation::{outcome::Outcome, plan::Plan};
use chrono::{DateTime, Utc};
use service::{database::to_micros, in_transaction};
use sqlx::QueryBuilder;

use super::{
    Receipts, SettleError,
    creations::{self, Day},
    dead_letters::DeadLetterBody,
    outcome_column,
};
use crate::{
    journal::hour_of,
    lane::machine::{Created, Settlement},
    map::identity_column,
};

/// Rows per statement: SQLite takes 32,766 binds, a row has 11.
const ROWS_PER_INSERT: usize = 1_000;
/// Version of the inside of a dead letter.
const DEAD_LETTER_FORMAT: i64 = 1;

/// What one row of `run_counts` counts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Counted<'a> {
    run_time: i64,
    segment: &'a str,
    outcome: &'static str,
    reason: &'a str,
}

struct DeadLetter<'a> {
    settlement: &'a Settlement,
    code: &'a str,
    fields: String,
    sealed: Vec<u8>,
}

impl Receipts {
    /// Ends identities: their settlements, counts and dead letters become
    /// durable together, or none of them.
    pub async fn settle(
        &self,
        plan: &Plan,
        settlements: &[Settlement],
        now: DateTime<Utc>,
    ) -> Result<(), SettleError> {
        let (key_id, dead_letters) = self.dead_letters(plan, settlements, now).await?;
        let (counts, hours) = counts(settlements);
        let created_freely = settlements
            .iter()
            .filter(|settlement| settlement.created == Some(Created::Freely))
            .count();
        let uid = plan.uid.as_str();
        let destination = plan.destination.to_string();
        let settle_time = to_micros(now);
        let _in_order = self.in_order.lock().await;
        in_transaction!(&self.database, transaction => {
            for rows in settlements.chunks(ROWS_PER_INSERT) {
                let mut insert = QueryBuilder::new(
                    "INSERT INTO settlements (uid, position, entry, identity, destination, producer, sequence, \
                     update_id, outcome, reason, settle_time) ",
                );
                insert.push_values(rows, |mut row, settlement| {
                    let update = &settlement.update;
                    row.push_bind(uid)
                        .push_bind(update.arrival.position)
                        .push_bind(i64::from(update.arrival.entry))
                        .push_bind(identity_column(settlement.index))
                        .push_bind(&destination)
                        .push_bind(&update.producer)
                        .push_bind(i64::try_from(update.sequence).unwrap_or(i64::MAX))
                        .push_bind(&update.update_id)
                        .push_bind(outcome_column(&settlement.outcome))
                        .push_bind(settlement.outcome.reason())
                        .push_bind(settle_time);
                });
                insert.build().execute(&mut *transaction).await?;
            }
            for (counted, identities) in &counts {
                sqlx::query(COUNT)
                    .bind(uid)
                    .bind(counted.run_time)
                    .bind(counted.segment)
                    .bind(counted.outcome)
                    .bind(counted.reason)
                    .bind(*identities)
                    .execute(&mut *transaction)
                    .await?;
            }
            for (run_time, hour) in &hours {
                sqlx::query(PROFILES)
                    .bind(uid)
                    .bind(*run_time)
                    .bind(hour.settled)
                    .bind(hour.created)
                    .execute(&mut *transaction)
                    .await?;
            }
            if created_freely > 0 {
                // A limit that is set later today counts them.
                sqlx::query(creations::ADD)
                    .bind(uid)
                    .bind(Day::of(now).column())
                    .bind(i64::try_from(created_freely).unwrap_or(i64::MAX))
                    .execute(&mut *transaction)
                    .await?;
            }
            for letter in &dead_letters {
                let update = &letter.settlement.update;
                sqlx::query(DEAD_LETTER)
                    .bind(uid)
                    .bind(&destination)
                    .bind(&update.producer)
                    .bind(i64::try_from(update.sequence).unwrap_or(i64::MAX))
                    .bind(&update.update_id)
                    .bind(letter.code)
                    .bind(&letter.fields)
                    .bind(&key_id)
                    .bind(DEAD_LETTER_FORMAT)
                    .bind(&letter.sealed)
                    .bind(to_micros(update.accepted_at))
                    .bind(settle_time)
                    .execute(&mut *transaction)
                    .await?;
            }
        });
        self.settled.send_modify(|count| *count += 1);
        Ok(())
    }

    async fn dead_letters<'a>(
        &self,
        plan: &Plan,
        settlements: &'a [Settlement],
        now: DateTime<Utc>,
    ) -> Result<(String, Vec<DeadLetter<'a>>), SettleError> {
        let mut key_id = String::new();
        let mut letters = Vec::new();
        for settlement in settlements {
            let Outcome::Failed(failure) = &settlement.outcome else {
                continue;
            };
            let (current, key) = self.keys.current(now).await?;
            key_id = current;
            let body = DeadLetterBody {
                identity: settlement.id.clone(),
                message: failure.message.clone(),
                update: settlement.update.body.clone(),
            };
            letters.push(DeadLetter {
                settlement,
                code: &failure.code,
                fields: serde_json::to_string(&failure.fields).unwrap_or_else(|_| "[]".to_owned()),
                sealed: key.seal(plan.uid.as_str().as_bytes(), &body.encode()),
            });
        }
        Ok((key_id, letters))
    }
}

const COUNT: &str = "
    INSERT INTO run_counts (uid, run_time, segment, outcome, reason, identities)
    VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (uid, run_time, segment, outcome, reason) DO UPDATE
    SET identities = run_counts.identities + excluded.identities";

const PROFILES: &str = "
    INSERT INTO run_profiles (uid, run_time, settled, created)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (uid, run_time) DO UPDATE
    SET settled = run_profiles.settled + excluded.settled,
        created = run_profiles.created + excluded.created";

const DEAD_LETTER: &str = "
    INSERT INTO dead_letters
        (uid, destination, producer, sequence, update_id, code, fields, key_id, format, sealed, accept_time,
         fail_time)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// What one row of `run_profiles` counts.
#[derive(Default)]
struct Hour {
    /// Updates that are complete.
    settled: i64,
    /// Records that were created.
    created: i64,
}

/// Counts identities, in all and by segment, updates that are complete, and
/// records that were created.
fn counts(settlements: &[Settlement]) -> (BTreeMap<Counted<'_>, i64>, BTreeMap<i64, Hour>) {
    let mut counts = BTreeMap::new();
    let mut hours: BTreeMap<i64, Hour> = BTreeMap::new();
    for settlement in settlements {
        let run_time = to_micros(hour_of(settlement.update.accepted_at));
        let outcome = outcome_column(&settlement.outcome);
        let reason = settlement.outcome.reason();
        let segments = settlement.update.segments.iter().map(String::as_str);
        for segment in std::iter::once("").chain(segments) {
            *counts
                .entry(Counted {
                    run_time,
                    segment,
                    outcome,
                    reason,
                })
                .or_default() += 1;
        }
        if settlement.completes_update {
            hours.entry(run_time).or_default().settled += 1;
        }
        if settlement.created.is_some() {
            hours.entry(run_time).or_default().created += 1;
        }
    }
    (counts, hours)
}
