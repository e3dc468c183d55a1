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
    /// Loops are compiled for AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// The proof that the processor has AVX2: [`Vectors::all`] alone makes it.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

/// The proof that the processor has AVX-512 with VBMI too: [`Vectors::all`] alone makes it.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(Avx2);

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    /// Returns the part of the proof that says AVX2.
    pub(super) fn avx2(self) -> Avx2 {
        self.0
    }
}

impl Default for Vectors {
    fn default() -> Self {
        Self::best()
    }
}

impl Vectors {
    /// Returns the widest that the processor has.
    fn best() -> Self {
        Self::all().next().unwrap_or(Self::Plain)
    }

    /// Returns all that the processor has, the widest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let vectors = {
            let avx2 = std::arch::is_x86_feature_detected!("avx2").then_some(Avx2(()));
            let has_wide = std::arch::is_x86_feature_detected!("avx512bw")
                && std::arch::is_x86_feature_detected!("avx512vbmi");
            let wide = avx2.filter(|_| has_wide).map(Avx512);
            [wide.map(Self::Avx512), avx2.map(Self::Avx2)].into_iter().flatten()
        };
        #[cfg(not(target_arch = "x86_64"))]
        let vectors = [];
        vectors.into_iter().chain([Self::Plain])
    }

    /// Returns whether they permute 64 bytes at once.
    pub(super) fn permute_bytes(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => true,
            _ => false,
        }
    }

    /// Runs the loops, compiled for these vectors.
    pub(super) fn run(self, loops: impl Loops) {
        match self {
            Self::Plain => loops.run(self),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(Avx2(())) | Self::Avx512(Avx512(Avx2(()))) => {
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
