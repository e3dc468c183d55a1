//! `IBuilderConfig`.

mod settings;

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;

use tensorrt_sys::classes::{
    IBuilderConfig, IInt8Calibrator, ILogger, IOptimizationProfile, IProgressMonitor, ITimingCache,
};
use tensorrt_sys::enums::Severity;

use self::settings::Settings;
use crate::client::bytes_at;
use crate::context::Context;
use crate::object::{Body, Class, Delete, Handle, Table, body};
use crate::profile::Profile;
use crate::timing_cache::TimingCache;

/// The settings of a build, and what the client lends it.
pub(crate) struct Config {
    pub(crate) logger: *mut ILogger,
    pub(crate) settings: RefCell<Settings>,
    pub(crate) calibrator: Cell<*mut IInt8Calibrator>,
    pub(crate) monitor: Cell<*mut IProgressMonitor>,
    pub(crate) profiles: RefCell<Vec<*mut IOptimizationProfile>>,
    pub(crate) calibration_profile: Cell<*mut IOptimizationProfile>,
    pub(crate) timing_cache: Cell<*mut ITimingCache>,
}

impl Config {
    pub(crate) fn new(context: &Arc<Context>, logger: *mut ILogger) -> Self {
        Self {
            logger,
            settings: RefCell::new(Settings::new(context)),
            calibrator: Cell::new(ptr::null_mut()),
            monitor: Cell::new(ptr::null_mut()),
            profiles: RefCell::default(),
            calibration_profile: Cell::new(ptr::null_mut()),
            timing_cache: Cell::new(ptr::null_mut()),
        }
    }

    /// The timing cache that was attached.
    pub(crate) fn timing_cache(&self) -> Option<&Body<TimingCache>> {
        // SAFETY: the client keeps what it attached alive for as long as the config.
        unsafe { body::<TimingCache>(self.timing_cache.get()) }
    }

    /// The optimization profiles that were added.
    pub(crate) fn profiles(&self) -> Vec<&Body<Profile>> {
        let profiles = self.profiles.borrow();
        // SAFETY: profiles belong to their builder, which outlives the config.
        profiles.iter().filter_map(|&profile| unsafe { body::<Profile>(profile) }).collect()
    }

    /// The calibration profile that was set.
    pub(crate) fn calibration_profile(&self) -> Option<&Body<Profile>> {
        // SAFETY: as the other profiles.
        unsafe { body::<Profile>(self.calibration_profile.get()) }
    }
}

/// Tells the client that it asked for what there is not.
fn refuse(config: &Body<Config>, method: &str, why: &str) {
    let text = format!(
        "IBuilderConfig::{method}: Error Code 3: API Usage Error (Parameter check failed: {why})"
    );
    config.context().log(config.logger, Severity::Error, &text);
}

impl Class for Config {
    type Cpp = IBuilderConfig;
    const NAME: &'static str = "IBuilderConfig";
    const DELETE: Option<&'static Delete<IBuilderConfig>> = Some(&IBuilderConfig::DELETE);
    const WORD: &'static str = "config";

    fn fill(table: &mut Table<Self>) {
        settings::fill(table);
        fill_calibration(table);
        fill_timing_cache(table);
        table.on1(&IBuilderConfig::ADD_OPTIMIZATION_PROFILE, |config, profile| {
            // SAFETY: the client passes a profile of this library that is alive during the call.
            let valid =
                unsafe { body::<Profile>(profile) }.is_some_and(|profile| profile.is_valid());
            if !valid {
                refuse(config, "addOptimizationProfile", "an incomplete optimization profile");
                return -1;
            }
            let mut profiles = config.profiles.borrow_mut();
            profiles.push(profile);
            crate::layer::count(&profiles) - 1
        });
        table.on(&IBuilderConfig::GET_NB_OPTIMIZATION_PROFILES, |config| {
            crate::layer::count(&config.profiles.borrow())
        });
        table.on1(&IBuilderConfig::SET_PROGRESS_MONITOR, |config, monitor| {
            config.monitor.set(monitor);
        });
        table.on(&IBuilderConfig::GET_PROGRESS_MONITOR, |config| config.monitor.get());
    }

    fn fill_own(table: &mut Table<Self>) {
        settings::fill_own(table);
    }
}

fn fill_calibration(table: &mut Table<Config>) {
    table.on1(&IBuilderConfig::SET_INT8_CALIBRATOR, |config, calibrator| {
        let what = if calibrator.is_null() { "no calibrator" } else { "a calibrator" };
        config.context().note(what);
        config.calibrator.set(calibrator);
    });
    table.on(&IBuilderConfig::GET_INT8_CALIBRATOR, |config| config.calibrator.get());
    table.on1(&IBuilderConfig::SET_CALIBRATION_PROFILE, |config, profile| {
        // SAFETY: the client passes null or a profile of this library that is alive during the call.
        let valid = unsafe { body::<Profile>(profile) }.is_none_or(|profile| profile.is_valid());
        if valid {
            config.calibration_profile.set(profile);
        } else {
            refuse(config, "setCalibrationProfile", "an incomplete optimization profile");
        }
        valid
    });
    table.on(&IBuilderConfig::GET_CALIBRATION_PROFILE, |config| config.calibration_profile.get());
}

fn fill_timing_cache(table: &mut Table<Config>) {
    table.on2(&IBuilderConfig::CREATE_TIMING_CACHE, |config, bytes, size| {
        let context = config.context();
        context.note(format!("timing cache of {size} bytes"));
        let bytes = bytes_at(bytes, size).unwrap_or_default();
        let Some(cache) = TimingCache::read(&bytes, context.version()) else {
            refuse(config, "createTimingCache", "bytes that are no timing cache of this library");
            return ptr::null_mut();
        };
        Handle::new(context, cache).into_client()
    });
    table.on2(&IBuilderConfig::SET_TIMING_CACHE, |config, cache, ignore_mismatch| {
        // SAFETY: the client passes a timing cache of this library that is alive during the call.
        let Some(found) = (unsafe { body::<TimingCache>(cache) }) else { return false };
        let fits = ignore_mismatch || found.version == config.context().version();
        if fits {
            config.timing_cache.set(cache);
        } else {
            refuse(config, "setTimingCache", "a timing cache of another version");
        }
        fits
    });
    table.on(&IBuilderConfig::GET_TIMING_CACHE, |config| config.timing_cache.get());
}
