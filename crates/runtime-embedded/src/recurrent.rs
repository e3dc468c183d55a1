//! `RNN`, `GRU` and `LSTM` in all their forms: either way through the sequence, sequences of lengths of their own, states to
//! start from, peepholes, clipping, and any activations.
//!
//! Formulas, gates and shapes as ONNX describes [RNN](https://onnx.ai/onnx/operators/onnx__RNN.html),
//! [GRU](https://onnx.ai/onnx/operators/onnx__GRU.html) and [LSTM](https://onnx.ai/onnx/operators/onnx__LSTM.html).
//! Where that is open it is as in ONNX Runtime: what lies behind the end of a sequence is 0, and the last state of an empty
//! one is 0 as well.

use calibrant_onnx::proto::NodeProto;
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use crate::demand::{Args, bytes, product};
use crate::dense::{Dense, floats, integers};
use crate::error::StepError;
use crate::ours::Compute;

mod activation;
mod cell;

use activation::Activation;
use cell::{Cell, Kind, State};

/// A recurrent operator with its attributes.
#[derive(Debug)]
struct Recurrent {
    kind: Kind,
    direction: Direction,
    /// Whether the batch comes before the steps and the directions.
    is_batch_first: bool,
    /// How far what goes into an activation may reach.
    clip: Option<f32>,
    /// Those of all directions.
    activations: Vec<Activation>,
}

/// Which way the sequence is gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Forward,
    Reverse,
    Bidirectional,
}

/// The operator that `node` is.
///
/// # Errors
///
/// When an attribute has a value that there is not.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    let is_set = |name| node.attr_i(name).unwrap_or(0) != 0;
    let kind = match node.op() {
        "RNN" => Kind::Rnn,
        "GRU" => Kind::Gru { linear_before_reset: is_set("linear_before_reset") },
        "LSTM" => Kind::Lstm { input_forget: is_set("input_forget") },
        _ => return Err(Refusal::Operator),
    };
    let direction = match node.attr_s("direction").unwrap_or("forward") {
        "forward" => Direction::Forward,
        "reverse" => Direction::Reverse,
        "bidirectional" => Direction::Bidirectional,
        value => return Err(Refusal::Attribute { name: "direction", value: value.to_owned() }),
    };
    let clip = node.attr_f("clip").filter(|&clip| clip > 0.0);
    let activations = activations(node, kind, direction.count())?;
    let is_batch_first = is_set("layout");
    Ok(Box::new(Recurrent { kind, direction, is_batch_first, clip, activations }))
}

/// The activations of all directions.
fn activations(
    node: &NodeProto,
    kind: Kind,
    directions: usize,
) -> Result<Vec<Activation>, Refusal> {
    let refusal = |value| Refusal::Attribute { name: "activations", value };
    let stated = Activation::of(node).map_err(refusal)?;
    match stated.len() {
        0 => Ok(kind.activations().repeat(directions)),
        n if n == kind.activations().len() * directions => Ok(stated),
        n => Err(refusal(format!("{n} of them"))),
    }
}

impl Direction {
    fn count(self) -> usize {
        if self == Self::Bidirectional { 2 } else { 1 }
    }

    /// Whether this one of them goes from the end.
    fn is_reversed(self, index: usize) -> bool {
        self == Self::Reverse || index == 1
    }
}

/// The lengths of all axes, and which comes first.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    steps: usize,
    batch: usize,
    input: usize,
    directions: usize,
    hidden: usize,
    /// Whether the batch comes before the steps and the directions.
    is_batch_first: bool,
}

impl Sizes {
    fn of(is_batch_first: bool, x: &[usize], recurrence: &[usize]) -> Option<Self> {
        let (&[first, second, input], &[directions, _, hidden]) = (x, recurrence) else {
            return None;
        };
        let (steps, batch) = if is_batch_first { (second, first) } else { (first, second) };
        Some(Self { steps, batch, input, directions, hidden, is_batch_first })
    }

    fn states(self) -> Vec<usize> {
        let Self { batch, directions, hidden, is_batch_first, .. } = self;
        if is_batch_first {
            vec![batch, directions, hidden]
        } else {
            vec![directions, batch, hidden]
        }
    }

    fn all_states(self) -> Vec<usize> {
        let Self { steps, batch, directions, hidden, is_batch_first, .. } = self;
        if is_batch_first {
            vec![batch, steps, directions, hidden]
        } else {
            vec![steps, directions, batch, hidden]
        }
    }

    /// Where the input of this step and row begins.
    fn input_at(self, step: usize, row: usize) -> usize {
        let place =
            if self.is_batch_first { row * self.steps + step } else { step * self.batch + row };
        place * self.input
    }

    /// Where a state of this direction and row begins.
    fn state_at(self, direction: usize, row: usize) -> usize {
        let place = if self.is_batch_first {
            row * self.directions + direction
        } else {
            direction * self.batch + row
        };
        place * self.hidden
    }

    /// Where the state of this step begins among all.
    fn all_states_at(self, step: usize, direction: usize, row: usize) -> usize {
        let place = if self.is_batch_first {
            (row * self.steps + step) * self.directions + direction
        } else {
            (step * self.directions + direction) * self.batch + row
        };
        place * self.hidden
    }
}

/// The inputs of a node, whose shapes go together.
#[derive(Debug)]
struct Inputs<'a> {
    sizes: Sizes,
    x: Dense<'a, f32>,
    weights: Dense<'a, f32>,
    recurrence: Dense<'a, f32>,
    bias: Option<Dense<'a, f32>>,
    /// Of each row of the batch.
    lengths: Vec<usize>,
    hidden: Option<Dense<'a, f32>>,
    cell: Option<Dense<'a, f32>>,
    peepholes: Option<Dense<'a, f32>>,
}

impl<'a> Inputs<'a> {
    fn read(of: &Recurrent, args: &'a Args<'_, '_>) -> Result<Self, StepError> {
        let required = |index, what| floats(args, index, what)?.ok_or(StepError::Unfit { what });
        let (x, weights) = (required(0, "X")?, required(1, "W")?);
        let recurrence = required(2, "R")?;
        let shapes = StepError::Unfit { what: "shapes of X, W and R" };
        let sizes = Sizes::of(of.is_batch_first, &x.shape, &recurrence.shape);
        let Some(sizes) = sizes else { return Err(shapes) };
        let Sizes { directions, hidden, input, .. } = sizes;
        let rows = hidden * of.kind.n_gates();
        if weights.shape != [directions, rows, input]
            || recurrence.shape != [directions, rows, hidden]
            || directions != of.direction.count()
        {
            return Err(shapes);
        }
        let shaped = |index, what, shape: &[usize]| match floats(args, index, what)? {
            Some(tensor) if tensor.shape != shape => Err(StepError::Unfit { what }),
            tensor => Ok(tensor),
        };
        Ok(Self {
            sizes,
            bias: shaped(3, "B", &[directions, 2 * rows])?,
            lengths: lengths(args, sizes)?,
            hidden: shaped(5, "initial_h", &sizes.states())?,
            cell: shaped(6, "initial_c", &sizes.states())?,
            peepholes: shaped(7, "P", &[directions, 3 * hidden])?,
            x,
            weights,
            recurrence,
        })
    }
}

fn lengths(args: &Args<'_, '_>, sizes: Sizes) -> Result<Vec<usize>, StepError> {
    let unfit = StepError::Unfit { what: "sequence_lens" };
    let Some(stated) = integers(args, 4, "sequence_lens")? else {
        return Ok(vec![sizes.steps; sizes.batch]);
    };
    let length = |&length: &i32| usize::try_from(length).ok().filter(|&it| it <= sizes.steps);
    let lengths: Option<Vec<usize>> = stated.values.iter().map(length).collect();
    lengths.filter(|lengths| lengths.len() == sizes.batch).ok_or(unfit)
}

/// What a node makes, in the order of its outputs.
#[derive(Debug)]
struct Outputs {
    all: Vec<f32>,
    hidden: Vec<f32>,
    /// Empty except for `LSTM`.
    cell: Vec<f32>,
}

impl Compute for Recurrent {
    /// The states of all steps, the last ones, one row's gates, and every input once more in row-major order.
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let (x, recurrence) = (args.dims(0), args.dims(2));
        let (&[first, second, _], &[directions, gates, hidden]) = (&x[..], &recurrence[..]) else {
            return 0;
        };
        let last = product([directions, first.max(second), hidden]).saturating_mul(4);
        let all = product([first, second, directions, hidden]).saturating_add(last);
        bytes(all.saturating_add(gates.saturating_mul(2)).saturating_add(args.total()))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let inputs = Inputs::read(self, args)?;
        let sizes = inputs.sizes;
        let n_activations = self.kind.activations().len();
        let n_states = sizes.directions * sizes.batch * sizes.hidden;
        let is_lstm = matches!(self.kind, Kind::Lstm { .. });
        let mut outputs = Outputs {
            all: vec![0.0; sizes.steps * n_states],
            hidden: vec![0.0; n_states],
            cell: if is_lstm { vec![0.0; n_states] } else { Vec::new() },
        };
        for direction in 0..sizes.directions {
            let cell = Cell {
                activations: &self.activations[direction * n_activations..][..n_activations],
                clip: self.clip,
                ..inputs.cell(self.kind, direction)
            };
            let is_reversed = self.direction.is_reversed(direction);
            for row in 0..sizes.batch {
                let place = Place { direction, row, is_reversed };
                inputs.go_through(&cell, place, &mut outputs, stop)?;
            }
        }
        let tensor = |shape: &[usize], values| Value::from(Tensor::from_data(shape, values));
        let mut values =
            vec![tensor(&sizes.all_states(), outputs.all), tensor(&sizes.states(), outputs.hidden)];
        if is_lstm {
            values.push(tensor(&sizes.states(), outputs.cell));
        }
        Ok(values)
    }
}

/// One row of the batch on its way through the sequence.
#[derive(Debug, Clone, Copy)]
struct Place {
    direction: usize,
    row: usize,
    is_reversed: bool,
}

impl Inputs<'_> {
    /// The weights of a direction.
    fn cell(&self, kind: Kind, direction: usize) -> Cell<'_> {
        let Sizes { input, hidden, .. } = self.sizes;
        let rows = hidden * kind.n_gates();
        Cell {
            kind,
            input: part(&self.weights, direction, rows * input),
            recurrence: part(&self.recurrence, direction, rows * hidden),
            bias: self.bias.as_ref().map(|bias| part(bias, direction, 2 * rows).split_at(rows)),
            peepholes: self.peepholes.as_ref().map(|it| part(it, direction, 3 * hidden)),
            activations: &[],
            clip: None,
        }
    }

    /// Takes one row through its sequence.
    fn go_through(
        &self,
        cell: &Cell<'_>,
        Place { direction, row, is_reversed }: Place,
        outputs: &mut Outputs,
        stop: &Stop,
    ) -> Result<(), StepError> {
        let (sizes, length) = (self.sizes, self.lengths[row]);
        if length == 0 {
            return Ok(());
        }
        let place = sizes.state_at(direction, row);
        let start = |states: &Option<Dense<'_, f32>>| {
            let given =
                states.as_ref().map(|states| states.values[place..][..sizes.hidden].to_vec());
            given.unwrap_or_else(|| vec![0.0; sizes.hidden])
        };
        let mut state = State::new(cell.kind, start(&self.hidden), start(&self.cell));
        for step in 0..length {
            if stop.is_set() {
                return Err(StepError::Stopped);
            }
            let step = if is_reversed { length - 1 - step } else { step };
            cell.step(&self.x.values[sizes.input_at(step, row)..][..sizes.input], &mut state);
            let place = sizes.all_states_at(step, direction, row);
            outputs.all[place..][..sizes.hidden].copy_from_slice(&state.hidden);
        }
        outputs.hidden[place..][..sizes.hidden].copy_from_slice(&state.hidden);
        if !outputs.cell.is_empty() {
            outputs.cell[place..][..sizes.hidden].copy_from_slice(&state.cell);
        }
        Ok(())
    }
}

/// What of a tensor belongs to a direction.
fn part<'t>(tensor: &'t Dense<'_, f32>, direction: usize, len: usize) -> &'t [f32] {
    &tensor.values[direction * len..][..len]
}
