//! The presets: named settings, each equal to one framework's customary pipeline.

use crate::error::RecipeError;
use crate::recipe::{Arithmetic, Color, Filter, Orientation, PixelRules, ResizeKind, Scale, Size};
use crate::settings::Settings;

/// A named pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// The name that flags and files use.
    pub name: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// The framework whose tensors it equals.
    pub framework: &'static str,
    settings: fn() -> Settings,
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
        found.ok_or_else(|| RecipeError::UnknownPreset { name: name.to_owned() })
    }

    /// Returns what the preset sets.
    #[must_use]
    pub fn settings(&self) -> Settings {
        (self.settings)()
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

const PRESETS: &[Preset] = &[
    Preset {
        name: "imagenet",
        summary: "stretch to 224x224, RGB, x/255, ImageNet mean and std",
        framework: "OpenCV and NumPy",
        settings: || Settings {
            size: Some(Size::new(224, 224)),
            resize: Some(ResizeKind::Stretch),
            arithmetic: Some(Arithmetic::NumpyF64),
            mean: Some(IMAGENET_MEAN.to_vec()),
            std: Some(IMAGENET_STD.to_vec()),
            ..opencv()
        },
    },
    Preset {
        name: "torchvision",
        summary: "shorter side 256 bilinear, crop 224x224, RGB, x/255, ImageNet mean and std",
        framework: "torchvision on Pillow pictures",
        settings: || Settings {
            filter: Some(Filter::PilBilinear),
            mean: Some(IMAGENET_MEAN.to_vec()),
            std: Some(IMAGENET_STD.to_vec()),
            ..pillow()
        },
    },
    Preset {
        name: "torchvision-v2",
        summary: "shorter side 256 bilinear, crop 224x224, RGB, x*(1/255), ImageNet mean and std",
        framework: "torchvision's v2 transforms on uint8 tensors",
        settings: || Settings {
            filter: Some(Filter::TvBilinear),
            scale: Some(Scale::Times(1.0 / 255.0)),
            mean: Some(IMAGENET_MEAN.to_vec()),
            std: Some(IMAGENET_STD.to_vec()),
            ..pillow()
        },
    },
    Preset {
        name: "timm",
        summary: "shorter side 256 bicubic, crop 224x224, RGB, x/255, ImageNet mean and std",
        framework: "timm on Pillow pictures",
        settings: || Settings {
            mean: Some(IMAGENET_MEAN.to_vec()),
            std: Some(IMAGENET_STD.to_vec()),
            ..pillow()
        },
    },
    Preset {
        name: "ultralytics",
        summary: "letterbox to 640x640 on gray 114, RGB, x/255",
        framework: "Ultralytics on OpenCV pictures",
        settings: || Settings {
            size: Some(Size::new(640, 640)),
            resize: Some(ResizeKind::Letterbox),
            fill: Some(114),
            ..opencv()
        },
    },
    Preset {
        name: "caffe",
        summary: "shorter side 256 bicubic, crop 224x224, BGR, x - (103.939, 116.779, 123.68)",
        framework: "Keras' `caffe` mode on Pillow pictures",
        settings: || Settings {
            color: Some(Color::Bgr),
            scale: Some(Scale::Times(1.0)),
            mean: Some(vec![103.939, 116.779, 123.68]),
            ..pillow()
        },
    },
    Preset {
        name: "efficientnet-lite",
        summary: "shorter side 256 bicubic, crop 224x224, RGB, (x - 127) / 128",
        framework: "torchvision's transforms on Pillow pictures",
        settings: || Settings {
            scale: Some(Scale::Times(1.0)),
            mean: Some(vec![127.0]),
            std: Some(vec![128.0]),
            ..pillow()
        },
    },
    Preset {
        name: "ppocr",
        summary: "stretch to 192x48, BGR, (x/255 - 0.5) / 0.5",
        framework: "RapidOCR's arithmetic on OpenCV pictures",
        settings: || Settings {
            size: Some(Size::new(192, 48)),
            color: Some(Color::Bgr),
            mean: Some(vec![0.5]),
            std: Some(vec![0.5]),
            ..opencv()
        },
    },
    Preset {
        name: "fashion",
        summary: "28x28 as it is, RGB (or --color gray), (x/255 - 0.5) / 0.5",
        framework: "torchvision on Pillow pictures",
        settings: || Settings {
            size: Some(Size::new(28, 28)),
            resize: Some(ResizeKind::None),
            mean: Some(vec![0.5]),
            std: Some(vec![0.5]),
            ..pillow()
        },
    },
    Preset {
        name: "raw",
        summary: "pixels as they are, RGB, 0 to 255, no resizing (needs --size)",
        framework: "Pillow and NumPy",
        settings: || Settings {
            size: None,
            resize: Some(ResizeKind::None),
            scale: Some(Scale::Times(1.0)),
            ..pillow()
        },
    },
];

/// `cv2.imread`, colours swapped to RGB, plain bilinear stretching, x/255.
fn opencv() -> Settings {
    Settings {
        pixels: Some(PixelRules::Opencv),
        orientation: Some(Orientation::Exif),
        color: Some(Color::Rgb),
        resize: Some(ResizeKind::Stretch),
        filter: Some(Filter::Cv2Linear),
        ..arithmetic()
    }
}

/// `Image.open(…).convert("RGB")`, `Resize(256, BICUBIC)`, `CenterCrop(224)`, x/255.
fn pillow() -> Settings {
    Settings {
        pixels: Some(PixelRules::Pillow),
        orientation: Some(Orientation::Stored),
        color: Some(Color::Rgb),
        size: Some(Size::new(224, 224)),
        resize: Some(ResizeKind::ShorterCrop),
        filter: Some(Filter::PilBicubic),
        ..arithmetic()
    }
}

fn arithmetic() -> Settings {
    Settings {
        arithmetic: Some(Arithmetic::F32),
        scale: Some(Scale::Over(255.0)),
        mean: Some(vec![0.0]),
        std: Some(vec![1.0]),
        ..Settings::default()
    }
}
