//! The presets: named steps, each list equal to one framework's customary pipeline.

use crate::recipe::RecipeError;
use crate::recipe::{
    Arithmetic, Color, Crop, CropAnchor, Decode, Expect, Fill, Filter, Normalise, Pad, PadAnchor,
    PadTo, Resize, Rounding, Scale, Size, Step, Target,
};

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

    /// Returns one line for each preset: name, what it does, what it equals.
    #[must_use]
    pub fn listing() -> String {
        let line = |p: &Self| format!("  {:<16} {} [{}]", p.name, p.summary, p.framework);
        PRESETS.iter().map(line).collect::<Vec<_>>().join("\n")
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
            let size = PadTo::Size(Size::new(1024, 1024));
            let pad = Pad { to: size, anchor: PadAnchor::TopLeft, fill: Fill::Normalised(0.0) };
            let resize = Resize { target, filter: Filter::PilBilinear };
            let (mean, std) = ([123.675, 116.28, 103.53], [58.395, 57.12, 57.375]);
            let normalise = normalise(Scale::Times(1.0), &mean, &std);
            opencv([Step::Resize(resize), Step::Pad(pad)], normalise)
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
        summary: "stretch to 192x48, BGR, (x/255 - 0.5) / 0.5",
        framework: "RapidOCR's arithmetic on OpenCV pictures",
        steps: || {
            let normalise = Normalise { color: Color::Bgr, ..half() };
            opencv([stretch(Size::new(192, 48))], normalise)
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

fn steps<const N: usize>(decode: Decode, geometry: [Step; N], normalise: Normalise) -> Vec<Step> {
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
