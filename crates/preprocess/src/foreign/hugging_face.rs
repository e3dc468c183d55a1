//! Image processors of transformers: `preprocessor_config.json`, or `image_processor` of
//! `processor_config.json`.
//!
//! The classes here resize, cut, scale and normalise in that order; what a file leaves out has the
//! class's default. On torchvision (the default) a uint8 tensor is resized by its kernels and scaling is
//! fused into mean and standard deviation; on Pillow and NumPy it comes first.

mod classes;

use serde_json::{Map, Value};

use self::classes::{BICUBIC, BILINEAR, Class, Kind, LANCZOS, Values, named};
use super::ForeignError;
use crate::preset;
use crate::recipe::{
    Arithmetic, Color, Crop, CropAnchor, Decode, Fill, Filter, Normalise, Pad, PadAnchor, PadTo,
    Resize, Rounding, Scale, Size, Step, Target,
};

/// What computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backend {
    Torchvision,
    Pil,
}

/// Side below which ConvNeXT's pictures are cut.
const CONVNEXT_STRETCHES_FROM: u32 = 384;
/// `longest_edge` of DETR where there is none.
const DETR_LONGEST_EDGE: u32 = 1333;

pub(super) fn steps(text: &str, backend: Backend) -> Result<Vec<Step>, ForeignError> {
    let file: Map<String, Value> = serde_json::from_str(text)?;
    let map = match file.get("image_processor") {
        Some(Value::Object(inner)) => inner,
        _ => &file,
    };
    let keys = ["image_processor_type", "feature_extractor_type"];
    let class = keys.iter().find_map(|key| map.get(*key)?.as_str());
    let class = class.ok_or(ForeignError::NoClass)?;
    let processor = Processor { map, class: named(class)?, backend };
    let color = match processor.class.kind {
        Kind::MobileVit if processor.flag("do_flip_channel_order", true)? => Color::Bgr,
        _ => Color::Rgb,
    };
    let geometry = processor.geometry()?;
    Ok(preset::steps(Decode::PILLOW, geometry, processor.normalise(color)?))
}

/// A file, its class, and what runs it.
struct Processor<'a> {
    map: &'a Map<String, Value>,
    class: &'static Class,
    backend: Backend,
}

impl Processor<'_> {
    fn geometry(&self) -> Result<Vec<Step>, ForeignError> {
        let mut steps = Vec::new();
        let mut own_crop = None;
        if self.flag("do_resize", true)? {
            let (target, crop) = self.target()?;
            steps.push(Step::Resize(Resize { target, filter: self.filter()? }));
            own_crop = crop;
        }
        if let Some(size) = own_crop {
            steps.push(self.crop(size, &steps)?);
        }
        // DETR's family, SAM and DPT have the key and do not cut, or not after their own resize.
        let cuts = !matches!(self.class.kind, Kind::Detr | Kind::Sam);
        if cuts && self.flag("do_center_crop", self.class.crop.is_some())? {
            if own_crop.is_some() {
                return Err(self.not_done("do_center_crop", "the class cuts already"));
            }
            let size = match (self.get("crop_size"), self.class.crop) {
                (None, Some(side)) => Size::new(side, side),
                _ => self.sides("crop_size", &[])?.exact(self, "crop_size")?,
            };
            steps.push(self.crop(size, &steps)?);
        }
        if let Some(pad) = self.pad(&steps)? {
            steps.push(pad);
        }
        Ok(steps)
    }

    /// What is resized to, and what is cut out of it by the class itself.
    fn target(&self) -> Result<(Target, Option<Size>), ForeignError> {
        let down = |side| Target::ShorterSide { side, rounding: Rounding::Down };
        let sides = self.size()?;
        let by_shortest = |sides: &Sides| match *sides {
            Sides::Shortest(side) => Ok(side),
            _ => Err(self.value("size", "the `shortest_edge`")),
        };
        Ok(match (self.class.kind, sides) {
            (Kind::ConvNext, sides) => {
                let side = by_shortest(&sides)?;
                let square = Size::new(side, side);
                if side < CONVNEXT_STRETCHES_FROM {
                    (down(self.over_crop_pct(side, 224.0 / 256.0)?), Some(square))
                } else {
                    (Target::To(square), None)
                }
            }
            (Kind::PoolFormer, Sides::Exact(size)) if size.width != size.height => {
                return Err(self.not_done("size", "sides that differ are resized to no such size"));
            }
            (Kind::PoolFormer, Sides::Exact(Size { width: side, .. }) | Sides::Shortest(side)) => {
                (down(self.over_crop_pct(side, 0.9)?), None)
            }
            (Kind::Levit, Sides::Shortest(side)) => {
                // `int((256 / 224) * size)`.
                let wider = (256.0 / 224.0) * f64::from(side);
                (down(whole(wider)), None)
            }
            (Kind::Sam, Sides::Longest(side)) => {
                (Target::LongerSide { side, rounding: Rounding::HalfUp }, None)
            }
            (Kind::Sam, _) => return Err(self.value("size", "the `longest_edge`")),
            (Kind::Detr, Sides::Edges(shortest, longest)) => {
                (Target::Edges { shortest, longest }, None)
            }
            (Kind::Dpt, Sides::Exact(size)) => {
                let multiple = self.whole("ensure_multiple_of")?.unwrap_or(1).max(1);
                let fits =
                    size.width.is_multiple_of(multiple) && size.height.is_multiple_of(multiple);
                if self.flag("keep_aspect_ratio", false)? || !fits {
                    return Err(self.not_done("keep_aspect_ratio", "the size follows the picture there; give one that is a multiple, without it"));
                }
                (Target::To(size), None)
            }
            (_, Sides::Exact(size)) => (Target::To(size), None),
            (Kind::Plain | Kind::MobileVit, Sides::Shortest(side)) => (down(side), None),
            (_, Sides::Edges(shortest, longest)) => (Target::Edges { shortest, longest }, None),
            _ => {
                return Err(
                    self.value("size", "`height` and `width`, or the edges that the class takes")
                );
            }
        })
    }

    fn size(&self) -> Result<Sides, ForeignError> {
        let Class { kind, size, is_square, .. } = *self.class;
        match (self.get("size"), kind) {
            (None, Kind::Sam) => Ok(Sides::Longest(size)),
            (None, Kind::Detr) => Ok(Sides::Edges(size, DETR_LONGEST_EDGE)),
            (None, _) if is_square => Ok(Sides::Exact(Size::new(size, size))),
            (None, _) => Ok(Sides::Shortest(size)),
            (Some(Value::Number(_)), Kind::Detr) => {
                let side = self.whole("size")?.unwrap_or(size);
                Ok(Sides::Edges(side, self.whole("max_size")?.unwrap_or(DETR_LONGEST_EDGE)))
            }
            (Some(Value::Number(_)), Kind::Sam) => Err(self.value("size", "the `longest_edge`")),
            (Some(Value::Number(_)), _) if !is_square => {
                Ok(Sides::Shortest(self.whole("size")?.unwrap_or(size)))
            }
            _ => self.sides("size", &["shortest_edge", "longest_edge"]),
        }
    }

    /// `int(side / crop_pct)`.
    fn over_crop_pct(&self, side: u32, usual: f64) -> Result<u32, ForeignError> {
        match self.number("crop_pct")?.unwrap_or(usual) {
            fraction if fraction > 0.0 => Ok(whole(f64::from(side) / fraction)),
            _ => Err(self.value("crop_pct", "above 0")),
        }
    }

    /// A size as a number, or as a table; edges only where the class has them.
    fn sides(&self, key: &'static str, edges: &[&str]) -> Result<Sides, ForeignError> {
        const WANTED: &str =
            "a whole number of pixels, or `height` and `width`, or edges that the class takes";
        let wrong = || self.value(key, WANTED);
        let side = |value: &Value| {
            let side = value.as_u64().and_then(|side| u32::try_from(side).ok());
            side.filter(|side| *side > 0).ok_or_else(wrong)
        };
        let table = match self.get(key) {
            Some(Value::Object(table)) => table,
            Some(Value::Array(items)) => match items.as_slice() {
                [height, width] => return Ok(Sides::Exact(Size::new(side(width)?, side(height)?))),
                _ => return Err(wrong()),
            },
            Some(number) => return side(number).map(|side| Sides::Exact(Size::new(side, side))),
            None => return Err(ForeignError::Missing { key, way_out: "" }),
        };
        let of =
            |name: &str| table.get(name).filter(|value| !value.is_null()).map(side).transpose();
        let others = |name: &&String| {
            !["height", "width"].contains(&name.as_str()) && !edges.contains(&name.as_str())
        };
        if table
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, _)| name)
            .any(|name| others(&name))
        {
            return Err(wrong());
        }
        match (of("height")?, of("width")?, of("shortest_edge")?, of("longest_edge")?) {
            (Some(height), Some(width), None, None) => Ok(Sides::Exact(Size::new(width, height))),
            (None, None, Some(shortest), None) => Ok(Sides::Shortest(shortest)),
            (None, None, None, Some(longest)) => Ok(Sides::Longest(longest)),
            (None, None, Some(shortest), Some(longest)) => Ok(Sides::Edges(shortest, longest)),
            _ => Err(wrong()),
        }
    }

    fn crop(&self, size: Size, before: &[Step]) -> Result<Step, ForeignError> {
        // On NumPy what a smaller picture lacks begins half a pixel elsewhere.
        if self.backend == Backend::Pil {
            let least = match before.last() {
                Some(Step::Resize(Resize { target: Target::To(to), .. })) => *to,
                Some(Step::Resize(Resize { target: Target::ShorterSide { side, .. }, .. })) => {
                    Size::new(*side, *side)
                }
                _ => Size::new(0, 0),
            };
            if least.width < size.width || least.height < size.height {
                return Err(self.not_done("crop_size", "a picture may be smaller than that"));
            }
        }
        Ok(Step::Crop(Crop::Size { size, anchor: CropAnchor::CentreDown }))
    }

    /// Zeros around what SAM and DETR resize.
    fn pad(&self, before: &[Step]) -> Result<Option<Step>, ForeignError> {
        let pads = matches!(self.class.kind, Kind::Sam | Kind::Detr);
        if !self.flag("do_pad", self.flag("pad_and_return_pixel_mask", pads)?)? {
            return Ok(None);
        }
        let size = match (self.get("pad_size"), before.last()) {
            (Some(_), _) => self.sides("pad_size", &[])?.exact(self, "pad_size")?,
            (None, Some(Step::Resize(Resize { target: Target::To(_), .. }))) if pads => {
                return Ok(None);
            }
            (None, Some(Step::Resize(Resize { target: Target::LongerSide { side, .. }, .. })))
            | (
                None,
                Some(Step::Resize(Resize { target: Target::Edges { longest: side, .. }, .. })),
            ) if pads => Size::new(*side, *side),
            _ => {
                return Err(
                    self.not_done("do_pad", "the class pads to the largest picture of a batch")
                );
            }
        };
        let (to, fill) = (PadTo::Size(size), Fill::Normalised(0.0));
        Ok(Some(Step::Pad(Pad { to, anchor: PadAnchor::TopLeft, fill })))
    }

    fn filter(&self) -> Result<Filter, ForeignError> {
        let number = match self.get("resample") {
            None => self.class.resample,
            Some(value) => {
                value.as_u64().ok_or_else(|| self.value("resample", "a whole number"))?
            }
        };
        match (self.backend, number) {
            (Backend::Torchvision, LANCZOS) => Ok(Filter::TvLanczos),
            (Backend::Torchvision, BILINEAR) => Ok(Filter::TvBilinear),
            (Backend::Torchvision, BICUBIC) => Ok(Filter::TvBicubic),
            (Backend::Torchvision, _) => Err(self.not_done(
                "resample",
                "of torchvision's filters, Lanczos (1), bilinear (2) and bicubic (3) are",
            )),
            (Backend::Pil, 0) => Ok(Filter::PilNearest),
            (Backend::Pil, LANCZOS) => Ok(Filter::PilLanczos),
            (Backend::Pil, BILINEAR) => Ok(Filter::PilBilinear),
            (Backend::Pil, BICUBIC) => Ok(Filter::PilBicubic),
            (Backend::Pil, 4) => Ok(Filter::PilBox),
            (Backend::Pil, 5) => Ok(Filter::PilHamming),
            (Backend::Pil, _) => Err(self.value("resample", "a number from 0 to 5")),
        }
    }

    fn normalise(&self, color: Color) -> Result<Normalise, ForeignError> {
        let rescales = self.flag("do_rescale", true)?;
        let normalises = self.class.kind != Kind::MobileVit
            && self.flag("do_normalize", self.class.normalises)?;
        let factor = match self.number("rescale_factor")?.unwrap_or(1.0 / 255.0) {
            0.0 => return Err(self.value("rescale_factor", "a number other than 0")),
            factor => factor,
        };
        let arithmetic = Arithmetic::F32;
        let (mean, std) = if normalises { self.values()? } else { (vec![0.0], vec![1.0]) };
        let scale = match (self.backend, rescales, normalises) {
            (_, false, _) => Scale::Times(1.0),
            (Backend::Torchvision, true, false) => Scale::Times(factor),
            (Backend::Torchvision, true, true) => {
                // `_fuse_mean_std_and_rescale_factor`, in float32.
                let by = 1.0 / factor;
                let fused =
                    |values: Vec<f64>| values.into_iter().map(|it| times_f32(it, by)).collect();
                let (mean, std) = (fused(mean), fused(std));
                return Ok(Normalise { color, scale: Scale::Times(1.0), mean, std, arithmetic });
            }
            (Backend::Pil, true, _) => self.rescaled_in_f64(factor)?,
        };
        Ok(Normalise { color, scale, mean, std, arithmetic })
    }

    /// The scale that equals a product in float64 that is rounded to float32, for every pixel.
    fn rescaled_in_f64(&self, factor: f64) -> Result<Scale, ForeignError> {
        let exact = |pixel: u8| to_f32(f64::from(pixel) * factor);
        let over = 1.0 / factor;
        let by_division = |pixel: u8| f32::from(pixel) / to_f32(over);
        let by_product = |pixel: u8| f32::from(pixel) * to_f32(factor);
        let mut pixels = 0..=u8::MAX;
        if pixels.all(|pixel| by_division(pixel).to_bits() == exact(pixel).to_bits()) {
            return Ok(Scale::Over(over));
        }
        if (0..=u8::MAX).all(|pixel| by_product(pixel).to_bits() == exact(pixel).to_bits()) {
            return Ok(Scale::Times(factor));
        }
        Err(self.not_done("rescale_factor", "NumPy rounds such a product once, from float64"))
    }

    fn values(&self) -> Result<(Vec<f64>, Vec<f64>), ForeignError> {
        let (mean, std) = match self.class.values {
            Values::Half => ([0.5; 3], [0.5; 3]),
            Values::ImageNet => ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
            Values::Clip => (
                [0.481_454_66, 0.457_827_5, 0.408_210_73],
                [0.268_629_54, 0.261_302_58, 0.275_777_11],
            ),
        };
        Ok((self.three("image_mean", mean)?, self.three("image_std", std)?))
    }

    fn three(&self, key: &'static str, usual: [f64; 3]) -> Result<Vec<f64>, ForeignError> {
        let wrong = || self.value(key, "three numbers");
        match self.get(key) {
            None => Ok(usual.to_vec()),
            Some(Value::Number(number)) => number.as_f64().map(|it| vec![it; 3]).ok_or_else(wrong),
            Some(Value::Array(items)) if items.len() == 3 => {
                items.iter().map(|item| item.as_f64().ok_or_else(wrong)).collect()
            }
            Some(_) => Err(wrong()),
        }
    }

    /// The value of a key; `null` is as if it were not there.
    fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    fn flag(&self, key: &'static str, usual: bool) -> Result<bool, ForeignError> {
        match self.get(key) {
            None => Ok(usual),
            Some(value) => value.as_bool().ok_or_else(|| self.value(key, "true or false")),
        }
    }

    fn number(&self, key: &'static str) -> Result<Option<f64>, ForeignError> {
        let wrong = || self.value(key, "a number");
        self.get(key).map(|value| value.as_f64().ok_or_else(wrong)).transpose()
    }

    fn whole(&self, key: &'static str) -> Result<Option<u32>, ForeignError> {
        let wrong = || self.value(key, "a whole number");
        let read = |value: &Value| value.as_u64().and_then(|it| u32::try_from(it).ok());
        self.get(key).map(|value| read(value).ok_or_else(wrong)).transpose()
    }

    fn found(&self, key: &str) -> String {
        self.map.get(key).map_or_else(|| "the class's own".to_owned(), Value::to_string)
    }

    fn value(&self, key: &'static str, wanted: &'static str) -> ForeignError {
        ForeignError::Value { key, found: self.found(key), wanted }
    }

    fn not_done(&self, key: &'static str, why: &'static str) -> ForeignError {
        ForeignError::NotDone { key, found: self.found(key), why }
    }
}

/// A size as files spell it.
enum Sides {
    Exact(Size),
    Shortest(u32),
    Longest(u32),
    Edges(u32, u32),
}

impl Sides {
    fn exact(&self, processor: &Processor<'_>, key: &'static str) -> Result<Size, ForeignError> {
        match self {
            Self::Exact(size) => Ok(*size),
            _ => Err(processor.value(key, "`height` and `width`")),
        }
    }
}

/// The product of two numbers in float32, as torch multiplies a tensor by a number.
fn times_f32(value: f64, by: f64) -> f64 {
    f64::from(to_f32(value) * to_f32(by))
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is what is asked for")]
fn to_f32(value: f64) -> f32 {
    value as f32
}

/// `int(side)` of Python.
#[expect(
    clippy::cast_possible_truncation,
    reason = "cutting is what is asked for; sides end at u32::MAX"
)]
fn whole(side: f64) -> u32 {
    side as u32
}
