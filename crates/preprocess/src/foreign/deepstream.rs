//! `nvinfer` of DeepStream: `net-scale-factor * (x - offsets)` on frames that are scaled to the network.
//!
//! The keys are those of the group `[property]`, in the INI form and in the YAML form. The arithmetic is
//! that of `nvdsinfer`'s conversion kernels, in float32. Frames are scaled by NvBufSurfTransform, whose
//! filters are not OpenCV's to the bit: `cv2-linear` and `cv2-nearest` stand for its bilinear and nearest.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::ForeignError;
use crate::preset;
use crate::recipe::{
    Arithmetic, Color, Decode, Fill, Filter, Normalise, Pad, PadAnchor, PadTo, Resize, Rounding,
    Scale, Size, Step, Target,
};

const GROUP: &str = "property";
const LIST: &str = "numbers with semicolons between them";

pub(super) fn steps(text: &str) -> Result<Vec<Step>, ForeignError> {
    let keys = Keys::read(text)?;
    keys.refuse()?;
    let color = match keys.whole("model-color-format")?.unwrap_or(0) {
        0 => Color::Rgb,
        1 => Color::Bgr,
        2 => Color::Gray,
        _ => return Err(keys.not_done("model-color-format", "RGB (0), BGR (1) and gray (2) are")),
    };
    let mean = match keys.numbers("offsets")? {
        Some(mean) if mean.len() == color.channels() => mean,
        Some(_) => return Err(keys.value("offsets", "one number for each channel")),
        None => vec![0.0],
    };
    let factor = keys.number("net-scale-factor")?.unwrap_or(1.0);
    if factor == 0.0 {
        return Err(keys.value("net-scale-factor", "a number other than 0"));
    }
    // The reciprocal of its reciprocal is the same number in float32.
    let (scale, std) = (Scale::Times(1.0), vec![1.0 / factor]);
    let arithmetic = Arithmetic::F32Reciprocal;
    let normalise = Normalise { color, scale, mean, std, arithmetic };
    let geometry = match keys.size(color.channels())? {
        Some(size) => keys.geometry(size)?,
        None => {
            return Err(ForeignError::Missing {
                key: "infer-dims",
                way_out: "; the size of the network stands there (channels;height;width)",
            });
        }
    };
    Ok(preset::steps(Decode::OPENCV, geometry, normalise))
}

/// The keys of the group that says it, with their values.
struct Keys(BTreeMap<String, String>);

impl Keys {
    /// Reads the INI form (`key=value` below `[property]`) or the YAML form (`key: value`, indented below
    /// `property:`).
    fn read(text: &str) -> Result<Self, ForeignError> {
        let (mut keys, mut is_in, mut has_group) = (BTreeMap::new(), false, false);
        for (number, whole) in text.lines().enumerate() {
            let line = whole.split('#').next().unwrap_or_default();
            let (is_indented, line) = (line.starts_with([' ', '\t']), line.trim());
            if line.is_empty() || line == "---" || line.starts_with(';') {
                continue;
            }
            let bracketed = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
            let group = bracketed.or_else(|| line.strip_suffix(':').filter(|_| !is_indented));
            if let Some(group) = group {
                is_in = group.trim() == GROUP;
                has_group |= is_in;
            } else if let Some((key, value)) = line.split_once('=').or_else(|| line.split_once(':'))
            {
                if is_in {
                    let value = value.trim().trim_matches(['"', '\'']);
                    keys.insert(key.trim().to_owned(), value.to_owned());
                }
            } else if is_in {
                return Err(ForeignError::Line { line: number + 1, text: whole.to_owned() });
            }
        }
        if has_group { Ok(Self(keys)) } else { Err(ForeignError::NoGroup(GROUP)) }
    }

    /// Refuses what changes the values and is not done.
    fn refuse(&self) -> Result<(), ForeignError> {
        if self.0.contains_key("mean-file") {
            return Err(self.not_done("mean-file", "give one value for each channel as `offsets`"));
        }
        if self.flag("input-tensor-meta")? {
            return Err(self.not_done(
                "input-tensor-meta",
                "the tensors come from another plugin, nvdspreprocess",
            ));
        }
        if self.whole("network-input-order")?.unwrap_or(0) > 1 {
            return Err(self.value("network-input-order", "0 for NCHW or 1 for NHWC"));
        }
        Ok(())
    }

    /// The network's width and height.
    fn size(&self, channels: usize) -> Result<Option<Size>, ForeignError> {
        let keys = ["infer-dims", "input-dims"];
        let Some(key) = keys.into_iter().find(|key| self.0.contains_key(*key)) else {
            return Ok(None);
        };
        let is_nhwc = self.whole("network-input-order")? == Some(1);
        let dims = self.list::<u32>(key)?.unwrap_or_default();
        // A fourth number is the order.
        let size = match dims[..dims.len().min(3)] {
            [c, height, width] if c as usize == channels => Some(Size::new(width, height)),
            [height, width, c] if is_nhwc && c as usize == channels => {
                Some(Size::new(width, height))
            }
            _ => None,
        };
        let wanted = "channels;height;width, with as many channels as `model-color-format` has";
        size.map(Some).ok_or_else(|| self.value(key, wanted))
    }

    fn geometry(&self, size: Size) -> Result<Vec<Step>, ForeignError> {
        // `NvBufSurfTransformInter`, whose default is nearest.
        let filter = match self.whole("scaling-filter")?.unwrap_or(6) {
            0 | 6 => Filter::Cv2Nearest,
            1 => Filter::Cv2Linear,
            _ => return Err(self.not_done("scaling-filter", "nearest (0, 6) and bilinear (1) are")),
        };
        if self.flag("maintain-aspect-ratio")? {
            let target = Target::Within { size, rounding: Rounding::Down };
            let anchor = if self.flag("symmetric-padding")? {
                PadAnchor::Centre
            } else {
                PadAnchor::TopLeft
            };
            let pad = Pad { to: PadTo::Size(size), anchor, fill: Fill::Pixel(0) };
            return Ok(vec![Step::Resize(Resize { target, filter }), Step::Pad(pad)]);
        }
        Ok(vec![Step::Resize(Resize { target: Target::To(size), filter })])
    }

    fn flag(&self, key: &'static str) -> Result<bool, ForeignError> {
        Ok(self.whole(key)?.unwrap_or(0) != 0)
    }

    fn whole(&self, key: &'static str) -> Result<Option<u32>, ForeignError> {
        let Some(text) = self.0.get(key) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.value(key, "a whole number"))
    }

    /// A number as nvinfer keeps it: in float32.
    fn number(&self, key: &'static str) -> Result<Option<f64>, ForeignError> {
        let Some(text) = self.0.get(key) else { return Ok(None) };
        match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(Some(f64::from(number))),
            _ => Err(self.value(key, "a number")),
        }
    }

    fn numbers(&self, key: &'static str) -> Result<Option<Vec<f64>>, ForeignError> {
        match self.list::<f32>(key)? {
            Some(numbers) if numbers.iter().any(|number| !number.is_finite()) => {
                Err(self.value(key, LIST))
            }
            numbers => Ok(numbers.map(|numbers| numbers.into_iter().map(f64::from).collect())),
        }
    }

    /// Numbers with semicolons, or commas, between them.
    fn list<T: FromStr>(&self, key: &'static str) -> Result<Option<Vec<T>>, ForeignError> {
        let Some(text) = self.0.get(key) else { return Ok(None) };
        let items = text.split([';', ',']).map(str::trim).filter(|item| !item.is_empty());
        let numbers: Result<Vec<T>, _> = items.map(str::parse).collect();
        numbers.map(Some).map_err(|_| self.value(key, LIST))
    }

    fn found(&self, key: &str) -> String {
        self.0.get(key).cloned().unwrap_or_default()
    }

    fn value(&self, key: &'static str, wanted: &'static str) -> ForeignError {
        ForeignError::Value { key, found: self.found(key), wanted }
    }

    fn not_done(&self, key: &'static str, why: &'static str) -> ForeignError {
        ForeignError::NotDone { key, found: self.found(key), why }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRIMARY: &str = "
# The comment of a sample.
[property]
gpu-id=0
net-scale-factor=0.0173520735727919486
offsets=103.53;116.28;123.675
model-color-format=1
infer-dims=3;544;960
maintain-aspect-ratio=1
symmetric-padding=1
scaling-filter=1

[class-attrs-all]
topk=20
";

    const YAML: &str = "
property:
  gpu-id: 0
  net-scale-factor: 0.0173520735727919486
  offsets: 103.53;116.28;123.675
  model-color-format: 1
  infer-dims: 3;544;960
  maintain-aspect-ratio: 1
  symmetric-padding: 1
  scaling-filter: 1
class-attrs-all:
  topk: 20
  infer-dims: 1;2;3
";

    fn failure(text: &str) -> String {
        steps(text).unwrap_err().to_string()
    }

    #[test]
    fn both_forms_say_the_same() {
        let found = steps(PRIMARY).unwrap();
        assert_eq!(found, steps(YAML).unwrap());
        let size = Size::new(960, 544);
        let (to, anchor, fill) = (PadTo::Size(size), PadAnchor::Centre, Fill::Pixel(0));
        let target = Target::Within { size, rounding: Rounding::Down };
        let resize = Resize { target, filter: Filter::Cv2Linear };
        assert_eq!(found[1..3], [Step::Resize(resize), Step::Pad(Pad { to, anchor, fill })]);
    }

    #[test]
    fn values_are_the_factor_times_what_is_left_of_the_pixel() {
        let recipe = crate::Recipe { steps: steps(PRIMARY).unwrap() };
        let pipeline = recipe.compile().unwrap();
        let (factor, offsets) = (0.017_352_074_f32, [103.53_f32, 116.28, 123.675]);
        for (channel, (offset, source)) in pipeline.channels().zip(offsets.iter().zip([2, 1, 0])) {
            assert_eq!(channel.source, source);
            for (pixel, value) in (0_u8..=255).zip(channel.values) {
                assert_eq!(value.to_bits(), (factor * (f32::from(pixel) - offset)).to_bits());
            }
        }
    }

    #[test]
    fn what_is_not_said_is_nvinfer_s_default() {
        let found = steps("[property]\ninfer-dims=1;32;64\nmodel-color-format=2").unwrap();
        let target = Target::To(Size::new(64, 32));
        let resize = Step::Resize(Resize { target, filter: Filter::Cv2Nearest });
        assert_eq!(found[1], resize);
        let nhwc = "[property]\ninfer-dims=32;64;3\nnetwork-input-order=1";
        assert_eq!(steps(nhwc).unwrap()[1], resize);
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        for (lines, said) in [
            ("", "it has no `infer-dims`; the size of the network stands there"),
            ("infer-dims=3;2;2\nmean-file=mean.ppm", "`mean-file` of `mean.ppm` is not done here"),
            ("infer-dims=3;2;2\nscaling-filter=4", "`scaling-filter` of `4` is not done here"),
            ("infer-dims=3;2;2\nmodel-color-format=5", "`model-color-format` of `5` is not done"),
            (
                "infer-dims=3;2;2\ninput-tensor-meta=1",
                "`input-tensor-meta` of `1` is not done here",
            ),
            ("infer-dims=3;2", "`infer-dims` is `3;2`, and should be channels;height;width"),
            ("infer-dims=3;2;2\nmodel-color-format=2", "`infer-dims` is `3;2;2`, and should be"),
            ("infer-dims=3;2;2\noffsets=1;2", "`offsets` is `1;2`, and should be one number"),
            ("infer-dims=3;2;2\noffsets=1;b;2", "`offsets` is `1;b;2`, and should be numbers"),
            ("infer-dims=3;2;2\nnet-scale-factor=0", "should be a number other than 0"),
            ("infer-dims=3;2;2\nnet-scale-factor=x", "`net-scale-factor` is `x`, and should be"),
            ("infer-dims=3;2;2\nnonsense", "line 3, `nonsense`, is neither a group nor a key"),
        ] {
            let said_of = failure(&format!("[property]\n{lines}"));
            assert!(said_of.contains(said), "{lines}: {said_of}");
        }
        assert_eq!(failure("a=1"), "it has no group `property`");
    }
}
