//! What is measured: our chains, and the peers that each is to be compared with.

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Whether it is drawn over cores and batches too.
    pub(crate) swept: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours {
        /// The preprocessing, as TOML.
        settings: &'static str,
        /// Whether each file's digest is taken, as a job does for its manifest.
        digests: bool,
    },
    Peer {
        /// Its name in `benches/peers/throughput`.
        peer: &'static str,
        /// Our chain that does the same; it stands before its peers in [`PROGRAMS`].
        beside: &'static str,
        tensors: Tensors,
    },
}

/// What a peer's tensors are to be, beside our chain's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tensors {
    /// Equal to the bit; anything else is an error.
    Equal,
    /// Nearly the same; how nearly is said.
    Near,
}

/// The peer that all ratios of the table are taken to.
pub(crate) const CLASS: &str = "Python class";
/// The chain of ours that equals the class.
pub(crate) const IMAGENET: &str = "imagenet";

pub(crate) const PROGRAMS: &[Program] = &[
    ours(IMAGENET, "preset = 'imagenet'"),
    Program {
        name: "imagenet with digests",
        kind: Kind::Ours { settings: "preset = 'imagenet'", digests: true },
        swept: false,
    },
    peer(CLASS, "class", IMAGENET, Tensors::Equal),
    peer("Python class in threads", "class-threads", IMAGENET, Tensors::Equal),
    peer("DALI", "dali", IMAGENET, Tensors::Near),
    ours("torchvision stretched", "preset = 'torchvision'\nresize = 'stretch'"),
    peer("Pillow loader", "pillow", "torchvision stretched", Tensors::Equal),
    peer("DALI antialias", "dali-antialias", "torchvision stretched", Tensors::Near),
    unswept(ours("torchvision-v2 stretched", "preset = 'torchvision-v2'\nresize = 'stretch'")),
    peer("torchvision.io loader", "torchvision-io", "torchvision-v2 stretched", Tensors::Equal),
    unswept(ours("torchvision", "preset = 'torchvision'")),
    unswept(peer("Pillow loader 256/224", "pillow-cropped", "torchvision", Tensors::Equal)),
    unswept(peer("DALI antialias 256/224", "dali-antialias-cropped", "torchvision", Tensors::Near)),
];

impl Program {
    /// Our chain that the program is compared with; of our own, the chain itself.
    pub(crate) fn beside(&self) -> &'static str {
        match self.kind {
            Kind::Ours { .. } => self.name,
            Kind::Peer { beside, .. } => beside,
        }
    }
}

const fn ours(name: &'static str, settings: &'static str) -> Program {
    Program { name, kind: Kind::Ours { settings, digests: false }, swept: true }
}

const fn peer(
    name: &'static str,
    peer: &'static str,
    beside: &'static str,
    tensors: Tensors,
) -> Program {
    Program { name, kind: Kind::Peer { peer, beside, tensors }, swept: true }
}

const fn unswept(program: Program) -> Program {
    Program { swept: false, ..program }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_stands_after_the_chain_that_it_is_compared_with() {
        for (k, program) in PROGRAMS.iter().enumerate() {
            let before = &PROGRAMS[..=k];
            let beside = before.iter().find(|it| it.name == program.beside());
            assert!(
                beside.is_some_and(|it| matches!(it.kind, Kind::Ours { .. })),
                "{}",
                program.name
            );
        }
        assert!(PROGRAMS.iter().any(|it| it.name == CLASS && it.beside() == IMAGENET));
    }
}
