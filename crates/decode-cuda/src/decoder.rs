//! From the bytes of a picture to pinned memory, and from there to rows of a batch.

use std::fmt;

use calibrant_cuda::{Device, DeviceBuffer, Error, Held, Stream, Upload};
use calibrant_jpeg::{Coding, Header, Pixels};
use calibrant_preprocess::{
    Color, DctScale, JpegDecoder, MAX_PICTURE_SIDE_PX, Orientation, Pipeline, PixelRules,
    Preprocess, PreprocessError, Scratch, Size, Step,
};
use calibrant_search::GoOn;

use crate::blob::Template;
use crate::error::OpenError;
use crate::nvjpeg::{JpegEngine, NvjpegHeader, NvjpegLibrary};
use crate::pictures::{self, PictureKernels, Pictures, TensorMaker};
use crate::pinned::{Content, PinnedPicture};

/// What reads JPEG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JpegWay {
    /// Our own entropy decoder on the host and libjpeg-turbo's arithmetic on the device.
    Exact,
    /// NVIDIA's nvJPEG.
    Nvjpeg,
}

/// Makes tensors of pictures on a device, as a pipeline's recipe says.
pub struct PictureDecoder {
    device: Device,
    pipeline: Pipeline,
    kernels: PictureKernels,
    nvjpeg: Option<NvjpegLibrary>,
    /// The most memory of a picture; coefficients that would take more stay with the processor.
    picture_limit_bytes: usize,
}

/// What a thread keeps from picture to picture.
pub struct Worker {
    jpeg: calibrant_jpeg::Decoder,
    scratch: Scratch,
    header: Option<NvjpegHeader>,
    /// The latest templates, by upright size and channels; the newest last.
    templates: Vec<((Size, usize), Template)>,
}

/// Templates that a worker keeps.
const TEMPLATES: usize = 32;
/// What the memory of a picture may grow to unless told otherwise.
const PICTURE_LIMIT_BYTES: usize = 64 << 20;

impl PictureDecoder {
    /// Returns whether a device can follow a pipeline's recipe; needs none.
    ///
    /// # Errors
    ///
    /// [`OpenError::Filter`], [`OpenError::Steps`], [`OpenError::DctScale`] and
    /// [`OpenError::Decoder`].
    pub fn check(pipeline: &Pipeline) -> Result<(), OpenError> {
        let (filter, decode) = (pipeline.filter(), pipeline.decode());
        match (decode.jpeg, decode.dct_scale) {
            _ if !filter.is_exact() => Err(OpenError::Filter { filter }),
            _ if !pipeline.has_sampling() => Err(OpenError::Steps),
            (JpegDecoder::LibjpegTurbo, DctScale::Full) => Ok(()),
            (JpegDecoder::LibjpegTurbo, scale) => Err(OpenError::DctScale { scale }),
            (decoder, _) => Err(OpenError::Decoder { decoder }),
        }
    }

    /// Makes a device ready for a pipeline's recipe: compiles the programs and, for
    /// [`JpegWay::Nvjpeg`], opens nvJPEG. `go_on` is asked again and again while the libraries are looked for; its `Break`
    /// cancels that.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(
        device: &Device,
        pipeline: &Pipeline,
        way: JpegWay,
        go_on: &mut GoOn<'_>,
    ) -> Result<Self, OpenError> {
        Self::check(pipeline)?;
        let nvjpeg = match way {
            JpegWay::Exact => None,
            JpegWay::Nvjpeg => Some(NvjpegLibrary::open(device, go_on)?),
        };
        Ok(Self {
            device: device.clone(),
            pipeline: pipeline.clone(),
            kernels: PictureKernels::compile(device, go_on)?,
            nvjpeg,
            picture_limit_bytes: PICTURE_LIMIT_BYTES,
        })
    }

    /// The same with pictures whose memory grows no further than so many bytes: the coefficients of larger ones
    /// never leave the processor, which makes the same tensors of them.
    #[must_use]
    pub fn with_picture_limit(self, picture_limit_bytes: usize) -> Self {
        Self { picture_limit_bytes, ..self }
    }

    /// The device that it was opened for.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What the tensors depend on, as [`Preprocess::describe`]: of [`JpegWay::Exact`] it is the
    /// pipeline's own, whose tensors these are.
    pub fn describe(&self) -> String {
        let Some(nvjpeg) = &self.nvjpeg else { return self.pipeline.describe() };
        let mut recipe = self.pipeline.recipe().clone();
        if let Some(Step::Decode(decode)) = recipe.steps.first_mut() {
            decode.jpeg = JpegDecoder::Nvjpeg;
        }
        let engine = match nvjpeg.engine() {
            JpegEngine::Hardware => "the chip's decoders",
            JpegEngine::Gpu => "the GPU's processors",
        };
        format!("{}# nvJPEG {} on {engine}\n", recipe.to_toml(), nvjpeg.version())
    }

    /// Planes, height and width of a tensor.
    pub fn shape(&self) -> [usize; 3] {
        self.pipeline.shape()
    }

    /// How many bytes a tensor takes.
    pub fn tensor_bytes(&self) -> usize {
        4 * self.shape().iter().product::<usize>()
    }

    /// What a thread needs to prepare pictures.
    ///
    /// # Errors
    ///
    /// What nvJPEG reports.
    pub fn worker(&self) -> Result<Worker, Error> {
        let header = self.nvjpeg.as_ref().map(NvjpegLibrary::header).transpose()?;
        let (jpeg, scratch) = (calibrant_jpeg::Decoder::new(), Scratch::new());
        Ok(Worker { jpeg, scratch, header, templates: Vec::new() })
    }

    /// What makes tensors, in a stream of its own.
    ///
    /// # Errors
    ///
    /// What nvJPEG reports.
    pub fn maker(&self) -> Result<TensorMaker, Error> {
        let decoder = self.nvjpeg.as_ref().map(NvjpegLibrary::decoder).transpose()?;
        let (stream, kernels) = (Stream::new(&self.device)?, self.kernels.clone());
        Ok(TensorMaker { stream, kernels, decoder, shape: self.shape() })
    }

    /// The buffers of a batch: its tensors, and two that grow.
    ///
    /// # Errors
    ///
    /// When the device has no room.
    pub fn buffers(&self, batch_size: usize) -> Result<Vec<DeviceBuffer>, Error> {
        let tensors = self.tensor_bytes().saturating_mul(batch_size);
        [tensors, 256, 256]
            .map(|bytes| DeviceBuffer::new(&self.device, bytes))
            .into_iter()
            .collect()
    }

    /// Reads a picture into pinned memory, as far as the host has to.
    ///
    /// # Errors
    ///
    /// What the pipeline says of the picture; [`PreprocessError::Custom`] with a
    /// [`calibrant_cuda::Error`] where it is not the picture's fault.
    pub fn prepare(
        &self,
        worker: &mut Worker,
        encoded: &[u8],
        picture: &mut PinnedPicture,
    ) -> Result<(), PreprocessError> {
        if let Some(content) = self.for_device(worker, encoded, picture).map_err(device_failed)? {
            picture.content = content;
            return Ok(());
        }
        let tensor_bytes = self.tensor_bytes();
        picture.content = Content::Tensor;
        let memory = picture.room(tensor_bytes).map_err(device_failed)?;
        let values = memory.values_mut::<f32>().expect("pieces are whole in every type");
        self.pipeline.preprocess(encoded, &mut worker.scratch, &mut values[..tensor_bytes / 4])
    }

    /// Puts upright pixels into pinned memory, red, green and blue in turn, of which the device makes the
    /// tensor that [`Pipeline::preprocess_pixels`] makes: for a decoder of one's own.
    ///
    /// # Errors
    ///
    /// [`PreprocessError::PixelCount`]; what the recipe says of the size; [`PreprocessError::Custom`] as
    /// of [`prepare`](Self::prepare).
    pub fn prepare_pixels(
        &self,
        rgb: &[u8],
        size: Size,
        picture: &mut PinnedPicture,
    ) -> Result<(), PreprocessError> {
        calibrant_preprocess::Pixels::rgb(size, rgb)?;
        let template = Template::new(&self.pipeline, size, 3)?;
        let template = template.expect("a filter without tables is refused when this is opened");
        let len = template.len_bytes();
        let memory = picture.room(len + rgb.len()).map_err(device_failed)?;
        template.write_pixels(size, 1, words(memory));
        memory[len..len + rgb.len()].copy_from_slice(rgb);
        picture.content = Content::Pixels { pixels: len..len + rgb.len() };
        Ok(())
    }

    /// Puts pictures of a source into the stream, as rows of the batch from `first_row` on. Returns what holds
    /// the source meanwhile, and the bytes that cross the bus.
    ///
    /// # Errors
    ///
    /// Where a row lies beyond the batch; no memory for what lies between; what the driver and nvJPEG report. The source is
    /// dropped then, and what the buffers were filled with counts as not there.
    pub fn append<S: 'static, P: AsRef<PinnedPicture> + 'static>(
        upload: &mut Upload,
        maker: &mut TensorMaker,
        source: S,
        chosen: impl for<'s> Fn(&'s S) -> &'s [P],
        first_row: usize,
    ) -> Result<(Held<S>, usize), Error> {
        let end_row = first_row + chosen(&source).len();
        pictures::append(upload, maker, source, end_row, |source, pictures| {
            for (row, picture) in (first_row..).zip(chosen(source)) {
                place(pictures, row, picture.as_ref());
            }
        })
    }

    /// What the device makes a tensor of, put into the memory; `None` where the processor has to.
    fn for_device(
        &self,
        worker: &mut Worker,
        encoded: &[u8],
        picture: &mut PinnedPicture,
    ) -> Result<Option<Content>, Error> {
        let Worker { jpeg, header: nvjpeg, templates, .. } = worker;
        // Whatever is unusual or wrong is for the pipeline to judge.
        let Ok(opened) = jpeg.open(encoded) else { return Ok(None) };
        let header = *opened.header();
        let Some(pixels) = self.pixels(&header) else { return Ok(None) };
        let channels = pixels.bytes();
        let orientation = match self.pipeline.decode().orientation {
            Orientation::Exif => header.orientation,
            Orientation::Stored => 1,
        };
        let Some(template) = self.template(templates, upright(&header, orientation), channels)
        else {
            return Ok(None);
        };
        let len = template.len_bytes();
        if let Some(nvjpeg) = nvjpeg
            && channels == 3
            && header.coding == Coding::YCbCr
            && opened.is_whole()
            && let Some(size) = nvjpeg.read(encoded)?
            && (size.width(), size.height()) == (header.width as usize, header.height as usize)
        {
            let jpeg = len..len + encoded.len();
            let memory = picture.room(jpeg.end)?;
            let stored = Size::new(header.width, header.height);
            template.write_pixels(stored, orientation, words(memory));
            memory[jpeg.clone()].copy_from_slice(encoded);
            return Ok(Some(Content::Jpeg { len, jpeg, size }));
        }
        let blocks = opened.blocks(pixels);
        let end = len + 128 * blocks.count();
        if end > self.picture_limit_bytes {
            return Ok(None);
        }
        let memory = picture.room(end)?;
        template.write_coefficients(&header, orientation, &blocks, words(memory));
        let coefficients = memory.values_mut::<i16>().expect("pieces are whole in every type");
        let outcome = opened.coefficients(pixels, &mut coefficients[len / 2..end / 2]);
        Ok(outcome.is_ok().then_some(Content::Coefficients { len: end, blocks: blocks.count() }))
    }

    /// What the pixels of a picture are made of; `None` where the device cannot make what the recipe
    /// asks for, or the recipe may refuse the picture.
    fn pixels(&self, header: &Header) -> Option<Pixels> {
        let decode = self.pipeline.decode();
        let size = Size::new(header.width, header.height);
        if size.pixels() > decode.max_pixels || size.width.max(size.height) > MAX_PICTURE_SIDE_PX {
            return None;
        }
        match (header.coding, self.pipeline.color(), decode.pixels) {
            (Coding::Gray, ..) => Some(Pixels::Luma),
            (Coding::YCbCr, Color::Gray, PixelRules::Opencv) => Some(Pixels::Luma),
            (_, Color::Gray, _) => None,
            (Coding::YCbCr | Coding::Rgb, ..) => Some(Pixels::Rgb),
            _ => None,
        }
    }

    fn template<'a>(
        &self,
        templates: &'a mut Vec<((Size, usize), Template)>,
        size: Size,
        channels: usize,
    ) -> Option<&'a Template> {
        let key = (size, channels);
        match templates.iter().rposition(|(known, _)| *known == key) {
            Some(at) => return Some(&templates[at].1),
            None if templates.len() == TEMPLATES => drop(templates.remove(0)),
            None => {}
        }
        let template = Template::new(&self.pipeline, size, channels).ok()??;
        templates.push((key, template));
        templates.last().map(|(_, template)| template)
    }
}

/// The size of the picture when it is upright.
fn upright(header: &Header, orientation: u8) -> Size {
    match orientation {
        5..=8 => Size::new(header.height, header.width),
        _ => Size::new(header.width, header.height),
    }
}

fn words(memory: &mut calibrant_cuda::PinnedPiece) -> &mut [u32] {
    memory.values_mut().expect("pieces are whole in every type")
}

fn device_failed(error: Error) -> PreprocessError {
    PreprocessError::Custom(Box::new(error))
}

fn place<'source>(pictures: &mut Pictures<'source>, row: usize, picture: &'source PinnedPicture) {
    let memory = picture.memory();
    match &picture.content {
        Content::Tensor => pictures.tensor(row, memory),
        Content::Coefficients { len, blocks } => pictures.coefficients(row, memory, *len, *blocks),
        Content::Jpeg { len, jpeg, size } => {
            // SAFETY: the memory holds a JPEG only where `for_device` put it there with what nvJPEG told of it, and is not
            // written since: whoever writes it makes it hold something else.
            unsafe { pictures.encoded(row, memory, *len, (jpeg.clone(), *size)) };
        }
        Content::Pixels { pixels } => pictures.pixels(row, memory, pixels.clone()),
    }
}

impl fmt::Debug for PictureDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PictureDecoder")
            .field("device", &self.device)
            .field("nvjpeg", &self.nvjpeg)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a worker with {} templates", self.templates.len())
    }
}

#[cfg(test)]
mod tests {
    use calibrant_preprocess::{Filter, Settings};

    use super::*;

    fn check(toml: &str) -> Result<(), OpenError> {
        let recipe = Settings::from_toml(toml).unwrap().recipe().unwrap();
        PictureDecoder::check(&recipe.compile().unwrap())
    }

    #[test]
    fn what_no_device_can_follow_is_refused_by_name() {
        for &filter in Filter::ALL {
            match check(&format!("preset = 'imagenet'\nfilter = '{filter}'")) {
                Ok(()) => assert!(filter.is_exact()),
                Err(error) => assert!(error.to_string().contains(filter.word()), "{error}"),
            }
        }
        let error = check("preset = 'imagenet'\njpeg = 'image'").unwrap_err();
        assert!(error.to_string().contains("`image`"), "{error}");
        let error = check("preset = 'imagenet'\ndct-scale = '1/2'").unwrap_err();
        assert!(error.to_string().contains("`dct-scale` 1/2"), "{error}");
        let error = check("preset = 'segment-anything'").unwrap_err();
        assert!(error.to_string().contains("`fill-normalised`"), "{error}");
    }

    #[test]
    fn a_turned_picture_has_its_sides_exchanged() {
        let encoded = include_bytes!("../../../fixtures/preprocess/pictures/q95_420.jpg");
        let mut decoder = calibrant_jpeg::Decoder::new();
        let header = *decoder.open(encoded).unwrap().header();
        let (stored, turned) =
            (Size::new(header.width, header.height), Size::new(header.height, header.width));
        for orientation in 1..=8 {
            let expected = if orientation < 5 { stored } else { turned };
            assert_eq!(upright(&header, orientation), expected, "{orientation}");
        }
    }
}
