//! TensorRT's phases, which lie in one another, as events.

use calibrant_tensorrt::Progress;

use crate::event::BuildEvent;

/// The phases that have begun and not ended.
#[derive(Default)]
pub(super) struct Phases {
    open: Vec<Phase>,
}

struct Phase {
    name: String,
    depth: usize,
    steps: u64,
}

impl Phases {
    /// The event for what the monitor heard; none for a step of a phase that never began.
    pub(super) fn event(&mut self, progress: Progress) -> Option<BuildEvent> {
        let count = |number: i32| u64::try_from(number).unwrap_or(0);
        match progress {
            Progress::PhaseStart { phase: name, parent, steps } => {
                let depth = parent
                    .and_then(|parent| self.find(&parent))
                    .map_or(0, |parent| parent.depth + 1);
                let steps = count(steps);
                self.open.push(Phase { name: name.clone(), depth, steps });
                Some(BuildEvent::Phase { name, depth, steps })
            }
            Progress::StepComplete { phase, step } => {
                let total = self.find(&phase)?.steps;
                Some(BuildEvent::Progress { phase, done: (count(step) + 1).min(total), total })
            }
            Progress::PhaseFinish { phase: name } => {
                self.open.retain(|phase| phase.name != name);
                Some(BuildEvent::PhaseEnd { name })
            }
        }
    }

    fn find(&self, name: &str) -> Option<&Phase> {
        self.open.iter().find(|phase| phase.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_nest_and_steps_count_from_one() {
        let mut phases = Phases::default();
        let start = |phase: &str, parent: Option<&str>| Progress::PhaseStart {
            phase: phase.to_owned(),
            parent: parent.map(str::to_owned),
            steps: 2,
        };
        let name = |name: &str| name.to_owned();
        assert_eq!(
            phases.event(start("a", None)),
            Some(BuildEvent::Phase { name: name("a"), depth: 0, steps: 2 })
        );
        assert_eq!(
            phases.event(start("b", Some("a"))),
            Some(BuildEvent::Phase { name: name("b"), depth: 1, steps: 2 })
        );
        let step = Progress::StepComplete { phase: name("b"), step: 0 };
        assert_eq!(
            phases.event(step),
            Some(BuildEvent::Progress { phase: name("b"), done: 1, total: 2 })
        );
        let finish = Progress::PhaseFinish { phase: name("b") };
        assert_eq!(phases.event(finish), Some(BuildEvent::PhaseEnd { name: name("b") }));
        assert_eq!(phases.event(Progress::StepComplete { phase: name("b"), step: 1 }), None);
    }
}
