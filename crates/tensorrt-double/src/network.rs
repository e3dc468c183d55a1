//! `INetworkDefinition`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::ptr;
use std::rc::Rc;

use tensorrt_sys::classes::{IBuilder, ILogger, INetworkDefinition};

use crate::client::text;
use crate::layer::{Layer, at, count};
use crate::object::{Class, Delete, Handle, Table};
use crate::tensor::{Tensor, c_name};

/// A network: what the parser put into it.
pub(crate) struct Network {
    pub(crate) logger: *mut ILogger,
    /// The builder that made it.
    pub(crate) builder: *mut IBuilder,
    /// The flag word that it was made with.
    pub(crate) flags: u32,
    pub(crate) strongly_typed: bool,
    pub(crate) name: RefCell<CString>,
    pub(crate) inputs: RefCell<Vec<Rc<Handle<Tensor>>>>,
    pub(crate) outputs: RefCell<Vec<Rc<Handle<Tensor>>>>,
    pub(crate) layers: RefCell<Vec<Handle<Layer>>>,
}

impl Network {
    pub(crate) fn new(
        logger: *mut ILogger,
        builder: *mut IBuilder,
        flags: u32,
        strongly_typed: bool,
    ) -> Self {
        Self {
            logger,
            builder,
            flags,
            strongly_typed,
            name: RefCell::default(),
            inputs: RefCell::default(),
            outputs: RefCell::default(),
            layers: RefCell::default(),
        }
    }

    /// Every tensor once: inputs, then what layers put out.
    pub(crate) fn tensors(&self) -> Vec<Rc<Handle<Tensor>>> {
        let mut tensors = self.inputs.borrow().clone();
        tensors.extend(self.layers.borrow().iter().flat_map(|layer| layer.outputs.clone()));
        tensors
    }

    /// The layer that puts out each tensor, by the tensor's name.
    pub(crate) fn producers(&self) -> BTreeMap<String, usize> {
        let layers = self.layers.borrow();
        let outputs = layers.iter().enumerate();
        let named = outputs.flat_map(|(at, layer)| {
            layer.outputs.iter().map(|tensor| (tensor.name(), at)).collect::<Vec<_>>()
        });
        named.collect()
    }
}

impl Class for Network {
    type Cpp = INetworkDefinition;
    const NAME: &'static str = "INetworkDefinition";
    const DELETE: Option<&'static Delete<INetworkDefinition>> = Some(&INetworkDefinition::DELETE);
    const WORD: &'static str = "network";

    fn fill(table: &mut Table<Self>) {
        table.on(&INetworkDefinition::GET_NB_INPUTS, |network| count(&network.inputs.borrow()));
        table.on1(&INetworkDefinition::GET_INPUT, |network, index| {
            at(&network.inputs.borrow(), index)
        });
        table.on(&INetworkDefinition::GET_NB_OUTPUTS, |network| count(&network.outputs.borrow()));
        table.on1(&INetworkDefinition::GET_OUTPUT, |network, index| {
            at(&network.outputs.borrow(), index)
        });
        table.on(&INetworkDefinition::GET_NB_LAYERS, |network| count(&network.layers.borrow()));
        table.on1(&INetworkDefinition::GET_LAYER, |network, index: i32| {
            let layers = network.layers.borrow();
            let layer = usize::try_from(index).ok().and_then(|index| layers.get(index));
            layer.map_or(ptr::null_mut(), Handle::as_client)
        });
        table.on1(&INetworkDefinition::SET_NAME, |network, name| {
            *network.name.borrow_mut() = c_name(&text(name));
        });
        table.on(&INetworkDefinition::GET_NAME, |network| network.name.borrow().as_ptr());
        table.on(&INetworkDefinition::GET_BUILDER, |network| network.builder);
        table.on(&INetworkDefinition::GET_FLAGS, |network| network.flags);
        table.on1(&INetworkDefinition::GET_FLAG, |network, flag: i32| {
            u32::try_from(flag)
                .is_ok_and(|flag| network.flags.checked_shr(flag).unwrap_or(0) & 1 == 1)
        });
    }

    fn fill_own(table: &mut Table<Self>) {
        table.on(&INetworkDefinition::GET_BUILDER_BY_OBJECT, |network| network.builder);
    }
}
