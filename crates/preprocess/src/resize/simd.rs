//! Loops that are compiled twice: for any processor, and for those with AVX2.

/// Work made of loops that the compiler vectorises.
///
/// [`run`](Self::run) and the loops that it reaches have to be `#[inline(always)]`: only then are
/// they compiled for the instructions of the function that runs them.
pub(super) trait Loops {
    /// Does the work; the result is the same whatever the instructions.
    fn run(self);
}

/// Runs the loops with the widest instructions that the processor has.
pub(super) fn run(loops: impl Loops) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has just said that it has AVX2.
        #[expect(unsafe_code, reason = "convolutions are up to 2.4 times as fast")]
        unsafe {
            run_avx2(loops);
        }
        return;
    }
    loops.run();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(loops: impl Loops) {
    loops.run();
}
