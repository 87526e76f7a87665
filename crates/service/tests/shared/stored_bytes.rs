//! All bytes that a database holds, to look for what must not be there. Included by the tests of every service.

use secrecy::ExposeSecret;
use service::database::Location;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// What is stored at a location.
pub(crate) struct StoredBytes(Vec<u8>);

impl StoredBytes {
    /// Reads the files of SQLite, write-ahead logs too, or every column of every table of Postgres.
    pub(crate) async fn read(location: &Location) -> Self {
        match location {
            Location::Directory(directory) => {
                let files = std::fs::read_dir(directory).unwrap();
                Self(
                    files
                        .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
                        .collect(),
                )
            }
            Location::Postgres(url) => {
                let mut connection = PgConnection::connect(url.expose_secret()).await.unwrap();
                Self(columns(&mut connection).await)
            }
        }
    }

    pub(crate) fn contain(&self, part: &str) -> bool {
        self.0.windows(part.len()).any(|window| window == part.as_bytes())
    }
}

async fn columns(connection: &mut PgConnection) -> Vec<u8> {
    const COLUMNS: &str = "
        SELECT table_schema || '.' || table_name, column_name, data_type
        FROM information_schema.columns
        WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    let columns: Vec<(String, String, String)> =
        sqlx::query_as(COLUMNS).fetch_all(&mut *connection).await.unwrap();
    let mut bytes = Vec::new();
    for (table, column, data_type) in columns {
        let value = match data_type.as_str() {
            "bytea" => column,
            _ => format!("convert_to({column}::TEXT, 'UTF8')"),
        };
        let sql = format!("SELECT {value} FROM {table}");
        let values: Vec<Option<Vec<u8>>> = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        bytes.extend(values.into_iter().flatten().flatten());
    }
    bytes
}
