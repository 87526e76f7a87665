//! A connection to either database, for what is read both inside a change's
//! transaction and outside.

use sqlx::{PgConnection, SqliteConnection};

/// A connection, or a transaction on one.
pub(crate) enum Session<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl<'c> From<&'c mut SqliteConnection> for Session<'c> {
    fn from(connection: &'c mut SqliteConnection) -> Self {
        Self::Sqlite(connection)
    }
}

impl<'c> From<&'c mut PgConnection> for Session<'c> {
    fn from(connection: &'c mut PgConnection) -> Self {
        Self::Postgres(connection)
    }
}

/// Runs a query on whichever it is, as `on_database!` does on a pool:
/// `on_session!(session, connection => sqlx::query(SQL).execute(connection).await)`.
macro_rules! on_session {
    ($session:expr, $connection:ident => $body:expr) => {
        match $session {
            $crate::session::Session::Sqlite(connection) => {
                let $connection = &mut **connection;
                $body
            }
            $crate::session::Session::Postgres(connection) => {
                let $connection = &mut **connection;
                $body
            }
        }
    };
}
pub(crate) use on_session;

/// Takes a connection of a pool for the length of a block:
/// `with_session!(&self.database, session => { read(session).await? })`.
macro_rules! with_session {
    ($database:expr, $session:ident => $body:block) => {
        service::on_database!($database, pool => {
            let mut connection = pool.acquire().await?;
            let $session = &mut $crate::session::Session::from(&mut *connection);
            $body
        })
    };
}
pub(crate) use with_session;
