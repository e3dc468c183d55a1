//! Sizes and scales, and how they are written.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::RecipeError;

/// Width and height in pixels, written `WxH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// Returns the size with this width and height.
    #[must_use]
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Returns the number of pixels.
    #[must_use]
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Returns the number of pixels of a picture that is in memory.
    pub(crate) fn area(self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for Size {
    type Err = RecipeError;

    /// Reads `WxH`, or a single number for a square.
    fn from_str(text: &str) -> Result<Self, RecipeError> {
        let side = |s: &str| s.trim().parse::<u32>().ok();
        let size = match text.split_once(['x', 'X']) {
            Some((w, h)) => side(w).zip(side(h)).map(|(width, height)| Self { width, height }),
            None => side(text).map(|side| Self { width: side, height: side }),
        };
        size.ok_or_else(|| RecipeError::BadSize { text: text.to_owned() })
    }
}

/// What a pixel value is multiplied with.
///
/// Written `1/255` it divides, as `x / 255` does in the frameworks; written as a number it
/// multiplies. The two differ in the last bit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// `x * factor`.
    Times(f64),
    /// `x / divisor`.
    Over(f64),
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Times(factor) => write!(f, "{factor}"),
            Self::Over(divisor) => write!(f, "1/{divisor}"),
        }
    }
}

impl FromStr for Scale {
    type Err = RecipeError;

    fn from_str(text: &str) -> Result<Self, RecipeError> {
        let (divides, number) = match text.trim().strip_prefix("1/") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        match number.trim().parse::<f64>() {
            Ok(value) if divides => Ok(Self::Over(value)),
            Ok(value) => Ok(Self::Times(value)),
            Err(source) => Err(RecipeError::BadScale { text: text.to_owned(), source }),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for Scale {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Times(factor) => serializer.serialize_f64(*factor),
            Self::Over(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number, or \"1/255\" to divide by 255")]
        enum Written {
            Number(f64),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Number(factor) => Ok(Self::Times(factor)),
            Written::Text(text) => text.parse().map_err(serde::de::Error::custom),
        }
    }
}
