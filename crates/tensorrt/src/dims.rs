//! Dimensions, from TensorRT's structures and to them.

use tensorrt_sys::{Dims32, Dims64, MAX_DIMS};

use crate::error::Error;

/// How many dimensions there are, if that is known.
fn known(count: i32) -> Option<usize> {
    usize::try_from(count).ok().filter(|&count| count <= MAX_DIMS)
}

/// The sizes, or `None` if not even their number is known.
pub(crate) fn sizes64(dims: &Dims64) -> Option<Vec<i64>> {
    known(dims.count).map(|count| dims.sizes[..count].to_vec())
}

/// The sizes, or `None` if not even their number is known.
pub(crate) fn sizes32(dims: &Dims32) -> Option<Vec<i64>> {
    known(dims.count).map(|count| dims.sizes[..count].iter().copied().map(i64::from).collect())
}

/// The structure of TensorRT 10 and later, and of RTX.
///
/// # Errors
/// [`Error::Shape`] for more dimensions than TensorRT has.
pub(crate) fn dims64(shape: &[i64]) -> Result<Dims64, Error> {
    let mut sizes = [0; MAX_DIMS];
    sizes
        .get_mut(..shape.len())
        .ok_or_else(|| Error::Shape(shape.to_vec()))?
        .copy_from_slice(shape);
    let count = i32::try_from(shape.len()).map_err(|_| Error::Shape(shape.to_vec()))?;
    Ok(Dims64 { count, sizes })
}

/// The structure of TensorRT 8 and 9.
///
/// # Errors
/// [`Error::Shape`] for more dimensions, or larger ones, than TensorRT has.
pub(crate) fn dims32(shape: &[i64]) -> Result<Dims32, Error> {
    let wide = dims64(shape)?;
    let mut sizes = [0; MAX_DIMS];
    for (narrow, size) in sizes.iter_mut().zip(wide.sizes) {
        *narrow = i32::try_from(size).map_err(|_| Error::Shape(shape.to_vec()))?;
    }
    Ok(Dims32 { count: wide.count, sizes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        assert!(dims64(&[1; 8]).is_ok());
        assert!(dims64(&[1; 9]).is_err());
        assert!(dims32(&[1 << 31]).is_err());
        assert_eq!(dims32(&[1, 3]).unwrap(), Dims32 { count: 2, sizes: [1, 3, 0, 0, 0, 0, 0, 0] });
    }
}
