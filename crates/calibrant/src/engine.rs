//! The engine of a job: which library, and the build.

use std::ops::ControlFlow;
use std::path::Path;

use calibrant_engine::{
    BuildError, BuildOptions, BuildSummary, Generation, Int8, Library, Version, build_with,
};
use calibrant_locate::{
    Environment, FetchError, LocateError, LocateEvent, Source, Survey, fetch, locate, survey,
};

use crate::error::Error;
use crate::observe::{Event, Observer};

/// Finds the library, or fetches it when that was asked for.
///
/// # Errors
///
/// When there is none, or the caller interrupts.
pub(crate) fn find_library(
    source: &Source,
    observer: &mut dyn Observer,
) -> Result<Result<Library, LocateError>, Error> {
    let found = locate(source, &Environment::of_process(), &mut |event| tell(&event, observer));
    if observer.interrupted() {
        return Err(Error::Interrupted);
    }
    Ok(found.map(|found| found.library))
}

/// Fetches TensorRT-RTX unless it was fetched before, without opening it.
///
/// # Errors
///
/// When it cannot be had, or the caller interrupts.
pub(crate) fn fetch_library(
    environment: &Environment,
    observer: &mut dyn Observer,
) -> Result<(), Error> {
    match fetch(environment, &mut |event| tell(&event, observer)) {
        Ok(_) => Ok(()),
        Err(FetchError::Cancelled) => Err(Error::Interrupted),
        Err(error) => Err(Error::Locate(error.into())),
    }
}

/// Every TensorRT that there is.
///
/// # Errors
///
/// When the caller interrupts.
pub(crate) fn survey_libraries(
    environment: &Environment,
    observer: &mut dyn Observer,
) -> Result<Survey, Error> {
    survey(environment, &mut |event| tell(&event, observer)).map_err(|error| match error {
        LocateError::Cancelled => Error::Interrupted,
        error => Error::Locate(error),
    })
}

fn tell(event: &LocateEvent, observer: &mut dyn Observer) -> ControlFlow<()> {
    match event {
        LocateEvent::Progress { .. } | LocateEvent::Asking { .. } => {
            observer.event(Event::At(&event.to_string()))
        }
        _ => observer.event(Event::Note(&event.to_string())),
    }
    go_on(observer)
}

/// The version for a calibration cache's header, if this library reads caches at all.
pub(crate) fn cache_version(version: Version) -> Option<u32> {
    match version.generation() {
        Some(Generation::TensorRt8 | Generation::TensorRt10) => u32::try_from(version.raw()).ok(),
        _ => None,
    }
}

/// Builds the plan, showing what the builder is at.
///
/// # Errors
///
/// Those of the builder, and when the caller interrupts.
pub(crate) fn build_plan(
    library: &Library,
    onnx: &Path,
    options: &BuildOptions,
    int8: Int8<'_>,
    plan: &Path,
    observer: &mut dyn Observer,
) -> Result<BuildSummary, Error> {
    let built = build_with(
        library,
        onnx,
        options,
        int8,
        &mut |event| {
            match &event {
                calibrant_engine::Event::Phase { name, .. } => observer.event(Event::At(name)),
                calibrant_engine::Event::Calibrating { batch } => {
                    observer.event(Event::At(&format!("calibrating, batch {batch}")));
                }
                _ => {}
            }
            go_on(observer)
        },
        plan,
    );
    built.map_err(|error| match error {
        BuildError::Cancelled { .. } => Error::Interrupted,
        error => error.into(),
    })
}

/// Whether to go on, for whoever asks.
pub(crate) fn go_on(observer: &dyn Observer) -> ControlFlow<()> {
    if observer.interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
