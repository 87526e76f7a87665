//! Mutual TLS between services.

use std::{fs, io, path::PathBuf};

use serde::Deserialize;
use tonic::transport::{Certificate, ClientTlsConfig, Identity, ServerTlsConfig};

/// PEM files of one service. Both ends show a certificate of the same authority.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    pub certificate_file: PathBuf,
    pub private_key_file: PathBuf,
    /// The authority that signs the certificates of all services.
    pub authority_file: PathBuf,
}

#[derive(Debug, thiserror::Error)]
#[error("the TLS file {path} could not be read")]
pub struct TlsFileError {
    path: String,
    #[source]
    source: io::Error,
}

/// What an internal listener shows and demands.
pub struct ServerTls(ServerTlsConfig);

/// What a caller of an internal listener shows and demands.
#[derive(Clone)]
pub struct ClientTls(ClientTlsConfig);

impl TlsSettings {
    pub fn server(&self) -> Result<ServerTls, TlsFileError> {
        let (identity, authority) = self.read()?;
        Ok(ServerTls(
            ServerTlsConfig::new()
                .identity(identity)
                .client_ca_root(authority),
        ))
    }

    pub fn client(&self) -> Result<ClientTls, TlsFileError> {
        let (identity, authority) = self.read()?;
        Ok(ClientTls(
            ClientTlsConfig::new()
                .identity(identity)
                .ca_certificate(authority),
        ))
    }

    fn read(&self) -> Result<(Identity, Certificate), TlsFileError> {
        let file = |path: &PathBuf| {
            fs::read(path).map_err(|source| TlsFileError {
                path: path.display().to_string(),
                source,
            })
        };
        let identity = Identity::from_pem(file(&self.certificate_file)?, file(&self.private_key_file)?);
        Ok((identity, Certificate::from_pem(file(&self.authority_file)?)))
    }
}

impl ServerTls {
    pub(super) fn into_config(self) -> ServerTlsConfig {
        self.0
    }
}

impl ClientTls {
    pub(super) fn into_config(self) -> ClientTlsConfig {
        self.0
    }
}
