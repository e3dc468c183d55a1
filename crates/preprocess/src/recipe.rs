//! The recipe of a tensor: every choice between a picture's bytes and the values a network sees.
//!
//! A [`Recipe`] is complete and says nothing by silence; [`Settings`](crate::Settings) is the
//! partial form that presets, files and flags are written in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::RecipeError;
use crate::pipeline::Pipeline;
use crate::settings::Settings;

/// Pixels that a picture may have unless the recipe says otherwise.
///
/// It keeps the memory of one decode under 512 MiB: a progressive CMYK JPEG, the most expensive
/// kind, takes 16 bytes a pixel.
pub const DEFAULT_MAX_PIXELS: u64 = 32_000_000;

/// Longest side that a picture may have: the weights of a resampled side take memory too.
pub const MAX_PICTURE_SIDE_PX: u32 = 1 << 20;

/// Longest side that a tensor may have, and longest shorter side that a picture may be resized to.
pub const MAX_SIDE_PX: u32 = 16_384;

/// Everything between the bytes of a picture and its tensor, nothing implied.
///
/// A pixel value `x` (0 to 255) becomes `(x · scale − mean) / std`, computed in the order and the
/// precision of [`arithmetic`](Self::arithmetic).
///
/// In TOML a recipe is written as complete [`Settings`]; reading one back gives the same recipe.
///
/// ```
/// use calibrant_preprocess::{Recipe, Settings};
///
/// let recipe = Recipe::preset("imagenet")?;
/// assert_eq!(recipe.size.to_string(), "224x224");
/// let text = recipe.to_toml();
/// assert_eq!(Settings::from_toml(&text)?.recipe()?, recipe);
/// # Ok::<(), calibrant_preprocess::RecipeError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Settings", into = "Settings")]
pub struct Recipe {
    /// Which decoder reads JPEG.
    pub decoder: JpegDecoder,
    /// Whose rules turn gray, alpha, palette, 16-bit and CMYK pixels into 8-bit ones.
    pub pixels: PixelRules,
    /// Whether the picture is turned as its EXIF tag says.
    pub orientation: Orientation,
    /// Largest number of pixels a picture may have, checked on its header before any allocation.
    pub max_pixels: u64,
    /// Channels of the tensor and their order.
    pub color: Color,
    /// Width and height of the tensor.
    pub size: Size,
    /// How a picture of another size comes to `size`.
    pub resize: Resize,
    /// The kernel that interpolates.
    pub filter: Filter,
    /// Order and precision of the floating-point operations.
    pub arithmetic: Arithmetic,
    /// What a pixel value is multiplied with first.
    pub scale: Scale,
    /// What is subtracted then: one value, or one for each channel in the tensor's order.
    pub mean: Vec<f64>,
    /// What is divided by last: one value, or one for each channel in the tensor's order.
    pub std: Vec<f64>,
}

impl Recipe {
    /// Returns the recipe of a preset as it stands.
    ///
    /// # Errors
    ///
    /// [`RecipeError::UnknownPreset`], which lists the presets; [`RecipeError::Missing`] for `raw`,
    /// which has no size of its own.
    pub fn preset(name: &str) -> Result<Self, RecipeError> {
        Settings::preset(name).recipe()
    }

    /// Returns the recipe as TOML, every field named: the form kept in manifests.
    #[must_use]
    pub fn to_toml(&self) -> String {
        Settings::from(self.clone()).to_toml()
    }

    /// Checks the recipe and prepares its tables.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] naming the field that contradicts another one or is out of range.
    pub fn compile(&self) -> Result<Pipeline, RecipeError> {
        Pipeline::new(self)
    }

    /// Returns how many channels the tensor has: 1 or 3.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.color.channels()
    }

    pub(crate) fn validate(&self) -> Result<(), RecipeError> {
        let Size { width, height } = self.size;
        for (field, side) in
            [("size", width), ("size", height)].into_iter().chain(match self.resize {
                Resize::ShorterCrop { shorter_side } => Some(("shorter-side", shorter_side)),
                Resize::None | Resize::Stretch | Resize::Letterbox { .. } => None,
            })
        {
            if side == 0 || side > MAX_SIDE_PX {
                return Err(RecipeError::SideOutOfRange { field, side });
            }
        }
        if self.max_pixels == 0 {
            return Err(RecipeError::NoPixelsAllowed);
        }
        let (Scale::Times(factor) | Scale::Over(factor)) = self.scale;
        if !factor.is_finite() || factor == 0.0 {
            return Err(RecipeError::BadNumber { field: "scale", value: factor });
        }
        for (field, values) in [("mean", &self.mean), ("std", &self.std)] {
            if values.len() != 1 && values.len() != self.channels() {
                return Err(RecipeError::ChannelCount {
                    field,
                    found: values.len(),
                    color: self.color,
                    channels: self.channels(),
                });
            }
            let bad = |v: &&f64| !v.is_finite() || (field == "std" && **v == 0.0);
            if let Some(&value) = values.iter().find(bad) {
                return Err(RecipeError::BadNumber { field, value });
            }
        }
        Ok(())
    }
}

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

/// How a picture comes to the tensor's size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resize {
    /// Not at all: a picture of another size is an error.
    None,
    /// Width and height each to the tensor's, whatever the shape.
    Stretch,
    /// The shorter side to a length, then the centre is cut out (`Resize` and `CenterCrop` of
    /// torchvision; what the crop lacks is padded with 0 as there).
    ShorterCrop {
        /// Length in pixels that the shorter side gets.
        shorter_side: u32,
    },
    /// As large as it fits with its shape kept, centred, the rest filled (`LetterBox` of
    /// Ultralytics with `auto=False, scaleup=True, center=True`).
    Letterbox {
        /// Value of every channel in the bars.
        fill: u8,
    },
}

impl Resize {
    /// Returns the kind without its numbers.
    #[must_use]
    pub fn kind(self) -> ResizeKind {
        match self {
            Self::None => ResizeKind::None,
            Self::Stretch => ResizeKind::Stretch,
            Self::ShorterCrop { .. } => ResizeKind::ShorterCrop,
            Self::Letterbox { .. } => ResizeKind::Letterbox,
        }
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

/// An enum whose values are words in flags and TOML.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($what:literal) { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the word that flags and TOML use.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }

        impl FromStr for $name {
            type Err = RecipeError;

            fn from_str(text: &str) -> Result<Self, RecipeError> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(RecipeError::UnknownWord {
                        what: $what,
                        text: text.to_owned(),
                        known: &[$($word),+],
                    }),
                }
            }
        }
    };
}

words! {
    /// The kinds of [`Resize`].
    ResizeKind("resize") {
        /// [`Resize::None`].
        None = "none",
        /// [`Resize::Stretch`].
        Stretch = "stretch",
        /// [`Resize::ShorterCrop`].
        ShorterCrop = "shorter-crop",
        /// [`Resize::Letterbox`].
        Letterbox = "letterbox",
    }
}

words! {
    /// The kernel that interpolates between pixels.
    ///
    /// `cv2-*`, `pil-*` and `tv-*` equal OpenCV, Pillow and torchvision's tensors to the bit.
    /// `fir-*` are the filters of the `fast_image_resize` crate, antialiased; they equal no
    /// framework.
    Filter("filter") {
        /// `cv2.resize` with `INTER_LINEAR`: plain bilinear, reads 2×2 pixels however far it shrinks.
        #[doc(alias = "INTER_LINEAR")]
        Cv2Linear = "cv2-linear",
        /// `cv2.resize` with `INTER_AREA`: the mean of what a pixel covers; a kind of bilinear where
        /// a side grows.
        #[doc(alias = "INTER_AREA")]
        Cv2Area = "cv2-area",
        /// `cv2.resize` with `INTER_NEAREST`.
        #[doc(alias = "INTER_NEAREST")]
        Cv2Nearest = "cv2-nearest",
        /// `cv2.resize` with `INTER_CUBIC` by OpenCV's own code: reads 4×4 pixels, a = −0.75.
        /// Intel's IPP, which may take its place there, is within a step of it.
        #[doc(alias = "INTER_CUBIC")]
        Cv2Cubic = "cv2-cubic",
        /// `Image.resize` of Pillow with `BILINEAR`: antialiased.
        PilBilinear = "pil-bilinear",
        /// `Image.resize` of Pillow with `BICUBIC`: antialiased, a = −0.5.
        PilBicubic = "pil-bicubic",
        /// `Image.resize` of Pillow with `LANCZOS`: antialiased, three lobes.
        PilLanczos = "pil-lanczos",
        /// `Image.resize` of Pillow with `BOX`: antialiased.
        PilBox = "pil-box",
        /// `Image.resize` of Pillow with `HAMMING`: antialiased.
        PilHamming = "pil-hamming",
        /// `Image.resize` of Pillow with `NEAREST`.
        PilNearest = "pil-nearest",
        /// torchvision's `resize` of a uint8 tensor, `BILINEAR` with `antialias=True`.
        TvBilinear = "tv-bilinear",
        /// torchvision's `resize` of a uint8 tensor, `BICUBIC` with `antialias=True`.
        TvBicubic = "tv-bicubic",
        /// torchvision's `resize` of a uint8 tensor, `LANCZOS` with `antialias=True`.
        TvLanczos = "tv-lanczos",
        /// Nearest neighbour.
        FirNearest = "fir-nearest",
        /// Box.
        FirBox = "fir-box",
        /// Triangle.
        FirBilinear = "fir-bilinear",
        /// Hamming.
        FirHamming = "fir-hamming",
        /// Catmull-Rom bicubic.
        FirCatmullRom = "fir-catmull-rom",
        /// Mitchell-Netravali bicubic.
        FirMitchell = "fir-mitchell",
        /// Gaussian, σ of half a pixel.
        FirGaussian = "fir-gaussian",
        /// Lanczos with three lobes.
        FirLanczos3 = "fir-lanczos3",
    }
}

impl Filter {
    /// Returns whether the filter equals a framework's to the bit, as all but the `fir-*` do.
    #[must_use]
    pub fn is_exact(self) -> bool {
        !self.word().starts_with("fir-")
    }
}

words! {
    /// Channels of the tensor and their order.
    Color("color") {
        /// Red, green, blue.
        Rgb = "rgb",
        /// Blue, green, red.
        Bgr = "bgr",
        /// One channel of luma, by the formula of the [`PixelRules`].
        Gray = "gray",
    }
}

impl Color {
    /// Returns how many channels the tensor has: 1 or 3.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Rgb | Self::Bgr => 3,
            Self::Gray => 1,
        }
    }
}

words! {
    /// Whose rules turn the stored pixels into 8-bit colour or gray.
    PixelRules("pixels") {
        /// `cv2.imread` with `IMREAD_COLOR`, or `IMREAD_GRAYSCALE` for gray.
        #[doc(alias = "imread")]
        Opencv = "opencv",
        /// `Image.open(…).convert("RGB")`, or `convert("L")` for gray.
        Pillow = "pillow",
    }
}

words! {
    /// Whether a picture is turned as its EXIF orientation says.
    Orientation("orientation") {
        /// Turned upright, as `cv2.imread` and `ImageOps.exif_transpose` do.
        Exif = "exif",
        /// Left as stored, as `Image.open` and torchvision do.
        Stored = "stored",
    }
}

words! {
    /// Which decoder reads JPEG.
    JpegDecoder("decoder") {
        /// Same pixels as libjpeg-turbo, and so as OpenCV, Pillow and torchvision.
        LibjpegTurbo = "libjpeg-turbo",
        /// The decoder of the `image` crate: within a few steps of libjpeg-turbo, not equal to it.
        Image = "image",
        /// NVIDIA's nvJPEG, on a GPU alone: within a few steps of libjpeg-turbo, not equal to it.
        #[doc(alias = "nvJPEG")]
        Nvjpeg = "nvjpeg",
    }
}

words! {
    /// Order and precision in which `(x · scale − mean) / std` is computed.
    Arithmetic("arithmetic") {
        /// `x = img.astype(np.float32) / 255; x -= MEAN; x /= STD` with float64 arrays `MEAN` and
        /// `STD`: each step in place is computed in f64 and rounded to f32.
        NumpyF64 = "numpy-f64",
        /// Every step in f32: torchvision's `ToTensor` and `Normalize`, and NumPy with float32
        /// arrays or plain numbers.
        F32 = "f32",
        /// One fused multiply-add in f32 with the rounded `scale / std` and `−mean / std`: equal
        /// to no framework, within 3e-7 of the largest value of the other two.
        Fast = "fast",
    }
}
