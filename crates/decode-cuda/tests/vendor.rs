//! NVRTC takes the programs for old and new architectures; needs the compiler and no GPU.

use std::ops::ControlFlow;

use calibrant_decode_cuda::machine_code;

#[test]
fn the_programs_compile() {
    // The oldest that CUDA 13 knows, and the one that was measured.
    for architecture in ["sm_75", "sm_90"] {
        let code = machine_code(architecture, &mut || ControlFlow::Continue(()));
        let code = code.unwrap_or_else(|error| panic!("{error}"));
        assert!(code.starts_with(b"\x7fELF"), "{architecture}");
    }
}
