//! The bodies of the fuzz targets: what comes from a plan is read or refused, without a panic.

use crate::inspect::layers;

/// Reads an inspector's JSON of these bytes, if they are some, and asks its layers what can be asked.
///
/// # Panics
///
/// When a layer does not contain the nodes that it says it does.
pub fn plan_layers(bytes: &[u8]) {
    let Ok(json) = str::from_utf8(bytes) else { return };
    for layer in layers::parse(json).unwrap_or_default() {
        let (_, _) = (layer.computes_in(), layer.is_reformat());
        assert!(layer.nodes.iter().all(|node| layer.contains(node)));
    }
}
