//! One step of a recurrent operator, for one row of a batch and one direction.

use super::activation::Activation;

/// Which operator it is, and its variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Rnn,
    Gru {
        /// Whether the reset gate is applied to the product with the state instead of to the state.
        linear_before_reset: bool,
    },
    Lstm {
        /// Whether the forget gate is what the input gate leaves.
        input_forget: bool,
    },
}

impl Kind {
    /// How many gates there are, each with weights of its own.
    pub(super) fn n_gates(self) -> usize {
        match self {
            Self::Rnn => 1,
            Self::Gru { .. } => 3,
            Self::Lstm { .. } => 4,
        }
    }

    /// What the operator's description has as defaults.
    pub(super) fn activations(self) -> &'static [Activation] {
        match self {
            Self::Rnn => &[Activation::Tanh],
            Self::Gru { .. } => &[Activation::Sigmoid, Activation::Tanh],
            Self::Lstm { .. } => &[Activation::Sigmoid, Activation::Tanh, Activation::Tanh],
        }
    }
}

/// The weights of one direction, gate after gate.
#[derive(Debug)]
pub(super) struct Cell<'a> {
    pub(super) kind: Kind,
    /// [gates * hidden, input]
    pub(super) input: &'a [f32],
    /// [gates * hidden, hidden]
    pub(super) recurrence: &'a [f32],
    /// [gates * hidden], for the products with the input and with the state.
    pub(super) bias: Option<(&'a [f32], &'a [f32])>,
    /// [3 * hidden]: of the input, output and forget gates.
    pub(super) peepholes: Option<&'a [f32]>,
    /// As many as the kind has.
    pub(super) activations: &'a [Activation],
    /// How far what goes into an activation may reach.
    pub(super) clip: Option<f32>,
}

/// What goes from step to step.
#[derive(Debug)]
pub(super) struct State {
    pub(super) hidden: Vec<f32>,
    /// Empty except for `LSTM`.
    pub(super) cell: Vec<f32>,
    gates: Vec<f32>,
    reset: Vec<f32>,
}

impl State {
    pub(super) fn new(kind: Kind, hidden: Vec<f32>, cell: Vec<f32>) -> Self {
        let (gates, reset) = (vec![0.0; kind.n_gates() * hidden.len()], vec![0.0; hidden.len()]);
        Self { hidden, cell, gates, reset }
    }
}

impl Cell<'_> {
    /// Takes `state` on by the input `x`.
    pub(super) fn step(&self, x: &[f32], state: &mut State) {
        match self.kind {
            Kind::Rnn => self.rnn(x, state),
            Kind::Gru { linear_before_reset } => self.gru(x, state, linear_before_reset),
            Kind::Lstm { input_forget } => self.lstm(x, state, input_forget),
        }
    }

    fn rnn(&self, x: &[f32], state: &mut State) {
        for (row, gate) in state.gates.iter_mut().enumerate() {
            *gate = self.of_input(row, x) + self.of_state(row, &state.hidden);
        }
        let hidden = state.hidden.iter_mut().zip(&state.gates);
        hidden.for_each(|(hidden, &gate)| *hidden = self.activated(0, gate));
    }

    fn gru(&self, x: &[f32], state: &mut State, linear_before_reset: bool) {
        let State { hidden, gates, reset, .. } = state;
        let n = hidden.len();
        for (row, gate) in gates.iter_mut().enumerate().take(2 * n) {
            *gate = self.activated(0, self.of_input(row, x) + self.of_state(row, hidden));
        }
        let (update, rest) = gates.split_at_mut(n);
        let (resets, candidates) = rest.split_at_mut(n);
        for ((reset, &by), &hidden) in reset.iter_mut().zip(&*resets).zip(&*hidden) {
            *reset = by * hidden;
        }
        for (index, candidate) in candidates.iter_mut().enumerate() {
            let row = 2 * n + index;
            let of_state = if linear_before_reset {
                resets[index] * self.of_state(row, hidden)
            } else {
                self.of_state(row, reset)
            };
            *candidate = self.activated(1, self.of_input(row, x) + of_state);
        }
        for ((hidden, &update), &candidate) in hidden.iter_mut().zip(&*update).zip(&*candidates) {
            *hidden = (1.0 - update) * candidate + update * *hidden;
        }
    }

    fn lstm(&self, x: &[f32], state: &mut State, input_forget: bool) {
        let State { hidden, cell, gates, .. } = state;
        let n = hidden.len();
        for (row, gate) in gates.iter_mut().enumerate() {
            *gate = self.of_input(row, x) + self.of_state(row, hidden);
        }
        let peephole = |gate: usize, index: usize| {
            self.peepholes.map_or(0.0, |peepholes| peepholes[gate * n + index])
        };
        for index in 0..n {
            let gate = |gate: usize| gates[gate * n + index];
            let before = cell[index];
            let input = self.activated(0, gate(0) + peephole(0, index) * before);
            let forget = if input_forget {
                1.0 - input
            } else {
                self.activated(0, gate(2) + peephole(2, index) * before)
            };
            let after = forget * before + input * self.activated(1, gate(3));
            let output = self.activated(0, gate(1) + peephole(1, index) * after);
            cell[index] = after;
            hidden[index] = output * self.activations[2].at(after);
        }
    }

    fn of_input(&self, row: usize, x: &[f32]) -> f32 {
        let bias = self.bias.map_or(0.0, |(bias, _)| bias[row]);
        dot(&self.input[row * x.len()..][..x.len()], x) + bias
    }

    fn of_state(&self, row: usize, hidden: &[f32]) -> f32 {
        let bias = self.bias.map_or(0.0, |(_, bias)| bias[row]);
        dot(&self.recurrence[row * hidden.len()..][..hidden.len()], hidden) + bias
    }

    fn activated(&self, activation: usize, x: f32) -> f32 {
        let x = self.clip.map_or(x, |reach| x.clamp(-reach, reach));
        self.activations[activation].at(x)
    }
}

/// The sum of the products, in as many partial sums as keep a processor's lanes busy.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0_f32; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::dot;

    #[test]
    fn products_are_added_up_whatever_the_length() {
        for len in 0..50_u8 {
            let a: Vec<f32> = (0..len).map(|index| f32::from(index) - 7.0).collect();
            let b: Vec<f32> = (0..len).map(|index| f32::from(index % 5)).collect();
            let naive: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            // Whole numbers this small add up exactly, in any order.
            assert_eq!(dot(&a, &b), naive, "{len}");
        }
    }
}
