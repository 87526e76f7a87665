//! A value that is the same for every profile.

use serde::{Deserialize, Serialize};

use crate::record::FieldValue;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Constant {
    Text(String),
    Number(Finite),
    Boolean(bool),
}

/// A number that is neither infinite nor NaN, so that it can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Finite(f64);

impl Eq for Finite {}

impl Finite {
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Finite {
    type Error = &'static str;

    fn try_from(number: f64) -> Result<Self, &'static str> {
        if number.is_finite() {
            Ok(Self(number))
        } else {
            Err("must be a finite number")
        }
    }
}

impl From<Finite> for f64 {
    fn from(number: Finite) -> Self {
        number.0
    }
}

impl From<&Constant> for FieldValue {
    fn from(constant: &Constant) -> Self {
        match constant {
            Constant::Text(text) => Self::Text(text.clone()),
            Constant::Number(number) => Self::from_number(number.0),
            Constant::Boolean(flag) => Self::Boolean(*flag),
        }
    }
}
