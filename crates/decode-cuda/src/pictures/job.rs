//! What the programs are told of one picture.

/// What the programs know of a picture, as it stands at the beginning of its blob; all numbers that
/// do not apply are 0.
///
/// Places in the blob are counted in words from its beginning. Behind this stand
/// [`QUANTIZATION_AT`](Self::QUANTIZATION_AT) three times 64 steps of 16 bits, and
/// [`VALUES_AT`](Self::VALUES_AT) three times the 256 values of a plane.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PictureJob {
    /// 0 for coefficients, 1 for interleaved pixels.
    pub(crate) source: u32,
    /// How a pixel is computed: copy, nearest, linear, cubic, cells, parts, columns first, rows first.
    pub(crate) method: u32,
    /// Width of the picture as it is stored.
    pub(crate) stored_width: u32,
    /// Height of the picture as it is stored.
    pub(crate) stored_height: u32,
    /// Width of the upright picture.
    pub(crate) width: u32,
    /// Height of the upright picture.
    pub(crate) height: u32,
    /// The EXIF orientation, 1 to 8.
    pub(crate) orientation: u32,
    /// 1 or 3.
    pub(crate) channels: u32,
    /// 0 for luma alone, 1 for luma and differences, 2 for red, green and blue.
    pub(crate) coding: u32,
    /// Pixels across that share a difference.
    pub(crate) across: u32,
    /// Pixels down that share a difference.
    pub(crate) down: u32,
    /// MCUs in a row.
    pub(crate) mcus_across: u32,
    /// Rows of MCUs.
    pub(crate) mcus_down: u32,
    /// Components whose coefficients are there.
    pub(crate) n_planes: u32,
    /// Where the coefficients begin; a multiple of 4.
    pub(crate) blocks: u32,
    /// Columns of the tensor that show the picture.
    pub(crate) window_width: u32,
    /// Rows of the tensor that show the picture.
    pub(crate) window_height: u32,
    /// Where the window begins in the scaled picture, column.
    pub(crate) from_x: u32,
    /// Where the window begins in the scaled picture, row.
    pub(crate) from_y: u32,
    /// Where the window begins in the tensor, column.
    pub(crate) at_x: u32,
    /// Where the window begins in the tensor, row.
    pub(crate) at_y: u32,
    /// The value around the window.
    pub(crate) fill: u32,
    /// Where the table of columns begins.
    pub(crate) columns: u32,
    /// Where the table of rows begins.
    pub(crate) rows: u32,
    /// Bits after the point of the columns' weights.
    pub(crate) precision_columns: u32,
    /// Bits after the point of the rows' weights.
    pub(crate) precision_rows: u32,
    /// Columns of a cell.
    pub(crate) cell_across: u32,
    /// Rows of a cell.
    pub(crate) cell_down: u32,
    /// Values of a line that are summed in floats.
    pub(crate) vectors: u32,
    /// The channel that each plane is made of.
    pub(crate) plane_source: [u32; 3],
}

impl PictureJob {
    /// Where the steps of quantization stand.
    pub(crate) const QUANTIZATION_AT: usize = 64;
    /// Where the values of the planes stand.
    pub(crate) const VALUES_AT: usize = 160;
    /// Where tables may begin.
    pub(crate) const TABLES_AT: usize = 928;
    /// How many words the job itself has.
    const WORDS: usize = size_of::<Self>() / 4;

    /// The job as words.
    pub(crate) fn words(&self) -> [u32; Self::WORDS] {
        // SAFETY: the type is `WORDS` integers of 32 bits, in C's layout and without padding.
        unsafe { std::mem::transmute::<Self, [u32; Self::WORDS]>(*self) }
    }
}

const _: () = assert!(PictureJob::WORDS <= PictureJob::QUANTIZATION_AT);
