//! `ITensor`.

use std::cell::{Cell, RefCell};
use std::ffi::CString;

use tensorrt_sys::classes::ITensor;
use tensorrt_sys::{Dims32, Dims64, MAX_DIMS};

use crate::object::{Class, Delete, Table};

/// A tensor of a network.
pub(crate) struct Tensor {
    pub(crate) name: CString,
    /// The number of its `DataType`.
    pub(crate) data_type: i32,
    pub(crate) dims: RefCell<Option<Vec<i64>>>,
    pub(crate) range: Cell<Option<[f32; 2]>>,
    pub(crate) is_input: bool,
    pub(crate) is_output: Cell<bool>,
}

impl Tensor {
    pub(crate) fn name(&self) -> String {
        self.name.to_string_lossy().into_owned()
    }

    pub(crate) fn is_dynamic(&self) -> bool {
        self.dims.borrow().as_ref().is_some_and(|dims| dims.contains(&-1))
    }
}

impl Class for Tensor {
    type Cpp = ITensor;
    const NAME: &'static str = "ITensor";
    const DELETE: Option<&'static Delete<ITensor>> = None;
    const WORD: &'static str = "tensor";

    fn fill(table: &mut Table<Self>) {
        table.on(&ITensor::GET_NAME, |tensor| tensor.name.as_ptr());
        table.on(&ITensor::GET_TYPE, |tensor| tensor.data_type);
        table.on(&ITensor::GET_DIMENSIONS, |tensor| dims64(tensor.dims.borrow().as_deref()));
        table.on(&ITensor::GET_DIMENSIONS_TRT8, |tensor| dims32(tensor.dims.borrow().as_deref()));
        table.on1(&ITensor::SET_DIMENSIONS, |tensor, dims| {
            let dims = crate::client::value_at(dims).and_then(|dims| from_dims64(&dims));
            *tensor.dims.borrow_mut() = dims;
        });
        table.on1(&ITensor::SET_DIMENSIONS_TRT8, |tensor, dims| {
            *tensor.dims.borrow_mut() = from_dims32(&dims);
        });
        table.on2(&ITensor::SET_DYNAMIC_RANGE, |tensor, min: f32, max: f32| {
            // The vendor documents ranges that are not symmetric as unsupported.
            let valid = min.is_finite() && max.is_finite() && min == -max && max >= 0.0;
            if valid {
                tensor.range.set(Some([min, max]));
            }
            valid
        });
        table.on(&ITensor::DYNAMIC_RANGE_IS_SET, |tensor| tensor.range.get().is_some());
        table.on(&ITensor::RESET_DYNAMIC_RANGE, |tensor| tensor.range.set(None));
        table.on(&ITensor::GET_DYNAMIC_RANGE_MIN, |tensor| {
            tensor.range.get().map_or(f32::NAN, |[min, _]| min)
        });
        table.on(&ITensor::GET_DYNAMIC_RANGE_MAX, |tensor| {
            tensor.range.get().map_or(f32::NAN, |[_, max]| max)
        });
        table.on(&ITensor::IS_NETWORK_INPUT, |tensor| tensor.is_input);
        table.on(&ITensor::IS_NETWORK_OUTPUT, |tensor| tensor.is_output.get());
        table.on(&ITensor::IS_SHAPE_TENSOR, |_| false);
        table.on(&ITensor::IS_EXECUTION_TENSOR, |_| true);
    }
}

/// Dimensions as TensorRT 10 and later have them; an unknown rank is -1 of them.
pub(crate) fn dims64(dims: Option<&[i64]>) -> Dims64 {
    let mut sizes = [0; MAX_DIMS];
    let Some(dims) = dims.filter(|dims| dims.len() <= MAX_DIMS) else {
        return Dims64 { count: -1, sizes };
    };
    sizes[..dims.len()].copy_from_slice(dims);
    Dims64 { count: i32::try_from(dims.len()).unwrap_or(-1), sizes }
}

/// Dimensions as TensorRT 8 has them; sizes it cannot hold become its largest.
pub(crate) fn dims32(dims: Option<&[i64]>) -> Dims32 {
    let Dims64 { count, sizes } = dims64(dims);
    Dims32 { count, sizes: sizes.map(|size| i32::try_from(size).unwrap_or(i32::MAX)) }
}

/// The sizes of dimensions; `None` for an unknown rank.
pub(crate) fn from_dims64(dims: &Dims64) -> Option<Vec<i64>> {
    Some(dims.sizes.get(..usize::try_from(dims.count).ok()?)?.to_vec())
}

/// The sizes of dimensions; `None` for an unknown rank.
pub(crate) fn from_dims32(dims: &Dims32) -> Option<Vec<i64>> {
    let sizes = dims.sizes.get(..usize::try_from(dims.count).ok()?)?;
    Some(sizes.iter().map(|&size| i64::from(size)).collect())
}

/// A name as C strings can hold it.
pub(crate) fn c_name(name: &str) -> CString {
    CString::new(name.replace('\0', "")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_survive_both_forms() {
        for dims in [None, Some(vec![]), Some(vec![-1, 3, 224, 224]), Some(vec![1; 8])] {
            assert_eq!(from_dims64(&dims64(dims.as_deref())), dims);
            assert_eq!(from_dims32(&dims32(dims.as_deref())), dims);
        }
        assert_eq!(dims64(Some(&[1; 9])).count, -1);
        assert_eq!(dims32(Some(&[1 << 40])).sizes[0], i32::MAX);
    }
}
