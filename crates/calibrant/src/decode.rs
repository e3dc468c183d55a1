//! Pictures that become tensors on the GPU: opened before any work, and brought to TensorRT without coming back.

use std::borrow::Cow;
use std::sync::Arc;

use calibrant_backend_tensorrt::{Loader, Loading, Part};
use calibrant_cuda::{Device, DeviceBuffer, Upload};
use calibrant_decode_cuda::{
    DevicePreprocess, JpegWay, OpenError, PictureDecoder, PictureSlot, TensorMaker,
};

use crate::config::{Calibration, Config, Decode, Ranges};
use crate::engine::go_on;
use crate::error::{Error, UsageError};
use crate::observe::Observer;

/// The GPU that calibrates and decodes: TensorRT builds for the first one, unless `CUDA_VISIBLE_DEVICES` says otherwise.
pub(crate) const FIRST_GPU: u32 = 0;

/// Makes the GPU ready to decode, where the job asks for that.
///
/// # Errors
///
/// When the samples are no pictures of a recipe, the GPU or a library is missing, or the caller interrupts.
pub(crate) fn open(
    config: &Config,
    observer: &dyn Observer,
) -> Result<Option<Arc<DevicePreprocess>>, Error> {
    let Ranges::Calibrate(Calibration { decode, preprocess, .. }) = &config.ranges else {
        return Ok(None);
    };
    let way = match decode {
        Decode::Cpu => return Ok(None),
        Decode::Cuda => JpegWay::Nvjpeg,
        Decode::CudaExact => JpegWay::Exact,
    };
    let pipeline = preprocess.as_ref().and_then(|preprocess| preprocess.pipeline());
    let pipeline = pipeline.ok_or(UsageError::DecodeWithoutRecipe(*decode))?;
    PictureDecoder::check(pipeline).map_err(UsageError::Decode)?;
    let device = Device::open(FIRST_GPU).map_err(OpenError::from);
    let mut go_on = || go_on(observer);
    let decoder =
        device.and_then(|device| PictureDecoder::open(&device, pipeline, way, &mut go_on));
    let decoder = decoder.map_err(|source| match source {
        OpenError::Cuda(calibrant_cuda::Error::Cancelled) => Error::Interrupted,
        source => Error::Decode { decode: *decode, source },
    })?;
    Ok(Some(Arc::new(DevicePreprocess::new(decoder))))
}

/// The job with the GPU's tensors in place of the processor's.
pub(crate) fn with<'config>(
    config: &'config Config,
    opened: Option<&Arc<DevicePreprocess>>,
) -> Cow<'config, Config> {
    let mut config = Cow::Borrowed(config);
    if let Some(opened) = opened
        && let Ranges::Calibrate(calibration) = &mut config.to_mut().ranges
    {
        calibration.preprocess = Some(Arc::clone(opened) as _);
    }
    config
}

/// Makes tensors of pictures in the buffers that TensorRT reads.
pub(crate) struct Pictures<'job> {
    pub(crate) decoder: &'job PictureDecoder,
    pub(crate) maker: TensorMaker,
}

impl Loader for Pictures<'_> {
    type Sample = PictureSlot;

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
        Part { batch, range, row }: Part<PictureSlot>,
    ) -> Result<(Loading<PictureSlot>, usize), calibrant_cuda::Error> {
        PictureDecoder::append(upload, &mut self.maker, batch, |batch| &batch[range.clone()], row)
    }
}
