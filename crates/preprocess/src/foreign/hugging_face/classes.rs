//! The classes of image processors, each with its defaults.

use crate::foreign::ForeignError;

/// How a class resizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// To `height` and `width`, or by `shortest_edge`.
    Plain,
    /// By `shortest_edge` over `crop_pct` and cut below 384, stretched from there on.
    ConvNext,
    /// By `shortest_edge` over `crop_pct`.
    PoolFormer,
    /// By 256/224 of `shortest_edge`.
    Levit,
    /// To `height` and `width` that are multiples of `ensure_multiple_of`.
    Dpt,
    /// By `longest_edge`, on zeros at the top left.
    Sam,
    /// By `shortest_edge` and `longest_edge`, on zeros at the top left.
    Detr,
    /// As `Plain`, blue first and not normalised.
    MobileVit,
}

/// A class with its defaults.
pub(super) struct Class {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// `size`: a square, or the shorter or longer side.
    pub(super) size: u32,
    /// Whether a `size` of one number is a square.
    pub(super) is_square: bool,
    /// `resample`, as Pillow numbers filters.
    pub(super) resample: u64,
    /// `crop_size`, where it is cut.
    pub(super) crop: Option<u32>,
    pub(super) values: Values,
    pub(super) normalises: bool,
}

/// Mean and standard deviation by their names in transformers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values {
    /// `IMAGENET_STANDARD_*`.
    Half,
    /// `IMAGENET_DEFAULT_*`.
    ImageNet,
    /// `OPENAI_CLIP_*`.
    Clip,
}

pub(super) const LANCZOS: u64 = 1;
pub(super) const BILINEAR: u64 = 2;
pub(super) const BICUBIC: u64 = 3;

const fn class(name: &'static str, kind: Kind, size: u32, resample: u64, values: Values) -> Class {
    let is_square = matches!(kind, Kind::Plain | Kind::Dpt);
    Class { name, kind, size, is_square, resample, crop: None, values, normalises: true }
}

impl Class {
    const fn cut(self, crop: u32) -> Self {
        Self { crop: Some(crop), ..self }
    }

    const fn by_shortest_edge(self) -> Self {
        Self { is_square: false, ..self }
    }

    const fn plain_values(self) -> Self {
        Self { normalises: false, ..self }
    }
}

/// The classes, as transformers 5.24.0 has them.
const CLASSES: &[Class] = &[
    class("ViTImageProcessor", Kind::Plain, 224, BILINEAR, Values::Half),
    class("DeiTImageProcessor", Kind::Plain, 256, BICUBIC, Values::Half).cut(224),
    class("BeitImageProcessor", Kind::Plain, 224, BICUBIC, Values::Half),
    class("BlipImageProcessor", Kind::Plain, 384, BICUBIC, Values::Clip),
    class("SiglipImageProcessor", Kind::Plain, 224, BICUBIC, Values::Half),
    class("PvtImageProcessor", Kind::Plain, 224, BICUBIC, Values::ImageNet),
    class("SegformerImageProcessor", Kind::Plain, 512, BILINEAR, Values::ImageNet),
    class("OwlViTImageProcessor", Kind::Plain, 768, BICUBIC, Values::Clip),
    class("RTDetrImageProcessor", Kind::Plain, 640, BILINEAR, Values::ImageNet).plain_values(),
    class("CLIPImageProcessor", Kind::Plain, 224, BICUBIC, Values::Clip)
        .cut(224)
        .by_shortest_edge(),
    class("ChineseCLIPImageProcessor", Kind::Plain, 224, BICUBIC, Values::Clip)
        .cut(224)
        .by_shortest_edge(),
    class("BitImageProcessor", Kind::Plain, 224, BICUBIC, Values::Clip).cut(224).by_shortest_edge(),
    class("MobileNetV1ImageProcessor", Kind::Plain, 256, BILINEAR, Values::Half)
        .cut(224)
        .by_shortest_edge(),
    class("MobileNetV2ImageProcessor", Kind::Plain, 256, BILINEAR, Values::Half)
        .cut(224)
        .by_shortest_edge(),
    class("MobileViTImageProcessor", Kind::MobileVit, 224, BICUBIC, Values::Half)
        .cut(256)
        .plain_values(),
    class("ConvNextImageProcessor", Kind::ConvNext, 384, BICUBIC, Values::Half),
    class("PoolFormerImageProcessor", Kind::PoolFormer, 224, BICUBIC, Values::ImageNet).cut(224),
    class("LevitImageProcessor", Kind::Levit, 224, BICUBIC, Values::ImageNet).cut(224),
    class("DPTImageProcessor", Kind::Dpt, 384, BICUBIC, Values::Half),
    class("SamImageProcessor", Kind::Sam, 1024, BILINEAR, Values::ImageNet),
    class("DetrImageProcessor", Kind::Detr, 800, BILINEAR, Values::ImageNet),
    class("ConditionalDetrImageProcessor", Kind::Detr, 800, BILINEAR, Values::ImageNet),
    class("DeformableDetrImageProcessor", Kind::Detr, 800, BILINEAR, Values::ImageNet),
    class("YolosImageProcessor", Kind::Detr, 800, BILINEAR, Values::ImageNet),
];

/// The class of this name, by any of its spellings: of old, `Fast`, or on Pillow.
pub(super) fn named(class: &str) -> Result<&'static Class, ForeignError> {
    let plain = class.strip_suffix("Fast").or(class.strip_suffix("Pil")).unwrap_or(class);
    let plain = match plain.strip_suffix("FeatureExtractor") {
        Some(name) => format!("{name}ImageProcessor"),
        None => plain.to_owned(),
    };
    CLASSES.iter().find(|class| class.name == plain).ok_or_else(|| ForeignError::UnknownClass {
        class: class.to_owned(),
        known: CLASSES.iter().map(|class| class.name).collect(),
    })
}
