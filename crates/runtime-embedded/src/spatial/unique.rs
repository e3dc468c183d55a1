//! `Unique`: the values, or the slices along an axis, that there are, each once.

use std::cmp::Ordering;

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::host::Stop;
use rten::{Value, ValueView};
use rten_tensor::{Layout as _, Tensor, TensorView};

use crate::demand::{self, Args, bytes};
use crate::error::StepError;
use crate::ours::Compute;

/// Lists of places that are kept beside the values: their order, where each is first, which each is, how many.
const LISTS: u64 = 8;

/// `Unique`.
#[derive(Debug)]
pub(super) struct Unique {
    axis: Option<i64>,
    is_sorted: bool,
}

impl Unique {
    pub(super) fn of(node: &NodeProto) -> Self {
        Self { axis: node.attr_i("axis"), is_sorted: node.attr_i("sorted").unwrap_or(1) != 0 }
    }

    fn found<T: Copy + PartialOrd>(&self, x: &TensorView<'_, T>) -> Result<Vec<Value>, StepError>
    where
        Value: From<Tensor<T>>,
    {
        let dims = x.shape().to_vec();
        let values = x.to_slice();
        let axis = match self.axis {
            Some(axis) => {
                let axis = demand::axis(axis, dims.len());
                Some(axis.ok_or(StepError::Unfit { what: "axis" })?)
            }
            None => None,
        };
        let (outer, count, inner) = match axis {
            Some(axis) => (
                dims[..axis].iter().product::<usize>(),
                dims[axis],
                dims[axis + 1..].iter().product::<usize>(),
            ),
            None => (1, values.len(), 1),
        };
        let slice = |index: usize| {
            let rows = (0..outer).map(move |row| (row * count + index) * inner);
            rows.flat_map(|start| &values[start..start + inner])
        };
        let order = |a: usize, b: usize| {
            let mut pairs = slice(a).zip(slice(b));
            let differ = pairs.find_map(|(a, b)| a.partial_cmp(b).filter(|it| it.is_ne()));
            differ.unwrap_or(Ordering::Equal)
        };
        let Groups { firsts, which, counts } = self.groups(count, order);
        let mut dims = dims;
        match axis {
            Some(axis) => dims[axis] = firsts.len(),
            None => dims = vec![firsts.len()],
        }
        let mut y = Vec::with_capacity(dims.iter().product());
        for row in 0..outer {
            for &first in &firsts {
                y.extend_from_slice(&values[(row * count + first) * inner..][..inner]);
            }
        }
        let list = |places: Vec<usize>| -> Result<Value, StepError> {
            let places = places.into_iter().map(i32::try_from).collect::<Result<Vec<_>, _>>();
            let places = places.map_err(|_| StepError::TooLarge { elements: values.len() })?;
            Ok(Tensor::from(places).into())
        };
        Ok(vec![Tensor::from_data(&dims, y).into(), list(firsts)?, list(which)?, list(counts)?])
    }

    /// Equal ones together, in order, or by where the first of them is.
    fn groups(&self, count: usize, order: impl Fn(usize, usize) -> Ordering) -> Groups {
        let mut sorted: Vec<usize> = (0..count).collect();
        sorted.sort_by(|&a, &b| order(a, b));
        let mut groups: Vec<Vec<usize>> = Vec::new();
        for index in sorted {
            match groups.last_mut().filter(|group| order(group[0], index).is_eq()) {
                Some(group) => group.push(index),
                None => groups.push(vec![index]),
            }
        }
        if !self.is_sorted {
            groups.sort_by_key(|group| group[0]);
        }
        let mut which = vec![0; count];
        for (place, group) in groups.iter().enumerate() {
            group.iter().for_each(|&index| which[index] = place);
        }
        Groups {
            firsts: groups.iter().map(|group| group[0]).collect(),
            counts: groups.iter().map(Vec::len).collect(),
            which,
        }
    }
}

/// What there is.
struct Groups {
    /// Where each is first.
    firsts: Vec<usize>,
    /// For each of the input, which it is.
    which: Vec<usize>,
    /// How often each is there.
    counts: Vec<usize>,
}

impl Compute for Unique {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        // A group of one takes a list of its own.
        bytes(args.len(0).saturating_mul(1 + 2 * LISTS + 8))
    }

    fn run(&self, args: &Args<'_, '_>, _: &Stop) -> Result<Vec<Value>, StepError> {
        match args.get(0) {
            Some(ValueView::FloatTensor(x)) => self.found(x),
            Some(ValueView::Int32Tensor(x)) => self.found(x),
            Some(ValueView::Int8Tensor(x)) => self.found(x),
            Some(ValueView::UInt8Tensor(x)) => self.found(x),
            _ => Err(StepError::Unfit { what: "X" }),
        }
    }
}
