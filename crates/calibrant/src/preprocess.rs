//! `preprocess`: what a network will see of one picture.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calibrant_dataset::SAMPLE_LIMIT_BYTES;
use calibrant_files::write_atomic;
use calibrant_job::findings;
use calibrant_job::guard::{Inputs, Role, Target};
use calibrant_job::{About, ConfigError, PictureInput};
use calibrant_preprocess::{Color, Pipeline, Preprocess as _, Scratch};
use calibrant_tensor::Layout;
use serde::Serialize;

use crate::args::{DecodeArg, GeneralArgs, PreprocessArgs};
use crate::error::{Error, JobError};
use crate::exit::Exit;
use crate::wording::of_note;
use crate::{print, print_json, resolve};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The picture: JPEG, PNG, WebP or BMP.
    #[arg(value_name = "IMAGE", required_unless_present = "print")]
    image: Option<PathBuf>,
    #[command(flatten)]
    preprocess: PreprocessArgs,
    /// Where the tensor goes: an npy file of float32, channels by height by width, or as --layout says.
    #[arg(long, short, value_name = "FILE.npy", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Where the picture goes as it is before normalisation: scaled, cut and with its bars.
    #[arg(long, value_name = "FILE.png", help_heading = "Output")]
    png: Option<PathBuf>,
    /// Print the steps as TOML and nothing else; --preprocess takes them back.
    #[arg(long, help_heading = "Output")]
    print: bool,
}

/// Preprocesses the picture, if there is one, writes what was asked for and prints the tensor's ranges
/// and the steps.
///
/// # Errors
///
/// When the flags describe no preprocessing, the picture gives no tensor, or a file cannot be
/// written or is read.
pub(crate) fn run(args: &Args, general: &GeneralArgs) -> Result<Exit, Error> {
    let of_others = resolve::file_of_preset(&args.preprocess);
    let read = [
        (Role::Picture, &args.image),
        (Role::Preprocessing, &args.preprocess.preprocess),
        (Role::Preprocessing, &of_others),
    ];
    let read = read.into_iter().filter_map(|(role, file)| Some((role, file.clone()?)));
    let written = [("--output", &args.output), ("--png", &args.png)];
    let written = written.into_iter().filter_map(|(flag, file)| Some((flag, file.as_deref()?)));
    let targets: Vec<_> = written.map(|(what, file)| Target { file, what }).collect();
    Inputs::new(read).check(&targets)?;
    let pipeline = resolve::pipeline(&args.preprocess, DecodeArg::Cpu, None)?
        .ok_or(ConfigError::NoPreprocessing)?;
    let seen = args.image.as_deref().map(|image| look(image, args, &pipeline)).transpose()?;
    match seen {
        Some(seen) if !args.print && general.json => print_json(&seen.to_json()),
        Some(seen) if !args.print => print(&seen.to_text()),
        _ => print(&pipeline.describe()),
    }
}

/// Preprocesses the picture and writes what was asked for.
fn look(path: &Path, args: &Args, pipeline: &Pipeline) -> Result<Seen, Error> {
    let encoded = calibrant_files::read(path, SAMPLE_LIMIT_BYTES)
        .map_err(|source| JobError::Read { path: path.to_owned(), source })?;
    let failed = |source| Error::Picture { path: path.to_owned(), source };
    let shape = pipeline.shape();
    let mut tensor = vec![0.0; shape.iter().product()];
    let mut scratch = Scratch::new();
    pipeline.preprocess(&encoded, &mut scratch, &mut tensor).map_err(failed)?;
    if let Some(file) = &args.output {
        let layout = args.preprocess.layout.map_or(Layout::ChannelsFirst, Into::into);
        let input = PictureInput { layout, ..PictureInput::nchw(Arc::default(), shape) };
        let mut laid_out = vec![0.0; tensor.len()];
        input.lay_floats(&tensor, &mut laid_out);
        write_atomic(file, &npy(input.picture_shape(), &laid_out))?;
    }
    if let Some(file) = &args.png {
        let picture = pipeline.picture(&encoded, &mut scratch).map_err(failed)?;
        write_atomic(file, &picture.to_png())?;
    }
    let plane = shape[1] * shape[2];
    let names = names(pipeline.color()).iter();
    let channels = names.zip(tensor.chunks_exact(plane)).map(|(name, it)| Channel::of(name, it));
    let (preprocessing, doubt) = (pipeline.describe(), findings::doubt(Some(pipeline)));
    Ok(Seen { shape, channels: channels.collect(), doubt, preprocessing })
}

/// The channels in the tensor's order.
fn names(color: Color) -> &'static [&'static str] {
    match color {
        Color::Rgb => &["red", "green", "blue"],
        Color::Bgr => &["blue", "green", "red"],
        Color::Gray => &["gray"],
    }
}

/// What the network sees.
#[derive(Debug, Serialize)]
struct Seen {
    /// Channels, height and width.
    shape: [usize; 3],
    channels: Vec<Channel>,
    /// A reason to think that mean or standard deviation are of other pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    doubt: Option<String>,
    /// The complete recipe as TOML.
    preprocessing: String,
}

/// The values of one channel.
#[derive(Debug, Serialize)]
struct Channel {
    channel: &'static str,
    minimum: f32,
    maximum: f32,
    mean: f64,
}

impl Channel {
    fn of(channel: &'static str, values: &[f32]) -> Self {
        Self {
            channel,
            minimum: values.iter().copied().fold(f32::INFINITY, f32::min),
            maximum: values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
            mean: values.iter().copied().map(f64::from).sum::<f64>() / values.len() as f64,
        }
    }
}

impl Seen {
    fn to_json(&self) -> String {
        let mut json = serde_json::to_string_pretty(self).expect("strings and numbers serialize");
        json.push('\n');
        json
    }

    fn to_text(&self) -> String {
        let [channels, height, width] = self.shape;
        let mut text = format!("float32 {channels}x{height}x{width}\n\n");
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "{:<8} {:>12} {:>12} {:>12}", "channel", "minimum", "maximum", "mean");
        for Channel { channel, minimum, maximum, mean } in &self.channels {
            let _ = writeln!(text, "{channel:<8} {minimum:>12.6} {maximum:>12.6} {mean:>12.6}");
        }
        if let Some(doubt) = &self.doubt {
            let _ = writeln!(text, "\n{doubt}{}", of_note(About::Normalisation));
        }
        let _ = write!(text, "\n{}", self.preprocessing);
        text
    }
}

/// Returns an npy file, version 1.0, of little-endian float32.
fn npy(shape: [usize; 3], values: &[f32]) -> Vec<u8> {
    /// The values begin at a multiple of this.
    const ALIGNMENT: usize = 64;
    let [first, second, third] = shape;
    let dictionary = format!(
        "{{'descr': '<f4', 'fortran_order': False, 'shape': ({first}, {second}, {third}), }}"
    );
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    // The length takes two bytes, and the line feed one.
    let end = (file.len() + 2 + dictionary.len() + 1).next_multiple_of(ALIGNMENT);
    let length = u16::try_from(end - file.len() - 2).expect("three lengths take no 64 KiB");
    file.extend(length.to_le_bytes());
    file.extend(dictionary.bytes());
    file.resize(end - 1, b' ');
    file.push(b'\n');
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
}
