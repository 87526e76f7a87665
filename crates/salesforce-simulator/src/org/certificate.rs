//! The public key that checks the assertions of an app.

use serde::{Deserialize, Serialize};
use x509_cert::Certificate;
use x509_cert::der::DecodePem;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

/// Source: RFC 8017, appendix A.1 (`rsaEncryption`).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// What an admin uploads with an app: an X.509 certificate, of which only the key is used, or a public key.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct AppCertificate {
    pem: String,
    /// `RSAPublicKey` of RFC 8017, in DER.
    rsa_public_key: Vec<u8>,
}

/// Why a text was not taken as a certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    #[error(
        "certificate must be PEM: an X.509 certificate (BEGIN CERTIFICATE) or a public key (BEGIN PUBLIC KEY)"
    )]
    NotPem,
    #[error("certificate must hold an RSA key, because assertions are signed with RS256")]
    NotRsa,
}

impl AppCertificate {
    /// Returns the key, an `RSAPublicKey` of RFC 8017 in DER.
    pub(crate) fn rsa_public_key(&self) -> &[u8] {
        &self.rsa_public_key
    }
}

impl TryFrom<String> for AppCertificate {
    type Error = CertificateError;

    fn try_from(pem: String) -> Result<Self, CertificateError> {
        let key = Certificate::from_pem(pem.as_bytes())
            .map(|certificate| certificate.tbs_certificate.subject_public_key_info)
            .or_else(|_| SubjectPublicKeyInfoOwned::from_pem(pem.as_bytes()))
            .map_err(|_| CertificateError::NotPem)?;
        if key.algorithm.oid != RSA {
            return Err(CertificateError::NotRsa);
        }
        Ok(Self {
            rsa_public_key: key.subject_public_key.raw_bytes().to_vec(),
            pem,
        })
    }
}

impl From<AppCertificate> for String {
    fn from(certificate: AppCertificate) -> Self {
        certificate.pem
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pem: &str) -> Result<AppCertificate, CertificateError> {
        AppCertificate::try_from(pem.to_owned())
    }

    #[test]
    fn a_certificate_and_its_public_key_are_the_same_key() {
        let key = read(include_str!("../../tests/certificates/public_key.pem")).unwrap();
        for certificate in [
            include_str!("../../tests/certificates/version_1.pem"),
            include_str!("../../tests/certificates/version_3.pem"),
        ] {
            assert_eq!(read(certificate).unwrap().rsa_public_key(), key.rsa_public_key());
        }
    }

    #[test]
    fn what_signs_no_rs256_is_refused_with_the_reason() {
        let elliptic = read(include_str!("../../tests/certificates/elliptic_public_key.pem"));
        assert!(matches!(elliptic, Err(CertificateError::NotRsa)));
        assert!(matches!(read("MIIB"), Err(CertificateError::NotPem)));
    }
}
