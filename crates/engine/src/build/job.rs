//! The thread that TensorRT works on.

use std::fs;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use calibrant_tensorrt::{
    Builder, BuilderFlag, Config, DataType, Enumeration, Error, Generation, Layer, LayerType,
    Library, MemoryPoolType, NetworkTyping, Parser, Progress, ProgressMonitor, Severity,
    Subscription, Tensor, Turn,
};
use tempfile::NamedTempFile;

use super::{TensorSummary, cannot, profiles, unfinished};
use crate::error::BuildError;
use crate::event::ParserMessage;
use crate::hash;
use crate::options::BuildOptions;
use crate::shapes::Profile;

/// What the job tells while it runs.
pub(super) enum Message {
    Log(Severity, String),
    Progress(Progress),
    Parser(ParserMessage),
    Parsed { layers: usize, quantized: bool },
}

/// A plan in its unfinished file, and what it was built from.
pub(super) struct Built {
    pub(super) file: NamedTempFile,
    pub(super) plan_bytes: u64,
    pub(super) plan_sha256: String,
    pub(super) layers: usize,
    pub(super) inputs: Vec<TensorSummary>,
    pub(super) outputs: Vec<TensorSummary>,
    pub(super) warnings: Vec<String>,
}

/// Parses, configures, builds, and writes the plan into `file`.
pub(super) fn run(
    library: &Library,
    onnx: &Path,
    options: &BuildOptions,
    sender: &SyncSender<Message>,
    mut file: NamedTempFile,
) -> Result<Built, BuildError> {
    // The turn comes before the log, so that what is heard there is this build's.
    let turn = Turn::take();
    let _subscription = hear_log(library, options.log, sender.clone());
    let version = library.version().to_string();
    let builder = Builder::new(library, &turn)?;
    let typing = typing(library.generation());
    let mut parser = Parser::new(builder.create_network(typing)?)?;
    parse(&mut parser, onnx, sender)?;

    let network = parser.network();
    let (inputs, outputs) = (summaries(&network.inputs()?)?, summaries(&network.outputs()?)?);
    if outputs.is_empty() {
        return Err(BuildError::NoOutputs { model: onnx.to_owned() });
    }
    let layers = network.layers()?;
    let quantized = contains_quantize(&layers)?;
    let cancelled = |_nobody_listens| BuildError::Cancelled { after: Duration::ZERO };
    sender.send(Message::Parsed { layers: layers.len(), quantized }).map_err(cancelled)?;
    profiles::check(&inputs, &options.profiles)?;

    let mut warnings = Vec::new();
    let mut config = builder.create_config()?;
    configure(&mut config, options)?;
    if typing == NetworkTyping::Weak {
        allow_types(&mut config, &layers, quantized)?;
    }
    add_profiles(&builder, &mut config, &inputs, &options.profiles)?;
    watch(library, &mut config, sender, &mut warnings)?;
    let layers = layers.len();
    let timing_cache = timing_cache_of(library, options, &mut warnings);
    if let Some(path) = timing_cache {
        read_timing_cache(&mut config, path, &mut warnings)?;
    }
    let built = builder.build(parser.network_mut(), &config).map_err(|error| match error {
        Error::Null { .. } => {
            BuildError::Build { library: version, messages: Vec::new(), hint: None }
        }
        error => error.into(),
    });
    let plan = built?;
    if let Some(path) = timing_cache {
        write_timing_cache(&config, path, &mut warnings)?;
    }
    let plan = plan.as_bytes();
    let written = file.write_all(plan).and_then(|()| file.as_file().sync_all());
    written.map_err(|source| cannot("write", file.path(), source))?;
    let (plan_bytes, plan_sha256) = (plan.len() as u64, hash::of_bytes(plan));
    Ok(Built { file, plan_bytes, plan_sha256, layers, inputs, outputs, warnings })
}

/// Passes the log on, as far as the caller or the outcome wants it.
fn hear_log(library: &Library, least: Severity, sender: SyncSender<Message>) -> Subscription {
    let least = least.max(Severity::Warning);
    library.subscribe(move |severity, text| {
        if severity <= least {
            // Nobody listens to a cancelled build, and the log is no place to stop it.
            let _ = sender.send(Message::Log(severity, text.to_owned()));
        }
    })
}

/// Strong typing wherever it exists, because what a tensor is to be computed in stands in the model.
fn typing(generation: Generation) -> NetworkTyping {
    if generation == Generation::TensorRt8 { NetworkTyping::Weak } else { NetworkTyping::Strong }
}

fn parse(
    parser: &mut Parser<'_>,
    onnx: &Path,
    sender: &SyncSender<Message>,
) -> Result<(), BuildError> {
    let outcome = parser.parse_file(onnx);
    let Err(Error::Parse) = outcome else {
        return outcome.map_err(BuildError::from);
    };
    let message = |error: calibrant_tensorrt::ParserError| ParserMessage {
        code: error.code,
        text: error.description,
        node: error.node,
        node_name: error.node_name,
        operator: error.operator,
    };
    let messages: Vec<_> = parser.errors()?.into_iter().map(message).collect();
    for message in &messages {
        // The messages are in the error too, so it does no harm if nobody listens.
        let _ = sender.send(Message::Parser(message.clone()));
    }
    let library = parser.network().library().version().to_string();
    Err(BuildError::Parse { model: onnx.to_owned(), library, messages })
}

fn summaries(tensors: &[Tensor<'_>]) -> Result<Vec<TensorSummary>, Error> {
    let summary = |tensor: &Tensor<'_>| {
        let data_type = tensor.data_type()?.map_or("unknown", DataType::vendor_name);
        Ok(TensorSummary {
            name: tensor.name()?,
            dims: tensor.dims()?.unwrap_or_default(),
            data_type: data_type.trim_start_matches('k').to_ascii_lowercase(),
        })
    };
    tensors.iter().map(summary).collect()
}

fn contains_quantize(layers: &[Layer<'_>]) -> Result<bool, Error> {
    for layer in layers {
        if layer.kind()? == Some(LayerType::Quantize) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn configure(config: &mut Config<'_>, options: &BuildOptions) -> Result<(), Error> {
    if let Some(bytes) = options.workspace_bytes {
        config.set_memory_pool_limit(MemoryPoolType::Workspace, bytes)?;
    }
    if let Some(level) = options.optimization_level {
        config.set_optimization_level(level)?;
    }
    if let Some(verbosity) = options.profiling_verbosity {
        config.set_profiling_verbosity(verbosity)?;
    }
    if !options.compute_capabilities.is_empty() {
        config.set_compute_capabilities(&options.compute_capabilities)?;
    }
    Ok(())
}

/// Allows a weakly typed network the types that its model asks for.
fn allow_types(
    config: &mut Config<'_>,
    layers: &[Layer<'_>],
    quantized: bool,
) -> Result<(), Error> {
    if quantized {
        config.set_flag(BuilderFlag::Int8)?;
    }
    for (data_type, flag) in
        [(DataType::Half, BuilderFlag::Fp16), (DataType::Bf16, BuilderFlag::Bf16)]
    {
        if makes(layers, data_type)? {
            config.set_flag(flag)?;
        }
    }
    Ok(())
}

/// Whether a layer makes a tensor of a type.
fn makes(layers: &[Layer<'_>], data_type: DataType) -> Result<bool, Error> {
    for layer in layers {
        for output in layer.outputs()? {
            if output.data_type()? == Some(data_type) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn add_profiles<'b>(
    builder: &'b Builder<'_>,
    config: &mut Config<'b>,
    inputs: &[TensorSummary],
    profiles: &[Profile],
) -> Result<(), Error> {
    let signed = |shape: &[u64]| -> Result<Vec<i64>, Error> {
        let size = |&size: &u64| i64::try_from(size);
        shape.iter().map(size).collect::<Result<_, _>>().map_err(|_| Error::Shape(Vec::new()))
    };
    for profile in profiles {
        let mut raw = builder.create_profile()?;
        for range in &profile.ranges {
            // A range for an input of fixed shape says nothing new.
            if inputs.iter().any(|input| input.name == range.input && input.dims.contains(&-1)) {
                raw.set_shapes(
                    &range.input,
                    &signed(&range.min)?,
                    &signed(&range.opt)?,
                    &signed(&range.max)?,
                )?;
            }
        }
        config.add_profile(&raw)?;
    }
    Ok(())
}

/// Lets the build report its progress, where this TensorRT can.
fn watch(
    library: &Library,
    config: &mut Config<'_>,
    sender: &SyncSender<Message>,
    warnings: &mut Vec<String>,
) -> Result<(), Error> {
    let sender = sender.clone();
    let monitor = ProgressMonitor::new(library, move |progress| {
        match sender.send(Message::Progress(progress)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_nobody_listens) => ControlFlow::Break(()),
        }
    });
    match monitor.and_then(|monitor| config.set_progress_monitor(monitor)) {
        Err(Error::MissingMethod(missing)) => {
            warnings.push(format!("no progress, and no way to cancel: {missing}"));
            Ok(())
        }
        outcome => outcome,
    }
}

/// The timing cache to use, where this TensorRT has one: RTX times kernels where they run, and its cache stays empty.
fn timing_cache_of<'o>(
    library: &Library,
    options: &'o BuildOptions,
    warnings: &mut Vec<String>,
) -> Option<&'o Path> {
    let path = options.timing_cache.as_deref()?;
    if library.generation().is_rtx() {
        let version = library.version();
        warnings.push(format!(
            "{version} keeps no timings: {} is neither read nor written",
            path.display()
        ));
        return None;
    }
    Some(path)
}

fn read_timing_cache(
    config: &mut Config<'_>,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), BuildError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(cannot("read", path, source)),
    };
    if let Err(error) = config.set_timing_cache(&bytes) {
        warnings.push(format!("timing cache {} is not used: {error}", path.display()));
        if !bytes.is_empty() {
            config.set_timing_cache(&[])?;
        }
    }
    Ok(())
}

fn write_timing_cache(
    config: &Config<'_>,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), BuildError> {
    let Some(cache) = config.timing_cache() else { return Ok(()) };
    let bytes = match cache.serialize() {
        Ok(bytes) => bytes,
        Err(error) => {
            warnings.push(format!("timing cache {} is not written: {error}", path.display()));
            return Ok(());
        }
    };
    let write = |bytes: &[u8]| -> io::Result<()> {
        let mut file = unfinished(path)?;
        file.write_all(bytes)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write(bytes.as_bytes()).map_err(|source| cannot("write", path, source))
}
