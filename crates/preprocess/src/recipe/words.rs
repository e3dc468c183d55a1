//! The choices of a recipe that are written as words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::error::RecipeError;

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
    /// The four usual geometries, which replace those of a recipe by [`Settings`](crate::Settings).
    ResizeKind("resize") {
        /// Not resized: a picture of another size is an error.
        None = "none",
        /// Width and height each to the tensor's, whatever the shape.
        Stretch = "stretch",
        /// The shorter side to a length, then the centre is cut out.
        ShorterCrop = "shorter-crop",
        /// As large as it fits with its shape kept, centred between bars.
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
    JpegDecoder("jpeg decoder") {
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
        /// Every step in f32, and multiplied by the rounded `1 / std` in place of the division:
        /// `cv2.dnn.blobFromImage`, DeepStream's `net-scale-factor`.
        F32Reciprocal = "f32-reciprocal",
        /// One fused multiply-add in f32 with the rounded `scale / std` and `−mean / std`: equal
        /// to no framework, within 3e-7 · (x + mean) / std of the other two, `x` being the scaled pixel.
        Fast = "fast",
    }
}

words! {
    /// How a side that follows the other one becomes a whole number.
    Rounding("rounding") {
        /// Cut, as `int(…)` of Python.
        Down = "down",
        /// To the nearest, a half to the even one, as `round(…)` of Python.
        HalfEven = "half-even",
        /// The same, divided by the ratio of the sides instead of multiplied with its inverse: as
        /// `round(… / ratio)` of timm.
        HalfEvenOver = "half-even-over",
        /// To the nearest, a half up, as `int(… + 0.5)`.
        HalfUp = "half-up",
        /// Up, as `math.ceil(…)` of Python.
        Ceil = "ceil",
    }
}

words! {
    /// Which part a crop keeps where the margins cannot be equal.
    CropAnchor("anchor of a crop") {
        /// Begins at `round(margin / 2)`, a half to the even one: torchvision's `CenterCrop`.
        Centre = "centre",
        /// Begins at `margin // 2`: Caffe, MLPerf's reference code, slices in NumPy.
        CentreDown = "centre-down",
    }
}

words! {
    /// Where a picture lies between its bars.
    PadAnchor("anchor of a pad") {
        /// In the middle; of an odd gap the larger part comes after the picture.
        Centre = "centre",
        /// At the top left: all bars are to the right and at the bottom.
        TopLeft = "top-left",
    }
}

words! {
    /// How much smaller than stored a JPEG is decoded, by shorter transforms: libjpeg-turbo's scaled
    /// decode.
    ///
    /// It saves time, and what follows gets another picture; `docs/preprocessing.md` says how far
    /// off it is. Other formats are not concerned.
    #[doc(alias = "IMREAD_REDUCED_COLOR_2")]
    DctScale("DCT scale") {
        /// As stored.
        Full = "1",
        /// Half the width and height, rounded up.
        Half = "1/2",
        /// A quarter of them.
        Quarter = "1/4",
        /// An eighth of them: each pixel the mean of a block.
        Eighth = "1/8",
        /// The smallest of the four that is not smaller than what it is resized to, as
        /// `Image.draft` of Pillow chooses for that size.
        Draft = "draft",
    }
}
