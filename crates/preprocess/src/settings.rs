//! The partial form of a recipe: what presets, TOML files and flags are written in.
//!
//! Settings are layered, later ones over earlier ones, and the sum must be complete.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::RecipeError;
use crate::preset::Preset;
use crate::recipe::{
    Arithmetic, Color, DEFAULT_MAX_PIXELS, Filter, JpegDecoder, Orientation, PixelRules, Recipe,
    Resize, ResizeKind, Scale, Size,
};

/// A recipe of which any field may be absent.
///
/// The fields are spelled with hyphens in TOML; a field that does not exist is an error there.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Name of the preset that gives what is absent elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// See [`Recipe::decoder`]; `libjpeg-turbo` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoder: Option<JpegDecoder>,
    /// See [`Recipe::pixels`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRules>,
    /// See [`Recipe::orientation`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// See [`Recipe::max_pixels`]; [`DEFAULT_MAX_PIXELS`] when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
    /// See [`Recipe::color`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// See [`Recipe::size`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// See [`Recipe::resize`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<ResizeKind>,
    /// Shorter side for `shorter-crop`; when absent, 256/224 of the longer side of `size`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shorter_side: Option<u32>,
    /// Value of the bars for `letterbox`; when absent, 114.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<u8>,
    /// See [`Recipe::filter`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// See [`Recipe::arithmetic`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<Arithmetic>,
    /// See [`Recipe::scale`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// See [`Recipe::mean`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// See [`Recipe::std`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
}

impl Settings {
    /// Returns settings that name a preset and change nothing of it.
    #[must_use]
    pub fn preset(name: &str) -> Self {
        Self { preset: Some(name.to_owned()), ..Self::default() }
    }

    /// Reads settings from TOML.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Toml`] with line and column.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        Ok(toml::from_str(text)?)
    }

    /// Returns the fields that are present as TOML.
    ///
    /// # Panics
    ///
    /// Never: every field is a word, a number or a list of numbers.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("words, numbers and lists of numbers are TOML")
    }

    /// Returns these settings with `upper`'s fields taking precedence.
    ///
    /// ```
    /// use calibrant_preprocess::{Settings, Size};
    ///
    /// let flags = Settings { size: Some(Size::new(299, 299)), ..Settings::default() };
    /// let recipe = Settings::preset("timm").overridden_by(flags).recipe()?;
    /// assert_eq!(recipe.size, Size::new(299, 299));
    /// # Ok::<(), calibrant_preprocess::RecipeError>(())
    /// ```
    #[must_use]
    pub fn overridden_by(self, upper: Self) -> Self {
        Self {
            preset: upper.preset.or(self.preset),
            decoder: upper.decoder.or(self.decoder),
            pixels: upper.pixels.or(self.pixels),
            orientation: upper.orientation.or(self.orientation),
            max_pixels: upper.max_pixels.or(self.max_pixels),
            color: upper.color.or(self.color),
            size: upper.size.or(self.size),
            resize: upper.resize.or(self.resize),
            shorter_side: upper.shorter_side.or(self.shorter_side),
            fill: upper.fill.or(self.fill),
            filter: upper.filter.or(self.filter),
            arithmetic: upper.arithmetic.or(self.arithmetic),
            scale: upper.scale.or(self.scale),
            mean: upper.mean.or(self.mean),
            std: upper.std.or(self.std),
        }
    }

    /// Returns the complete recipe: the preset's settings, if one is named, under these.
    ///
    /// # Errors
    ///
    /// [`RecipeError::NoPreset`] when nothing is set but a few fields and no preset is named,
    /// [`RecipeError::UnknownPreset`], [`RecipeError::Missing`], or what contradicts itself.
    pub fn recipe(&self) -> Result<Recipe, RecipeError> {
        let all = match &self.preset {
            Some(name) => Preset::named(name)?.settings().overridden_by(self.clone()),
            None if self.color.is_none() && self.scale.is_none() => {
                return Err(RecipeError::NoPreset);
            }
            None => self.clone(),
        };
        let size = needed("size", all.size)?;
        let resize = match needed("resize", all.resize)? {
            ResizeKind::None => Resize::None,
            ResizeKind::Stretch => Resize::Stretch,
            ResizeKind::ShorterCrop => Resize::ShorterCrop {
                shorter_side: all.shorter_side.unwrap_or_else(|| shorter_side_for(size)),
            },
            ResizeKind::Letterbox => Resize::Letterbox { fill: all.fill.unwrap_or(LETTERBOX_FILL) },
        };
        let recipe = Recipe {
            decoder: all.decoder.unwrap_or(JpegDecoder::LibjpegTurbo),
            pixels: needed("pixels", all.pixels)?,
            orientation: needed("orientation", all.orientation)?,
            max_pixels: all.max_pixels.unwrap_or(DEFAULT_MAX_PIXELS),
            color: needed("color", all.color)?,
            size,
            resize,
            filter: needed("filter", all.filter)?,
            arithmetic: needed("arithmetic", all.arithmetic)?,
            scale: needed("scale", all.scale)?,
            mean: needed("mean", all.mean)?,
            std: needed("std", all.std)?,
        };
        recipe.validate()?;
        Ok(recipe)
    }
}

impl TryFrom<Settings> for Recipe {
    type Error = RecipeError;

    fn try_from(settings: Settings) -> Result<Self, RecipeError> {
        settings.recipe()
    }
}

impl From<Recipe> for Settings {
    fn from(recipe: Recipe) -> Self {
        let (shorter_side, fill) = match recipe.resize {
            Resize::ShorterCrop { shorter_side } => (Some(shorter_side), None),
            Resize::Letterbox { fill } => (None, Some(fill)),
            Resize::None | Resize::Stretch => (None, None),
        };
        Self {
            preset: None,
            decoder: Some(recipe.decoder),
            pixels: Some(recipe.pixels),
            orientation: Some(recipe.orientation),
            max_pixels: Some(recipe.max_pixels),
            color: Some(recipe.color),
            size: Some(recipe.size),
            resize: Some(recipe.resize.kind()),
            shorter_side,
            fill,
            filter: Some(recipe.filter),
            arithmetic: Some(recipe.arithmetic),
            scale: Some(recipe.scale),
            mean: Some(recipe.mean),
            std: Some(recipe.std),
        }
    }
}

/// Bars of a letterbox when nothing else is said: Ultralytics' gray.
const LETTERBOX_FILL: u8 = 114;

/// The classic margin of 256 to 224, rounded down as timm's `floor(size / 0.875)`.
///
/// It follows the longer side of the tensor, so that the crop lies inside every picture.
fn shorter_side_for(size: Size) -> u32 {
    let side = u64::from(size.width.max(size.height)) * 256 / 224;
    u32::try_from(side).unwrap_or(u32::MAX)
}

fn needed<T>(field: &'static str, value: Option<T>) -> Result<T, RecipeError> {
    value.ok_or(RecipeError::Missing { field })
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
