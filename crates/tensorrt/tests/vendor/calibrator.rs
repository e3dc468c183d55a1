//! The calibrator of a case: the witness's, in Rust.

use std::collections::BTreeMap;

use calibrant_cuda::{Device, DeviceBuffer, PinnedPiece, Stream, Upload};
use calibrant_tensorrt::{BoxError, CalibrationAlgoType, Calibrator};

use crate::case::Told;

/// Hands out made-up batches that lie in device memory.
pub(crate) struct Batches<'d> {
    told: Told,
    device: &'d Device,
    stream: Stream,
    /// The shape of a batch of each input.
    shapes: BTreeMap<String, Vec<i64>>,
    /// What the builder reads; one buffer an input.
    buffers: BTreeMap<String, DeviceBuffer>,
    batch: usize,
    /// The cache to read.
    cache: Option<Vec<u8>>,
    /// The cache that was written.
    pub(crate) written: Option<Vec<u8>>,
}

impl<'d> Batches<'d> {
    pub(crate) fn new(
        told: Told,
        device: &'d Device,
        shapes: BTreeMap<String, Vec<i64>>,
        cache: Option<Vec<u8>>,
    ) -> Self {
        let stream = Stream::new(device).unwrap();
        let buffers = BTreeMap::new();
        Self { told, device, stream, shapes, buffers, batch: 0, cache, written: None }
    }

    pub(crate) fn algorithm(&self) -> CalibrationAlgoType {
        match self.told.class.as_str() {
            "IInt8EntropyCalibrator2" => CalibrationAlgoType::EntropyCalibration2,
            "IInt8EntropyCalibrator" => CalibrationAlgoType::EntropyCalibration,
            "IInt8MinMaxCalibrator" => CalibrationAlgoType::MinmaxCalibration,
            "IInt8LegacyCalibrator" => CalibrationAlgoType::LegacyCalibration,
            other => panic!("there is no calibrator {other}"),
        }
    }

    /// Copies the batch of an input to the device, and returns where it lies.
    fn put(&mut self, name: &str) -> Result<u64, BoxError> {
        let values = values(name, self.batch, &self.shapes[name]);
        let len_bytes = values.len() * size_of::<f32>();
        let mut pieces = PinnedPiece::cut_slab(self.device, 1, len_bytes)?;
        pieces[0].values_mut().ok_or("a slab is aligned")?.copy_from_slice(&values);
        let buffer = match self.buffers.remove(name) {
            Some(buffer) => buffer,
            None => DeviceBuffer::new(self.device, len_bytes)?,
        };
        let mut upload = Upload::begin(&self.stream, vec![buffer]);
        let held = upload.append(pieces, |pieces, rows| rows.push(0, &pieces[0]))?;
        held.wait()?;
        let buffer = upload.finish()?.wait()?.remove(0);
        let address = buffer.address();
        self.buffers.insert(name.to_owned(), buffer);
        Ok(address)
    }
}

/// The floats of a batch: the same as the witness's, exact in 32 bits.
fn values(name: &str, batch: usize, shape: &[i64]) -> Vec<f32> {
    let count: i64 = shape.iter().product();
    let start = 13 * i64::try_from(batch).unwrap() + i64::try_from(name.len()).unwrap();
    let value = |at| {
        let whole = (start + 7 * at) % 255 - 127;
        f32::from(i16::try_from(whole).unwrap()) / 8.0
    };
    (0..count).map(value).collect()
}

impl Calibrator for Batches<'_> {
    fn batch_size(&mut self) -> i32 {
        self.told.batch_size
    }

    fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
        if self.batch == self.told.batches {
            return Ok(false);
        }
        for (name, address) in inputs.iter().zip(addresses) {
            *address = self.put(name)?;
        }
        self.batch += 1;
        Ok(true)
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        Ok(self.cache.as_deref())
    }

    fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError> {
        self.written = Some(cache.to_vec());
        Ok(())
    }

    fn quantile(&mut self) -> f64 {
        self.told.quantile
    }

    fn regression_cutoff(&mut self) -> f64 {
        self.told.regression_cutoff
    }
}
