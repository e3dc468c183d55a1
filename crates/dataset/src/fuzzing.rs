//! The bodies of the fuzz targets: parsers of outside bytes must answer any input, without a panic
//! and without asking for much memory.

use std::path::Path;

use calibrant_tensor::{Tensor, TensorData};

use crate::census::Tally;
use crate::layout::Layout;
use crate::npz::{self, Data};
use crate::store::Store;
use crate::{
    Division, Labels, braces, coco, list, npy as npy_format, safetensors as safetensors_format,
    shards,
};

/// Reads the lines of a list file of these bytes; their numbers ascend, and each says something.
///
/// # Panics
///
/// When one does not.
pub fn list(bytes: &[u8]) {
    let mut last = 0;
    for (number, line) in list::lines(bytes) {
        assert!(number > last, "lines are numbered in their order");
        last = number;
        if let Ok(line) = line {
            assert!(!line.is_empty(), "a blank line says nothing");
            // No such folder: what is asked for is the reading of the line.
            let _ = list::entry(Path::new("/no such folder"), line);
        }
    }
}

/// Reads a table of labels of these bytes, if they are one.
pub fn labels(bytes: &[u8]) {
    let _ = Labels::read_table(Path::new("labels.csv"), bytes);
}

/// Expands a pattern of these bytes, if they are one; no name has a pair of braces left.
///
/// # Panics
///
/// When one has.
pub fn braces(bytes: &[u8]) {
    let Ok(pattern) = str::from_utf8(bytes) else { return };
    let Ok(names) = braces::expand(pattern) else { return };
    assert!(!names.is_empty() && names.iter().all(|name| !name.contains('{')));
}

/// Small, so that a fuzzer meets it.
const INFLATED_LIMIT_BYTES: u64 = 1 << 16;

/// Reads the first and the last row of an npy file of these bytes, if they are one.
pub fn npy(bytes: &[u8]) {
    let head = &bytes[..bytes.len().min(npy_format::HEAD_BYTES)];
    if let Ok(layout) = npy_format::parse(head, bytes.len()) {
        rows(bytes, &layout);
    }
}

fn rows(bytes: &[u8], layout: &Layout) {
    let mut tensor = Tensor { shape: Vec::new(), data: TensorData::U8(Vec::new()) };
    let n_rows = layout.shape().first().copied().unwrap_or_default();
    for row in [0, n_rows.saturating_sub(1)].into_iter().filter(|row| *row < n_rows) {
        let rows = Division::Along(0);
        let bytes = layout.pieces(rows, row).flat_map(|piece| &bytes[piece]).copied();
        if layout.read(rows, &bytes.collect::<Vec<_>>(), &mut tensor).is_ok() {
            let Tensor { shape, data } = tensor.clone();
            assert!(Tensor::new(shape, data).is_some(), "a row has the values its shape says");
        }
    }
}

/// Reads every npy member of an npz file of these bytes, if they are one.
pub fn npz(bytes: &[u8]) {
    let Ok((members, _)) = npz::members(&Store::of_bytes(bytes.to_owned()), INFLATED_LIMIT_BYTES)
    else {
        return;
    };
    for member in members {
        match member.data {
            Data::Stored(range) => npy(&bytes[range]),
            Data::Inflated(bytes) => npy(&bytes),
        }
    }
}

/// Reads every tensor of a safetensors file of these bytes, if they are one.
pub fn safetensors(bytes: &[u8]) {
    let head = &bytes[..bytes.len().min(safetensors_format::head_bytes(bytes))];
    for (_, layout) in safetensors_format::parse(head, bytes.len()).unwrap_or_default() {
        rows(bytes, &layout);
    }
}

/// Finds the samples of a shard of these bytes, if they are one; each lies within it.
///
/// # Panics
///
/// When one does not.
pub fn tar(bytes: &[u8]) {
    let mut tally = Tally::default();
    let samples = shards::samples_of(&Store::of_bytes(bytes.to_owned()), "shard.tar", &mut tally)
        .unwrap_or_default();
    let mut names: Vec<_> = samples.iter().map(|it| &it.name).collect();
    names.sort();
    assert!(names.is_sorted_by(|left, right| left < right), "every sample has its own name");
    assert!(samples.iter().all(|it| bytes.get(it.range.clone()).is_some()));
}

/// Reads annotations of these bytes, if they are some; every class has a name.
///
/// # Panics
///
/// When one has none.
pub fn coco(bytes: &[u8]) {
    let Ok(coco) = coco::parse(bytes) else { return };
    let classes = coco.pictures.iter().filter_map(|it| it.classes.as_ref()).flatten();
    assert!(classes.into_iter().all(|&class| (class as usize) < coco.classes.len()));
}
