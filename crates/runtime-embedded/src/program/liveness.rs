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
        let place = place_of(&output.operand).filter(|place| own.contains(place));
        output.is_last = place.is_some_and(|place| needed.insert(place));
    }
    for step in block.steps.iter_mut().rev() {
        let mut uses = step.makes();
        step.reads(&mut uses);
        uses.retain(|place| own.contains(place) && needed.insert(*place));
        if let Action::Run(run) = &mut step.action {
            let last: HashSet<usize> = uses.iter().copied().collect();
            for (operand, is_last) in &mut run.distinct {
                *is_last = place_of(operand).is_some_and(|place| last.contains(&place));
            }
        }
        step.frees = uses;
    }
}

fn place_of(operand: &Operand) -> Option<usize> {
    match operand {
        Operand::Place(place) => Some(*place),
        Operand::Input(_) | Operand::Constant(_) | Operand::Computed(_) => None,
    }
}

impl Step {
    /// Places of the tensors that the step leaves for others.
    fn makes(&self) -> Vec<usize> {
        match &self.action {
            Action::Run(run) => run.outputs.iter().map(|made| made.place).collect(),
            Action::If(Branches { outputs, .. }) | Action::Loop(Repeat { outputs, .. }) => {
                outputs.iter().flatten().map(|made| made.place).collect()
            }
        }
    }

    /// Adds the places of the tensors that the step reads, in its bodies too.
    fn reads(&self, read: &mut Vec<usize>) {
        match &self.action {
            Action::Run(run) => {
                read.extend(run.distinct.iter().filter_map(|(operand, _)| place_of(operand)));
            }
            Action::If(branches) => {
                read.extend(place_of(&branches.condition));
                branches.then.reads(read);
                branches.otherwise.reads(read);
            }
            Action::Loop(repeat) => {
                let operands = repeat.trips.iter().chain(&repeat.condition).chain(&repeat.carried);
                read.extend(operands.filter_map(place_of));
                repeat.body.reads(read);
            }
        }
    }
}

impl Block {
    fn reads(&self, read: &mut Vec<usize>) {
        self.steps.iter().for_each(|step| step.reads(read));
        read.extend(self.outputs.iter().filter_map(|output| place_of(&output.operand)));
    }
}
