//! Optimization profiles.

use std::ffi::CString;

use tensorrt_sys::Enumeration;
use tensorrt_sys::classes::IOptimizationProfile;
use tensorrt_sys::enums::OptProfileSelector;

use crate::dims::{dims32, dims64};
use crate::error::Error;
use crate::library::Library;
use crate::owned::Borrowed;

/// The shapes a plan is for; it belongs to its builder.
#[doc(alias = "IOptimizationProfile")]
#[derive(Debug)]
pub struct Profile<'b> {
    raw: Borrowed<'b, IOptimizationProfile>,
}

impl<'b> Profile<'b> {
    pub(crate) fn new(raw: Borrowed<'b, IOptimizationProfile>) -> Self {
        Self { raw }
    }

    pub(crate) fn as_ptr(&self) -> *mut IOptimizationProfile {
        self.raw.as_ptr()
    }

    pub(crate) fn library(&self) -> &'b Library {
        self.raw.library()
    }

    /// Sets the smallest, the usual and the largest shape of an input.
    ///
    /// # Errors
    /// [`Error::Refused`] for shapes that do not grow, or have another rank than those set before.
    #[doc(alias = "setDimensions")]
    pub fn set_shapes(
        &mut self,
        input: &str,
        min: &[i64],
        opt: &[i64],
        max: &[i64],
    ) -> Result<(), Error> {
        let name = CString::new(input).map_err(|_| Error::ZeroByte(input.to_owned()))?;
        let shapes = [
            (OptProfileSelector::Min, min),
            (OptProfileSelector::Opt, opt),
            (OptProfileSelector::Max, max),
        ];
        for (selector, shape) in shapes {
            if !self.set_shape(&name, selector, shape)? {
                let given = format!("{} {shape:?} for input {input:?}", selector.vendor_name());
                return Err(Error::Refused { call: "IOptimizationProfile::setDimensions", given });
            }
        }
        Ok(())
    }

    fn set_shape(
        &self,
        name: &CString,
        selector: OptProfileSelector,
        shape: &[i64],
    ) -> Result<bool, Error> {
        let selector = selector.to_raw(self.raw.library().version())?;
        if let Ok((this, set)) = self.raw.bind(&IOptimizationProfile::SET_DIMENSIONS) {
            let dims = dims64(shape)?;
            // SAFETY: bound to the live profile; TensorRT copies the name and the dimensions.
            return Ok(unsafe { set(this, name.as_ptr(), selector, &raw const dims) });
        }
        // TensorRT 8 and 9 take smaller dimensions, and by value.
        let (this, set) = self.raw.bind(&IOptimizationProfile::SET_DIMENSIONS_TRT8)?;
        // SAFETY: as above.
        Ok(unsafe { set(this, name.as_ptr(), selector, dims32(shape)?) })
    }
}
