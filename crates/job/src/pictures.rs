//! What makes tensors of pictures: a value of the calibration, opened before any work.

use std::fmt;
use std::sync::Arc;

use calibrant_backend_tensorrt::{Loader, Loading, Part};
use calibrant_cuda::{Device, DeviceBuffer, Upload};
use calibrant_decode_cuda::{
    DevicePreprocess, JpegWay, OpenError, PictureDecoder, PinnedPicture, TensorMaker,
};
use calibrant_preprocess::{Pipeline, Preprocess};
use calibrant_runtime::Slot;

use crate::control::Control;
use crate::error::{ConfigError, Error};

/// The GPU that calibrates and decodes: TensorRT builds for the first one, unless `CUDA_VISIBLE_DEVICES` says otherwise.
pub(crate) const FIRST_GPU: u32 = 0;

/// What makes tensors of pictures.
#[derive(Clone)]
#[non_exhaustive]
pub enum Pictures {
    /// The processor, by any preprocessing.
    Host(Arc<dyn Preprocess>),
    /// The first GPU, by a recipe that it can follow. TensorRT's calibrators get the tensors without a way through the
    /// host.
    Gpu {
        /// The recipe.
        pipeline: Pipeline,
        /// Whose pixels JPEGs have.
        jpeg: JpegWay,
    },
}

impl Pictures {
    /// Makes sure that it can be used, and opens what it needs.
    ///
    /// # Errors
    ///
    /// When the GPU cannot follow the recipe, it or a library is missing, or the caller interrupts.
    pub(crate) fn open(&self, control: Control<'_>) -> Result<TensorsOf, Error> {
        let (pipeline, jpeg) = match self {
            Self::Host(preprocess) => return Ok(TensorsOf::Host(Arc::clone(preprocess))),
            Self::Gpu { pipeline, jpeg } => (pipeline, *jpeg),
        };
        PictureDecoder::check(pipeline).map_err(ConfigError::Decode)?;
        let device = Device::open(FIRST_GPU).map_err(OpenError::from);
        let mut go_on = || control.flow();
        let decoder =
            device.and_then(|device| PictureDecoder::open(&device, pipeline, jpeg, &mut go_on));
        let decoder = decoder.map_err(|source| match source {
            OpenError::Cuda(calibrant_cuda::Error::Cancelled) => Error::Interrupted,
            source => Error::Decode(source),
        })?;
        Ok(TensorsOf::Gpu(Arc::new(DevicePreprocess::new(decoder))))
    }
}

impl fmt::Debug for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(preprocess) => write!(f, "on the host, by {:?}", preprocess.describe()),
            Self::Gpu { pipeline, jpeg } => {
                write!(f, "on a GPU ({jpeg:?}), by {:?}", pipeline.describe())
            }
        }
    }
}

/// [`Pictures`], opened.
#[derive(Clone)]
pub(crate) enum TensorsOf {
    Host(Arc<dyn Preprocess>),
    Gpu(Arc<DevicePreprocess>),
}

impl TensorsOf {
    /// What brings the tensors to the host.
    pub(crate) fn preprocess(&self) -> &dyn Preprocess {
        match self {
            Self::Host(preprocess) => &**preprocess,
            Self::Gpu(preprocess) => &**preprocess,
        }
    }

    /// What makes tensors that stay on the GPU.
    pub(crate) fn decoder(&self) -> Option<&PictureDecoder> {
        match self {
            Self::Host(_) => None,
            Self::Gpu(preprocess) => Some(preprocess.decoder()),
        }
    }
}

impl fmt::Debug for TensorsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tensors by {:?}", self.preprocess().describe())
    }
}

/// Makes tensors of pictures in the buffers that TensorRT reads.
pub(crate) struct OnGpu<'job> {
    pub(crate) decoder: &'job PictureDecoder,
    pub(crate) maker: TensorMaker,
}

impl Loader for OnGpu<'_> {
    type Sample = Slot<PinnedPicture>;

    fn buffers(
        &self,
        _: &Device,
        batch_size: usize,
    ) -> Result<Vec<DeviceBuffer>, calibrant_cuda::Error> {
        self.decoder.buffers(batch_size)
    }

    fn load(
        &mut self,
        upload: &mut Upload,
        Part { batch, range, row }: Part<Self::Sample>,
    ) -> Result<(Loading<Self::Sample>, usize), calibrant_cuda::Error> {
        PictureDecoder::append(upload, &mut self.maker, batch, |batch| &batch[range.clone()], row)
    }
}
