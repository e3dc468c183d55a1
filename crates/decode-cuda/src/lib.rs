//! Tensors of pictures on the GPU, equal to the processor's wherever the same decoder reads them.
//!
//! ```text
//!  a worker's thread                          the bus              the device, in one stream
//!  Exact:  Huffman codes → coefficients  ──────────────────►  transform ─┐
//!  Nvjpeg: headers and markers checked   ── the JPEG itself ─►  nvJPEG  ─┴► upsample, colour, crop, resize,
//!  others: the whole pipeline            ── the tensor ─────────────────►   normalise, transpose into the batch
//! ```
//!
//! [`PictureDecoder::prepare`] turns the bytes of a picture into a [`PinnedPicture`], on any thread;
//! [`PictureDecoder::append`] puts the pictures of a batch into a stream. [`DevicePreprocess`] does both
//! for one picture at a time, behind the interface of all preprocessing.
//!
//! # What equals what
//!
//! * [`JpegWay::Exact`]: our own entropy decoder on the host, and libjpeg-turbo's arithmetic on the
//!   device. Tensors equal the processor's to the bit, and every damage is found, with the same error.
//! * [`JpegWay::Nvjpeg`]: nvJPEG's pixels, which are within a few steps of libjpeg-turbo's; what follows
//!   them is exact.
//!
//! Which way a picture takes depends on its bytes, the recipe and the library alone, never on time or
//! company: nvJPEG gets what it says it decodes, the exact way what our decoder knows, and the
//! processor's pipeline the rest, damaged pictures included, so that errors are those of that pipeline.
//!
//! nvJPEG tells nothing of damage inside the data: a picture whose markers are whole and whose codes
//! are not is a picture of something to it. A picture that ends early is always found.
//!
//! It knows no files, no batches of a pipeline and no TensorRT.

#![expect(
    unsafe_code,
    reason = "nvJPEG is called, and programs are put into streams; each call says why that is sound"
)]

mod blob;
mod decoder;
mod error;
mod nvjpeg;
mod pictures;
mod pinned;
mod preprocess;

pub use decoder::{JpegWay, PictureDecoder, Worker};
pub use error::OpenError;
pub use pictures::{TENSORS, TensorMaker, machine_code};
pub use pinned::PinnedPicture;
pub use preprocess::DevicePreprocess;
