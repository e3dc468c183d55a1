//! Runs a program on one sample, node by node.
//!
//! Before each node its needs are held against the memory that is left, and whether somebody asked to stop; so neither a
//! size that a model asks for nor a loop without an end gets further than the next node.

use calibrant_runtime::host::Stop;
use calibrant_runtime::{RunError, Shortage};
use rten::{RunOptions, Value, ValueView};
use rten_tensor::{AsView as _, Tensor};

use crate::demand::{Args, bytes_of};
use crate::error::StepError;
use crate::kernel::Feed;
use crate::narrow::Narrowed;
use crate::panics::caught;
use crate::program::{
    Action, Block, Branches, Made, Operand, Operator, Program, Repeat, Run, Step,
};

mod stack;

/// The memory that the tensors of one worker may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) bytes: u64,
    /// How many workers have as much.
    pub(crate) workers: usize,
}

/// Why a run ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Somebody asked to stop.
    Stopped,
    /// A node failed: a place in [`Program::labels`].
    Failed { label: usize, error: StepError },
    /// What was to be made of an observed tensor could not be.
    Unseen(RunError),
}

/// What sees the observed tensors as they are made.
pub(crate) type See<'a> = dyn FnMut(usize, &Value) -> Result<(), RunError> + 'a;

/// A program on its way through one sample.
pub(crate) struct Machine<'a> {
    pub(crate) program: &'a Program,
    /// What the setup of the program made.
    pub(crate) computed: &'a [Value],
    pub(crate) inputs: &'a [Narrowed<'a>],
    pub(crate) on: &'a RunOptions,
    pub(crate) stop: &'a Stop,
    pub(crate) budget: Budget,
    frame: Vec<Place>,
    live_bytes: u64,
}

/// A place in the frame.
#[derive(Debug, Clone, Default)]
struct Place {
    value: Option<Value>,
    n_bytes: u64,
}

impl<'a> Machine<'a> {
    pub(crate) fn new(
        program: &'a Program,
        computed: &'a [Value],
        inputs: &'a [Narrowed<'a>],
        on: &'a RunOptions,
        stop: &'a Stop,
        budget: Budget,
    ) -> Self {
        let frame = vec![Place::default(); program.n_places];
        Self { program, computed, inputs, on, stop, budget, frame, live_bytes: 0 }
    }

    /// Runs a block and returns its outputs.
    pub(crate) fn run(&mut self, block: &Block, see: &mut See<'_>) -> Result<Vec<Value>, Ended> {
        for step in &block.steps {
            if self.stop.is_set() {
                return Err(Ended::Stopped);
            }
            self.step(step, see)?;
        }
        Ok(self.outputs(block))
    }

    fn step(&mut self, step: &Step, see: &mut See<'_>) -> Result<(), Ended> {
        let failed = |error| match error {
            StepError::Stopped => Ended::Stopped,
            error => Ended::Failed { label: step.label, error },
        };
        match &step.action {
            Action::Run(run) => {
                let values = self.operator(run).map_err(failed)?;
                if values.len() < run.outputs.len() {
                    return Err(failed(StepError::OutputCount));
                }
                for (made, value) in run.outputs.iter().zip(values) {
                    self.put(*made, value, see)?;
                }
            }
            Action::If(branches) => {
                let values = self.branch(branches, step.label, see)?;
                self.put_all(&branches.outputs, values, see)?;
            }
            Action::Loop(repeat) => {
                let values = self.repeat(repeat, step.label, see)?;
                self.put_all(&repeat.outputs, values, see)?;
            }
        }
        for &place in &step.frees {
            self.free(place);
        }
        Ok(())
    }

    fn operator(&mut self, run: &Run) -> Result<Vec<Value>, StepError> {
        let views: Vec<Option<ValueView<'_>>> =
            run.inputs.iter().map(|operand| self.view((*operand)?)).collect();
        let kernel = match &run.operator {
            Operator::Ours { compute, named } => {
                let args = Args(&views);
                self.check(compute.bytes(&args))?;
                let values = caught(|| compute.run(&args, self.stop))?.into_iter().enumerate();
                return Ok(values.filter(|(at, _)| named.contains(at)).map(|(_, it)| it).collect());
            }
            Operator::Executor { kernel, own, rule, node } => {
                self.check(rule(node, &Args(&views)))?;
                if let Some(own) = own
                    && let Some(result) = caught(|| Ok::<_, StepError>(own.run(node, &views)))?
                {
                    return Ok(vec![result?]);
                }
                *kernel
            }
        };
        drop(views);
        let given: Vec<Option<Value>> =
            run.distinct.iter().map(|&(operand, is_last)| self.take(operand, is_last)).collect();
        let lent = run.distinct.iter().map(|&(operand, _)| self.view(operand));
        let feeds: Option<Vec<Feed<'_>>> = given
            .into_iter()
            .zip(lent)
            .map(|(given, lent)| given.map(Feed::Given).or(lent.map(Feed::Lent)))
            .collect();
        let feeds = feeds.ok_or(StepError::NoValue)?;
        caught(|| self.program.kernels[kernel].run(self.on, feeds.into_iter()))
    }

    fn branch(
        &mut self,
        branches: &Branches,
        label: usize,
        see: &mut See<'_>,
    ) -> Result<Vec<Value>, Ended> {
        let failed = |error| Ended::Failed { label, error };
        let condition = self.scalar(branches.condition).map_err(failed)?;
        self.run(if condition == 0 { &branches.otherwise } else { &branches.then }, see)
    }

    /// Runs a `Loop`, as [described](https://onnx.ai/onnx/operators/onnx__Loop.html).
    fn repeat(
        &mut self,
        repeat: &Repeat,
        label: usize,
        see: &mut See<'_>,
    ) -> Result<Vec<Value>, Ended> {
        let failed = |error| Ended::Failed { label, error };
        let scalar = |operand: Option<Operand>, default| {
            operand.map_or(Ok(default), |operand| self.scalar(operand)).map_err(failed)
        };
        let (trips, mut condition) =
            (scalar(repeat.trips, i32::MAX)?, scalar(repeat.condition, 1)?);
        let mut carried = self.copies(&repeat.carried).map_err(failed)?;
        let n_scans = repeat.body.outputs.len() - 1 - carried.len();
        let mut scans: Vec<Vec<Value>> = vec![Vec::new(); n_scans];
        let mut scan_bytes = 0;
        let mut turn = 0;
        while turn < trips && condition != 0 {
            if self.stop.is_set() {
                return Err(Ended::Stopped);
            }
            let given = [turn, condition].map(|value| Tensor::from(value).into());
            for (&place, value) in repeat.body_inputs.iter().zip(given.into_iter().chain(carried)) {
                self.put(Made { place, observed: None }, value, see)?;
            }
            let mut values = self.run(&repeat.body, see)?.into_iter();
            condition = values
                .next()
                .as_ref()
                .and_then(scalar_of)
                .ok_or(StepError::Condition)
                .map_err(failed)?;
            carried = values.by_ref().take(repeat.carried.len()).collect();
            for (scan, value) in scans.iter_mut().zip(values) {
                let n_bytes = bytes_of(&value.as_view());
                self.check(n_bytes).map_err(failed)?;
                self.live_bytes += n_bytes;
                scan_bytes += n_bytes;
                scan.push(value);
            }
            turn += 1;
        }
        for &place in &repeat.body_inputs {
            self.free(place);
        }
        self.check(scan_bytes).map_err(failed)?;
        self.live_bytes -= scan_bytes;
        for scan in scans {
            carried.push(stack::stacked(scan).map_err(failed)?);
        }
        Ok(carried)
    }

    /// The values of a block's outputs: those that it made are moved out, others copied.
    fn outputs(&mut self, block: &Block) -> Vec<Value> {
        let mut values = Vec::with_capacity(block.outputs.len());
        for output in &block.outputs {
            let value = self.take(output.operand, output.is_last);
            // A block's outputs were made by the steps before, or stand outside of it.
            values.extend(value.or_else(|| self.view(output.operand).map(|view| view.to_owned())));
        }
        values
    }

    fn copies(&self, operands: &[Operand]) -> Result<Vec<Value>, StepError> {
        let views: Option<Vec<_>> = operands.iter().map(|&operand| self.view(operand)).collect();
        let views = views.ok_or(StepError::NoValue)?;
        self.check(views.iter().map(bytes_of).fold(0, u64::saturating_add))?;
        Ok(views.iter().map(ValueView::to_owned).collect())
    }

    fn scalar(&self, operand: Operand) -> Result<i32, StepError> {
        let view = self.view(operand);
        match view {
            Some(ValueView::Int32Tensor(value)) => value.item().copied(),
            _ => None,
        }
        .ok_or(StepError::Condition)
    }

    fn view(&self, operand: Operand) -> Option<ValueView<'_>> {
        match operand {
            Operand::Input(place) => self.inputs.get(place)?.view(),
            Operand::Constant(place) => self.program.constants.get(place)?.view(),
            Operand::Computed(place) => self.computed.get(place).map(Value::as_view),
            Operand::Place(place) => self.frame[place].value.as_ref().map(Value::as_view),
        }
    }

    /// The tensor itself where this is its last use.
    fn take(&mut self, operand: Operand, is_last: bool) -> Option<Value> {
        match operand {
            Operand::Place(place) if is_last => {
                let Place { value, n_bytes } = std::mem::take(&mut self.frame[place]);
                self.live_bytes -= n_bytes;
                value
            }
            _ => None,
        }
    }

    fn put_all(
        &mut self,
        outputs: &[Option<Made>],
        values: Vec<Value>,
        see: &mut See<'_>,
    ) -> Result<(), Ended> {
        for (made, value) in outputs.iter().zip(values) {
            if let Some(made) = made {
                self.put(*made, value, see)?;
            }
        }
        Ok(())
    }

    fn put(&mut self, made: Made, value: Value, see: &mut See<'_>) -> Result<(), Ended> {
        if let Some(place) = made.observed {
            see(place, &value).map_err(Ended::Unseen)?;
        }
        self.free(made.place);
        let n_bytes = bytes_of(&value.as_view());
        self.live_bytes += n_bytes;
        self.frame[made.place] = Place { value: Some(value), n_bytes };
        Ok(())
    }

    fn free(&mut self, place: usize) {
        let Place { n_bytes, .. } = std::mem::take(&mut self.frame[place]);
        self.live_bytes -= n_bytes;
    }

    /// Whether so much more fits.
    fn check(&self, n_bytes: u64) -> Result<(), StepError> {
        let Budget { bytes, workers } = self.budget;
        if self.live_bytes.saturating_add(n_bytes) <= bytes {
            return Ok(());
        }
        let (needed_bytes, used_bytes) = (n_bytes, self.live_bytes);
        Err(Shortage::Memory { needed_bytes, used_bytes, share_bytes: bytes, workers }.into())
    }
}

fn scalar_of(value: &Value) -> Option<i32> {
    match value {
        Value::Int32Tensor(value) => value.item().copied(),
        _ => None,
    }
}
