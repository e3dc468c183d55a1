//! What can be wrong with a recipe.

use std::num::ParseFloatError;

use super::{Color, JpegDecoder, MAX_SIDE_PX, ResizeKind, Size, Step};
use crate::zoo::Names;

/// A recipe that cannot be used; found before any picture is read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// Neither a preset nor steps were given.
    #[error("neither a preset nor steps are given; choose one of:\n{listing}")]
    NoPreset {
        /// The presets, a line each.
        listing: String,
    },
    /// The preset's name is none of ours.
    #[error("there is no preset `{name}`; choose one of:\n{listing}")]
    UnknownPreset {
        /// The name as given.
        name: String,
        /// The presets, a line each.
        listing: String,
    },
    /// A package has no pretrained weights of this name.
    #[error("{package} has no pretrained `{name}`; the nearest are {nearest}")]
    UnknownWeights {
        /// Name and version of the package.
        package: &'static str,
        /// The name as given.
        name: String,
        /// Names that it has.
        nearest: Names,
    },
    /// Pretrained weights that are fed anything else.
    #[error("`{name}` takes {what}, which no recipe makes of a picture")]
    NotPictures {
        /// The name as given.
        name: String,
        /// What they are fed.
        what: &'static str,
    },
    /// A geometry that interpolates, for a recipe that does not.
    #[error("the geometry `{kind}` needs a filter, and the recipe has none: give one")]
    NoFilter {
        /// The geometry.
        kind: ResizeKind,
    },
    /// A word that is none of the values of its field.
    #[error("`{text}` is no {what}; known are {}", .known.join(", "))]
    UnknownWord {
        /// The field.
        what: &'static str,
        /// The word as given.
        text: String,
        /// The words that would do.
        known: &'static [&'static str],
    },
    /// A size that is not `WxH`.
    #[error("`{text}` is no size: write WxH in pixels, as in 224x224")]
    BadSize {
        /// The text as given.
        text: String,
    },
    /// A scale that is neither a number nor `1/number`.
    #[error("`{text}` is no scale: write a number, or 1/255 to divide by 255")]
    BadScale {
        /// The text as given.
        text: String,
        /// What the number's parser says.
        source: ParseFloatError,
    },
    /// A preset and steps in one file, which would be two beginnings.
    #[error("both a preset and steps are given: leave one of them out")]
    TwoBases,
    /// A list without any step.
    #[error("the recipe has no steps: it begins with `decode` and ends with `normalise`")]
    NoSteps,
    /// A step that cannot be what it is, or where it is.
    #[error("step {number} of the recipe, `{kind}`, cannot be used")]
    Step {
        /// Its number, from 1.
        number: usize,
        /// What kind of step it is.
        kind: &'static str,
        /// Why not, and the way out.
        source: StepError,
    },
    /// A list that ends before its end.
    #[error("the recipe does not end with `normalise`: add it as step {number}")]
    NoNormalise {
        /// The number that the step would have.
        number: usize,
    },
    /// A tensor whose size would depend on the picture.
    #[error(
        "the steps leave the tensor's size to the picture: end the geometric steps with `crop` or `pad` to a size, or with `resize` `to` one, or give a size"
    )]
    OpenSize,
    /// A tensor with a side beyond the limit.
    #[error("the steps make a tensor with a side of {side} px, and {MAX_SIDE_PX} are the most")]
    TensorTooLarge {
        /// The longer side.
        side: u32,
    },
    /// A setting for a step that the recipe has not.
    #[error(
        "`{field}` changes a step {step}, and the recipe has none: write the steps in a file, or replace the geometry"
    )]
    NoSuchStep {
        /// The setting.
        field: &'static str,
        /// The kind of step.
        step: &'static str,
    },
    /// A step that cannot take the size of the tensor.
    #[error(
        "`size` cannot change step {number}, `{kind}`, whose size follows from other steps: write the steps in a file"
    )]
    SizeFollows {
        /// Its number, from 1.
        number: usize,
        /// What kind of step it is.
        kind: &'static str,
    },
    /// TOML that does not parse, or has a field that a recipe has not.
    #[error("the preprocessing file does not parse")]
    Toml(#[from] toml::de::Error),
}

impl RecipeError {
    pub(crate) fn step(number: usize, step: &Step, source: StepError) -> Self {
        Self::Step { number, kind: step.kind(), source }
    }
}

/// What is wrong with one step of a recipe.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// None, or more than one, of the fields of which a step has one.
    #[error("it takes exactly one of {fields}")]
    OneOf {
        /// As a recipe spells them.
        fields: &'static str,
    },
    /// One of two fields that belong together.
    #[error("it takes {fields} together")]
    Pair {
        /// As a recipe spells them.
        fields: &'static str,
    },
    /// A field that another one makes meaningless.
    #[error("`{field}` means nothing beside `{beside}`: leave it out")]
    Superfluous {
        /// As a recipe spells it.
        field: &'static str,
        /// The other one.
        beside: &'static str,
    },
    /// A list that begins with something else.
    #[error("a recipe begins with `decode`: put it first")]
    NotDecode,
    /// A second one of the kind.
    #[error("the recipe has this step already: leave one of the two out")]
    Again,
    /// A comparison with a picture that is changed already.
    #[error("it compares the picture as it was decoded: put it right after `decode`")]
    ExpectLate,
    /// A picture with bars, changed.
    #[error("bars are neither cut nor resized nor padded again: put `pad` last before `normalise`")]
    AfterPad,
    /// A step on normalised values.
    #[error("nothing comes after `normalise`: put it before")]
    AfterNormalise,
    /// Bars around what may be larger.
    #[error(
        "it pads to {size} px, and the picture may have {most} px by then: pad to that, or crop it before"
    )]
    PadTooSmall {
        /// The size with the bars.
        size: Size,
        /// The largest picture.
        most: Size,
    },
    /// Bars around what may have any size.
    #[error(
        "the picture may be larger by then: bring it to a size before (`resize` with `to`, `longer-side` or `within`, or `crop`)"
    )]
    PadWithoutLimit,
    /// A multiple of a size that the picture decides.
    #[error("a multiple of what depends on the picture is no size: pad to a `size`")]
    OpenMultiple,
    /// Bars of one value around those of a crop.
    #[error(
        "the crop before it fills with 0 what a picture lacks: pad with `fill = 0`, or leave the crop out"
    )]
    TwoFills,
    /// A side of zero or beyond the limit.
    #[error("{field} of {side} px is out of range: 1 to {MAX_SIDE_PX}")]
    SideOutOfRange {
        /// As a recipe spells it.
        field: &'static str,
        /// The side as given.
        side: u32,
    },
    /// A longest side that no picture can have.
    #[error(
        "limit-side of {side} px is no multiple of {multiple}: take {}",
        (side / multiple).max(1) * multiple
    )]
    LimitOffGrid {
        /// The longest side as given.
        side: u32,
        /// What it should be a multiple of.
        multiple: u32,
    },
    /// `max-pixels` of zero, or more than a picture can have.
    #[error("max-pixels of {pixels} is out of range: 1 to {most}")]
    BadMaxPixels {
        /// The number as given.
        pixels: u64,
        /// The largest that would do.
        most: u64,
    },
    /// A fraction of nothing, or of more than there is.
    #[error("fraction of {fraction} is out of range: above 0 and at most 1")]
    BadFraction {
        /// The number as given.
        fraction: f64,
    },
    /// A number that is not finite, or zero where one divides by it.
    #[error("{field} cannot be {value}")]
    BadNumber {
        /// As a recipe spells it.
        field: &'static str,
        /// The number as given.
        value: f64,
    },
    /// `mean` or `std` of another length than the channels.
    #[error(
        "{field} has {found} values, but {color} has {channels} channels: give 1 or {channels} values"
    )]
    ChannelCount {
        /// As a recipe spells it.
        field: &'static str,
        /// How many values it has.
        found: usize,
        /// The recipe's colour.
        color: Color,
        /// How many channels that colour has.
        channels: usize,
    },
    /// A decoder without a scaled decode.
    #[error(
        "the decoder `{jpeg}` has no scaled decode: leave `dct-scale` out, or take `libjpeg-turbo`"
    )]
    CannotScale {
        /// The decoder.
        jpeg: JpegDecoder,
    },
    /// A decoder that is no processor's.
    #[error("the decoder `nvjpeg` needs a GPU: take another decoder, or decode on one")]
    NeedsGpu,
}
