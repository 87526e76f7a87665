//! Which fields of an org are taken, before a connection moves there.

use activation::{InvalidField, names::ConnectionName};
use service::on_database;

use super::{
    Destination, claimed_by_others, claimed_fields,
    row::{self, Row},
};
use crate::store::Store;

impl Store {
    /// Lists Mapping IDs of a connection's destinations whose field in another
    /// org a destination there writes already.
    pub(crate) async fn claimed_in_org(
        &self,
        connection: &ConnectionName,
        org_id: &str,
    ) -> Result<Vec<InvalidField>, sqlx::Error> {
        let name = connection.to_string();
        let moving: Vec<Row> = on_database!(
            &self.database,
            pool => sqlx::query_as(row::OF_CONNECTION).bind(&name).fetch_all(pool).await
        )?;
        let mut claimed = Vec::new();
        for row in moving {
            let destination: Destination = row.try_into()?;
            let others: Vec<Row> = on_database!(
                &self.database,
                pool => sqlx::query_as(row::OF_OTHER_CONNECTIONS)
                    .bind(org_id)
                    .bind(&name)
                    .bind(connection.workspace().to_string())
                    .bind(destination.activation.record_type.object())
                    .fetch_all(pool)
                    .await
            )?;
            let others = claimed_fields(others)?;
            // What an edit takes away is written until that is live.
            let definitions = destination.live.iter().chain([&destination.activation]);
            for claim in definitions.flat_map(|definition| claimed_by_others(definition, &others)) {
                let claim = InvalidField::new("org_id", format!("{}: {claim}", destination.name));
                if !claimed.contains(&claim) {
                    claimed.push(claim);
                }
            }
        }
        Ok(claimed)
    }
}
