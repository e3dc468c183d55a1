//! Why pictures cannot be decoded on a device.

use calibrant_preprocess::{DctScale, Filter, JpegDecoder};

/// Why a recipe cannot be followed on a device.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The filter has no whole-number recipe.
    #[error("the filter `{filter}` runs on the processor alone: its arithmetic is a library's")]
    Filter {
        /// Which one the recipe asks for.
        filter: Filter,
    },
    /// A part of the picture that is resized alone, or bars that are no pixels.
    #[error("a `crop` before the `resize` and `fill-normalised` run on the processor alone")]
    Steps,
    /// A JPEG that is decoded smaller than it is stored.
    #[error("a scaled decode, `dct-scale` {scale}, runs on the processor alone")]
    DctScale {
        /// Which one the recipe asks for.
        scale: DctScale,
    },
    /// The recipe asks for another decoder's pixels.
    #[error("the recipe's decoder `{decoder}` runs on the processor alone")]
    Decoder {
        /// Which one the recipe asks for.
        decoder: JpegDecoder,
    },
    /// The device, its driver or a library of the CUDA toolkit.
    #[error(transparent)]
    Cuda(#[from] calibrant_cuda::Error),
}
