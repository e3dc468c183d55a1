//! The bodies of the fuzz targets: parsers of outside bytes must answer any input, without a panic
//! and without asking for much memory.

use crate::npy::Layout;
use crate::npz::{self, Data};
use crate::{Tensor, TensorData};

/// Small, so that a fuzzer meets it.
const INFLATED_LIMIT_BYTES: u64 = 1 << 16;

/// Reads the first and the last row of an npy file of these bytes, if they are one.
pub fn npy(bytes: &[u8]) {
    let Ok(layout) = Layout::parse(bytes) else { return };
    let mut tensor = Tensor { shape: Vec::new(), data: TensorData::U8(Vec::new()) };
    for row in [0, layout.n_rows() - 1] {
        if layout.read_row(bytes, row, &mut tensor).is_ok() {
            let Tensor { shape, data } = tensor.clone();
            assert!(Tensor::new(shape, data).is_some(), "a row has the values its shape says");
        }
    }
}

/// Reads every npy member of an npz file of these bytes, if they are one.
pub fn npz(bytes: &[u8]) {
    let Ok((members, _)) = npz::members(bytes, INFLATED_LIMIT_BYTES) else { return };
    for member in members {
        match member.data {
            Data::Stored(range) => npy(&bytes[range]),
            Data::Inflated(bytes) => npy(&bytes),
        }
    }
}
