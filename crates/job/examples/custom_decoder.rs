//! The whole job on pictures that Calibrant does not read itself, here portable pixmaps (PPM):
//! `cargo run --release --example custom_decoder -- model.onnx list.txt out/`
//!
//! `list.txt` names one file a line; unlike a folder, a list takes files of any kind.
use std::io::{self, Write as _};
use std::{env, path::PathBuf, sync::Arc};

use calibrant_job::{Backend, Calibration, Config, Control, run};
use calibrant_preprocess::{Pipeline, Pixels, Preprocess, PreprocessError, Recipe, Scratch, Size};
use calibrant_runtime_embedded::Embedded;

/// A recipe that reads portable pixmaps too.
pub(crate) struct WithPixmaps(pub(crate) Pipeline);

impl Preprocess for WithPixmaps {
    fn shape(&self) -> [usize; 3] {
        self.0.shape()
    }

    /// What is kept in the manifest: the decoder has a name and a version there.
    fn describe(&self) -> String {
        format!("pixmap-decoder = \"example 1\"\n{}", self.0.describe())
    }

    fn preprocess(
        &self,
        encoded: &[u8],
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Result<(), PreprocessError> {
        if !encoded.starts_with(b"P6") {
            return self.0.preprocess(encoded, scratch, out);
        }
        let (size, pixels) = pixmap(encoded)
            .ok_or_else(|| PreprocessError::Custom("the pixmap's header is damaged".into()))?;
        self.0.preprocess_pixels(Pixels::rgb(size, pixels)?, scratch, out)
    }
}

/// Returns size and pixels of `P6 width height 255`, a blank, and the bytes that follow.
fn pixmap(encoded: &[u8]) -> Option<(Size, &[u8])> {
    let mut rest = encoded.strip_prefix(b"P6")?;
    let mut number = || {
        rest = rest.trim_ascii_start();
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (text, after) = rest.split_at(digits);
        rest = after;
        std::str::from_utf8(text).ok()?.parse::<u32>().ok()
    };
    let (width, height, 255) = (number()?, number()?, number()?) else { return None };
    Some((Size::new(width, height), rest.get(1..)?))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [model, list, output] = [1, 2, 3].map(|n| env::args_os().nth(n).map(PathBuf::from));
    let [model, list, output] = [model, list, output].map(|path| path.expect("three paths"));
    let preprocess = Arc::new(WithPixmaps(Recipe::preset("imagenet")?.compile()?));
    let backend = Backend::of(Arc::new(Embedded));
    let calibration = Calibration::of_pictures(list, preprocess, backend);
    let config = Config::new(model, calibration, output);
    let report = run(&config, Control::none())?;
    Ok(writeln!(io::stdout(), "{report}")?)
}
