//! What recurrent operators make of their gates.

use calibrant_onnx::proto::NodeProto;

/// A function of one number, with the numbers that shape it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Activation {
    /// alpha x + beta
    Affine {
        alpha: f32,
        beta: f32,
    },
    /// x above 0, alpha (e^x - 1) below.
    Elu {
        alpha: f32,
    },
    /// alpha x + beta between 0 and 1.
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    /// x above 0, alpha x below.
    LeakyRelu {
        alpha: f32,
    },
    Relu,
    /// alpha tanh(beta x)
    ScaledTanh {
        alpha: f32,
        beta: f32,
    },
    Sigmoid,
    Softplus,
    Softsign,
    Tanh,
    /// x above alpha, 0 below.
    ThresholdedRelu {
        alpha: f32,
    },
}

impl Activation {
    /// The activations that `node` states, in order; none where it states none.
    ///
    /// Names count whatever their case; an activation takes from `activation_alpha` and `activation_beta` what it needs, and
    /// has the defaults of the operator of its name where nothing is left.
    /// Both as in ONNX Runtime.
    ///
    /// # Errors
    ///
    /// With the name of one that does not exist or whose numbers are not given.
    pub(super) fn of(node: &NodeProto) -> Result<Vec<Self>, String> {
        let floats = |name| node.attr_floats(name).unwrap_or_default().iter().copied();
        let (mut alphas, mut betas) = (floats("activation_alpha"), floats("activation_beta"));
        let stated = node.attr("activations").map_or(&[][..], |stated| &stated.strings);
        let mut activations = Vec::with_capacity(stated.len());
        for name in stated {
            let name = String::from_utf8_lossy(name).into_owned();
            let activation = Self::named(&name, &mut alphas, &mut betas);
            activations.push(activation.ok_or(name)?);
        }
        Ok(activations)
    }

    fn named(
        name: &str,
        alphas: &mut impl Iterator<Item = f32>,
        betas: &mut impl Iterator<Item = f32>,
    ) -> Option<Self> {
        let mut alpha = |default: Option<f32>| alphas.next().or(default);
        Some(match name.to_ascii_lowercase().as_str() {
            "affine" => Self::Affine { alpha: alpha(None)?, beta: betas.next()? },
            "elu" => Self::Elu { alpha: alpha(Some(1.0))? },
            "hardsigmoid" => {
                Self::HardSigmoid { alpha: alpha(Some(0.2))?, beta: betas.next().unwrap_or(0.5) }
            }
            "leakyrelu" => Self::LeakyRelu { alpha: alpha(Some(0.01))? },
            "relu" => Self::Relu,
            "scaledtanh" => Self::ScaledTanh { alpha: alpha(None)?, beta: betas.next()? },
            "sigmoid" => Self::Sigmoid,
            "softplus" => Self::Softplus,
            "softsign" => Self::Softsign,
            "tanh" => Self::Tanh,
            "thresholdedrelu" => Self::ThresholdedRelu { alpha: alpha(Some(1.0))? },
            _ => return None,
        })
    }

    /// The function's value at `x`.
    pub(super) fn at(self, x: f32) -> f32 {
        match self {
            Self::Affine { alpha, beta } => alpha * x + beta,
            Self::Elu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * x.exp_m1()
                }
            }
            Self::HardSigmoid { alpha, beta } => (alpha * x + beta).clamp(0.0, 1.0),
            Self::LeakyRelu { alpha } => {
                if x > 0.0 {
                    x
                } else {
                    alpha * x
                }
            }
            Self::Relu => x.max(0.0),
            Self::ScaledTanh { alpha, beta } => alpha * (beta * x).tanh(),
            Self::Sigmoid => 1.0 / (1.0 + (-x).exp()),
            Self::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Tanh => x.tanh(),
            Self::ThresholdedRelu { alpha } => {
                if x > alpha {
                    x
                } else {
                    0.0
                }
            }
        }
    }
}
