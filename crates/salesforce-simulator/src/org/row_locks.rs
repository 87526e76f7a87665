//! Which rows are locked by a call, and which calls wait for them. Source: salesforce-contract.md §3.4
//! (`UNABLE_TO_LOCK_ROW`) and §8 (a write locks the parent Account).
//!
//! A call asks for all its rows at once and so takes one place in the queue of each. The queues of any two
//! rows therefore hold calls in the same order, and no two calls can wait for each other.

use std::collections::VecDeque;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::ids::RecordId;

/// The locked rows of one org.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowLocks(Arc<Mutex<Queues>>);

/// The rows that one call holds or waits for. Dropping it gives all of them up.
#[derive(Debug)]
pub(crate) struct RowsAsked {
    locks: RowLocks,
    ticket: Ticket,
    /// In order, each once.
    rows: Vec<RecordId>,
    /// Rung when the last row is held; none, if all were from the start.
    all_held: Option<Arc<Notify>>,
}

/// Names a call; rises in the order in which calls asked.
type Ticket = u64;

#[derive(Debug, Default)]
struct Queues {
    tickets: Ticket,
    by_row: FxHashMap<RecordId, Queue>,
    waiting: FxHashMap<Ticket, Waiting>,
}

#[derive(Debug)]
struct Queue {
    holder: Ticket,
    /// First come, first served.
    behind: VecDeque<Ticket>,
}

#[derive(Debug)]
struct Waiting {
    rows_missing: usize,
    all_held: Arc<Notify>,
}

impl RowLocks {
    /// Asks for `rows`: those that nobody has are held at once, for the others the call queues.
    pub(crate) fn ask(&self, mut rows: Vec<RecordId>) -> RowsAsked {
        rows.sort_unstable();
        rows.dedup();
        let mut queues = self.lock();
        queues.tickets += 1;
        let ticket = queues.tickets;
        let mut rows_missing = 0;
        for row in &rows {
            match queues.by_row.entry(*row) {
                Entry::Occupied(mut queue) => {
                    queue.get_mut().behind.push_back(ticket);
                    rows_missing += 1;
                }
                Entry::Vacant(free) => {
                    free.insert(Queue {
                        holder: ticket,
                        behind: VecDeque::new(),
                    });
                }
            }
        }
        let all_held = (rows_missing > 0).then(|| Arc::new(Notify::new()));
        if let Some(all_held) = &all_held {
            let waiting = Waiting {
                rows_missing,
                all_held: Arc::clone(all_held),
            };
            queues.waiting.insert(ticket, waiting);
        }
        drop(queues);
        RowsAsked {
            locks: self.clone(),
            ticket,
            rows,
            all_held,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        // A panic elsewhere must not turn every later call into a panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl RowsAsked {
    /// Tells whether some row was not held from the start.
    pub(crate) fn has_to_wait(&self) -> bool {
        self.all_held.is_some()
    }

    /// Waits until all rows are held. At `deadline` it gives up those that are not, and returns them.
    pub(crate) async fn hold(&mut self, deadline: Instant) -> Vec<RecordId> {
        let Some(all_held) = self.all_held.take() else {
            return Vec::new();
        };
        if timeout_at(deadline, all_held.notified()).await.is_ok() {
            return Vec::new();
        }
        let mut queues = self.locks.lock();
        queues.waiting.remove(&self.ticket);
        let ticket = self.ticket;
        let is_held = |row: &RecordId| queues.by_row.get(row).is_some_and(|queue| queue.holder == ticket);
        let (held, missing): (Vec<_>, Vec<_>) = self.rows.iter().copied().partition(is_held);
        for row in &missing {
            if let Some(queue) = queues.by_row.get_mut(row) {
                queue.behind.retain(|other| *other != ticket);
            }
        }
        drop(queues);
        self.rows = held;
        missing
    }

    /// Tells whether the call holds, or still waits for, this row.
    pub(crate) fn covers(&self, row: &RecordId) -> bool {
        self.rows.binary_search(row).is_ok()
    }
}

impl Drop for RowsAsked {
    fn drop(&mut self) {
        let mut queues = self.locks.lock();
        queues.waiting.remove(&self.ticket);
        for row in &self.rows {
            queues.leave(*row, self.ticket);
        }
    }
}

impl Queues {
    /// Takes a call out of a row's queue; if it held the row, the next in the queue holds it now.
    fn leave(&mut self, row: RecordId, ticket: Ticket) {
        let Entry::Occupied(mut queue) = self.by_row.entry(row) else {
            return;
        };
        if queue.get().holder != ticket {
            queue.get_mut().behind.retain(|other| *other != ticket);
            return;
        }
        let Some(next) = queue.get_mut().behind.pop_front() else {
            queue.remove();
            return;
        };
        queue.get_mut().holder = next;
        if let Some(waiting) = self.waiting.get_mut(&next) {
            waiting.rows_missing -= 1;
            if waiting.rows_missing == 0 {
                waiting.all_held.notify_one();
                self.waiting.remove(&next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::task::JoinHandle;

    use super::*;
    use crate::ids::record_id;

    fn row(number: u64) -> RecordId {
        RecordId::parse(&record_id("001", number)).unwrap()
    }

    fn rows(numbers: &[u64]) -> Vec<RecordId> {
        numbers.iter().copied().map(row).collect()
    }

    fn in_ten_seconds() -> Instant {
        Instant::now() + Duration::from_secs(10)
    }

    /// Holds rows in a task of its own, which ends with them.
    fn holding(mut asked: RowsAsked) -> JoinHandle<(Vec<RecordId>, RowsAsked)> {
        tokio::spawn(async move { (asked.hold(in_ten_seconds()).await, asked) })
    }

    fn is_empty(locks: &RowLocks) -> bool {
        let queues = locks.lock();
        queues.by_row.is_empty() && queues.waiting.is_empty()
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_free_is_held_at_once_and_what_is_not_is_given_up_at_the_deadline() {
        let locks = RowLocks::default();
        let first = locks.ask(rows(&[1]));
        let mut second = locks.ask(rows(&[1, 2]));
        assert!(!first.has_to_wait() && second.has_to_wait());

        let before = Instant::now();
        let missing = second.hold(in_ten_seconds()).await;

        assert_eq!(before.elapsed(), Duration::from_secs(10));
        assert_eq!(missing, rows(&[1]));
        assert!(second.covers(&row(2)) && !second.covers(&row(1)));
        drop((first, second));
        assert!(is_empty(&locks));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_come_is_the_first_served() {
        let locks = RowLocks::default();
        let first = locks.ask(rows(&[1]));
        let second = holding(locks.ask(rows(&[1, 2])));
        // Free, but the second call, which came before, wants it too.
        let third = holding(locks.ask(rows(&[2])));
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert!(!second.is_finished() && !third.is_finished());

        drop(first);
        let (missing, second) = second.await.unwrap();
        assert_eq!(missing, rows(&[]));
        assert!(!third.is_finished());
        drop(second);
        let (missing, third) = third.await.unwrap();
        assert_eq!(missing, rows(&[]));
        drop(third);
        assert!(is_empty(&locks));
    }

    #[tokio::test(start_paused = true)]
    async fn one_who_leaves_the_queue_hands_its_place_on_and_leaks_nothing() {
        let locks = RowLocks::default();
        let first = locks.ask(rows(&[1]));
        let second = holding(locks.ask(rows(&[1])));
        let third = holding(locks.ask(rows(&[1])));
        tokio::task::yield_now().await;
        second.abort();
        assert!(second.await.unwrap_err().is_cancelled());

        drop(first);
        let (missing, third) = third.await.unwrap();
        assert_eq!(missing, rows(&[]));
        drop(third);
        assert!(is_empty(&locks));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_want_the_same_rows_in_any_order_all_get_them() {
        let locks = RowLocks::default();
        let calls: Vec<_> = (0..50)
            .map(|call: u64| {
                let locks = locks.clone();
                tokio::spawn(async move {
                    let mut asked = locks.ask(rows(&[call % 5, (call * 3 + 1) % 5, (call * 7 + 2) % 5]));
                    let missing = asked.hold(in_ten_seconds()).await;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    missing.len()
                })
            })
            .collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), 0);
        }
        assert!(is_empty(&locks));
    }
}
