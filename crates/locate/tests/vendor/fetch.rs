//! Fetching the pinned wheel through pip. This one needs the network, or pip set up for a mirror.

use std::fs;
use std::ops::ControlFlow;

use calibrant_locate::{Environment, LocateEvent, Origin, Source, fetch, locate};
use calibrant_tensorrt::Version;

use crate::stage::{alone, python};

#[test]
fn the_pinned_wheel_is_fetched_once_and_opens() {
    // Two copies of a library of one name do not go well together in one process.
    if !alone("fetch::the_pinned_wheel_is_fetched_once_and_opens") {
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let environment =
        Environment { tensorrt: None, python: Some(python()), cache: Some(cache.path().into()) };
    let mut events = Vec::new();
    let fetched = fetch(&environment, &mut |event| {
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
