//! The way of a picture through the decoder: stretches, MCUs, blocks, rows.

use std::ops::Range;

use crate::bits::Bits;
use crate::entropy::{Block, CHUNK, Chunk, Cursor, Fault, MCU_BLOCKS, Plan, Step};
use crate::error::Error;
use crate::header::{self, Coding, Header, Segments};
use crate::huffman::{Class, Table};
use crate::kernels::{Kernels, LANES, Quantization, scalar};
use crate::reduced::Planes;
use crate::region::Region;
use crate::rows::{Geometry, Pixels, Rows};
use crate::scan::Scan;

/// Bytes behind the pixels of a row that may be read: one vector can begin at any of its bytes.
pub const ROW_SLACK: usize = 16;

/// Decodes one picture after the other, in memory that it keeps.
#[derive(Debug)]
pub struct Decoder {
    pub(crate) kernels: &'static Kernels,
    plan: Box<Plan>,
    chunk: Box<Chunk>,
    scan: Scan,
    rows: Rows,
    /// For each component the columns of blocks that are wanted.
    wanted: [Vec<bool>; 3],
    row: Vec<u8>,
    /// For reduced pictures.
    pub(crate) planes: Planes,
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// Returns a decoder that uses what the processor has.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Kernels::best())
    }

    pub(crate) fn with(kernels: &'static Kernels) -> Self {
        let table = || std::array::from_fn(|_| Table::new());
        let plan =
            Plan { dc: table(), ac: table(), steps: [Step::default(); MCU_BLOCKS], n_steps: 0 };
        let chunk = Chunk {
            blocks: [Block([0; 64]); CHUNK * MCU_BLOCKS],
            lengths: [0; CHUNK * MCU_BLOCKS],
        };
        Self {
            kernels,
            plan: Box::new(plan),
            chunk: Box::new(chunk),
            scan: Scan::default(),
            rows: Rows::default(),
            wanted: Default::default(),
            row: Vec::new(),
            planes: Planes::default(),
        }
    }

    /// Returns whether the processor has what the vector kernels need.
    ///
    /// Without them the pixels are the same, and a general decoder that knows the processor is
    /// faster.
    #[must_use]
    pub fn is_vectorised(&self) -> bool {
        !std::ptr::eq(self.kernels, &raw const scalar::KERNELS)
    }

    /// Reads the header of a picture.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] and [`Error::Header`]: a general decoder has to judge the picture.
    pub fn open<'a>(&'a mut self, encoded: &'a [u8]) -> Result<Picture<'a>, Error> {
        let segments = header::read(encoded)?;
        Ok(Picture { decoder: self, encoded, segments })
    }
}

/// A picture whose header is read.
#[derive(Debug)]
pub struct Picture<'a> {
    decoder: &'a mut Decoder,
    encoded: &'a [u8],
    segments: Segments<'a>,
}

impl Picture<'_> {
    /// Returns what the header says.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.segments.header
    }

    /// Writes all pixels into `out`, row after row without gaps.
    ///
    /// # Errors
    ///
    /// [`Error::WrongLength`]; [`Error::Unsupported`] for the luma of [`Coding::Rgb`]; otherwise
    /// what is damaged, and `out` then holds anything.
    pub fn decode(self, pixels: Pixels, out: &mut [u8]) -> Result<(), Error> {
        let Header { width, height, .. } = *self.header();
        let stride = width as usize * pixels.bytes();
        let expected = stride * height as usize;
        if out.len() != expected {
            return Err(Error::WrongLength { expected, found: out.len() });
        }
        let columns = 0..width as usize;
        self.run(pixels, None, |rows, kernels, geometry, y| {
            let row = &mut out[y * stride..][..stride];
            rows.write(kernels, geometry, pixels, y, columns.clone(), row);
        })
    }

    /// Calls `row` with the number and the bytes of each wanted row, from the top, as soon as it
    /// is made.
    ///
    /// A row has all its columns, and [`ROW_SLACK`] bytes behind them; what the region does not
    /// want holds anything. The bytes are the caller's to change.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode); rows may have been given before the damage was met.
    ///
    /// # Panics
    ///
    /// When the region was made for another size.
    pub fn rows(
        self,
        pixels: Pixels,
        region: &Region,
        mut row: impl FnMut(usize, &mut [u8]),
    ) -> Result<(), Error> {
        let (width, height) = (self.header().width as usize, self.header().height as usize);
        assert_eq!(region.size(), (width, height), "the region is of the picture's size");
        let span = region.column_span();
        let columns = span.start / LANES * LANES..span.end;
        let mut buffer = std::mem::take(&mut self.decoder.row);
        buffer.resize(width * pixels.bytes() + ROW_SLACK, 0);
        let Self { decoder, encoded, segments } = self;
        let picture = Picture { decoder: &mut *decoder, encoded, segments };
        let result = picture.run(pixels, Some(region), |rows, kernels, geometry, y| {
            rows.write(kernels, geometry, pixels, y, columns.clone(), &mut buffer);
            row(y, &mut buffer);
        });
        decoder.row = buffer;
        result
    }

    fn run(
        self,
        pixels: Pixels,
        region: Option<&Region>,
        emit: impl FnMut(&mut Rows, &Kernels, &Geometry, usize),
    ) -> Result<(), Error> {
        self.with_job(pixels, region, |job, decoder| job.run(decoder, emit))
    }

    /// Makes the decoder ready for the picture, and hands both to `body`.
    pub(crate) fn with_job(
        self,
        pixels: Pixels,
        region: Option<&Region>,
        body: impl FnOnce(&Job<'_>, &mut Decoder) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Self { decoder, encoded, segments } = self;
        let header = &segments.header;
        if pixels == Pixels::Luma && header.coding == Coding::Rgb {
            let what = "red, green and blue, and luma is asked for,";
            return Err(Error::Unsupported { what, offset: segments.scan });
        }
        let geometry = Geometry::of(header);
        let n_mcus = geometry.mcus_across() * geometry.mcus_down();
        let per_stretch = match segments.restart_interval {
            0 => n_mcus,
            interval => interval,
        };
        let n_stretches = n_mcus.div_ceil(per_stretch);
        decoder.scan.read(encoded, segments.scan, n_stretches, decoder.kernels.copy_clean)?;
        decoder.prepare(&segments, &geometry, region);
        let n_shown = if pixels == Pixels::Luma { 1 } else { segments.n_components };
        let job = Job {
            encoded,
            geometry,
            region,
            quantization: quantization(&segments),
            per_stretch,
            n_shown,
        };
        body(&job, decoder)
    }

    pub(crate) fn encoded(&self) -> &[u8] {
        self.encoded
    }

    pub(crate) fn segments(&self) -> &Segments<'_> {
        &self.segments
    }
}

/// Returns the steps of each component, as the kernels take them.
pub(crate) fn quantization(segments: &Segments<'_>) -> [Quantization; 3] {
    segments.components.map(|component| {
        let steps = segments.quantization[component.quantization & 3].unwrap_or([1; 64]);
        steps.map(u16::cast_signed)
    })
}

impl Decoder {
    /// Makes tables, room and the plan of the MCU ready.
    fn prepare(&mut self, segments: &Segments<'_>, geometry: &Geometry, region: Option<&Region>) {
        let Plan { dc, ac, steps, n_steps } = &mut *self.plan;
        for (tables, spellings, class) in
            [(dc, &segments.dc, Class::Dc), (ac, &segments.ac, Class::Ac)]
        {
            for (table, spelling) in tables.iter_mut().zip(spellings) {
                if let Some(spelling) = spelling {
                    table.set(class, spelling);
                }
            }
        }
        *n_steps = 0;
        let mut first = 0;
        for component in 0..segments.n_components {
            let (h, v) = geometry.blocks(component);
            for place in 0..h * v {
                let first = first + place / h * CHUNK * h + place % h;
                let part = segments.components[component];
                let (dc, ac) = (part.dc & 3, part.ac & 3);
                steps[*n_steps] = Step { component, first, stride: h, dc, ac };
                *n_steps += 1;
            }
            first += CHUNK * h * v;
            let columns = geometry.mcus_across() * h;
            self.wanted[component].clear();
            self.wanted[component].extend((0..columns).map(|column| {
                region.is_none_or(|region| {
                    region.wants_columns(reach(column, component, geometry.across))
                })
            }));
        }
        self.rows.reset(geometry, segments.n_components);
    }
}

/// Returns the pixels that a block of a component reaches, along one axis on which `shared` pixels
/// share a difference.
fn reach(block: usize, component: usize, shared: usize) -> Range<usize> {
    match (component, shared) {
        (1.., 2) => (16 * block).saturating_sub(1)..16 * block + 17,
        _ => 8 * block..8 * block + 8,
    }
}

/// Takes the coefficients of a picture as they are decoded.
pub(crate) trait Sink {
    /// Takes `n` MCUs of a chunk, which begin at a column and row of MCUs.
    fn take(&mut self, chunk: &Chunk, at: [usize; 2], n: usize);

    /// Hears that a row of MCUs is complete.
    fn end_row(&mut self, mcu_y: usize);
}

/// What stays the same while a picture is decoded.
pub(crate) struct Job<'a> {
    encoded: &'a [u8],
    pub(crate) geometry: Geometry,
    region: Option<&'a Region>,
    quantization: [Quantization; 3],
    /// MCUs of a stretch.
    per_stretch: usize,
    /// Components of which samples are made.
    pub(crate) n_shown: usize,
}

/// Makes samples of the coefficients, and rows of the samples.
struct Samples<'a, 'd, E> {
    job: &'a Job<'d>,
    kernels: &'static Kernels,
    rows: &'a mut Rows,
    wanted: &'a [Vec<bool>; 3],
    /// Rows that are done.
    emitted: usize,
    emit: E,
}

impl<E: FnMut(&mut Rows, &Kernels, &Geometry, usize)> Sink for Samples<'_, '_, E> {
    fn take(&mut self, chunk: &Chunk, at: [usize; 2], n: usize) {
        self.job.transform(self.kernels, chunk, self.rows, self.wanted, at, n);
    }

    fn end_row(&mut self, mcu_y: usize) {
        let geometry = &self.job.geometry;
        // The last row waits for the differences below it.
        let made = (mcu_y + 1) * 8 * geometry.down;
        let last = mcu_y + 1 == geometry.mcus_down();
        let ready = if last { geometry.height } else { made + 1 - geometry.down };
        for y in self.emitted..ready {
            if self.job.region.is_none_or(|region| region.wants_row(y)) {
                (self.emit)(self.rows, self.kernels, geometry, y);
            }
        }
        self.emitted = ready;
    }
}

impl Job<'_> {
    fn run(
        &self,
        decoder: &mut Decoder,
        emit: impl FnMut(&mut Rows, &Kernels, &Geometry, usize),
    ) -> Result<(), Error> {
        let Decoder { kernels, plan, chunk, scan, rows, wanted, .. } = decoder;
        let mut samples = Samples { job: self, kernels, rows, wanted, emitted: 0, emit };
        self.walk(kernels, plan, chunk, scan, &mut samples)
    }

    /// Decodes the coefficients of the whole picture.
    pub(crate) fn coefficients(
        &self,
        decoder: &mut Decoder,
        sink: &mut impl Sink,
    ) -> Result<(), Error> {
        let Decoder { kernels, plan, chunk, scan, .. } = decoder;
        self.walk(kernels, plan, chunk, scan, sink)
    }

    fn walk(
        &self,
        kernels: &Kernels,
        plan: &Plan,
        chunk: &mut Chunk,
        scan: &Scan,
        sink: &mut impl Sink,
    ) -> Result<(), Error> {
        let geometry = &self.geometry;
        let (mut stretch, mut left) = (0, self.per_stretch);
        let mut cursor = cursor(scan, stretch);
        for mcu_y in 0..geometry.mcus_down() {
            let mut mcu_x = 0;
            while mcu_x < geometry.mcus_across() {
                if left == 0 {
                    self.check_end(scan, stretch, &cursor)?;
                    stretch += 1;
                    left = self.per_stretch;
                    cursor = self::cursor(scan, stretch);
                }
                let n = CHUNK.min(geometry.mcus_across() - mcu_x).min(left);
                (kernels.decode_mcus)(&mut cursor, plan, n, chunk)
                    .map_err(|fault| self.error(scan, stretch, &cursor, fault))?;
                sink.take(chunk, [mcu_x, mcu_y], n);
                mcu_x += n;
                left -= n;
            }
            sink.end_row(mcu_y);
        }
        Ok(())
    }

    /// Makes samples of `n` MCUs of a chunk, of those blocks that are wanted.
    fn transform(
        &self,
        kernels: &Kernels,
        chunk: &Chunk,
        rows: &mut Rows,
        wanted: &[Vec<bool>; 3],
        [mcu_x, mcu_y]: [usize; 2],
        n: usize,
    ) {
        let mut first = 0;
        for component in 0..self.n_shown {
            let (h, v) = self.geometry.blocks(component);
            let columns = mcu_x * h..(mcu_x + n) * h;
            for line in 0..v {
                let row = mcu_y * v + line;
                let blocks = first + line * CHUNK * h..first + line * CHUNK * h + n * h;
                let reached = reach(row, component, self.geometry.down);
                if !self.region.is_none_or(|region| region.wants_rows(reached)) {
                    continue;
                }
                let place = rows.place(component, columns.start, row);
                let mut plane = rows.plane(component);
                let steps = &self.quantization[component];
                let wanted = &wanted[component][columns.clone()];
                let (blocks, lengths) = (&chunk.blocks[blocks.clone()], &chunk.lengths[blocks]);
                (kernels.transform)(blocks, lengths, wanted, steps, &mut plane, place);
            }
            first += CHUNK * h * v;
        }
    }

    /// Refuses bytes that no sample used.
    fn check_end(&self, scan: &Scan, stretch: usize, cursor: &Cursor<'_>) -> Result<(), Error> {
        let used = cursor.bits.position().div_ceil(8);
        if 8 * used < cursor.end {
            return Err(Error::Extraneous { offset: scan.offset(self.encoded, stretch, used) });
        }
        Ok(())
    }

    #[cold]
    fn error(&self, scan: &Scan, stretch: usize, cursor: &Cursor<'_>, fault: Fault) -> Error {
        let offset = scan.offset(self.encoded, stretch, cursor.bits.position() / 8);
        match fault {
            Fault::BadCode => Error::BadCode { offset },
            Fault::LongBlock => Error::LongBlock { offset },
            Fault::End => Error::Truncated { offset },
        }
    }
}

/// Returns a reader at the beginning of a stretch.
fn cursor(scan: &Scan, stretch: usize) -> Cursor<'_> {
    let stretch = scan.stretch(stretch);
    let bits = Bits::new(scan.data(), stretch.start);
    Cursor { bits, last: [0; 3], end: 8 * stretch.end }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;

    fn decode(decoder: &mut Decoder, encoded: &[u8]) -> Result<Vec<u8>, Error> {
        let picture = decoder.open(encoded)?;
        let (width, height) = (picture.header().width, picture.header().height);
        if width * height > 1 << 18 {
            return Ok(Vec::new());
        }
        let mut out = vec![0; 3 * width as usize * height as usize];
        picture.decode(Pixels::Rgb, &mut out)?;
        Ok(out)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

        #[test]
        fn altered_pictures_never_panic_and_are_the_same_with_all_kernels(
            name in prop::sample::select(vec![
                "q30_420", "q95_420", "q95_422", "q95_444", "restart", "gray", "rgb_coded",
            ]),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
            cut in any::<Option<prop::sample::Index>>(),
        ) {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/preprocess/pictures");
            let mut encoded = std::fs::read(folder.join(name).with_extension("jpg")).unwrap();
            for (at, value) in changes {
                let at = at.index(encoded.len());
                encoded[at] = value;
            }
            if let Some(cut) = cut {
                encoded.truncate(cut.index(encoded.len() + 1));
            }
            let mut best = Decoder::new();
            let found = decode(&mut best, &encoded);
            prop_assert_eq!(&found, &decode(&mut Decoder::with(&scalar::KERNELS), &encoded));
            prop_assert_eq!(&found, &decode(&mut best, &encoded), "what was there does not matter");
        }
    }
}
