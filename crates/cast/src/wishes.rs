//! What the user asks of each node.

use calibrant_format::fits as matches;

use super::flow::{Flow, Node};
use super::options::{CastOptions, FloatType, LayerPrecision};
use super::summary::KeptReason;
use crate::error::CastError;

/// What the user asks of one node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Wish {
    pub(super) precision: FloatType,
    /// Why it is float32 where the rest is not.
    pub(super) kept: Option<KeptReason>,
    /// Whether the node is meant by an entry of its own, which ranges do not overrule.
    pub(super) is_own: bool,
}

/// Returns the wish for every node.
///
/// # Errors
///
/// When a pattern of names meets no node.
pub(super) fn wishes(flow: &Flow<'_>, options: &CastOptions) -> Result<Vec<Wish>, CastError> {
    let kept = options.keep_nodes.iter().map(String::as_str);
    let unknown =
        kept.into_iter().find(|pattern| !flow.nodes.iter().any(|node| is_called(node, pattern)));
    let mut layers = options.layers.iter();
    let layer = layers.find(|layer| !flow.nodes.iter().any(|node| fits(node, layer)));
    if let Some(pattern) = unknown.or(layer.map(|layer| layer.pattern.as_str())) {
        return Err(CastError::UnknownLayer { pattern: pattern.to_owned() });
    }
    Ok(flow.nodes.iter().map(|node| wish(node, options)).collect())
}

fn wish(node: &Node<'_>, options: &CastOptions) -> Wish {
    let own = options.layers.iter().rev().find(|layer| fits(node, layer));
    if let Some(layer) = own {
        let kept = KeptReason::Name(layer.pattern.to_string());
        let kept = (layer.precision == FloatType::Fp32).then_some(kept);
        return Wish { precision: layer.precision, kept, is_own: true };
    }
    let name = options.keep_nodes.iter().find(|pattern| is_called(node, pattern));
    let op_type = options.keep_op_types.iter().find(|pattern| matches(pattern, node.proto.op()));
    let kept = name.map(|pattern| KeptReason::Name(pattern.clone()));
    let kept = kept.or_else(|| op_type.map(|pattern| KeptReason::OpType(pattern.clone())));
    let kept = kept.or_else(|| (options.precision == FloatType::Fp32).then_some(KeptReason::Asked));
    let precision = if kept.is_some() { FloatType::Fp32 } else { options.precision };
    Wish { precision, kept, is_own: false }
}

fn is_called(node: &Node<'_>, pattern: &str) -> bool {
    names(node).any(|name| matches(pattern, name))
}

fn fits(node: &Node<'_>, layer: &LayerPrecision) -> bool {
    names(node).any(|name| layer.pattern.is_match(name))
}

fn names<'n>(node: &'n Node<'_>) -> impl Iterator<Item = &'n String> {
    node.proto.name.iter().chain(&node.proto.output).filter(|name| !name.is_empty())
}
