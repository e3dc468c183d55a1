//! The elements of a tensor in another order, some of them or some several times: what layout changes come to.

use buffa::bytes::Bytes;

/// An order of a tensor's elements: how far the next on each axis is from the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct View {
    /// The place of the first element.
    first: usize,
    shape: Vec<usize>,
    strides: Vec<isize>,
}

impl View {
    /// A row-major tensor as it is; its elements have been counted.
    pub(super) fn of(shape: &[usize]) -> Self {
        let mut strides = vec![0; shape.len()];
        let mut behind = 1_isize;
        for (stride, &size) in strides.iter_mut().zip(shape).rev() {
            *stride = behind;
            behind = behind.saturating_mul(isize::try_from(size).unwrap_or(isize::MAX));
        }
        Self { first: 0, shape: shape.to_vec(), strides }
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// How many there are, `None` where that is beyond counting.
    pub(super) fn n_elements(&self) -> Option<usize> {
        super::shapes::product(&self.shape)
    }

    /// The axes in another order, the reverse where none is given.
    pub(super) fn transposed(self, order: Option<&[i64]>) -> Option<Self> {
        let rank = self.shape.len();
        let order: Vec<usize> = match order {
            Some(order) => {
                order.iter().map(|&axis| usize::try_from(axis).ok()).collect::<Option<_>>()?
            }
            None => (0..rank).rev().collect(),
        };
        if order.len() != rank || !(0..rank).all(|axis| order.contains(&axis)) {
            return None;
        }
        let shape = order.iter().map(|&axis| self.shape[axis]).collect();
        let strides = order.iter().map(|&axis| self.strides[axis]).collect();
        Some(Self { first: self.first, shape, strides })
    }

    /// Of an axis `count` elements from `start` on, `step` apart, all of which it has.
    pub(super) fn cut(mut self, axis: usize, start: usize, step: isize, count: usize) -> Self {
        if count > 0 {
            self.first = self.first.saturating_add_signed(self.strides[axis] * signed(start));
        }
        self.shape[axis] = count;
        self.strides[axis] = self.strides[axis].saturating_mul(step);
        self
    }

    /// Repeated along axes of one element to what `wanted` broadcasts to.
    pub(super) fn expanded(self, wanted: &[i64]) -> Option<Self> {
        let rank = self.shape.len().max(wanted.len());
        let mut view = Self { first: self.first, shape: vec![1; rank], strides: vec![0; rank] };
        let own = rank - self.shape.len();
        view.shape[own..].copy_from_slice(&self.shape);
        view.strides[own..].copy_from_slice(&self.strides);
        for (axis, &size) in (rank - wanted.len()..rank).zip(wanted) {
            let size = usize::try_from(size).ok()?;
            if view.shape[axis] == 1 && size != 1 {
                (view.shape[axis], view.strides[axis]) = (size, 0);
            } else if size != 1 && size != view.shape[axis] {
                return None;
            }
        }
        Some(view)
    }

    /// The elements, of `width` bytes each, out of all of the tensor's.
    pub(super) fn taken(&self, bytes: &[u8], width: usize) -> Vec<u8> {
        let n_elements = self.n_elements().unwrap_or(0);
        let mut taken = Vec::with_capacity(n_elements * width);
        // Neighbours on the last axis are copied at once.
        let run = match self.strides.last() {
            Some(1) => self.shape.last().copied().unwrap_or(1),
            _ => 1,
        };
        let outer = if run > 1 { self.shape.len() - 1 } else { self.shape.len() };
        let mut at = vec![0_usize; outer];
        let mut place = signed(self.first);
        for _ in 0..n_elements.checked_div(run).unwrap_or(0) {
            let start = usize::try_from(place).unwrap_or(0) * width;
            taken.extend_from_slice(&bytes[start..start + run * width]);
            for axis in (0..outer).rev() {
                at[axis] += 1;
                place += self.strides[axis];
                if at[axis] < self.shape[axis] {
                    break;
                }
                place -= self.strides[axis] * signed(self.shape[axis]);
                at[axis] = 0;
            }
        }
        taken
    }
}

/// Rows of tensors, and in each row runs of their elements, one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rows {
    pub(super) shape: Vec<usize>,
    pub(super) n_rows: usize,
    /// Elements of a row of each part.
    pub(super) row_lengths: Vec<usize>,
    /// In each row: of which part, from which of its row's elements on, how many.
    pub(super) runs: Vec<(usize, usize, usize)>,
}

impl Rows {
    pub(super) fn n_elements(&self) -> Option<usize> {
        super::shapes::product(&self.shape)
    }

    /// The elements, of `width` bytes each, out of those of the parts; `None` where a part does not have them.
    pub(super) fn taken(&self, parts: &[Bytes], width: usize) -> Option<Vec<u8>> {
        let mut taken = Vec::with_capacity(self.n_elements()? * width);
        for row in 0..self.n_rows {
            for &(part, first, count) in &self.runs {
                let start = (row * self.row_lengths.get(part)? + first) * width;
                taken.extend_from_slice(parts.get(part)?.get(start..start + count * width)?);
            }
        }
        Some(taken)
    }
}

fn signed(place: usize) -> isize {
    isize::try_from(place).unwrap_or(isize::MAX)
}
