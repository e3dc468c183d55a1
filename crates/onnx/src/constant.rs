//! The value of a `Constant` node, and sparse tensors made dense.

use std::borrow::Cow;

use crate::proto::attribute_proto::AttributeType;
use crate::proto::{NodeProto, SparseTensorProto, TensorProto};
use crate::{TensorError, TensorProblem};

/// The dense twins of a graph's sparse tensors may take this much; a few indices can name far more.
pub(crate) const DENSE_LIMIT_BYTES: usize = 256 << 20;

/// Returns the value of the `Constant` node, `None` when it has none or a broken one.
pub(crate) fn of_node<'m>(
    node: &'m NodeProto,
    budget_bytes: &mut usize,
) -> Option<Cow<'m, TensorProto>> {
    let name = node.output_name(0).unwrap_or_default();
    let mut values = node.attribute.iter().filter_map(|attribute| {
        let key = attribute.name.as_deref()?;
        let tensor = match (key, attribute.kind()?) {
            ("value", AttributeType::TENSOR) => return attribute.t.as_option().map(Cow::Borrowed),
            ("value_float", AttributeType::FLOAT) => {
                TensorProto::from_f32(name, &[], &[attribute.f?])
            }
            ("value_int", AttributeType::INT) => TensorProto::from_i64(name, &[], &[attribute.i?]),
            ("value_string", AttributeType::STRING) => {
                TensorProto::from_strings(name, &[], &[attribute.s.clone()?])
            }
            ("value_floats", AttributeType::FLOATS) => {
                TensorProto::from_f32(name, &[attribute.floats.len()], &attribute.floats)
            }
            ("value_ints", AttributeType::INTS) => {
                TensorProto::from_i64(name, &[attribute.ints.len()], &attribute.ints)
            }
            ("value_strings", AttributeType::STRINGS) => {
                TensorProto::from_strings(name, &[attribute.strings.len()], &attribute.strings)
            }
            ("sparse_value", AttributeType::SPARSE_TENSOR) => {
                densify(attribute.sparse_tensor.as_option()?, budget_bytes).ok()?
            }
            _ => return None,
        };
        Some(Cow::Owned(tensor))
    });
    values.next()
}

/// Returns `sparse` with its zeros written out, the bytes of which it takes off `budget_bytes`.
///
/// # Errors
///
/// When the parts do not fit together or the result would take more than is left.
pub(crate) fn densify(
    sparse: &SparseTensorProto,
    budget_bytes: &mut usize,
) -> Result<TensorProto, TensorError> {
    let values = &*sparse.values;
    let misfit = || values.error(TensorProblem::Sparse { dims: sparse.dims.clone() });
    let dtype = values.dtype()?;
    // Elements smaller than a byte cannot be placed one by one.
    let width = dtype.bits().filter(|bits| bits % 8 == 0).ok_or_else(misfit)? / 8;
    let mut dense = TensorProto {
        name: values.name.clone(),
        data_type: values.data_type,
        dims: sparse.dims.clone(),
        ..TensorProto::default()
    };
    let n_bytes = dense.n_bytes()?;
    *budget_bytes = budget_bytes.checked_sub(n_bytes).ok_or_else(|| {
        values.error(TensorProblem::TooLarge { dims: sparse.dims.clone(), n_bytes })
    })?;
    let places = linear_indices(sparse, &dense.shape()?).ok_or_else(misfit)?;
    let elements = values.to_le_bytes()?;
    let mut raw = vec![0; n_bytes];
    if places.len() != values.n_elements()? {
        return Err(misfit());
    }
    for (place, element) in places.into_iter().zip(elements.chunks_exact(width)) {
        let start = place.checked_mul(width).ok_or_else(misfit)?;
        raw.get_mut(start..start + width).ok_or_else(misfit)?.copy_from_slice(element);
    }
    dense.raw_data = Some(raw.into());
    Ok(dense)
}

/// The row-major places of the values: given as such (one number each) or as coordinates.
fn linear_indices(sparse: &SparseTensorProto, shape: &[usize]) -> Option<Vec<usize>> {
    let indices = sparse.indices.to_i64().ok()?;
    let n_elements: usize = shape.iter().product();
    let place = |coordinates: &[i64]| {
        coordinates.iter().zip(shape).try_fold(0_usize, |place, (&coordinate, &dim)| {
            let coordinate = usize::try_from(coordinate).ok().filter(|&c| c < dim)?;
            Some(place * dim + coordinate)
        })
    };
    match sparse.indices.dims.len() {
        1 => indices.iter().map(|&i| usize::try_from(i).ok().filter(|&i| i < n_elements)).collect(),
        2 if shape.is_empty() => None,
        2 => indices.chunks(shape.len()).map(place).collect(),
        _ => None,
    }
}
