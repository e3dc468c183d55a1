//! Networks, their layers and tensors.

use std::marker::PhantomData;

use tensorrt_sys::classes::{ILayer, INetworkDefinition, ITensor};
use tensorrt_sys::enums::{DataType, LayerType};
use tensorrt_sys::{Enumeration, MAX_DIMS, Method, This};

use crate::error::Error;
use crate::library::Library;
use crate::owned::{Borrowed, Owned, string};

/// A method that counts, and one that gets an item by its index.
type Count<C> = Method<C, unsafe extern "C" fn(This) -> i32>;
type Get<C, T> = Method<C, unsafe extern "C" fn(This, i32) -> *mut T>;

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

    /// The library.
    pub fn library(&self) -> &Library {
        self.raw.library()
    }

    /// The inputs, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn inputs(&self) -> Result<Vec<Tensor<'_>>, Error> {
        let raw = self.items(&INetworkDefinition::GET_NB_INPUTS, &INetworkDefinition::GET_INPUT)?;
        Ok(raw.into_iter().map(|raw| Tensor { raw }).collect())
    }

    /// The outputs, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn outputs(&self) -> Result<Vec<Tensor<'_>>, Error> {
        let raw =
            self.items(&INetworkDefinition::GET_NB_OUTPUTS, &INetworkDefinition::GET_OUTPUT)?;
        Ok(raw.into_iter().map(|raw| Tensor { raw }).collect())
    }

    /// The layers, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn layers(&self) -> Result<Vec<Layer<'_>>, Error> {
        let raw = self.items(&INetworkDefinition::GET_NB_LAYERS, &INetworkDefinition::GET_LAYER)?;
        Ok(raw.into_iter().map(|raw| Layer { raw }).collect())
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

impl Tensor<'_> {
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
        let known = |count: i32| usize::try_from(count).ok().filter(|&count| count <= MAX_DIMS);
        if let Ok((this, dims)) = self.raw.bind(&ITensor::GET_DIMENSIONS) {
            // SAFETY: bound to the live tensor.
            let dims = unsafe { dims(this) };
            return Ok(known(dims.count).map(|count| dims.sizes[..count].to_vec()));
        }
        // TensorRT 8 and 9 return smaller dimensions.
        let (this, dims) = self.raw.bind(&ITensor::GET_DIMENSIONS_TRT8)?;
        // SAFETY: bound to the live tensor.
        let dims = unsafe { dims(this) };
        Ok(known(dims.count)
            .map(|count| dims.sizes[..count].iter().copied().map(i64::from).collect()))
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

/// A layer of a network.
#[doc(alias = "ILayer")]
#[derive(Debug, Clone, Copy)]
pub struct Layer<'n> {
    raw: Borrowed<'n, ILayer>,
}

impl<'n> Layer<'n> {
    /// The name.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn name(&self) -> Result<String, Error> {
        let (this, name) = self.raw.bind(&ILayer::GET_NAME)?;
        // SAFETY: bound to the live layer.
        let name = unsafe { name(this) };
        // SAFETY: the name lives as long as the layer.
        Ok(unsafe { string(name) })
    }

    /// The kind, or `None` for one newer than the tables.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn kind(&self) -> Result<Option<LayerType>, Error> {
        let (this, kind) = self.raw.bind(&ILayer::GET_TYPE)?;
        // SAFETY: bound to the live layer.
        let kind = unsafe { kind(this) };
        Ok(LayerType::from_raw(self.raw.library().version(), kind))
    }

    /// The tensors that the layer makes.
    ///
    /// # Errors
    /// None that a known version would give.
    pub fn outputs(&self) -> Result<Vec<Tensor<'n>>, Error> {
        let (this, count) = self.raw.bind(&ILayer::GET_NB_OUTPUTS)?;
        // SAFETY: bound to the live layer.
        let count = unsafe { count(this) };
        let (this, get) = self.raw.bind(&ILayer::GET_OUTPUT)?;
        let output = |index| {
            // SAFETY: bound to the live layer, with an index below the count.
            let object = unsafe { get(this, index) };
            // SAFETY: tensors belong to their network, which this borrows.
            unsafe { Borrowed::new(object, self.raw.library()) }.map(|raw| Tensor { raw })
        };
        Ok((0..count).filter_map(output).collect())
    }
}
