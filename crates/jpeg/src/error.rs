//! Why a picture is not decoded.

/// A picture that this decoder does not decode.
///
/// [`Unsupported`](Self::Unsupported) and [`Header`](Self::Header) come before any pixel and say
/// that another decoder has to judge; the others are damage, and no decoder can make a whole
/// picture of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A JPEG of a kind that is left to a general decoder.
    #[error("JPEG with {what}, told at byte {offset}, is left to a general decoder")]
    Unsupported {
        /// What the picture has.
        what: &'static str,
        /// Where that stands, counted from the beginning of the file.
        offset: usize,
    },
    /// A header that ends early or contradicts itself.
    #[error("damaged JPEG header: {what} at byte {offset}")]
    Header {
        /// What is wrong.
        what: &'static str,
        /// Where that stands, counted from the beginning of the file.
        offset: usize,
    },
    /// Samples are missing: the data, or one stretch between two restart markers, ends early.
    #[error("unexpected end of data: samples are missing at byte {offset}")]
    Truncated {
        /// Where the data ends, counted from the beginning of the file.
        offset: usize,
    },
    /// Bits that are no Huffman code.
    #[error("damaged data: no Huffman code at byte {offset}")]
    BadCode {
        /// Where the bits stand, counted from the beginning of the file.
        offset: usize,
    },
    /// A block with more than 64 coefficients.
    #[error("damaged data: a block of more than 64 coefficients at byte {offset}")]
    LongBlock {
        /// Where the block ends, counted from the beginning of the file.
        offset: usize,
    },
    /// A restart marker out of turn.
    #[error("damaged data: restart marker {found} at byte {offset}, where {expected} is due")]
    RestartMarker {
        /// The number that is due, 0 to 7.
        expected: u8,
        /// The number that stands there.
        found: u8,
        /// Where the marker stands, counted from the beginning of the file.
        offset: usize,
    },
    /// Data between the last sample of a stretch and its restart marker.
    #[error("damaged data: bytes before a restart marker belong to no sample, from byte {offset}")]
    Extraneous {
        /// Where the first of them stands, counted from the beginning of the file.
        offset: usize,
    },
    /// Something behind the last sample that libjpeg gives up on before it comes to the end of the image.
    #[error("damaged data: {what} at byte {offset}, behind the last sample")]
    Tail {
        /// What is wrong.
        what: &'static str,
        /// Where that stands, counted from the beginning of the file.
        offset: usize,
    },
    /// The caller's slice has another length than the picture.
    #[error("the output slice has {found} bytes, the picture has {expected}")]
    WrongLength {
        /// Width × height × bytes of a pixel.
        expected: usize,
        /// The length of the slice.
        found: usize,
    },
}

impl Error {
    /// Returns whether another decoder may still read the picture: nothing has been decoded yet,
    /// and what was seen is not of the common kind.
    #[must_use]
    pub fn is_for_another_decoder(&self) -> bool {
        matches!(self, Self::Unsupported { .. } | Self::Header { .. })
    }
}
