//! Loops that are compiled twice: for any processor, and for those with AVX2.

/// Work made of loops that the compiler vectorises.
///
/// [`run`](Self::run) and the loops that it reaches have to be `#[inline(always)]`: only then are
/// they compiled for the instructions of the function that runs them.
pub(super) trait Loops {
    /// Does the work; the result is the same whatever the instructions.
    fn run(self, vectors: Vectors);
}

/// The vectors that loops are compiled for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Vectors {
    /// Those that every processor of the target has.
    Plain,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
}

/// The proof that the processor has AVX2: [`Vectors::best`] alone makes it.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Default for Vectors {
    fn default() -> Self {
        Self::best()
    }
}

impl Vectors {
    /// Returns the widest that the processor has.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            return Self::Avx2(Avx2(()));
        }
        Self::Plain
    }

    /// Runs the loops, compiled for these vectors.
    pub(super) fn run(self, loops: impl Loops) {
        match self {
            Self::Plain => loops.run(self),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(Avx2(())) => {
                // SAFETY: the proof is made only where the processor has AVX2.
                #[expect(unsafe_code, reason = "convolutions are up to 2.4 times as fast")]
                unsafe {
                    run_avx2(loops, self);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_avx2(loops: impl Loops, vectors: Vectors) {
    loops.run(vectors);
}
