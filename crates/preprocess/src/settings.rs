//! What presets, TOML files and flags say: where a recipe begins, and what is changed of it.
//!
//! Settings are layered, later ones over earlier ones; then the sum is laid over the steps.

mod overlay;

use serde::{Deserialize, Deserializer, Serialize};

use crate::preset::Preset;
use crate::recipe::RecipeError;
use crate::recipe::{
    Arithmetic, Color, DctScale, Filter, JpegDecoder, Orientation, PixelRules, Recipe, ResizeKind,
    Rounding, Scale, Size, Step, numbered,
};

/// A preset or the steps of a recipe, and changes to it; anything may be absent.
///
/// The fields are spelled with hyphens in TOML; a field that does not exist is an error there.
/// A change to a step that the recipe does not have is an error too. Laying the same changes over
/// the result gives the result again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Name of the preset whose steps are taken, or of pretrained weights, as in
    /// `timm:resnet50.a1_in1k` and `torchvision:ResNet50_Weights.IMAGENET1K_V2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// Size of the tensor: that of the last geometric step, or of the one picture size expected
    /// where there is none.
    ///
    /// Before a crop or a pad to a size, what is resized to keeps its proportion to that, rounded
    /// down: shorter side 256 and crop 224x224 become 341 and 299x299.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<Size>,
    /// Replaces all geometric steps by those of this kind, with the recipe's size and filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<ResizeKind>,
    /// [`Target::ShorterSide`](crate::Target::ShorterSide) of the resize; with
    /// `resize = "shorter-crop"` it is 256/224 of the tensor's longer side when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shorter_side: Option<u32>,
    /// How [`Resize::target`](crate::Resize::target) makes a side that follows a whole number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rounding: Option<Rounding>,
    /// [`Pad::fill`](crate::Pad::fill); with `resize = "letterbox"` it is 114 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fill: Option<u8>,
    /// [`Resize::filter`](crate::Resize::filter).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<Filter>,
    /// [`Decode::jpeg`](crate::Decode::jpeg).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jpeg: Option<JpegDecoder>,
    /// [`Decode::pixels`](crate::Decode::pixels).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelRules>,
    /// [`Decode::orientation`](crate::Decode::orientation).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// [`Decode::max_pixels`](crate::Decode::max_pixels).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pixels: Option<u64>,
    /// [`Decode::dct_scale`](crate::Decode::dct_scale).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dct_scale: Option<DctScale>,
    /// [`Normalise::color`](crate::Normalise::color).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color: Option<Color>,
    /// [`Normalise::scale`](crate::Normalise::scale).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// [`Normalise::mean`](crate::Normalise::mean).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mean: Option<Vec<f64>>,
    /// [`Normalise::std`](crate::Normalise::std).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub std: Option<Vec<f64>>,
    /// [`Normalise::arithmetic`](crate::Normalise::arithmetic).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arithmetic: Option<Arithmetic>,
    /// The steps, in place of a preset.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "some_numbered")]
    pub steps: Option<Vec<Step>>,
}

fn some_numbered<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Step>>, D::Error> {
    numbered(deserializer).map(Some)
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
    /// [`RecipeError::Toml`] with line and column, or the number of the step.
    pub fn from_toml(text: &str) -> Result<Self, RecipeError> {
        Ok(toml::from_str(text)?)
    }

    /// Returns these settings with `upper`'s taking precedence, and its preset or steps replacing
    /// these preset and steps.
    ///
    /// ```
    /// use calibrant_preprocess::{Preprocess, Settings, Size};
    ///
    /// let flags = Settings { size: Some(Size::new(299, 299)), ..Settings::default() };
    /// let recipe = Settings::preset("timm").overridden_by(flags).recipe()?;
    /// assert_eq!(recipe.compile()?.shape(), [3, 299, 299]);
    /// # Ok::<(), calibrant_preprocess::RecipeError>(())
    /// ```
    #[must_use]
    pub fn overridden_by(self, upper: Self) -> Self {
        let is_base = upper.preset.is_some() || upper.steps.is_some();
        let (preset, steps) =
            if is_base { (upper.preset, upper.steps) } else { (self.preset, self.steps) };
        Self {
            preset,
            steps,
            size: upper.size.or(self.size),
            resize: upper.resize.or(self.resize),
            shorter_side: upper.shorter_side.or(self.shorter_side),
            rounding: upper.rounding.or(self.rounding),
            fill: upper.fill.or(self.fill),
            filter: upper.filter.or(self.filter),
            jpeg: upper.jpeg.or(self.jpeg),
            pixels: upper.pixels.or(self.pixels),
            orientation: upper.orientation.or(self.orientation),
            max_pixels: upper.max_pixels.or(self.max_pixels),
            dct_scale: upper.dct_scale.or(self.dct_scale),
            color: upper.color.or(self.color),
            scale: upper.scale.or(self.scale),
            mean: upper.mean.or(self.mean),
            std: upper.std.or(self.std),
            arithmetic: upper.arithmetic.or(self.arithmetic),
        }
    }

    /// Returns the recipe: the steps, or the preset's, with the changes made, and checked.
    ///
    /// # Errors
    ///
    /// [`RecipeError::NoPreset`] when there is nothing to change, [`RecipeError::UnknownPreset`],
    /// [`RecipeError::UnknownWeights`], [`RecipeError::NoSuchStep`] where a change finds no step to change, or what
    /// [`Recipe::compile`] refuses.
    pub fn recipe(&self) -> Result<Recipe, RecipeError> {
        let steps = match (&self.preset, &self.steps) {
            (Some(_), Some(_)) => return Err(RecipeError::TwoBases),
            (Some(name), None) => Preset::steps_of(name)?,
            (None, Some(steps)) => steps.clone(),
            (None, None) => return Err(RecipeError::NoPreset { listing: Preset::listing() }),
        };
        let recipe = Recipe { steps: self.laid_over(steps)? };
        recipe.parts()?;
        Ok(recipe)
    }
}

impl Recipe {
    /// Returns the recipe of a preset as it stands.
    ///
    /// # Errors
    ///
    /// [`RecipeError::UnknownPreset`], which lists the presets; [`RecipeError::OpenSize`] for `raw`,
    /// which has no size of its own.
    pub fn preset(name: &str) -> Result<Self, RecipeError> {
        Settings::preset(name).recipe()
    }
}
