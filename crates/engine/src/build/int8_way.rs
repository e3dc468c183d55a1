//! How INT8 ranges reach the builder in one build.

use std::path::Path;
use std::sync::mpsc::SyncSender;

use calibrant_calibration::{Algorithm, Cache};
use calibrant_format::{INT8, Ranges};
use calibrant_tensorrt::{BoxError, Builder, Calibrator, Config, Error, HostMemory, Network};

use super::graph;
use super::job::Message;
use crate::error::BuildError;
use crate::int8::{Int8, Int8Summary, Int8Via, calibrator};
use crate::options::BuildOptions;
use crate::ranges::{Coverage, complete};

/// How many names a warning spells out.
const NAMES_SHOWN: usize = 8;

/// The way that INT8 ranges take in one build, and what became of it.
pub(super) enum Int8Way<'o> {
    /// They are in the model, if it is quantized at all.
    Model,
    /// TensorRT calibrates.
    Calibrator { watched: Watched<'o>, algorithm: Algorithm },
    /// A cache is handed over.
    Cache { cache: CacheOnly, algorithm: Algorithm, coverage: Coverage },
    /// They are in the network.
    Ranges { coverage: Coverage },
}

impl<'o> Int8Way<'o> {
    /// Prepares what the builder will ask for, and sets ranges in the network where that is the way.
    pub(super) fn prepare(
        int8: Int8<'o>,
        network: &Network<'_>,
        onnx: &Path,
        options: &BuildOptions,
        sender: &SyncSender<Message>,
        warnings: &mut Vec<String>,
    ) -> Result<Self, BuildError> {
        let mut cover = |given: &Ranges| {
            let (ranges, coverage) = complete(&graph::of(network)?, given);
            check(&coverage, given, onnx, options, warnings)?;
            Ok::<_, BuildError>((ranges, coverage))
        };
        match int8 {
            Int8::Model => Ok(Self::Model),
            Int8::Calibrator { calibrator, algorithm } => {
                let watched = Watched::new(calibrator, sender.clone());
                Ok(Self::Calibrator { watched, algorithm })
            }
            Int8::Cache { ranges, algorithm } => {
                let (ranges, coverage) = cover(ranges)?;
                let scales = ranges.into_iter().map(|(name, range)| (name, INT8.scale(range)));
                // The ABI's versions are above 0 and end where its integers do.
                let version = u32::try_from(network.library().version().raw()).unwrap_or(u32::MAX);
                let cache = Cache::new(version, algorithm, scales.collect())?;
                Ok(Self::Cache { cache: CacheOnly::new(&cache), algorithm, coverage })
            }
            Int8::Ranges { ranges } => {
                let (ranges, coverage) = cover(ranges)?;
                graph::set_ranges(network, &ranges)?;
                Ok(Self::Ranges { coverage })
            }
        }
    }

    /// Builds the plan.
    pub(super) fn build(
        &mut self,
        builder: &Builder<'_>,
        network: &mut Network<'_>,
        config: &mut Config<'_>,
    ) -> Result<HostMemory, BuildError> {
        let library = builder.library().version().to_string();
        let built = match self {
            Self::Model | Self::Ranges { .. } => builder.build(network, config),
            Self::Calibrator { watched, algorithm } => {
                builder.build_calibrated(network, config, calibrator(*algorithm), watched)
            }
            Self::Cache { cache, algorithm, .. } => {
                builder.build_calibrated(network, config, calibrator(*algorithm), cache)
            }
        };
        let plan = built.map_err(|error| match error {
            Error::Null { .. } => {
                BuildError::Build { library: library.clone(), messages: Vec::new(), hint: None }
            }
            Error::Calibrator { source, .. } if source.is::<AskedForSamples>() => {
                BuildError::CacheRefused {
                    library: library.clone(),
                    header: self.header(),
                    messages: Vec::new(),
                }
            }
            Error::Calibrator { callback, source } => BuildError::Calibrator { callback, source },
            error => error.into(),
        })?;
        match self {
            Self::Cache { cache: CacheOnly { was_read: false, .. }, .. } => {
                Err(BuildError::CacheUnread { library })
            }
            _ => Ok(plan),
        }
    }

    /// The first line of the cache that was handed over.
    fn header(&self) -> String {
        if let Self::Cache { cache, .. } = self { cache.header.clone() } else { String::new() }
    }

    /// What there is to say about the ranges; nothing for a network without INT8.
    pub(super) fn summary(
        self,
        quantized: bool,
        warnings: &mut Vec<String>,
    ) -> Option<Int8Summary> {
        let summary = |via, algorithm: Option<Algorithm>, coverage| Int8Summary {
            via,
            algorithm: algorithm.map(Algorithm::name),
            batches: 0,
            coverage,
            cache: None,
        };
        match self {
            Self::Model => quantized.then(|| summary(Int8Via::Qdq, None, None)),
            Self::Ranges { coverage } => Some(summary(Int8Via::Ranges, None, Some(coverage))),
            Self::Cache { algorithm, coverage, .. } => {
                Some(summary(Int8Via::Cache, Some(algorithm), Some(coverage)))
            }
            Self::Calibrator { watched, algorithm } => {
                let Watched { batches, offered, cache, .. } = watched;
                if offered && batches > 0 {
                    let text = "TensorRT refused the calibration cache and calibrated anew; its log says why";
                    warnings.push(text.to_owned());
                }
                if batches == 0 && !offered {
                    warnings.push("TensorRT asked for no batch to calibrate with".to_owned());
                }
                let summary = summary(Int8Via::Calibrator, Some(algorithm), None);
                Some(Int8Summary { batches, cache, ..summary })
            }
        }
    }
}

/// Checks ranges that came from outside of the network, and says what they leave open.
fn check(
    coverage: &Coverage,
    given: &Ranges,
    onnx: &Path,
    options: &BuildOptions,
    warnings: &mut Vec<String>,
) -> Result<(), BuildError> {
    if coverage.given.is_empty() {
        return Err(BuildError::ForeignRanges { model: onnx.to_owned(), n_ranges: given.len() });
    }
    if coverage.missing.is_empty() {
        return Ok(());
    }
    if options.dla.is_some_and(|dla| !dla.gpu_fallback) {
        return Err(BuildError::DlaRanges { tensors: coverage.missing.clone() });
    }
    let names = &coverage.missing[..coverage.missing.len().min(NAMES_SHOWN)];
    let more = if names.len() < coverage.missing.len() { ", ..." } else { "" };
    warnings.push(format!(
        "{} tensors have no range, and layers that read or make them compute in a float type: {}{more}",
        coverage.missing.len(),
        names.join(", "),
    ));
    Ok(())
}

/// A caller's calibrator, with what TensorRT does to it.
pub(super) struct Watched<'o> {
    calibrator: &'o mut dyn Calibrator,
    sender: SyncSender<Message>,
    batches: u64,
    /// Whether TensorRT was given a cache to read.
    offered: bool,
    cache: Option<Vec<u8>>,
}

impl<'o> Watched<'o> {
    fn new(calibrator: &'o mut dyn Calibrator, sender: SyncSender<Message>) -> Self {
        Self { calibrator, sender, batches: 0, offered: false, cache: None }
    }
}

/// Nobody listens to the build any more, so there is nothing to calibrate for.
#[derive(Debug, thiserror::Error)]
#[error("the build was cancelled")]
struct Cancelled;

impl Calibrator for Watched<'_> {
    fn batch_size(&mut self) -> i32 {
        self.calibrator.batch_size()
    }

    fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
        if !self.calibrator.next_batch(inputs, addresses)? {
            return Ok(false);
        }
        self.batches += 1;
        let heard = self.sender.send(Message::Calibrating { batch: self.batches });
        heard.map_err(|_nobody_listens| Cancelled)?;
        Ok(true)
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        let cache = self.calibrator.read_cache()?;
        self.offered |= cache.is_some();
        Ok(cache)
    }

    fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError> {
        self.cache = Some(cache.to_vec());
        self.calibrator.write_cache(cache)
    }

    fn quantile(&mut self) -> f64 {
        self.calibrator.quantile()
    }

    fn regression_cutoff(&mut self) -> f64 {
        self.calibrator.regression_cutoff()
    }
}

/// A calibrator that has a cache, and nothing to calibrate with.
pub(super) struct CacheOnly {
    header: String,
    text: Vec<u8>,
    was_read: bool,
}

impl CacheOnly {
    fn new(cache: &Cache) -> Self {
        let text = cache.to_string();
        let header = text.lines().next().unwrap_or_default().to_owned();
        Self { header, text: text.into_bytes(), was_read: false }
    }
}

/// TensorRT asked for samples, so it did not take the cache.
#[derive(Debug, thiserror::Error)]
#[error("TensorRT asked for samples in spite of its cache")]
struct AskedForSamples;

impl Calibrator for CacheOnly {
    fn batch_size(&mut self) -> i32 {
        1
    }

    fn next_batch(&mut self, _: &[&str], _: &mut [u64]) -> Result<bool, BoxError> {
        Err(AskedForSamples.into())
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        self.was_read = true;
        Ok(Some(&self.text))
    }

    fn write_cache(&mut self, _: &[u8]) -> Result<(), BoxError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use calibrant_tensorrt::{BuilderFlag, Library, NetworkTyping, Parser, Turn, Version};
    use tensorrt_double::{Installation, install};

    use super::*;

    /// What a build makes of a cache whose header was changed.
    fn outcome(change: impl FnOnce(&mut CacheOnly)) -> Result<HostMemory, BuildError> {
        let folder = tempfile::tempdir().unwrap();
        let files =
            install(folder.path(), Version::from_raw(101_601), &Installation::default()).unwrap();
        let library = Library::open(&files.library, &files.parser).unwrap();
        let turn = Turn::take();
        let builder = Builder::new(&library, &turn).unwrap();
        let mut parser = Parser::new(builder.create_network(NetworkTyping::Weak).unwrap()).unwrap();
        let onnx =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tensorrt/models/fp32.onnx");
        parser.parse_file(&onnx).unwrap();
        let mut config = builder.create_config().unwrap();
        config.set_flag(BuilderFlag::Int8).unwrap();
        let (sender, _receiver) = sync_channel(1);
        let ranges = Ranges::of_scales([("input".to_owned(), 0.5)], &INT8);
        let algorithm = Algorithm::EntropyCalibration2;
        let int8 = Int8::Cache { ranges: &ranges, algorithm };
        let options = BuildOptions::default();
        let mut int8_way =
            Int8Way::prepare(int8, parser.network(), &onnx, &options, &sender, &mut Vec::new())?;
        let Int8Way::Cache { cache, .. } = &mut int8_way else { panic!("a cache was given") };
        change(cache);
        int8_way.build(&builder, parser.network_mut(), &mut config)
    }

    #[test]
    fn a_refused_cache_is_never_a_calibration() {
        assert!(outcome(|_| {}).is_ok());
        let error = outcome(|cache| {
            cache.header = "TRT-8601-EntropyCalibration2".to_owned();
            cache.text = b"TRT-8601-EntropyCalibration2\ninput: 3f000000\n".to_vec();
        })
        .unwrap_err();
        let BuildError::CacheRefused { header, library, .. } = &error else { panic!("{error:?}") };
        assert_eq!(header, "TRT-8601-EntropyCalibration2");
        assert_eq!(library, "TensorRT 10.16.1");
        assert!(error.to_string().contains("use a Q/DQ model"), "{error}");
    }
}
