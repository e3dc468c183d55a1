//! The engine of a job: which library, and the build.

use std::ops::ControlFlow;
use std::path::Path;

use calibrant_engine::{
    BuildError, BuildOptions, BuildSummary, Generation, Int8, Library, Version, build_with,
};
use calibrant_locate::{
    Environment, FetchError, LocateError, LocateEvent, Product, Source, Survey, fetch, locate,
    locate_by, survey,
};

use crate::control::{Control, Event};
use crate::error::Error;

/// Finds the library, or fetches it when that was asked for.
///
/// # Errors
///
/// When there is none, or the caller interrupts.
pub fn find_library(
    source: &Source,
    control: Control<'_>,
) -> Result<Result<Library, LocateError>, Error> {
    let found = locate(source, &Environment::of_process(), &mut |event| tell(&event, control));
    control.check()?;
    Ok(found.map(|found| found.library))
}

/// Finds a library of a product that somebody else opens, or fetches it when that was asked for.
///
/// # Errors
///
/// When the caller interrupts; what else is wrong stands inside.
pub fn find_by<T>(
    product: Product,
    source: &Source,
    environment: &Environment,
    open: impl FnMut(&Path) -> Result<T, Box<dyn std::error::Error + Send + Sync>>,
    control: Control<'_>,
) -> Result<Result<T, LocateError>, Error> {
    let mut say = |event: LocateEvent| tell(&event, control);
    let found = locate_by(product, source, environment, open, &mut say);
    control.check()?;
    Ok(found)
}

/// Fetches TensorRT-RTX unless it was fetched before, without opening it.
///
/// # Errors
///
/// When it cannot be had, or the caller interrupts.
pub fn fetch_library(environment: &Environment, control: Control<'_>) -> Result<(), Error> {
    let product = Product::TensorRt;
    match fetch(product, environment, &mut |event| tell(&event, control)) {
        Ok(_) => Ok(()),
        Err(FetchError::Cancelled) => Err(Error::Interrupted),
        Err(source) => Err(Error::Locate(LocateError::Fetch { product, source })),
    }
}

/// Every TensorRT that there is.
///
/// # Errors
///
/// When the caller interrupts.
pub fn survey_libraries(environment: &Environment, control: Control<'_>) -> Result<Survey, Error> {
    survey(environment, &mut |event| tell(&event, control)).map_err(|error| match error {
        LocateError::Cancelled => Error::Interrupted,
        error => Error::Locate(error),
    })
}

fn tell(event: &LocateEvent, control: Control<'_>) -> ControlFlow<()> {
    match event {
        LocateEvent::Progress { .. } | LocateEvent::Asking { .. } => {
            control.event(Event::At(&event.to_string()))
        }
        _ => control.note(&event.to_string()),
    }
    control.flow()
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
pub fn build_plan(
    library: &Library,
    onnx: &Path,
    options: &BuildOptions,
    int8: Int8<'_>,
    plan: &Path,
    control: Control<'_>,
) -> Result<BuildSummary, Error> {
    let built = build_with(
        library,
        onnx,
        options,
        int8,
        &mut |event| {
            match &event {
                calibrant_engine::BuildEvent::Phase { name, .. } => control.event(Event::At(name)),
                calibrant_engine::BuildEvent::Calibrating { batch } => {
                    control.event(Event::At(&format!("calibrating, batch {batch}")));
                }
                _ => {}
            }
            control.flow()
        },
        plan,
    );
    built.map_err(|error| match error {
        BuildError::Cancelled { .. } => Error::Interrupted,
        error => error.into(),
    })
}
