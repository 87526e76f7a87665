//! Seeded randomness: the same seed gives the same tokens, ids and jitter in every run.

/// A SplitMix64 generator.
/// Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators".
#[derive(Debug, Clone)]
pub(crate) struct Seeded(u64);

const TOKEN_ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";

impl Seeded {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next_number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number from 0 to `most`, both possible.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        self.next_number() % (most + 1)
    }

    /// Returns a number from 0 to below 1.
    pub(crate) fn share(&mut self) -> f64 {
        // The 53 bits that a double holds exactly.
        let steps = f64::from(u32::MAX) + 1.0;
        let high = self.next_number();
        let upper = f64::from(u32::try_from(high >> 32).unwrap_or(0));
        let lower = f64::from(u32::try_from((high & 0xFFFF_FFFF) >> 11).unwrap_or(0));
        upper / steps + lower / (steps * 2_097_152.0)
    }

    /// Returns `length` characters as found in session ids.
    pub(crate) fn token(&mut self, length: usize) -> String {
        (0..length)
            .map(|_| {
                let index = usize::try_from(self.up_to(63)).unwrap_or(0);
                char::from(TOKEN_ALPHABET[index])
            })
            .collect()
    }
}

/// Hashes `text` under `seed` (FNV-1a): stable across runs and Rust versions.
pub(crate) fn hash(seed: u64, text: &str) -> u64 {
    text.bytes().fold(seed ^ 0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
    })
}
