//! The whole job with a preprocessing of one's own:
//! `cargo run --release --example custom_preprocessor -- model.onnx photos/ out/`
use std::io::{self, Write as _};
use std::{env, path::PathBuf, sync::Arc};

use calibrant_job::{Backend, Calibration, Config, Control, run};
use calibrant_preprocess::{Pipeline, Preprocess, PreprocessError, Recipe, Scratch};
use calibrant_runtime_embedded::Embedded;

/// The `imagenet` tensor with every value beyond three standard deviations cut off.
struct Clipped(Pipeline);

impl Preprocess for Clipped {
    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }

    fn describe(&self) -> String {
        format!("clipped-at = 3.0\n{}", self.0.describe())
    }

    fn preprocess(
        &self,
        encoded: &[u8],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        self.0.preprocess(encoded, scratch, out)?;
        out.iter_mut().for_each(|value| *value = value.clamp(-3.0, 3.0));
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [model, photos, output] = [1, 2, 3].map(|n| env::args_os().nth(n).map(PathBuf::from));
    let [model, photos, output] = [model, photos, output].map(|path| path.expect("three paths"));
    let preprocess = Arc::new(Clipped(Recipe::preset("imagenet")?.compile()?));
    let backend = Backend::of(Arc::new(Embedded));
    let calibration = Calibration::of_pictures(photos, preprocess, backend);
    let config = Config::new(model, calibration, output);
    let report = run(&config, Control::none())?;
    Ok(writeln!(io::stdout(), "{report}")?)
}
