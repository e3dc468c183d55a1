//! Which step of a block needs each tensor last.

use std::collections::HashSet;

use super::{Action, Block, Branches, Operand, Repeat, Step};

/// Says of every tensor that the block makes, or is `given` anew each time it runs, which step needs it last.
///
/// Tensors from outside stay: a body may run again.
pub(super) fn free_last_uses(block: &mut Block, given: &[usize]) {
    let mut own: HashSet<usize> = given.iter().copied().collect();
    own.extend(block.steps.iter().flat_map(Step::makes));
    let mut needed: HashSet<usize> = HashSet::new();
    for output in block.outputs.iter_mut().rev() {
        let slot = slot_of(&output.operand).filter(|slot| own.contains(slot));
        output.is_last = slot.is_some_and(|slot| needed.insert(slot));
    }
    for step in block.steps.iter_mut().rev() {
        let mut uses = step.makes();
        step.reads(&mut uses);
        uses.retain(|slot| own.contains(slot) && needed.insert(*slot));
        if let Action::Run(run) = &mut step.action {
            let last: HashSet<usize> = uses.iter().copied().collect();
            for (operand, is_last) in &mut run.distinct {
                *is_last = slot_of(operand).is_some_and(|slot| last.contains(&slot));
            }
        }
        step.frees = uses;
    }
}

fn slot_of(operand: &Operand) -> Option<usize> {
    match operand {
        Operand::Slot(slot) => Some(*slot),
        Operand::Input(_) | Operand::Constant(_) => None,
    }
}

impl Step {
    /// Places of the tensors that the step leaves for others.
    fn makes(&self) -> Vec<usize> {
        match &self.action {
            Action::Run(run) => run.outputs.iter().map(|made| made.slot).collect(),
            Action::If(Branches { outputs, .. }) | Action::Loop(Repeat { outputs, .. }) => {
                outputs.iter().flatten().map(|made| made.slot).collect()
            }
        }
    }

    /// Adds the places of the tensors that the step reads, in its bodies too.
    fn reads(&self, read: &mut Vec<usize>) {
        match &self.action {
            Action::Run(run) => {
                read.extend(run.distinct.iter().filter_map(|(operand, _)| slot_of(operand)));
            }
            Action::If(branches) => {
                read.extend(slot_of(&branches.condition));
                branches.then.reads(read);
                branches.otherwise.reads(read);
            }
            Action::Loop(repeat) => {
                let operands = repeat.trips.iter().chain(&repeat.condition).chain(&repeat.carried);
                read.extend(operands.filter_map(slot_of));
                repeat.body.reads(read);
            }
        }
    }
}

impl Block {
    fn reads(&self, read: &mut Vec<usize>) {
        self.steps.iter().for_each(|step| step.reads(read));
        read.extend(self.outputs.iter().filter_map(|output| slot_of(&output.operand)));
    }
}
