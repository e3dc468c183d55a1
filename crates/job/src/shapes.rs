//! The shapes that an engine is built for: what the user says, or one default that no flag of the calibration changes.

use std::collections::BTreeMap;
use std::path::Path;

use calibrant_calibration::{CacheManifest, Table};
use calibrant_engine::{BuildOptions, Profile, ShapeError, suggest};
use calibrant_preprocess::{JpegDecoder, Settings, Step};
use calibrant_tensor::Layout;

use crate::calibrate::Samples;
use crate::config::{Config, DEFAULT_ENGINE_BATCHES, EnginePolicy, Ranges};
use crate::error::Error;
use crate::model::LoadedModel;
use crate::output::{CACHE_MANIFEST, TABLE};
use crate::picture_input::{BatchAxis, laid_out};

/// What the sizes of open dimensions can be told by.
#[derive(Debug, Default)]
pub(crate) struct Sizes {
    /// Channels, height and width of the pictures, where the model takes some.
    picture: Option<[usize; 3]>,
    /// Where their channels are, where the model does not say it.
    layout: Option<Layout>,
    /// The shape of the largest samples at hand, without a batch dimension where all inputs have one, by input.
    samples: BTreeMap<String, Vec<usize>>,
    /// Whether the engine is thrown away after TensorRT has calibrated, so that it may be as narrow as the samples.
    is_passing: bool,
}

impl Sizes {
    /// What a job knows before any work: of its pictures, channels, height and width.
    pub(crate) fn of(
        config: &Config,
        preprocessed: Option<[usize; 3]>,
        samples: Option<&Samples>,
    ) -> Self {
        let calibration = match &config.ranges {
            Ranges::Calibrate(calibration) => Some(calibration),
            Ranges::Reuse { .. } | Ranges::None => None,
        };
        let picture = config.engine.picture.or_else(|| match &config.ranges {
            Ranges::Calibrate(_) => preprocessed,
            Ranges::Reuse { file, .. } => picture_of(file),
            Ranges::None => None,
        });
        let samples = calibration.and(samples);
        let arrays = samples.map(|it| it.dataset.largest_inputs()).unwrap_or_default();
        let has_batch = samples.is_some_and(|it| it.batch == BatchAxis::First);
        let samples = arrays.into_iter().filter_map(|input| {
            let mut shape = input.fixed_shape()?;
            if has_batch {
                shape.remove(0);
            }
            Some((input.name.to_string(), shape))
        });
        let layout = config.engine.layout.or(calibration.and_then(|it| it.layout));
        Self {
            picture,
            layout,
            samples: samples.collect(),
            is_passing: config.engine.policy == EnginePolicy::CalibrateOnly,
        }
    }
}

/// The options with a profile for every dynamic input, and a sentence for each that says why.
///
/// # Errors
///
/// When a dimension is open and nothing says its size.
pub(crate) fn with_profiles(
    options: &BuildOptions,
    model: &LoadedModel,
    sizes: &Sizes,
) -> Result<(BuildOptions, Vec<String>), Error> {
    let mut options = options.clone();
    if !options.profiles.is_empty() {
        let given = options.profiles.iter().flat_map(|profile| &profile.ranges);
        let reasons = given.map(|range| format!("`{}`: as given", range.input)).collect();
        return Ok((options, reasons));
    }
    let (mut ranges, mut reasons, mut open) = (Vec::new(), Vec::new(), Vec::new());
    for input in &model.inputs {
        let sample = sizes.samples.get(&*input.name).map(Vec::as_slice);
        let picture = match sizes.picture {
            Some(chw) if model.inputs.len() == 1 => {
                // Where nothing says how they lie, nothing is known of the sides either.
                let layout = input.layout.or(sizes.layout);
                layout.map(|layout| laid_out(chw, layout).to_vec())
            }
            _ if sizes.is_passing => sample.map(<[usize]>::to_vec),
            _ => None,
        };
        let dims = input.shape.as_deref().unwrap_or_default();
        let dims: Vec<_> = dims.iter().map(|dim| i64::try_from(dim.size()?).ok()).collect();
        match suggest(&input.name, &dims, picture.as_deref(), sample, DEFAULT_ENGINE_BATCHES) {
            Ok(None) => {}
            Ok(Some(suggestion)) => {
                reasons.push(format!("`{}`: {}", input.name, suggestion.reason));
                ranges.push(suggestion.range);
            }
            Err(input) => open.push(input),
        }
    }
    if !open.is_empty() {
        return Err(ShapeError::Open { open }.into());
    }
    if !ranges.is_empty() {
        options.profiles.push(Profile { ranges });
    }
    Ok((options, reasons))
}

/// The shape of the pictures that ranges were found with, where a manifest beside them says it.
fn picture_of(file: &Path) -> Option<[usize; 3]> {
    let table = |file: &Path| Some(Table::read(file).ok()?.manifest().preprocessing.clone());
    let cache = |file: &Path| Some(CacheManifest::read(file).ok()?.manifest.preprocessing);
    let recipe = table(file)
        .or_else(|| table(&file.with_file_name(TABLE)))
        .or_else(|| cache(&file.with_file_name(CACHE_MANIFEST)))?;
    let mut recipe = Settings::from_toml(&recipe).ok()?.recipe().ok()?;
    if let Some(Step::Decode(step)) = recipe.steps.first_mut() {
        // Who decodes changes pixels, not their number.
        step.jpeg = JpegDecoder::LibjpegTurbo;
    }
    Some(calibrant_preprocess::Preprocess::shape(&recipe.compile().ok()?))
}
