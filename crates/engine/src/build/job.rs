//! The thread that TensorRT works on.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use calibrant_tensor::digest;
use calibrant_tensorrt::{
    Builder, Error, HostMemory, Library, NetworkTyping, Parser, Progress, Severity, Subscription,
    Tensor, Turn,
};
use tempfile::NamedTempFile;

use super::int8_way::Int8Way;
use super::{
    LayerTypeSummary, TensorSummary, cannot, configure, profiles, timing, type_name, types,
};
use crate::error::BuildError;
use crate::event::ParserMessage;
use crate::int8::{Int8, Int8Summary, Int8Via};
use crate::options::BuildOptions;

/// What is to be built.
pub(super) struct Order<'o, 'c> {
    pub(super) onnx: &'o Path,
    pub(super) options: &'o BuildOptions,
    pub(super) int8: Int8<'c>,
}

/// What the job tells while it runs.
pub(super) enum Message {
    Log(Severity, String),
    Progress(Progress),
    Parser(ParserMessage),
    Parsed { layers: usize, quantized: bool },
    Calibrating { batch: u64 },
}

/// A plan in its unfinished file.
pub(super) struct Built {
    pub(super) file: NamedTempFile,
    pub(super) plan_bytes: u64,
    pub(super) plan_sha256: String,
    pub(super) made: Made,
}

/// What a plan was made from, and how.
pub(super) struct Made {
    pub(super) layers: usize,
    pub(super) inputs: Vec<TensorSummary>,
    pub(super) outputs: Vec<TensorSummary>,
    pub(super) flags: Vec<&'static str>,
    pub(super) layer_types: Vec<LayerTypeSummary>,
    pub(super) int8: Option<Int8Summary>,
    pub(super) warnings: Vec<String>,
}

/// Parses, configures, builds, and writes the plan into `file`.
pub(super) fn run(
    library: &Library,
    order: Order<'_, '_>,
    sender: &SyncSender<Message>,
    mut file: NamedTempFile,
) -> Result<Built, BuildError> {
    // The turn comes before the log, so that what is heard there is this build's.
    let turn = Turn::take();
    let _subscription = hear_log(library, order.options.log, sender.clone());
    let builder = configure::builder(library, &turn, order.options)?;
    let typing = types::typing(library.generation(), order.options, order.int8.via());
    let mut parser = Parser::new(builder.create_network(typing)?)?;
    parse(&mut parser, order.onnx, sender)?;
    let (plan, made) = build_parsed(&builder, &mut parser, typing, order, sender)?;
    let plan = plan.as_bytes();
    let written = file.write_all(plan).and_then(|()| file.as_file().sync_all());
    written.map_err(|source| cannot("write", file.path(), source))?;
    Ok(Built { file, plan_bytes: plan.len() as u64, plan_sha256: digest(plan).to_string(), made })
}

/// Configures and builds what was parsed.
fn build_parsed<'b>(
    builder: &'b Builder<'_>,
    parser: &mut Parser<'b>,
    typing: NetworkTyping,
    order: Order<'_, '_>,
    sender: &SyncSender<Message>,
) -> Result<(HostMemory, Made), BuildError> {
    let Order { onnx, options, int8 } = order;
    let network = parser.network();
    let (inputs, outputs) = (summaries(&network.inputs()?)?, summaries(&network.outputs()?)?);
    if outputs.is_empty() {
        return Err(BuildError::NoOutputs { model: onnx.to_owned() });
    }
    let layers = network.layers()?;
    let quantized = types::contains_quantize(&layers)?;
    let cancelled = |_nobody_listens| BuildError::Cancelled { after: Duration::ZERO };
    sender.send(Message::Parsed { layers: layers.len(), quantized }).map_err(cancelled)?;
    profiles::check(&inputs, options)?;
    let via = int8.via();
    if quantized && via != Int8Via::Qdq {
        return Err(BuildError::AlreadyQuantized { model: onnx.to_owned() });
    }

    let mut warnings = Vec::new();
    let mut config = builder.create_config()?;
    configure::config(&mut config, options)?;
    let layer_types = types::set_layer_types(&layers, options)?;
    if typing == NetworkTyping::Weak {
        let allowed = types::allow(&mut config, &layers, options, via, quantized)?;
        if allowed.int8 && !quantized && via == Int8Via::Qdq {
            return Err(BuildError::NoRanges { model: onnx.to_owned() });
        }
    }
    let mut int8_way = Int8Way::prepare(int8, network, onnx, options, sender, &mut warnings)?;
    configure::add_profiles(builder, &mut config, &inputs, options, via)?;
    configure::watch(&mut config, sender, &mut warnings)?;
    let timing_cache = timing::cache_of(&config, options, &mut warnings);
    if let Some(path) = timing_cache {
        timing::read(&mut config, path)?;
    }
    let layers = layers.len();
    let plan = int8_way.build(builder, parser.network_mut(), &mut config)?;
    if let Some(path) = timing_cache {
        timing::write(&config, path, &mut warnings)?;
    }
    let flags = configure::flags(&config)?;
    let int8 = int8_way.summary(quantized, &mut warnings);
    Ok((plan, Made { layers, inputs, outputs, flags, layer_types, int8, warnings }))
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
        let data_type = tensor.data_type()?.map_or_else(|| "unknown".to_owned(), type_name);
        Ok(TensorSummary {
            name: tensor.name()?,
            dims: tensor.dims()?.unwrap_or_default(),
            data_type,
        })
    };
    tensors.iter().map(summary).collect()
}
