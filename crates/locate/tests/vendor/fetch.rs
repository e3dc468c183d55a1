//! Fetching the pinned wheel through pip. This one needs the network, or pip set up for a mirror.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use calibrant_locate::{
    Environment, LocateEvent, Origin, Product, Source, fetch, locate, locate_by,
};
use calibrant_tensorrt::Version;

use crate::stage::{alone, python};

#[test]
fn the_pinned_wheel_is_fetched_once_and_opens() {
    // Two copies of a library of one name do not go well together in one process.
    if !alone("fetch::the_pinned_wheel_is_fetched_once_and_opens") {
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let environment = Environment {
        python: Some(python()),
        cache: Some(cache.path().into()),
        ..Environment::default()
    };
    let mut events = Vec::new();
    let fetched = fetch(Product::TensorRt, &environment, &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(
        matches!(&events[0], LocateEvent::Begin { licence, .. } if licence.contains("NVIDIA")),
        "{events:?}"
    );
    let licence = fs::read_to_string(fetched.folder.join("LICENSE.txt")).unwrap();
    assert!(licence.contains("NVIDIA"));

    let again = locate(&Source::Fetch, &environment, &mut |event| {
        panic!("nothing is left to fetch: {event}")
    })
    .unwrap();
    assert_eq!((again.origin, again.version()), (Origin::Fetched, Version::from_raw(10_701)));
    assert!(again.library.path().starts_with(cache.path()));
}

#[test]
fn the_pinned_onnx_runtime_is_fetched_once_with_its_licence() {
    let cache = tempfile::tempdir().unwrap();
    let environment = Environment {
        python: Some(python()),
        cache: Some(cache.path().into()),
        ..Environment::default()
    };
    let mut said = Vec::new();
    let fetched = fetch(Product::OnnxRuntime, &environment, &mut |event| {
        said.push(event.to_string());
        ControlFlow::Continue(())
    })
    .unwrap();
    assert!(said[0].contains("onnxruntime==") && said[0].contains("MIT License"), "{said:?}");
    let licence = fs::read_to_string(fetched.folder.join("LICENSE")).unwrap();
    assert!(licence.contains("Microsoft Corporation"), "{licence}");

    // What is opened is the library itself; opening it is `runtime-onnxruntime`'s.
    let open = |path: &Path| Ok(path.to_owned());
    let again = locate_by(Product::OnnxRuntime, &Source::Fetch, &environment, open, &mut |event| {
        panic!("nothing is left to fetch: {event}")
    });
    assert_eq!(again.unwrap().parent(), Some(&*fetched.folder));
}
