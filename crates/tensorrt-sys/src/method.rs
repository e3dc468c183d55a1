//! Virtual methods: which slot of which table, in which version.

use std::ffi::{CStr, c_void};
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ptr::NonNull;

use crate::error::MissingMethod;
use crate::layout::{Derived, InterfaceInfo, Public};
use crate::table::{Absent, Row, look_up};
use crate::version::Version;

/// The first argument of every method: the object, or the implementation behind it, as [`Receiver`] says.
pub type This = *mut c_void;

/// Which object's table has a method's slot, and so which object is its first argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receiver {
    /// The object itself.
    Object,
    /// The implementation that a [`Public`] object points to.
    Implementation,
    /// The implementation of its own that a [`Derived`] object points to.
    OwnImplementation,
}

/// A virtual method of class `C` with the C++ signature that `F`, a function pointer type, spells in Rust.
///
/// Only the generated tables make methods, so `F` is always the type that the headers of those generations declare.
/// A method whose type changed is two methods, each absent where the other belongs: `ITensor::getDimensions` returns
/// [`Dims32`](crate::Dims32) up to TensorRT 9 ([`ITensor::GET_DIMENSIONS_TRT8`](crate::classes::ITensor::GET_DIMENSIONS_TRT8))
/// and [`Dims64`](crate::Dims64) from 10 on.
///
/// Inside a generation slots are only ever appended, with one exception: TensorRT 10.8 inserted a method into
/// `INetworkDefinition`, and 10.9 moved it to the end. In 10.8 alone the methods behind it lie one slot further.
pub struct VirtualMethod<C, F> {
    class: &'static str,
    name: &'static str,
    receiver: Receiver,
    row: Row,
    exception: Option<(Version, u16)>,
    marker: PhantomData<(fn(C), F)>,
}

impl<C, F> VirtualMethod<C, F> {
    /// A method of the object's own table.
    pub(crate) const fn on_object(class: &'static str, name: &'static str, row: Row) -> Self {
        Self { class, name, receiver: Receiver::Object, row, exception: None, marker: PhantomData }
    }

    /// A method of the implementation's table.
    pub(crate) const fn on_implementation(
        class: &'static str,
        name: &'static str,
        row: Row,
    ) -> Self {
        Self { receiver: Receiver::Implementation, ..Self::on_object(class, name, row) }
    }

    /// A method of the table of a derived class's own implementation.
    pub(crate) const fn on_own_implementation(
        class: &'static str,
        name: &'static str,
        row: Row,
    ) -> Self {
        Self { receiver: Receiver::OwnImplementation, ..Self::on_object(class, name, row) }
    }

    /// The same method, in another slot in the one release that begins with `first`.
    pub(crate) const fn with_exception(self, first: i32, slot: u16) -> Self {
        Self { exception: Some((Version::from_raw(first), slot)), ..self }
    }

    /// Whose table has the slot.
    pub fn receiver(&self) -> Receiver {
        self.receiver
    }

    /// The slot in a version.
    ///
    /// # Errors
    /// [`MissingMethod`] where the version has no such method: its table may be shorter, and what lies behind it is no
    /// function.
    pub fn slot(&self, version: Version) -> Result<usize, MissingMethod> {
        let missing =
            |since| MissingMethod { version, class: self.class, method: self.name, since };
        let slot = look_up(&self.row, version).map_err(|absent| match absent {
            Absent::Never => missing(None),
            Absent::Until(since) => missing(Some(since)),
        })?;
        let release = |version: Version| version.raw() / 100;
        Ok(usize::from(match self.exception {
            Some((first, moved)) if release(first) == release(version) => moved,
            _ => slot,
        }))
    }
}

impl<C, F: Copy> VirtualMethod<C, F> {
    /// The method of an object, as the first argument and the function to call with it.
    ///
    /// # Errors
    /// [`MissingMethod`], as [`slot`](Self::slot); the object is not touched then.
    ///
    /// # Safety
    /// `object` points to a live object of class `C` made by a library of this version.
    pub unsafe fn bind(
        &self,
        version: Version,
        object: NonNull<C>,
    ) -> Result<(This, F), MissingMethod> {
        const {
            assert!(
                size_of::<F>() == size_of::<*const c_void>(),
                "a method's type is a function pointer"
            )
        };
        let slot = self.slot(version)?;
        let this: This = match self.receiver {
            Receiver::Object => object.as_ptr().cast(),
            // SAFETY: the tables say so only of classes laid out as `Public`, and the caller vouches for the object.
            Receiver::Implementation => unsafe { object.cast::<Public>().as_ref() }.implementation,
            Receiver::OwnImplementation => {
                // SAFETY: the tables say so only of classes laid out as `Derived`, and the caller vouches for the object.
                unsafe { object.cast::<Derived>().as_ref() }.implementation
            }
        };
        // SAFETY: an object with virtual methods begins with the pointer to its table.
        let table = unsafe { *this.cast::<*const *const c_void>() };
        // SAFETY: the tables hold the slots of this version, so the slot lies inside.
        let entry = unsafe { table.add(slot) };
        // SAFETY: as above; a table lives as long as the library, which is never closed.
        let address = unsafe { *entry };
        // SAFETY: the slot of a virtual method holds the address of its function, and `F` is that function's type.
        let function = unsafe { mem::transmute_copy::<*const c_void, F>(&address) };
        Ok((this, function))
    }
}

impl<C, F> fmt::Debug for VirtualMethod<C, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.class, self.name)
    }
}

/// What an interface implemented by the application reports about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    kind: &'static CStr,
    major: i32,
    minor: i32,
}

impl Identity {
    pub(crate) const fn new(kind: &'static CStr, major: i32, minor: i32) -> Self {
        Self { kind, major, minor }
    }

    /// The answer to `getInterfaceInfo`.
    pub fn info(&self) -> InterfaceInfo {
        InterfaceInfo { kind: self.kind.as_ptr(), major: self.major, minor: self.minor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classes::{
        IActivationLayer, IBuilder, IBuilderConfig, ICudaEngine, IEngineInspector, IHostMemory,
        ILayer, INetworkDefinition, IOptimizationProfile, IParser, IParserError, IRuntime, ITensor,
    };

    /// One version of each generation, in the tables' order.
    const VERSIONS: [i32; 5] = [8_601, 101_601, 110_400, 10_400, 10_701];

    fn slots<C, F>(method: &VirtualMethod<C, F>) -> [Option<usize>; 5] {
        VERSIONS.map(|version| method.slot(Version::from_raw(version)).ok())
    }

    /// The slots that were seen at work: builds with the vendor's libraries, and the vendor's bindings on a double.
    #[test]
    fn slots_are_where_the_headers_have_them() {
        let all = |slots: [usize; 5]| slots.map(Some);
        let cases = [
            (slots(&IBuilder::CREATE_BUILDER_CONFIG), all([9, 7, 5, 7, 5])),
            (slots(&IBuilder::CREATE_NETWORK_V2), all([11, 8, 6, 8, 6])),
            (slots(&IBuilder::CREATE_OPTIMIZATION_PROFILE), all([12, 9, 7, 9, 7])),
            (slots(&IBuilder::BUILD_SERIALIZED_NETWORK), all([17, 14, 11, 14, 11])),
            (slots(&IBuilder::PLATFORM_HAS_FAST_INT8), [Some(5), Some(3), None, Some(3), None]),
            (slots(&IBuilderConfig::SET_FLAG), all([15, 11, 9, 9, 9])),
            (slots(&IBuilderConfig::SET_MEMORY_POOL_LIMIT), all([47, 43, 32, 32, 32])),
            (slots(&IBuilderConfig::SET_INT8_CALIBRATOR), [Some(8), Some(6), None, None, None]),
            (
                slots(&IBuilderConfig::SET_CALIBRATION_PROFILE),
                [Some(35), Some(31), None, None, None],
            ),
            (slots(&IBuilderConfig::ADD_OPTIMIZATION_PROFILE), all([29, 25, 23, 23, 23])),
            (
                slots(&IBuilderConfig::SET_PROGRESS_MONITOR),
                [None, Some(56), Some(45), Some(45), Some(45)],
            ),
            (slots(&IBuilderConfig::SET_BUILDER_OPTIMIZATION_LEVEL), all([51, 47, 36, 36, 36])),
            (slots(&IBuilderConfig::SET_PROFILING_VERBOSITY), all([31, 27, 25, 25, 25])),
            (
                slots(&IBuilderConfig::SET_NB_COMPUTE_CAPABILITIES),
                [None, None, None, Some(55), Some(55)],
            ),
            (
                slots(&IBuilderConfig::SET_COMPUTE_CAPABILITY),
                [None, None, None, Some(57), Some(57)],
            ),
            (slots(&INetworkDefinition::GET_NB_LAYERS), all([17, 12, 12, 12, 12])),
            (slots(&INetworkDefinition::GET_INPUT), all([20, 15, 15, 15, 15])),
            (slots(&INetworkDefinition::GET_FLAGS), [None, Some(64), Some(61), Some(60), Some(59)]),
            (slots(&ITensor::GET_NAME), all([3; 5])),
            (slots(&ITensor::GET_TYPE), all([7, 7, 6, 7, 6])),
            (slots(&ITensor::SET_DYNAMIC_RANGE), [Some(8), Some(8), None, None, None]),
            (slots(&ITensor::GET_DIMENSIONS_TRT8), [Some(5), None, None, None, None]),
            (slots(&ITensor::GET_DIMENSIONS), [None, Some(5), Some(5), Some(5), Some(5)]),
            (slots(&ILayer::SET_PRECISION), [Some(10), Some(10), None, Some(10), None]),
            (slots(&IOptimizationProfile::SET_DIMENSIONS_TRT8), [Some(2), None, None, None, None]),
            (slots(&IHostMemory::DATA), all([2; 5])),
            (slots(&IHostMemory::SIZE), all([3; 5])),
            (slots(&IRuntime::DESERIALIZE_CUDA_ENGINE_TRT8), [Some(2), None, None, None, None]),
            (slots(&IRuntime::DESERIALIZE_CUDA_ENGINE), [None, Some(3), Some(3), Some(3), Some(3)]),
            (slots(&ICudaEngine::GET_NB_IO_TENSORS), all([45, 30, 26, 28, 26])),
            (slots(&ICudaEngine::CREATE_ENGINE_INSPECTOR), all([33, 18, 14, 16, 14])),
            (slots(&IEngineInspector::GET_ENGINE_INFORMATION), all([5, 6, 6, 6, 6])),
            (slots(&IParser::PARSE), all([0; 5])),
            (slots(&IParser::GET_NB_ERRORS), all([6, 5, 3, 5, 3])),
            (slots(&IParser::GET_ERROR), all([7, 6, 4, 6, 4])),
            (slots(&IParser::DELETE), all([10, 9, 7, 9, 7])),
            (slots(&IParserError::NODE), all([5; 5])),
            (slots(&IBuilder::DELETE), all([1; 5])),
            (slots(&IBuilderConfig::SET_AVG_TIMING_ITERATIONS_BY_OBJECT), all([4, 2, 2, 2, 2])),
            (slots(&INetworkDefinition::GET_BUILDER_BY_OBJECT), all([2; 5])),
        ];
        for (at, (found, expected)) in cases.into_iter().enumerate() {
            assert_eq!(found, expected, "case {at}");
        }
    }

    #[test]
    fn in_10_8_alone_the_network_has_one_more_in_the_middle() {
        let slot =
            |version| INetworkDefinition::GET_FLAGS.slot(Version::from_raw(version)).unwrap();
        assert_eq!([100_700, 100_800, 100_803, 100_900].map(slot), [64, 65, 65, 64]);
        // What lies before the inserted method did not move.
        let slot =
            |version| INetworkDefinition::GET_NB_LAYERS.slot(Version::from_raw(version)).unwrap();
        assert_eq!([100_700, 100_800, 100_900].map(slot), [12, 12, 12]);
    }

    #[test]
    fn a_missing_method_is_an_error_that_names_version_and_method() {
        let missing = |version| {
            IBuilderConfig::SET_INT8_CALIBRATOR.slot(Version::from_raw(version)).unwrap_err()
        };
        assert_eq!(
            missing(110_100).to_string(),
            "TensorRT 11.1.0 has no IBuilderConfig::setInt8Calibrator"
        );
        assert_eq!(
            missing(120_000).to_string(),
            "TensorRT 12.0.0 has no IBuilderConfig::setInt8Calibrator"
        );
        let early = IParser::SET_BUILDER_CONFIG.slot(Version::from_raw(101_400)).unwrap_err();
        let expected =
            "TensorRT 10.14.0 has no IParser::setBuilderConfig; it came with TensorRT 10.15.0";
        assert_eq!(early.to_string(), expected);
    }

    unsafe extern "C" fn answer(this: This) -> i32 {
        // SAFETY: the receivers below are a table's address and a number.
        let receiver = unsafe { *this.cast::<[usize; 2]>() };
        i32::try_from(receiver[1]).unwrap()
    }

    /// An object whose table has `answer` in one slot and nothing that could be called elsewhere.
    fn object_with(slot: usize, number: usize) -> (Vec<*const c_void>, [usize; 2]) {
        let answer: unsafe extern "C" fn(This) -> i32 = answer;
        let mut table = vec![std::ptr::null(); 64];
        table[slot] = answer as *const c_void;
        let object = [table.as_ptr().addr(), number];
        (table, object)
    }

    #[test]
    fn a_bound_method_gets_the_receiver_whose_table_it_is_in() {
        for version in VERSIONS.map(Version::from_raw) {
            let slot = INetworkDefinition::GET_NB_LAYERS.slot(version).unwrap();
            let (_table, mut implementation) = object_with(slot, 42);
            let mut public = Public {
                vtable: std::ptr::null(),
                implementation: implementation.as_mut_ptr().cast(),
            };
            let object = NonNull::from(&mut public).cast::<INetworkDefinition>();
            // SAFETY: the object is laid out as a network, with the method in the slot of this version.
            let (this, count) =
                unsafe { INetworkDefinition::GET_NB_LAYERS.bind(version, object) }.unwrap();
            // SAFETY: bound to the object.
            assert_eq!(unsafe { count(this) }, 42, "{version}");

            let slot = IParser::GET_NB_ERRORS.slot(version).unwrap();
            let (_table, mut parser) = object_with(slot, 7);
            let object = NonNull::new(parser.as_mut_ptr()).unwrap().cast::<IParser>();
            // SAFETY: the object is laid out as a parser, with the method in the slot of this version.
            let (this, count) = unsafe { IParser::GET_NB_ERRORS.bind(version, object) }.unwrap();
            // SAFETY: bound to the object.
            assert_eq!(unsafe { count(this) }, 7, "{version}");
        }
    }
    #[test]
    fn a_method_of_one_kind_of_layer_gets_that_kinds_implementation() {
        for version in VERSIONS.map(Version::from_raw) {
            let slot = IActivationLayer::GET_ACTIVATION_TYPE.slot(version).unwrap();
            let (_table, mut implementation) = object_with(slot, 2);
            let base = Public { vtable: std::ptr::null(), implementation: std::ptr::null_mut() };
            let mut layer = Derived { base, implementation: implementation.as_mut_ptr().cast() };
            let object = NonNull::from(&mut layer).cast::<IActivationLayer>();
            // SAFETY: the object is laid out as such a layer, with the method in the slot of this version.
            let (this, kind) =
                unsafe { IActivationLayer::GET_ACTIVATION_TYPE.bind(version, object) }.unwrap();
            // SAFETY: bound to the object.
            assert_eq!(unsafe { kind(this) }, 2, "{version}");
        }
    }
}
