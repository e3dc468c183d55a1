//! Operators that draw random numbers: `RandomNormal`, `RandomUniform`, their `…Like` forms, `Bernoulli` and `Multinomial`.
//!
//! No two programs draw the same numbers, and ONNX asks for none in particular; but the same samples must give the same
//! ranges.
//! So a node draws from a generator that starts anew for every sample, from its seed, or where it has none from its name.

use std::f64::consts::TAU;

use calibrant_onnx::DataType;
use calibrant_onnx::proto::{GraphProto, NodeProto};
use calibrant_runtime::Refusal;
use calibrant_runtime::host::Stop;
use rten::Value;
use rten_tensor::Tensor;

use crate::demand::{Args, bytes, product};
use crate::dense::floats;
use crate::error::StepError;
use crate::ours::{Compute, is_ours};

/// Numbers that are drawn before somebody is asked whether to stop.
const CHUNK: usize = 1 << 16;

/// An operator that draws, and from where.
#[derive(Debug)]
struct Draw {
    from: Law,
    /// The shape where no input has it.
    shape: Option<Vec<usize>>,
    seed: u64,
    /// Whether the output is whole numbers.
    is_whole: bool,
}

/// What is drawn.
#[derive(Debug, Clone, Copy)]
enum Law {
    Normal {
        mean: f64,
        deviation: f64,
    },
    Uniform {
        low: f64,
        high: f64,
    },
    /// 1 with the probability that the input has at its place.
    Bernoulli,
    /// Columns with the logarithms of their odds in the input.
    Multinomial {
        n_drawn: usize,
    },
}

/// Whether a node of the graph or its bodies draws.
pub(crate) fn is_drawn_from(graph: &GraphProto) -> bool {
    graph
        .node
        .iter()
        .any(|node| is_ours(node) && draws(node.op()) || node.subgraphs().any(is_drawn_from))
}

/// Whether this operator draws.
pub(crate) fn draws(op: &str) -> bool {
    op.starts_with("Random") || op == "Bernoulli" || op == "Multinomial"
}

/// The operator that `node` is.
///
/// # Errors
///
/// When it is none of these, or makes a type that is not computed in.
pub(crate) fn of(node: &NodeProto) -> Result<Box<dyn Compute>, Refusal> {
    let number = |name, default| f64::from(node.attr_f(name).unwrap_or(default));
    let from = match node.op() {
        "RandomNormal" | "RandomNormalLike" => {
            Law::Normal { mean: number("mean", 0.0), deviation: number("scale", 1.0) }
        }
        "RandomUniform" | "RandomUniformLike" => {
            Law::Uniform { low: number("low", 0.0), high: number("high", 1.0) }
        }
        "Bernoulli" => Law::Bernoulli,
        "Multinomial" => {
            let n_drawn = node.attr_i("sample_size").unwrap_or(1);
            let refusal = Refusal::Attribute { name: "sample_size", value: n_drawn.to_string() };
            Law::Multinomial { n_drawn: usize::try_from(n_drawn).map_err(|_| refusal)? }
        }
        _ => return Err(Refusal::Operator),
    };
    let shape = match node.op() {
        "RandomNormal" | "RandomUniform" => {
            let dims = node.attr_ints("shape").ok_or(Refusal::Missing { name: "shape" })?;
            let sizes = dims.iter().map(|&dim| usize::try_from(dim));
            let refusal = Refusal::Attribute { name: "shape", value: format!("{dims:?}") };
            Some(sizes.collect::<Result<_, _>>().map_err(|_| refusal)?)
        }
        _ => None,
    };
    let is_whole = match node.attr_i("dtype") {
        None => matches!(from, Law::Multinomial { .. }),
        Some(dtype) => {
            let is = |types: &[DataType]| types.iter().any(|&it| it as i64 == dtype);
            let is_float =
                is(&[DataType::FLOAT, DataType::FLOAT16, DataType::BFLOAT16, DataType::DOUBLE]);
            if !is_float && !is(&[DataType::INT32, DataType::INT64, DataType::BOOL]) {
                return Err(Refusal::Attribute { name: "dtype", value: dtype.to_string() });
            }
            !is_float
        }
    };
    Ok(Box::new(Draw { from, shape, seed: seed(node), is_whole }))
}

/// The seed that the node states, or one of its name.
fn seed(node: &NodeProto) -> u64 {
    // FNV-1a.
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let stated = node.attr_f("seed").map(|seed| seed.to_bits().to_le_bytes().to_vec());
    let name = || node.output_name(0).unwrap_or_default().as_bytes().to_vec();
    stated.unwrap_or_else(name).into_iter().fold(0xcbf2_9ce4_8422_2325, mix)
}

impl Compute for Draw {
    fn bytes(&self, args: &Args<'_, '_>) -> u64 {
        let drawn = match (&self.shape, self.from) {
            (Some(shape), _) => product(shape.iter().map(|&size| size as u64)),
            (None, Law::Multinomial { n_drawn }) => {
                let rows = args.dims(0).first().copied().unwrap_or(0);
                product([rows, n_drawn as u64]).saturating_add(args.len(0))
            }
            (None, _) => args.len(0),
        };
        bytes(drawn.saturating_add(args.len(0)))
    }

    fn run(&self, args: &Args<'_, '_>, stop: &Stop) -> Result<Vec<Value>, StepError> {
        let mut generator = Generator(self.seed);
        let (shape, values) = match self.from {
            Law::Bernoulli => {
                let odds = floats(args, 0, "input")?.ok_or(StepError::NoValue)?;
                let odds_of = |index: usize| f64::from(odds.values[index]);
                let draw =
                    |index, generator: &mut Generator| (generator.unit() < odds_of(index)).into();
                (odds.shape.clone(), drawn(&mut generator, odds.values.len(), stop, draw)?)
            }
            Law::Multinomial { n_drawn } => {
                let odds = floats(args, 0, "input")?.ok_or(StepError::NoValue)?;
                let &[rows, columns] = &odds.shape[..] else {
                    return Err(StepError::Unfit { what: "input and a matrix" });
                };
                let row = |row: usize| &odds.values[row * columns..][..columns];
                let draw = |index, generator: &mut Generator| {
                    column(row(index / n_drawn), generator.unit())
                };
                (vec![rows, n_drawn], drawn(&mut generator, rows * n_drawn, stop, draw)?)
            }
            Law::Normal { mean, deviation } => {
                let draw = |_, generator: &mut Generator| mean + deviation * generator.normal();
                let shape = self.shape(args);
                let values = drawn(&mut generator, shape.iter().product(), stop, draw)?;
                (shape, values)
            }
            Law::Uniform { low, high } => {
                let draw = |_, generator: &mut Generator| low + (high - low) * generator.unit();
                let shape = self.shape(args);
                let values = drawn(&mut generator, shape.iter().product(), stop, draw)?;
                (shape, values)
            }
        };
        Ok(vec![if self.is_whole {
            #[expect(clippy::cast_possible_truncation, reason = "places and truth values")]
            let values: Vec<i32> = values.into_iter().map(|value| value as i32).collect();
            Tensor::from_data(&shape, values).into()
        } else {
            Tensor::from_data(&shape, values).into()
        }])
    }
}

impl Draw {
    fn shape(&self, args: &Args<'_, '_>) -> Vec<usize> {
        self.shape.clone().unwrap_or_else(|| args.shape(0))
    }
}

fn drawn(
    generator: &mut Generator,
    len: usize,
    stop: &Stop,
    mut draw: impl FnMut(usize, &mut Generator) -> f64,
) -> Result<Vec<f32>, StepError> {
    let mut values = Vec::with_capacity(len);
    for index in 0..len {
        if index % CHUNK == 0 && stop.is_set() {
            return Err(StepError::Stopped);
        }
        #[expect(clippy::cast_possible_truncation, reason = "samples are rounded to float32")]
        values.push(draw(index, generator) as f32);
    }
    Ok(values)
}

/// The column in which `unit` of all odds lie before.
fn column(odds: &[f32], unit: f64) -> f64 {
    let most = odds.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weight = |&odds: &f32| f64::from(odds - most).exp();
    let mut left = unit * odds.iter().map(weight).sum::<f64>();
    let place = odds.iter().position(|odds| {
        left -= weight(odds);
        left < 0.0
    });
    #[expect(clippy::cast_precision_loss, reason = "no row has 2^52 columns")]
    let column = place.unwrap_or(odds.len().saturating_sub(1)) as f64;
    column
}

/// SplitMix64.
#[derive(Debug)]
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number between 0 and 1, neither of them.
    fn unit(&mut self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "52 bits are exact")]
        let bits = (self.next() >> 12) as f64;
        (bits + 0.5) / (1_u64 << 52) as f64
    }

    /// A number of the standard normal distribution, by Box and Muller.
    fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that are drawn; means of so many differ by less than 0.02 from what they should be, many times over.
    const N: usize = 100_000;

    fn moments(mut draw: impl FnMut(&mut Generator) -> f64) -> (f64, f64) {
        let mut generator = Generator(7);
        let values: Vec<f64> = (0..N).map(|_| draw(&mut generator)).collect();
        let mean = values.iter().sum::<f64>() / N as f64;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / N as f64)
    }

    #[test]
    fn numbers_have_the_mean_and_variance_of_their_law() {
        let (mean, variance) = moments(Generator::normal);
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        let (mean, variance) = moments(Generator::unit);
        assert!((mean - 0.5).abs() < 0.02 && (variance - 1.0 / 12.0).abs() < 0.02);
        let odds = [0.0, 3.0_f32.ln()];
        let (mean, _) = moments(|generator| column(&odds, generator.unit()));
        assert!((mean - 0.75).abs() < 0.02, "{mean}");
    }

    #[test]
    fn nodes_without_a_seed_differ_and_a_node_is_always_the_same() {
        let node = |output| NodeProto::new("RandomNormalLike", "", &["x"], &[output]);
        assert_eq!(seed(&node("a")), seed(&node("a")));
        assert_ne!(seed(&node("a")), seed(&node("b")));
    }
}
