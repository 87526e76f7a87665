//! The wall clock, as an argument.

use std::{fmt, sync::Arc};

use chrono::{DateTime, Utc};

/// Tells the time. Programs pass [`Clock::system`], tests a closure.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>);

impl Clock {
    pub fn new(now: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the edge of every program: here the wall clock is read"
    )]
    pub fn system() -> Self {
        Self::new(|| std::time::SystemTime::now().into())
    }

    pub fn now(&self) -> DateTime<Utc> {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Clock")
    }
}
