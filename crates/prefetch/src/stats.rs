//! Where the time went, stage by stage.

use std::ops::AddAssign;
use std::time::Duration;

/// What each stage of one [`run`](crate::run) did, complete once the run has returned.
///
/// The slowest stage is the one that waits least: its neighbours wait for it, the one before for
/// room and the one behind for input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// The thread that draws items from the iterator. Its busy time is the iterator's; it has no
    /// input to wait for.
    pub feed: Stage,
    /// All workers added up: `workers` times the wall time is what they had.
    pub work: Stage,
    /// The consumer: busy between two calls for a batch, waiting for input within them. It has no
    /// room to wait for.
    pub consume: Stage,
    /// The number of workers added up in `work`.
    pub workers: usize,
}

/// One stage's tally.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stage {
    /// Samples that went through, failed ones included.
    pub items: u64,
    /// Time spent in the caller's code.
    pub busy: Duration,
    /// Time spent waiting on the stage before.
    pub waiting_for_input: Duration,
    /// Time spent waiting on the stage behind: for a place in its queue, or for a free slot.
    pub waiting_for_room: Duration,
}

impl AddAssign for Stage {
    fn add_assign(&mut self, other: Self) {
        self.items += other.items;
        self.busy += other.busy;
        self.waiting_for_input += other.waiting_for_input;
        self.waiting_for_room += other.waiting_for_room;
    }
}
