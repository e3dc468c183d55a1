//! The presets: named steps, each list equal to one framework's customary pipeline.

use crate::foreign::Foreign;
use crate::recipe::RecipeError;
use crate::recipe::{
    Arithmetic, Color, Crop, CropAnchor, Decode, Expect, Fill, Filter, Normalise, Pad, PadAnchor,
    PadTo, Resize, Rounding, Scale, Size, Step, Target,
};
use crate::zoo::{ZOOS, Zoo};

/// A named pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// The name that callers and files use.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The framework whose tensors it equals.
    pub framework: &'static str,
    steps: fn() -> Vec<Step>,
}

impl Preset {
    /// Every preset, the most usual first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        PRESETS
    }

    /// Returns the preset of this name.
    ///
    /// # Errors
    ///
    /// [`RecipeError::UnknownPreset`], which lists them all.
    pub fn named(name: &str) -> Result<&'static Self, RecipeError> {
        let found = PRESETS.iter().find(|preset| preset.name == name);
        found.ok_or_else(|| RecipeError::UnknownPreset {
            name: name.to_owned(),
            listing: Self::listing(),
        })
    }

    /// Returns the steps; those of `raw` lack a size.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        (self.steps)()
    }

    /// Returns the steps of the preset of this name, or of the pretrained weights that it names
    /// behind `timm:` or `torchvision:`.
    ///
    /// # Errors
    ///
    /// As of [`named`](Self::named); [`RecipeError::UnknownWeights`], [`RecipeError::NotPictures`].
    pub fn steps_of(name: &str) -> Result<Vec<Step>, RecipeError> {
        let weights = ZOOS.iter().find_map(|zoo| {
            let (package, weights) = name.split_once(':')?;
            (package == zoo.name).then(|| zoo.steps(weights))
        });
        weights.unwrap_or_else(|| Ok(Self::named(name)?.steps()))
    }

    /// Returns one line for each preset: name, what it does, what it equals; and one for each package
    /// of pretrained weights and each kind of file.
    #[must_use]
    pub fn listing() -> String {
        let preset = |p: &Self| format!("  {:<20} {} [{}]", p.name, p.summary, p.framework);
        let zoo = |z: &Zoo| format!("  {:<20} {}", format!("{}:NAME", z.name), z.summary);
        let file =
            |f: &Foreign| format!("  {:<20} {}", format!("{}:FILE", f.prefix()), f.summary());
        let lines = PRESETS.iter().map(preset).chain(ZOOS.iter().map(zoo));
        let lines = lines.chain(Foreign::ALL.iter().map(file));
        lines.collect::<Vec<_>>().join("\n")
    }
}

const IMAGENET_MEAN: [f64; 3] = [0.485, 0.456, 0.406];
const IMAGENET_STD: [f64; 3] = [0.229, 0.224, 0.225];
const SQUARE_224: Size = Size::new(224, 224);
const SQUARE_640: Size = Size::new(640, 640);

const PRESETS: &[Preset] = &[
    Preset {
        name: "imagenet",
        summary: "stretch to 224x224, RGB, x/255, ImageNet mean and std",
        framework: "OpenCV and NumPy",
        steps: || {
            let normalise = Normalise { arithmetic: Arithmetic::NumpyF64, ..imagenet() };
            opencv([stretch(SQUARE_224)], normalise)
        },
    },
    Preset {
        name: "torchvision",
        summary: "shorter side 256 bilinear, crop 224x224, RGB, x/255, ImageNet mean and std",
        framework: "torchvision on Pillow pictures",
        steps: || pillow(shorter_crop(Filter::PilBilinear), imagenet()),
    },
    Preset {
        name: "torchvision-v2",
        summary: "shorter side 256 bilinear, crop 224x224, RGB, x*(1/255), ImageNet mean and std",
        framework: "torchvision's v2 transforms on uint8 tensors",
        steps: || {
            let normalise = Normalise { scale: Scale::Times(1.0 / 255.0), ..imagenet() };
            pillow(shorter_crop(Filter::TvBilinear), normalise)
        },
    },
    Preset {
        name: "timm",
        summary: "shorter side 256 bicubic, crop 224x224, RGB, x/255, ImageNet mean and std",
        framework: "timm on Pillow pictures",
        steps: || pillow(shorter_crop(Filter::PilBicubic), imagenet()),
    },
    Preset {
        name: "ultralytics",
        summary: "letterbox to 640x640 on gray 114, RGB, x/255",
        framework: "Ultralytics on OpenCV pictures",
        steps: || {
            let geometry = fit(SQUARE_640, Rounding::HalfEven, PadAnchor::Centre);
            opencv(geometry, normalise(Scale::Over(255.0), &[0.0], &[1.0]))
        },
    },
    Preset {
        name: "ultralytics-classify",
        summary: "shorter side 224 bilinear, crop 224x224, RGB, x/255",
        framework: "Ultralytics' classifiers on OpenCV pictures",
        steps: || {
            let target = Target::ShorterSide { side: 224, rounding: Rounding::Down };
            let crop = Crop::Size { size: SQUARE_224, anchor: CropAnchor::Centre };
            let resize = Resize { target, filter: Filter::PilBilinear };
            let normalise = normalise(Scale::Over(255.0), &[0.0], &[1.0]);
            opencv([Step::Resize(resize), Step::Crop(crop)], normalise)
        },
    },
    Preset {
        name: "yolox",
        summary: "fit 640x640 at the top left of gray 114, BGR, 0 to 255",
        framework: "YOLOX on OpenCV pictures",
        steps: || {
            let normalise = normalise(Scale::Times(1.0), &[0.0], &[1.0]);
            let geometry = fit(SQUARE_640, Rounding::Down, PadAnchor::TopLeft);
            opencv(geometry, Normalise { color: Color::Bgr, ..normalise })
        },
    },
    Preset {
        name: "segment-anything",
        summary: "longer side 1024 bilinear at the top left of zeros, RGB, ImageNet mean and std of 0 to 255",
        framework: "Segment Anything on OpenCV pictures",
        steps: || {
            let target = Target::LongerSide { side: 1024, rounding: Rounding::HalfUp };
            let pad = zeros(Size::new(1024, 1024));
            let resize = Resize { target, filter: Filter::PilBilinear };
            let (mean, std) = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]);
            let normalise = normalise(Scale::Times(1.0), &mean, &std);
            opencv([Step::Resize(resize), pad], normalise)
        },
    },
    Preset {
        name: "clip",
        summary: "shorter side 224 bicubic, crop 224x224, RGB, x/255, OpenAI's mean and std",
        framework: "OpenAI's CLIP on Pillow pictures",
        steps: || {
            let target = Target::ShorterSide { side: 224, rounding: Rounding::Down };
            let crop = Crop::Size { size: SQUARE_224, anchor: CropAnchor::Centre };
            let resize = Resize { target, filter: Filter::PilBicubic };
            let mean = [0.481_454_66, 0.457_827_5, 0.408_210_73];
            let std = [0.268_629_54, 0.261_302_58, 0.275_777_11];
            let normalise = normalise(Scale::Over(255.0), &mean, &std);
            pillow([Step::Resize(resize), Step::Crop(crop)], normalise)
        },
    },
    Preset {
        name: "detr",
        summary: "edges 800 and up to 1333 bilinear at the top left of zeros, RGB, ImageNet mean and std of 0 to 255",
        framework: "transformers' `DetrImageProcessor` with `pad_size` on Pillow pictures",
        steps: || {
            let target = Target::Edges { shortest: 800, longest: 1333 };
            let resize = Resize { target, filter: Filter::TvBilinear };
            let of_255 = |values: [f64; 3]| values.map(times_255);
            let (mean, std) = (of_255(IMAGENET_MEAN), of_255(IMAGENET_STD));
            let normalise = normalise(Scale::Times(1.0), &mean, &std);
            pillow([Step::Resize(resize), zeros(Size::new(1333, 1333))], normalise)
        },
    },
    Preset {
        name: "mmdetection",
        summary: "fit 1333x800 at the top left of zeros 1344x800, RGB, ImageNet mean and std of 0 to 255",
        framework: "MMDetection's `Resize(scale=(1333, 800))` and `DetDataPreprocessor` of pictures no higher than wide",
        steps: || {
            let size = Size::new(1333, 800);
            let target = Target::Within { size, rounding: Rounding::HalfUp };
            let resize = Resize { target, filter: Filter::Cv2Linear };
            let (mean, std) = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]);
            let normalise = normalise(Scale::Times(1.0), &mean, &std);
            opencv([Step::Resize(resize), zeros(Size::new(1344, 800))], normalise)
        },
    },
    Preset {
        name: "nanodet",
        summary: "fit 416x416 between bars of 0, BGR, x - (103.53, 116.28, 123.675) over (57.375, 57.12, 58.395)",
        framework: "NanoDet's demos (`resize_uniform`) on OpenCV pictures",
        steps: || {
            let size = Size::new(416, 416);
            let target = Target::Within { size, rounding: Rounding::Down };
            let pad =
                Pad { to: PadTo::Size(size), anchor: PadAnchor::Centre, fill: Fill::Pixel(0) };
            let resize = Resize { target, filter: Filter::Cv2Linear };
            let (mean, std) = ([103.53, 116.28, 123.675], [57.375, 57.12, 58.395]);
            let normalise = normalise(Scale::Times(1.0), &mean, &std);
            let normalise = Normalise { color: Color::Bgr, ..normalise };
            opencv([Step::Resize(resize), Step::Pad(pad)], normalise)
        },
    },
    Preset {
        name: "arcface",
        summary: "stretch to 112x112, RGB, (x - 127.5) * (1/127.5)",
        framework: "InsightFace's `ArcFaceONNX` on OpenCV pictures of aligned faces",
        steps: || {
            let values = normalise(Scale::Times(1.0), &[127.5], &[127.5]);
            let normalise = Normalise { arithmetic: Arithmetic::F32Reciprocal, ..values };
            opencv([stretch(Size::new(112, 112))], normalise)
        },
    },
    Preset {
        name: "mlperf-resnet50",
        summary: "shorter side 256 by area, crop 224x224, RGB, x - (123.68, 116.78, 103.94)",
        framework: "MLPerf Inference's reference code (`pre_process_vgg`)",
        steps: || {
            let normalise = normalise(Scale::Times(1.0), &[123.68, 116.78, 103.94], &[1.0]);
            opencv(shorter_crop_down(Filter::Cv2Area), normalise)
        },
    },
    Preset {
        name: "mlperf-mobilenet",
        summary: "shorter side 256 bilinear, crop 224x224, RGB, (x/255 - 0.5) / 0.5",
        framework: "MLPerf Inference's reference code (`pre_process_mobilenet`)",
        steps: || opencv(shorter_crop_down(Filter::Cv2Linear), half()),
    },
    Preset {
        name: "caffe",
        summary: "shorter side 256 bicubic, crop 224x224, BGR, x - (103.939, 116.779, 123.68)",
        framework: "Keras' `caffe` mode on Pillow pictures",
        steps: || {
            let values = normalise(Scale::Times(1.0), &[103.939, 116.779, 123.68], &[1.0]);
            pillow(shorter_crop(Filter::PilBicubic), Normalise { color: Color::Bgr, ..values })
        },
    },
    Preset {
        name: "caffe-bvlc",
        summary: "stretch to 256x256, crop 224x224, BGR, x - (104, 117, 123)",
        framework: "Caffe's own data layer on OpenCV pictures",
        steps: || {
            let values = normalise(Scale::Times(1.0), &[104.0, 117.0, 123.0], &[1.0]);
            let crop = Crop::Size { size: SQUARE_224, anchor: CropAnchor::CentreDown };
            let geometry = [stretch(Size::new(256, 256)), Step::Crop(crop)];
            opencv(geometry, Normalise { color: Color::Bgr, ..values })
        },
    },
    Preset {
        name: "efficientnet-lite",
        summary: "shorter side 256 bicubic, crop 224x224, RGB, (x - 127) / 128",
        framework: "torchvision's transforms on Pillow pictures",
        steps: || {
            let normalise = normalise(Scale::Times(1.0), &[127.0], &[128.0]);
            pillow(shorter_crop(Filter::PilBicubic), normalise)
        },
    },
    Preset {
        name: "ppocr",
        summary: "the same as ppocr-cls",
        framework: "PaddleOCR's and RapidOCR's `resize_norm_img`",
        steps: || text_line(Size::new(192, 48)),
    },
    Preset {
        name: "ppocr-cls",
        summary: "a line of text, 48 high and up to 192 wide on zeros, BGR, (x/255 - 0.5) / 0.5",
        framework: "PaddleOCR's and RapidOCR's `resize_norm_img`",
        steps: || text_line(Size::new(192, 48)),
    },
    Preset {
        name: "ppocr-rec",
        summary: "a line of text, 48 high and up to 320 wide on zeros, BGR, (x/255 - 0.5) / 0.5",
        framework: "PaddleOCR's and RapidOCR's `resize_norm_img`",
        steps: || text_line(Size::new(320, 48)),
    },
    Preset {
        name: "ppocr-det",
        summary: "sides up to 960 in multiples of 32 on zeros, BGR, x*(1/255), ImageNet mean and std",
        framework: "PaddleOCR's `resize_image_type0` by `max` and `NormalizeImage`",
        steps: || {
            let scale = Scale::Times(1.0 / 255.0);
            page(960, Normalise { color: Color::Bgr, scale, ..imagenet() })
        },
    },
    Preset {
        name: "rapidocr-det",
        summary: "sides up to 960 in multiples of 32 on zeros, BGR, (x*(1/255) - 0.5) / 0.5",
        framework: "RapidOCR's `DetPreProcess` by `max`",
        steps: || {
            let scale = Scale::Times(1.0 / 255.0);
            page(960, Normalise { color: Color::Bgr, scale, ..half() })
        },
    },
    Preset {
        name: "fashion",
        summary: "28x28 as it is, RGB or gray, (x/255 - 0.5) / 0.5",
        framework: "torchvision on Pillow pictures",
        steps: || pillow([Step::Expect(Expect { size: Size::new(28, 28) })], half()),
    },
    Preset {
        name: "raw",
        summary: "pixels as they are, RGB, 0 to 255, no resizing (needs a size)",
        framework: "Pillow and NumPy",
        steps: || pillow([], normalise(Scale::Times(1.0), &[0.0], &[1.0])),
    },
];

/// As `cv2.imread` reads.
fn opencv<const N: usize>(geometry: [Step; N], normalise: Normalise) -> Vec<Step> {
    steps(Decode::OPENCV, geometry, normalise)
}

/// As `Image.open(…).convert("RGB")` reads.
fn pillow<const N: usize>(geometry: [Step; N], normalise: Normalise) -> Vec<Step> {
    steps(Decode::PILLOW, geometry, normalise)
}

/// `decode`, the geometric steps, `normalise`.
pub(crate) fn steps(
    decode: Decode,
    geometry: impl IntoIterator<Item = Step>,
    normalise: Normalise,
) -> Vec<Step> {
    let mut steps = vec![Step::Decode(decode)];
    steps.extend(geometry);
    steps.push(Step::Normalise(normalise));
    steps
}

/// `cv2.resize(…, size)`.
fn stretch(size: Size) -> Step {
    Step::Resize(Resize { target: Target::To(size), filter: Filter::Cv2Linear })
}

/// `Resize(256)` and `CenterCrop(224)` of torchvision.
fn shorter_crop(filter: Filter) -> [Step; 2] {
    shorter_crop_at(CropAnchor::Centre, filter)
}

/// `resize_with_aspectratio` and `center_crop` of MLPerf.
fn shorter_crop_down(filter: Filter) -> [Step; 2] {
    shorter_crop_at(CropAnchor::CentreDown, filter)
}

fn shorter_crop_at(anchor: CropAnchor, filter: Filter) -> [Step; 2] {
    let target = Target::ShorterSide { side: 256, rounding: Rounding::Down };
    let crop = Crop::Size { size: SQUARE_224, anchor };
    [Step::Resize(Resize { target, filter }), Step::Crop(crop)]
}

/// As large as it fits by `cv2.resize`, on bars of 114.
fn fit(size: Size, rounding: Rounding, anchor: PadAnchor) -> [Step; 2] {
    let target = Target::Within { size, rounding };
    let pad = Pad { to: PadTo::Size(size), anchor, fill: Fill::Pixel(114) };
    [Step::Resize(Resize { target, filter: Filter::Cv2Linear }), Step::Pad(pad)]
}

/// `resize_norm_img` of PaddleOCR: the height given, the width following up to its own, zeros behind.
fn text_line(size: Size) -> Vec<Step> {
    let target = Target::Line { size, rounding: Rounding::Ceil };
    let resize = Step::Resize(Resize { target, filter: Filter::Cv2Linear });
    opencv([resize, zeros(size)], Normalise { color: Color::Bgr, ..half() })
}

/// `resize_image_type0` of PaddleOCR with `limit_type="max"`; the zeros are for pictures of other
/// shapes than the tensor's, which has one.
fn page(side: u32, normalise: Normalise) -> Vec<Step> {
    let target = Target::Limit { side, multiple: 32 };
    let resize = Step::Resize(Resize { target, filter: Filter::Cv2Linear });
    opencv([resize, zeros(Size::new(side, side))], normalise)
}

/// Zeros to the right and below, after normalising.
fn zeros(size: Size) -> Step {
    let (to, fill) = (PadTo::Size(size), Fill::Normalised(0.0));
    Step::Pad(Pad { to, anchor: PadAnchor::TopLeft, fill })
}

/// A number of 0 to 1 as one of 0 to 255, multiplied in f32 as torch does.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is what is asked for")]
fn times_255(value: f64) -> f64 {
    f64::from(value as f32 * 255.0)
}

fn imagenet() -> Normalise {
    normalise(Scale::Over(255.0), &IMAGENET_MEAN, &IMAGENET_STD)
}

fn half() -> Normalise {
    normalise(Scale::Over(255.0), &[0.5], &[0.5])
}

fn normalise(scale: Scale, mean: &[f64], std: &[f64]) -> Normalise {
    let (mean, std) = (mean.to_vec(), std.to_vec());
    Normalise { color: Color::Rgb, scale, mean, std, arithmetic: Arithmetic::F32 }
}
