//! Networks and their tensors.

use std::marker::PhantomData;

use tensorrt_sys::classes::{INetworkDefinition, ITensor};
use tensorrt_sys::enums::DataType;
use tensorrt_sys::{Enumeration, This, VirtualMethod};

use crate::dims;
use crate::error::Error;
use crate::layer::Layer;
use crate::library::Library;
use crate::owned::{Borrowed, Owned, string};

/// A method that counts, and one that gets an item by its index.
type Count<C> = VirtualMethod<C, unsafe extern "C" fn(This) -> i32>;
type Get<C, T> = VirtualMethod<C, unsafe extern "C" fn(This, i32) -> *mut T>;

/// A network of layers.
#[doc(alias = "INetworkDefinition")]
#[derive(Debug)]
pub struct Network<'b> {
    raw: Owned<INetworkDefinition>,
    builder: PhantomData<&'b ()>,
}

impl Network<'_> {
    pub(crate) fn new(raw: Owned<INetworkDefinition>) -> Self {
        Self { raw, builder: PhantomData }
    }

    pub(crate) fn as_ptr(&self) -> *mut INetworkDefinition {
        self.raw.as_ptr()
    }

    /// The TensorRT that made it.
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// The inputs, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn inputs(&self) -> Result<Vec<Tensor<'_>>, Error> {
        let raw = self.items(&INetworkDefinition::GET_NB_INPUTS, &INetworkDefinition::GET_INPUT)?;
        Ok(raw.into_iter().map(Tensor::new).collect())
    }

    /// The outputs, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn outputs(&self) -> Result<Vec<Tensor<'_>>, Error> {
        let raw =
            self.items(&INetworkDefinition::GET_NB_OUTPUTS, &INetworkDefinition::GET_OUTPUT)?;
        Ok(raw.into_iter().map(Tensor::new).collect())
    }

    /// The layers, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        let raw = self.items(&INetworkDefinition::GET_NB_LAYERS, &INetworkDefinition::GET_LAYER)?;
        Ok(raw.into_iter().map(Layer::new).collect())
    }

    fn items<T>(
        &self,
        count: &Count<INetworkDefinition>,
        get: &Get<INetworkDefinition, T>,
    ) -> Result<Vec<Borrowed<'_, T>>, Error> {
        let (this, count) = self.raw.bind(count)?;
        // SAFETY: bound to the live network.
        let count = unsafe { count(this) };
        let (this, get) = self.raw.bind(get)?;
        let item = |index| {
            // SAFETY: bound to the live network, with an index below the count.
            let object = unsafe { get(this, index) };
            // SAFETY: tensors and layers belong to their network, which this borrows.
            unsafe { Borrowed::new(object, self.library()) }
        };
        Ok((0..count).filter_map(item).collect())
    }
}

/// A tensor of a network.
#[doc(alias = "ITensor")]
#[derive(Debug, Clone, Copy)]
pub struct Tensor<'n> {
    raw: Borrowed<'n, ITensor>,
}

impl<'n> Tensor<'n> {
    pub(crate) fn new(raw: Borrowed<'n, ITensor>) -> Self {
        Self { raw }
    }

    /// The name.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn name(&self) -> Result<String, Error> {
        let (this, name) = self.raw.bind(&ITensor::GET_NAME)?;
        // SAFETY: bound to the live tensor.
        let name = unsafe { name(this) };
        // SAFETY: the name lives as long as the tensor.
        Ok(unsafe { string(name) })
    }

    /// The dimensions, -1 for a dynamic one; `None` if not even their number is known.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn dims(&self) -> Result<Option<Vec<i64>>, Error> {
        if let Ok((this, dims)) = self.raw.bind(&ITensor::GET_DIMENSIONS) {
            // SAFETY: bound to the live tensor.
            return Ok(dims::sizes64(&unsafe { dims(this) }));
        }
        // TensorRT 8 and 9 return smaller dimensions.
        let (this, dims) = self.raw.bind(&ITensor::GET_DIMENSIONS_TRT8)?;
        // SAFETY: bound to the live tensor.
        Ok(dims::sizes32(&unsafe { dims(this) }))
    }

    /// The type, or `None` for one newer than the tables.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn data_type(&self) -> Result<Option<DataType>, Error> {
        let (this, data_type) = self.raw.bind(&ITensor::GET_TYPE)?;
        // SAFETY: bound to the live tensor.
        let data_type = unsafe { data_type(this) };
        Ok(DataType::from_raw(self.raw.library().version(), data_type))
    }

    /// Sets the range that INT8 stands for: all values lie between `min` and `max`.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX; [`Error::Refused`] for a range TensorRT does not take.
    #[doc(alias = "setDynamicRange")]
    pub fn set_dynamic_range(&self, min: f32, max: f32) -> Result<(), Error> {
        let (this, set) = self.raw.bind(&ITensor::SET_DYNAMIC_RANGE)?;
        // SAFETY: bound to the live tensor.
        if unsafe { set(this, min, max) } {
            return Ok(());
        }
        let given = format!("{min} to {max} for tensor {:?}", self.name()?);
        Err(Error::Refused { call: "ITensor::setDynamicRange", given })
    }

    /// The range that was set, as the smallest and the largest value.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX.
    #[doc(alias = "dynamicRangeIsSet")]
    pub fn dynamic_range(&self) -> Result<Option<(f32, f32)>, Error> {
        let (this, is_set) = self.raw.bind(&ITensor::DYNAMIC_RANGE_IS_SET)?;
        // SAFETY: bound to the live tensor.
        if !unsafe { is_set(this) } {
            return Ok(None);
        }
        let (this, min) = self.raw.bind(&ITensor::GET_DYNAMIC_RANGE_MIN)?;
        // SAFETY: bound to the live tensor.
        let min = unsafe { min(this) };
        let (this, max) = self.raw.bind(&ITensor::GET_DYNAMIC_RANGE_MAX)?;
        // SAFETY: bound to the live tensor.
        Ok(Some((min, unsafe { max(this) })))
    }

    /// Takes a range that was set back.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX.
    #[doc(alias = "resetDynamicRange")]
    pub fn reset_dynamic_range(&self) -> Result<(), Error> {
        let (this, reset) = self.raw.bind(&ITensor::RESET_DYNAMIC_RANGE)?;
        // SAFETY: bound to the live tensor.
        unsafe { reset(this) }
        Ok(())
    }

    /// Whether the tensor is one of the network's outputs.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "isNetworkOutput")]
    pub fn is_network_output(&self) -> Result<bool, Error> {
        let (this, is_output) = self.raw.bind(&ITensor::IS_NETWORK_OUTPUT)?;
        // SAFETY: bound to the live tensor.
        Ok(unsafe { is_output(this) })
    }

    /// Whether the tensor holds a shape, whose values a profile would have to bound.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn is_shape_tensor(&self) -> Result<bool, Error> {
        let (this, is_shape_tensor) = self.raw.bind(&ITensor::IS_SHAPE_TENSOR)?;
        // SAFETY: bound to the live tensor.
        Ok(unsafe { is_shape_tensor(this) })
    }
}
