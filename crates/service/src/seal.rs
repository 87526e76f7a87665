//! Secrets and payloads at rest: AES-256-GCM under data keys, which are
//! themselves sealed by a key from a file that only its owner can read.

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::Path,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    digest, hmac,
    rand::{SecureRandom, SystemRandom},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;

/// The key that seals data keys.
pub struct MasterKey {
    id: String,
    key: DataKey,
    hmac: hmac::Key,
}

/// Seals and opens bytes. The same associated data must be given to both.
pub struct DataKey(RandomizedNonceKey);

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key file {path} could not be read")]
    Read {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the key file {path} could not be made")]
    Create {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("the key file {path} can be read by others (mode {mode:o}); run: chmod 600 {path}")]
    Exposed { path: String, mode: u32 },
    #[error("the key file {path} does not hold a key: 32 bytes in base64")]
    Malformed { path: String },
    #[error("the operating system gave no randomness")]
    Randomness,
}

/// What was sealed cannot be opened: by another key, for another place, or damaged.
#[derive(Debug, thiserror::Error)]
#[error("sealed with another key, or damaged")]
pub struct OpenError;

impl MasterKey {
    /// Reads the key file, or makes one when there is none.
    pub fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        match Self::load(path) {
            Err(KeyError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                create_key_file(path)?;
                Self::load(path)
            }
            loaded => loaded,
        }
    }

    /// Reads the key file, which nobody but its owner may be able to read.
    pub fn load(path: &Path) -> Result<Self, KeyError> {
        let name = || path.display().to_string();
        let read_error = |source| KeyError::Read { path: name(), source };
        let mode = fs::metadata(path).map_err(read_error)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: name(), mode });
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(read_error)?);
        let bytes = STANDARD
            .decode(text.trim())
            .map(Zeroizing::new)
            .ok()
            .filter(|bytes| bytes.len() == KEY_BYTES)
            .ok_or_else(|| KeyError::Malformed { path: name() })?;
        let fingerprint = digest::digest(&digest::SHA256, &bytes);
        Ok(Self {
            id: fingerprint.as_ref()[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            key: DataKey::new(&bytes),
            hmac: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
        })
    }

    /// Names the key without telling it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Makes a data key; answers it and its sealed form, to be kept.
    pub fn new_data_key(&self, associated_data: &[u8]) -> Result<(DataKey, Vec<u8>), KeyError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        SystemRandom::new()
            .fill(bytes.as_mut())
            .map_err(|_| KeyError::Randomness)?;
        let sealed = self.key.seal(associated_data, bytes.as_ref());
        Ok((DataKey::new(bytes.as_ref()), sealed))
    }

    /// Opens the sealed form of a data key.
    pub fn open_data_key(&self, associated_data: &[u8], sealed: &[u8]) -> Result<DataKey, OpenError> {
        let bytes = Zeroizing::new(self.key.open(associated_data, sealed)?);
        if bytes.len() == KEY_BYTES {
            Ok(DataKey::new(&bytes))
        } else {
            Err(OpenError)
        }
    }

    /// Returns a name for a value that tells nothing of it, the same every time.
    pub fn pseudonym(&self, value: &[u8]) -> String {
        let tag = hmac::sign(&self.hmac, value);
        tag.as_ref()[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl DataKey {
    fn new(bytes: &[u8]) -> Self {
        Self(RandomizedNonceKey::new(&AES_256_GCM, bytes).expect("a key of 32 bytes fits AES-256"))
    }

    /// Returns nonce and ciphertext.
    pub fn seal(&self, associated_data: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut text = plaintext.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(associated_data), &mut text)
            .expect("a message far below AES-GCM's limit can be sealed");
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut text);
        sealed
    }

    pub fn open(&self, associated_data: &[u8], sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(OpenError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| OpenError)?;
        let mut text = text.to_vec();
        let length = self
            .0
            .open_in_place(nonce, Aad::from(associated_data), &mut text)
            .map_err(|_| OpenError)?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn create_key_file(path: &Path) -> Result<(), KeyError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    SystemRandom::new()
        .fill(bytes.as_mut())
        .map_err(|_| KeyError::Randomness)?;
    let text = Zeroizing::new(STANDARD.encode(bytes.as_ref()));
    let create_error = |source| KeyError::Create {
        path: path.display().to_string(),
        source,
    };
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(create_error)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(create_error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_its_key_and_place() {
        let directory = tempfile::tempdir().unwrap();
        let master = MasterKey::load_or_create(&directory.path().join("a.key")).unwrap();
        let (data_key, wrapped) = master.new_data_key(b"row 1").unwrap();
        let sealed = data_key.seal(b"row 1 version 2", b"secret");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));

        let again = MasterKey::load_or_create(&directory.path().join("a.key")).unwrap();
        assert_eq!(again.id(), master.id());
        let data_key = again.open_data_key(b"row 1", &wrapped).unwrap();
        assert_eq!(data_key.open(b"row 1 version 2", &sealed).unwrap(), b"secret");

        assert!(data_key.open(b"row 1 version 3", &sealed).is_err());
        assert!(data_key.open(b"row 1 version 2", &sealed[1..]).is_err());
        assert!(data_key.open(b"", &[]).is_err());
        assert!(again.open_data_key(b"row 2", &wrapped).is_err());
        let other = MasterKey::load_or_create(&directory.path().join("b.key")).unwrap();
        assert!(other.open_data_key(b"row 1", &wrapped).is_err());
    }

    #[test]
    fn a_key_file_that_others_can_read_is_refused_with_the_fix() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        MasterKey::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = MasterKey::load(&path).err().unwrap();
        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_damaged_key_file_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        MasterKey::load_or_create(&path).unwrap();
        fs::write(&path, "short").unwrap();
        assert!(matches!(MasterKey::load(&path), Err(KeyError::Malformed { .. })));
    }
}
