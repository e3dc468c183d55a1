//! Layers.

use tensorrt_sys::classes::{IActivationLayer, ILayer, IPoolingLayer, IResizeLayer, ITensor};
use tensorrt_sys::enums::{ActivationType, DataType, InterpolationMode, LayerType, PoolingType};
use tensorrt_sys::{Enumeration, This, VirtualMethod};

use crate::error::Error;
use crate::network::Tensor;
use crate::owned::{Borrowed, string};

/// A layer of a network.
#[doc(alias = "ILayer")]
#[derive(Debug, Clone, Copy)]
pub struct Layer<'n> {
    raw: Borrowed<'n, ILayer>,
}

/// A method that counts a layer's tensors, and one that gets a tensor by its index.
type Count = VirtualMethod<ILayer, unsafe extern "C" fn(This) -> i32>;
type Get = VirtualMethod<ILayer, unsafe extern "C" fn(This, i32) -> *mut ITensor>;

impl<'n> Layer<'n> {
    pub(crate) fn new(raw: Borrowed<'n, ILayer>) -> Self {
        Self { raw }
    }

    pub(crate) fn as_ptr(&self) -> *mut ILayer {
        self.raw.as_ptr()
    }

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

    /// The tensors that the layer reads, in order; an input that was left out is left out here too.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "getInput")]
    pub fn inputs(&self) -> Result<Vec<Tensor<'n>>, Error> {
        self.tensors(&ILayer::GET_NB_INPUTS, &ILayer::GET_INPUT)
    }

    /// The tensors that the layer makes, in order.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "getOutput")]
    pub fn outputs(&self) -> Result<Vec<Tensor<'n>>, Error> {
        self.tensors(&ILayer::GET_NB_OUTPUTS, &ILayer::GET_OUTPUT)
    }

    fn tensors(&self, count: &Count, get: &Get) -> Result<Vec<Tensor<'n>>, Error> {
        let (this, count) = self.raw.bind(count)?;
        // SAFETY: bound to the live layer.
        let count = unsafe { count(this) };
        let (this, get) = self.raw.bind(get)?;
        let tensor = |index| {
            // SAFETY: bound to the live layer, with an index below the count.
            let object = unsafe { get(this, index) };
            // SAFETY: tensors belong to their network, which this borrows.
            unsafe { Borrowed::new(object, self.raw.library()) }.map(Tensor::new)
        };
        Ok((0..count).filter_map(tensor).collect())
    }

    /// Sets the type that the layer computes in.
    ///
    /// TensorRT heeds it with `kOBEY_PRECISION_CONSTRAINTS` or `kPREFER_PRECISION_CONSTRAINTS` among the config's flags.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX 1.5, whose networks are strongly typed.
    #[doc(alias = "setPrecision")]
    pub fn set_precision(&self, precision: DataType) -> Result<(), Error> {
        let precision = precision.to_raw(self.raw.library().version())?;
        let (this, set) = self.raw.bind(&ILayer::SET_PRECISION)?;
        // SAFETY: bound to the live layer, with a type of its version.
        unsafe { set(this, precision) }
        Ok(())
    }

    /// The type that was set for the layer to compute in.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX 1.5.
    #[doc(alias = "precisionIsSet")]
    pub fn precision(&self) -> Result<Option<DataType>, Error> {
        let (this, is_set) = self.raw.bind(&ILayer::PRECISION_IS_SET)?;
        // SAFETY: bound to the live layer.
        if !unsafe { is_set(this) } {
            return Ok(None);
        }
        let (this, get) = self.raw.bind(&ILayer::GET_PRECISION)?;
        // SAFETY: bound to the live layer.
        let precision = unsafe { get(this) };
        Ok(DataType::from_raw(self.raw.library().version(), precision))
    }

    /// Sets the type of an output, by its index.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX 1.5; [`Error::Refused`] for an index the layer does not have.
    #[doc(alias = "setOutputType")]
    pub fn set_output_type(&self, output: usize, data_type: DataType) -> Result<(), Error> {
        let data_type = data_type.to_raw(self.raw.library().version())?;
        let (this, set) = self.raw.bind(&ILayer::SET_OUTPUT_TYPE)?;
        // SAFETY: bound to the live layer, with an index below its count, and a type of its version.
        unsafe { set(this, self.output_index(output, "ILayer::setOutputType")?, data_type) }
        Ok(())
    }

    /// The type that was set for an output, by its index.
    ///
    /// # Errors
    /// [`Error::MissingMethod`] in TensorRT 11 and RTX 1.5; [`Error::Refused`] for an index the layer does not have.
    #[doc(alias = "outputTypeIsSet")]
    pub fn output_type(&self, output: usize) -> Result<Option<DataType>, Error> {
        let index = self.output_index(output, "ILayer::getOutputType")?;
        let (this, is_set) = self.raw.bind(&ILayer::OUTPUT_TYPE_IS_SET)?;
        // SAFETY: bound to the live layer, with an index below its count.
        if !unsafe { is_set(this, index) } {
            return Ok(None);
        }
        let (this, get) = self.raw.bind(&ILayer::GET_OUTPUT_TYPE)?;
        // SAFETY: bound to the live layer, with an index below its count.
        let data_type = unsafe { get(this, index) };
        Ok(DataType::from_raw(self.raw.library().version(), data_type))
    }

    fn output_index(&self, output: usize, call: &'static str) -> Result<i32, Error> {
        let (this, count) = self.raw.bind(&ILayer::GET_NB_OUTPUTS)?;
        // SAFETY: bound to the live layer.
        let count = unsafe { count(this) };
        let index = i32::try_from(output).ok().filter(|&index| index < count);
        index.ok_or_else(|| Error::Refused { call, given: format!("output {output} of {count}") })
    }

    /// Which activation this is; `None` for a layer that is none, and for a function newer than the tables.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "IActivationLayer")]
    pub fn activation(&self) -> Result<Option<ActivationType>, Error> {
        // SAFETY: TensorRT's layers of this kind are of this class.
        unsafe { self.detail(LayerType::Activation, &IActivationLayer::GET_ACTIVATION_TYPE) }
    }

    /// Which pooling this is; `None` for a layer that is none.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "IPoolingLayer")]
    pub fn pooling(&self) -> Result<Option<PoolingType>, Error> {
        // SAFETY: TensorRT's layers of this kind are of this class.
        unsafe { self.detail(LayerType::Pooling, &IPoolingLayer::GET_POOLING_TYPE) }
    }

    /// How this resizes; `None` for a layer that does not.
    ///
    /// # Errors
    /// None that a known version would give.
    #[doc(alias = "IResizeLayer")]
    pub fn interpolation(&self) -> Result<Option<InterpolationMode>, Error> {
        // SAFETY: TensorRT's layers of this kind are of this class.
        unsafe { self.detail(LayerType::Resize, &IResizeLayer::GET_RESIZE_MODE) }
    }

    /// What a method that only one kind of layer has answers; `None` for a layer of another kind.
    ///
    /// # Safety
    /// Layers of this kind are of class `C`.
    unsafe fn detail<C, E: Enumeration>(
        &self,
        kind: LayerType,
        method: &VirtualMethod<C, unsafe extern "C" fn(This) -> i32>,
    ) -> Result<Option<E>, Error> {
        if self.kind()? != Some(kind) {
            return Ok(None);
        }
        // SAFETY: the caller's promise, for a layer of this kind.
        let (this, get) = unsafe { self.raw.cast::<C>() }.bind(method)?;
        // SAFETY: bound to the live layer.
        let value = unsafe { get(this) };
        Ok(E::from_raw(self.raw.library().version(), value))
    }
}
