//! JPEG with libjpeg-turbo's pixels: the common kind through `calibrant-jpeg` where that has vector
//! kernels for the processor, every other through `libjpeg-turbo-rs`; truncated or damaged scans are
//! errors in both.

use calibrant_jpeg::{Coding, Picture, Pixels, Reduction, Region, check_markers};
use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, JpegError, PixelFormat, ScalingFactor};

use super::layout::{Layout, narrow_channels};
use super::luma::Luma;
use super::{Decoded, Format, Request, room};
use crate::error::PreprocessError;
use crate::recipe::{Orientation, PixelRules, Size};
use crate::resize::Rows;

/// More scans than any encoder writes; each one is a pass over all coefficients.
const MAX_SCANS: usize = 256;

/// How far a JPEG has been read.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for each picture")]
pub(super) enum Opened<'a> {
    /// Its header alone.
    Common(Common<'a>),
    /// All of it.
    Decoded(Decoded),
}

/// Reads the header of the common kind, and anything else whole: to red, green, blue or to gray.
pub(super) fn open<'a>(
    encoded: &'a [u8],
    request: &Request<'_>,
    decoder: &'a mut calibrant_jpeg::Decoder,
    buffer: &mut Vec<u8>,
) -> Result<Opened<'a>, PreprocessError> {
    // What is wrong with a header is for the general decoder to say.
    if decoder.is_vectorised()
        && let Ok(picture) = decoder.open(encoded)
        && is_common(&picture, request)
    {
        let common = Common::new(picture, request)?;
        let is_turned = request.orientation == Orientation::Exif && common.orientation() != 1;
        return if is_turned {
            common.decode(buffer).map(Opened::Decoded)
        } else {
            Ok(Opened::Common(common))
        };
    }
    general(encoded, request, buffer).map(Opened::Decoded)
}

/// Returns whether the common decoder delivers what is asked for: it makes no luma of red, green
/// and blue, and reduces not every picture.
fn is_common(picture: &Picture<'_>, request: &Request<'_>) -> bool {
    let coding = picture.header().coding;
    (coding != Coding::Rgb || layout_of(stored_in(coding), request) == Layout::Rgb)
        && (picture.is_reducible() || reduction_of(picture, request).is_none())
}

fn reduction_of(picture: &Picture<'_>, request: &Request<'_>) -> Option<Reduction> {
    let header = picture.header();
    request.reduction(Size::new(header.width, header.height), header.orientation)
}

/// Returns the size that is decoded.
fn reduced(size: Size, reduction: Option<Reduction>) -> Size {
    reduction.map_or(size, |by| Size::new(by.of(size.width), by.of(size.height)))
}

fn stored_in(coding: Coding) -> ColorSpace {
    match coding {
        Coding::Gray => ColorSpace::Grayscale,
        Coding::Rgb => ColorSpace::Rgb,
        _ => ColorSpace::YCbCr,
    }
}

/// A picture of the common kind that is not decoded yet.
#[derive(Debug)]
pub(super) struct Common<'a> {
    picture: Picture<'a>,
    reduction: Option<Reduction>,
    size: Size,
    layout: Layout,
    rules: PixelRules,
    /// What makes luma of its colours, where gray is requested.
    luma: Option<Luma>,
}

impl<'a> Common<'a> {
    fn new(picture: Picture<'a>, request: &Request<'_>) -> Result<Self, PreprocessError> {
        let header = picture.header();
        let size = request.admit(header.width as usize, header.height as usize)?;
        let reduction = reduction_of(&picture, request);
        let size = reduced(size, reduction);
        let layout = layout_of(stored_in(header.coding), request);
        let luma = request.gray.then(|| Luma::of(Format::Jpeg, request.pixels, None));
        Ok(Self { picture, reduction, size, layout, rules: request.pixels, luma })
    }

    pub(super) fn size(&self) -> Size {
        self.size
    }

    /// Returns the channels of the rows: 1 or 3.
    pub(super) fn channels(&self) -> usize {
        if self.layout == Layout::Gray || self.luma.is_some() { 1 } else { 3 }
    }

    fn orientation(&self) -> u8 {
        self.picture.header().orientation
    }

    fn pixels(&self) -> Pixels {
        if self.layout == Layout::Gray { Pixels::Luma } else { Pixels::Rgb }
    }

    fn decode(self, buffer: &mut Vec<u8>) -> Result<Decoded, PreprocessError> {
        let (size, pixels, orientation) = (self.size, self.pixels(), self.orientation());
        let out = room(buffer, size.area() * pixels.bytes());
        match self.reduction {
            None => self.picture.decode(pixels, out)?,
            Some(reduction) => {
                let stride = size.width as usize * pixels.bytes();
                self.picture.reduced_rows(pixels, reduction, |y, row| {
                    out[y * stride..][..stride].copy_from_slice(&row[..stride]);
                })?;
            }
        }
        let channels = narrow_channels(out, self.layout, self.rules, self.luma.as_ref());
        Ok(Decoded { size, channels, orientation })
    }

    /// Gives the rows of a region, with slack behind them, as they are decoded.
    pub(super) fn rows(self, region: &Region, row: &mut Rows<'_>) -> Result<(), PreprocessError> {
        let pixels = self.pixels();
        let mut give = |y, bytes: &mut [u8]| {
            narrow_channels(bytes, self.layout, self.rules, self.luma.as_ref());
            row(y, bytes);
        };
        match self.reduction {
            None => self.picture.rows(pixels, region, give)?,
            Some(reduction) => self.picture.reduced_rows(pixels, reduction, |y, bytes| {
                if region.wants_row(y) {
                    give(y, bytes);
                }
            })?,
        }
        Ok(())
    }
}

fn general(
    encoded: &[u8],
    request: &Request<'_>,
    buffer: &mut Vec<u8>,
) -> Result<Decoded, PreprocessError> {
    let limits = DecodeLimits {
        max_pixels: request.max_pixels,
        max_scans: MAX_SCANS,
        ..DecodeLimits::default()
    };
    check_markers(encoded)?;
    // The header alone first: the walk over all scans must not come before the size is admitted.
    let header = Decoder::new_header_only(encoded, limits).map_err(failed)?;
    let size = request.admit(header.header().width(), header.header().height())?;
    let bits = header.header().precision;
    if bits != 8 {
        let kind = format!("{bits}-bit samples");
        return Err(PreprocessError::UnsupportedPixels { format: Format::Jpeg, kind });
    }
    let mut decoder = Decoder::new_with_limits(encoded, limits).map_err(failed)?;
    let layout = layout_of(decoder.jpeg_color_space(), request);
    decoder.set_output_format(match layout {
        Layout::Gray => PixelFormat::Grayscale,
        Layout::InvertedCmyk => PixelFormat::Cmyk,
        _ => PixelFormat::Rgb,
    });
    let orientation = decoder.exif_orientation().filter(|tag| (1..=8).contains(tag)).unwrap_or(1);
    let reduction = request.reduction(size, orientation).filter(|_| !header.header().is_lossless);
    if let Some(reduction) = reduction {
        decoder.set_scale(factor(reduction)?);
    }
    let size = reduced(size, reduction);
    let bytes = size.area() * layout.bytes_per_pixel();
    let pixels = room(buffer, bytes);
    let info = decoder.decode_image_into(pixels).map_err(failed)?;
    if info.bytes_written != bytes {
        return Err(failed(JpegError::UnexpectedEof));
    }
    let luma = request.gray.then(|| Luma::of(Format::Jpeg, request.pixels, None));
    let channels = narrow_channels(pixels, layout, request.pixels, luma.as_ref());
    Ok(Decoded { size, channels, orientation })
}

fn factor(reduction: Reduction) -> Result<ScalingFactor, PreprocessError> {
    let times = match reduction {
        Reduction::Half => 2,
        Reduction::Quarter => 4,
        Reduction::Eighth => 8,
    };
    ScalingFactor::try_new(1, times).map_err(failed)
}

/// Chooses what the decoder is to deliver.
///
/// OpenCV lets the decoder make gray (luma as stored); Pillow makes it from red, green and blue.
fn layout_of(stored: ColorSpace, request: &Request<'_>) -> Layout {
    match stored {
        ColorSpace::Grayscale => Layout::Gray,
        ColorSpace::Cmyk | ColorSpace::Ycck => Layout::InvertedCmyk,
        _ if request.gray && request.pixels == PixelRules::Opencv => Layout::Gray,
        _ => Layout::Rgb,
    }
}

fn failed(error: JpegError) -> PreprocessError {
    PreprocessError::Jpeg(Box::new(error))
}
