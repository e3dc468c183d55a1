//! `IBuilder`.

use std::cell::{Cell, RefCell};
use std::ptr;

use tensorrt_sys::classes::{IBuilder, IBuilderConfig, ILogger, INetworkDefinition};
use tensorrt_sys::enums::{NetworkDefinitionCreationFlag as Flag, Severity};
use tensorrt_sys::{Enumeration, Generation, Version};

use crate::build::build;
use crate::config::Config;
use crate::context::Context;
use crate::entry::registry;
use crate::network::Network;
use crate::object::{Body, Class, Delete, Handle, Table, body};
use crate::profile::Profile;

/// A builder; profiles belong to it.
pub(crate) struct Builder {
    pub(crate) logger: *mut ILogger,
    /// Itself as its client knows it.
    pub(crate) client: Cell<*mut IBuilder>,
    profiles: RefCell<Vec<Handle<Profile>>>,
    max_threads: Cell<i32>,
}

impl Builder {
    pub(crate) fn new(logger: *mut ILogger) -> Self {
        Self {
            logger,
            client: Cell::new(ptr::null_mut()),
            profiles: RefCell::default(),
            max_threads: Cell::new(1),
        }
    }
}

impl Class for Builder {
    type Cpp = IBuilder;
    const NAME: &'static str = "IBuilder";
    const DELETE: Option<&'static Delete<IBuilder>> = Some(&IBuilder::DELETE);
    const WORD: &'static str = "builder";

    fn fill(table: &mut Table<Self>) {
        table.on(&IBuilder::CREATE_BUILDER_CONFIG, |builder| {
            Handle::new(builder.context(), Config::new(builder.context(), builder.logger))
                .into_client()
        });
        table.on1(&IBuilder::CREATE_NETWORK_V2, create_network);
        table.on(&IBuilder::CREATE_OPTIMIZATION_PROFILE, |builder| {
            let profile = Handle::new(builder.context(), Profile::default());
            let client = profile.as_client();
            builder.profiles.borrow_mut().push(profile);
            client
        });
        table.on2(
            &IBuilder::BUILD_SERIALIZED_NETWORK,
            |builder, network: *mut INetworkDefinition, config: *mut IBuilderConfig| {
                // SAFETY: the client passes a network of this library that is alive during the call.
                let network = unsafe { body::<Network>(network) };
                // SAFETY: as the network.
                let config = unsafe { body::<Config>(config) };
                let (Some(network), Some(config)) = (network, config) else {
                    return ptr::null_mut();
                };
                build(builder, network, config)
            },
        );
        table.on(&IBuilder::PLATFORM_HAS_FAST_FP16, |_| true);
        table.on(&IBuilder::PLATFORM_HAS_FAST_INT8, |_| true);
        table.on1(&IBuilder::SET_MAX_THREADS, |builder, threads: i32| {
            let valid = threads >= 1;
            if valid {
                builder.max_threads.set(threads);
            }
            valid
        });
        table.on(&IBuilder::GET_MAX_THREADS, |builder| builder.max_threads.get());
        table.on(&IBuilder::GET_MAX_DLA_BATCH_SIZE, |_| 4096);
        table.on(&IBuilder::GET_NB_DLA_CORES, |builder| builder.context().dla_cores());
        table.on(&IBuilder::GET_PLUGIN_REGISTRY, |builder| registry(builder.context()));
    }
}

/// A network, or null for flags that the version does not have.
fn create_network(builder: &Body<Builder>, flags: u32) -> *mut INetworkDefinition {
    let context = builder.context();
    context.note(format!("network {flags:#b}"));
    let Some(flags) = network_flags(context, flags) else {
        let text = "IBuilder::createNetworkV2: Error Code 3: API Usage Error (Parameter check failed: \
                    flags of another version)";
        context.log(builder.logger, Severity::Error, text);
        return ptr::null_mut();
    };
    let strongly_typed = bit(context.version(), Flag::StronglyTyped) & flags != 0;
    let network = Network::new(builder.logger, builder.client.get(), flags, strongly_typed);
    Handle::new(context, network).into_client()
}

/// The flag word of a network that was asked for by `flags`; `None` for one with unknown bits.
fn network_flags(context: &Context, flags: u32) -> Option<u32> {
    let version = context.version();
    let known = Flag::ROWS.iter().fold(0, |known, &(flag, ..)| known | bit(version, flag));
    if flags & !known != 0 {
        return None;
    }
    // Some generations know strongly typed networks alone.
    let always_strong =
        !matches!(context.generation(), Some(Generation::TensorRt8 | Generation::TensorRt10));
    Some(flags | if always_strong { bit(version, Flag::StronglyTyped) } else { 0 })
}

/// The bit of a flag, or 0 where the version has none.
pub(crate) fn bit<E: Enumeration>(version: Version, flag: E) -> u32 {
    let position = flag.to_raw(version).ok().and_then(|raw| u32::try_from(raw).ok());
    position.and_then(|position| 1_u32.checked_shl(position)).unwrap_or(0)
}
