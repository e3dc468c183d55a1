//! The driver as an application meets it.

use std::ffi::c_void;
use std::ptr;

use super::error::{ILLEGAL_ADDRESS, INVALID_CONTEXT, INVALID_VALUE, NOT_INITIALIZED, SUCCESS};
use super::*;

#[test]
fn faults_survive_their_file() {
    for faults in [
        Faults::default(),
        Faults { out_of_memory_after: Some(1 << 20), copies_fail_after: None },
        Faults { out_of_memory_after: Some(0), copies_fail_after: Some(3) },
    ] {
        assert_eq!(Faults::from_text(&faults.to_text()), faults);
    }
}

/// One test, because the driver is one for the process.
#[test]
fn memory_is_the_drivers_and_every_wrong_use_is_an_error() {
    let mut address = 0;
    // SAFETY: there is room for the answer, here and below.
    let allocate = |address: &mut u64, n_bytes| unsafe { memory::allocate(address, n_bytes) };
    assert_eq!(allocate(&mut address, 8), NOT_INITIALIZED);
    assert_eq!(initialize(0), SUCCESS);
    assert_eq!(allocate(&mut address, 8), INVALID_CONTEXT);
    let mut primary = ptr::null_mut();
    // SAFETY: there is room for the answer.
    assert_eq!(unsafe { retain_primary(&raw mut primary, 0) }, SUCCESS);
    assert_eq!(set_current(primary), SUCCESS);

    assert_eq!(allocate(&mut address, 0), INVALID_VALUE);
    assert_eq!(allocate(&mut address, 8), SUCCESS);
    assert_eq!(live().device_bytes, 8);
    let sent = [1_u8, 2, 3, 4];
    let source: *const c_void = sent.as_ptr().cast();
    // SAFETY: the host memory has as many bytes.
    assert_eq!(unsafe { memory::copy_to_device(address + 2, source, 4) }, SUCCESS);
    let mut received = [0_u8; 8];
    let target = received.as_mut_ptr().cast();
    // SAFETY: the host memory has as many bytes.
    assert_eq!(unsafe { copy_to_host(target, address, 8) }, SUCCESS);
    assert_eq!(received, [0xA5, 0xA5, 1, 2, 3, 4, 0xA5, 0xA5]);
    // SAFETY: the driver refuses before it copies.
    assert_eq!(unsafe { copy_to_host(target, address + 1, 8) }, ILLEGAL_ADDRESS);
    // SAFETY: as above.
    assert_eq!(unsafe { copy_to_host(target, 0x1000, 1) }, ILLEGAL_ADDRESS);

    assert_eq!(memory::free(address + 1), INVALID_VALUE);
    assert_eq!(memory::free(address), SUCCESS);
    assert_eq!(memory::free(address), INVALID_VALUE);
    let kept = live();
    assert_eq!((kept.device_bytes, kept.device_allocations, kept.most_device_bytes), (0, 0, 8));
    assert_eq!(kept.copies, 2);
    assert_eq!(kept.contexts, 1);
}
