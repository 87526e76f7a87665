//! gRPC adapter of `CatalogService`.

use std::sync::Arc;

use activation::names::WorkspaceName;
use contracts::{
    config::v1::{self as pb, catalog_service_server::CatalogService},
    convert::parsed,
    status::invalid_field,
};
use service::on_database;
use tonic::{Request, Response, Status};

use crate::{
    catalog::salesforce_crm,
    store::{ChangeError, Store},
};

pub(crate) struct Adapter {
    pub(crate) store: Store,
    pub(crate) egress_addresses: Arc<[String]>,
}

#[tonic::async_trait]
impl CatalogService for Adapter {
    async fn list_catalog_entries(
        &self,
        request: Request<pb::ListCatalogEntriesRequest>,
    ) -> Result<Response<pb::ListCatalogEntriesResponse>, Status> {
        let request = request.into_inner();
        let usage = if request.parent.is_empty() {
            None
        } else {
            let workspace = parsed(&request.parent, "parent").map_err(invalid_field)?;
            Some(self.store.usage(&workspace).await.map_err(ChangeError::from)?)
        };
        let query = request.query.to_lowercase();
        let entries = [salesforce_crm()]
            .into_iter()
            .filter(|entry| {
                request.category.is_empty() || entry.category.eq_ignore_ascii_case(&request.category)
            })
            .filter(|entry| entry.display_name.to_lowercase().contains(&query))
            .map(|entry| pb::CatalogEntry {
                egress_addresses: self.egress_addresses.to_vec(),
                usage,
                ..entry
            })
            .collect();
        Ok(Response::new(pb::ListCatalogEntriesResponse { entries }))
    }
}

impl Store {
    /// Counts what exists in a workspace.
    async fn usage(&self, workspace: &WorkspaceName) -> Result<pb::CatalogUsage, sqlx::Error> {
        const CONNECTIONS: &str = "
            SELECT COUNT(*),
                -- As `Check` is written: its state comes first.
                COUNT(CASE WHEN last_check LIKE '{\"state\":\"connected\"%' THEN 1 END)
            FROM connections
            WHERE workspace = $1";
        const DESTINATIONS: &str = "
            SELECT COUNT(*), COUNT(CASE WHEN desired_state IN ('enabled', 'disabled') THEN 1 END)
            FROM destinations
            WHERE workspace = $1";
        let workspace = workspace.to_string();
        let connections: (i64, i64) = on_database!(
            &self.database,
            pool => sqlx::query_as(CONNECTIONS).bind(&workspace).fetch_one(pool).await
        )?;
        let destinations: (i64, i64) = on_database!(
            &self.database,
            pool => sqlx::query_as(DESTINATIONS).bind(&workspace).fetch_one(pool).await
        )?;
        let count = |count: i64| i32::try_from(count).unwrap_or(i32::MAX);
        Ok(pb::CatalogUsage {
            connection_count: count(connections.0),
            connected_count: count(connections.1),
            destination_count: count(destinations.0),
            activated_destination_count: count(destinations.1),
        })
    }
}
