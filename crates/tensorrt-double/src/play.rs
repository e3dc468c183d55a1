//! The double linked into a test.

use std::collections::BTreeMap;
use std::time::Duration;

use tensorrt_sys::{EntryPoints, Version};

use crate::context::{Context, Manner};
use crate::entry::entry_points;
use crate::install::{Addresses, Installation};

/// The functions of a fresh TensorRT of this version, for calls from this thread until the next one is played.
///
/// The objects that they make belong to that TensorRT for good. An unknown version is played too: it tells its number,
/// and makes no objects.
#[must_use]
pub fn play(version: Version) -> EntryPoints {
    play_with(version, &Installation::default())
}

/// As [`play`]; of the options, those that say how a TensorRT behaves count, since no files are laid out.
#[must_use]
pub fn play_with(version: Version, options: &Installation) -> EntryPoints {
    let manner = Manner {
        parser_version: options.parser_version,
        host_pointers: options.addresses == Addresses::Host,
        dla_cores: options.dla_cores,
        cache_line: options.cache_line.clone(),
        build_time: Duration::from_millis(options.build_ms.unwrap_or(0).into()),
    };
    entry_points(version, manner)
}

/// What the TensorRT that this thread plays was told, a line a call.
#[must_use]
pub fn record() -> Vec<String> {
    Context::played().map_or_else(Vec::new, |context| context.record())
}

/// How many objects of each class the TensorRT that this thread plays has; classes without any are left out.
///
/// A plugin registry lives for ever.
#[must_use]
pub fn live_objects() -> BTreeMap<&'static str, usize> {
    Context::played().map_or_else(BTreeMap::new, |context| context.live())
}
