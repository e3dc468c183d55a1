//! What every runtime must do.

use calibrant_runtime::suite;

use crate::stage::runtime;

#[test]
fn it_does_what_every_runtime_must() {
    suite::run(&runtime());
}
