//! The value of a `Constant` node, and sparse tensors made dense.

use std::borrow::Cow;

use buffa::bytes::Bytes;

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
                densify(attribute.sparse_tensor.as_option()?, budget_bytes)?
            }
            _ => return None,
        };
        Some(Cow::Owned(tensor))
    });
    values.next()
}

/// Returns `sparse` with its zeros written out, the bytes of which it takes off `budget_bytes`;
/// `None` when it is broken or would take more than is left.
pub(crate) fn densify(sparse: &SparseTensorProto, budget_bytes: &mut usize) -> Option<TensorProto> {
    let Layout { mut dense, n_bytes, elements, places } = Layout::of(sparse).ok()?;
    *budget_bytes = budget_bytes.checked_sub(n_bytes)?;
    let mut raw = vec![0; n_bytes];
    if let Some(width) = elements.len().checked_div(places.len()) {
        for (place, element) in places.into_iter().zip(elements.chunks_exact(width)) {
            raw[place * width..][..width].copy_from_slice(element);
        }
    }
    dense.raw_data = Some(raw.into());
    Some(dense)
}

/// Where the values of a sparse tensor go in its dense twin.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The twin without values.
    dense: TensorProto,
    /// What its values take.
    n_bytes: usize,
    /// The stored elements, all of the same number of bytes.
    elements: Bytes,
    /// The row-major place of each stored element, all inside.
    places: Vec<usize>,
}

impl Layout {
    /// # Errors
    ///
    /// When the parts of `sparse` do not fit together.
    pub(crate) fn of(sparse: &SparseTensorProto) -> Result<Self, TensorError> {
        let values = &*sparse.values;
        let misfit = || values.error(TensorProblem::Sparse { dims: sparse.dims.clone() });
        let dense = TensorProto {
            name: values.name.clone(),
            data_type: values.data_type,
            dims: sparse.dims.clone(),
            ..TensorProto::default()
        };
        let n_bytes = dense.n_bytes()?;
        if values.dtype()?.bits().is_none_or(|bits| bits % 8 != 0) {
            return Err(misfit()); // elements that share a byte cannot be placed one by one
        }
        let elements = values.to_le_bytes()?;
        let indices = sparse.indices.to_i64()?;
        let places = linear_indices(&indices, sparse.indices.dims.len(), &dense)?;
        let places = places.filter(|places| values.n_elements() == Ok(places.len()));
        Ok(Self { dense, n_bytes, elements, places: places.ok_or_else(misfit)? })
    }
}

/// The row-major places of the values: given as such (one number each) or as coordinates; `None`
/// when one lies outside.
fn linear_indices(
    indices: &[i64],
    rank: usize,
    dense: &TensorProto,
) -> Result<Option<Vec<usize>>, TensorError> {
    let (shape, n_elements) = (dense.shape()?, dense.n_elements()?);
    if n_elements == 0 {
        return Ok(indices.is_empty().then(Vec::new));
    }
    let inside = |index: i64, end: usize| usize::try_from(index).ok().filter(|&index| index < end);
    let place = |coordinates: &[i64]| {
        let mut pairs = coordinates.iter().zip(&shape);
        pairs.try_fold(0, |place, (&index, &dim)| Some(place * dim + inside(index, dim)?))
    };
    Ok(match rank {
        1 => indices.iter().map(|&index| inside(index, n_elements)).collect(),
        2 if !shape.is_empty() => indices.chunks(shape.len()).map(place).collect(),
        _ => None,
    })
}
