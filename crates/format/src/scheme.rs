//! Which operator computes in which format.

use crate::{FP8_E4M3FN, Format, Granularity, INT8};

/// What the operators of a network compute in: the numbers of the first rule that an operator fits, else `rest`.
///
/// A scheme says what is wanted; where a kernel would not repay it, or a range is missing, an operator still computes in
/// float.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheme {
    /// What single operators compute in; of several rules that an operator fits, the first counts.
    pub rules: Vec<Rule>,
    /// What all others compute in.
    pub rest: Numbers,
}

/// What some operators compute in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Which.
    pub operators: Operators,
    /// In what.
    pub numbers: Numbers,
}

/// Some operators of a network. In a pattern `*` stands for any run of characters, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operators {
    /// Those whose name, or the name of one of whose outputs, fits the pattern.
    Named(String),
    /// Those of a type that fits the pattern, such as `Gemm`.
    OfType(String),
}

/// What an operator reads its inputs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Numbers {
    /// The format of its activations, one scale a tensor; `None` for float.
    pub activations: Option<Format>,
    /// The format of its weights; `None` for float.
    pub weights: Option<WeightFormat>,
}

/// What a weight is stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeightFormat {
    /// The format.
    pub format: Format,
    /// The part of the weight that has one scale.
    pub granularity: Granularity,
}

impl Numbers {
    /// Float, whatever the model has.
    pub const FLOAT: Self = Self { activations: None, weights: None };
    /// Activations and weights of 8-bit integers.
    pub const INT8: Self = Self::both(INT8);
    /// Activations and weights of 8-bit floats.
    pub const FP8: Self = Self::both(FP8_E4M3FN);

    /// Activations and weights of one format, and a scale for each channel of a weight.
    #[must_use]
    pub const fn both(format: Format) -> Self {
        let weights = WeightFormat { format, granularity: Granularity::Channel };
        Self { activations: Some(format), weights: Some(weights) }
    }

    /// Weights of a format, and activations in float.
    #[must_use]
    pub const fn weights(format: Format, granularity: Granularity) -> Self {
        Self { activations: None, weights: Some(WeightFormat { format, granularity }) }
    }
}

impl Scheme {
    /// The same numbers for every operator.
    #[must_use]
    pub fn all(numbers: Numbers) -> Self {
        Self { rules: Vec::new(), rest: numbers }
    }

    /// This scheme with some operators in float, before any rule that it has.
    #[must_use]
    pub fn except(mut self, operators: Operators) -> Self {
        self.rules.insert(0, Rule { operators, numbers: Numbers::FLOAT });
        self
    }

    /// What an operator of type `op`, called by any of `names`, computes in, and the rule that says so.
    pub fn of<'a>(
        &self,
        op: &str,
        names: impl Iterator<Item = &'a str> + Clone,
    ) -> (Numbers, Option<&Rule>) {
        let rule = self.rules.iter().find(|rule| rule.operators.include(op, names.clone()));
        (rule.map_or(self.rest, |rule| rule.numbers), rule)
    }

    /// The formats that it asks for, each once.
    #[must_use]
    pub fn formats(&self) -> Vec<Format> {
        let numbers = self.rules.iter().map(|rule| rule.numbers).chain([self.rest]);
        let mut formats = Vec::new();
        for Numbers { activations, weights } in numbers {
            for format in activations.into_iter().chain(weights.map(|weights| weights.format)) {
                if !formats.contains(&format) {
                    formats.push(format);
                }
            }
        }
        formats
    }
}

impl Operators {
    /// Whether an operator of type `op`, called by any of `names`, is one of them.
    pub fn include<'a>(&self, op: &str, mut names: impl Iterator<Item = &'a str>) -> bool {
        match self {
            Self::Named(pattern) => names.any(|name| !name.is_empty() && fits(pattern, name)),
            Self::OfType(pattern) => fits(pattern, op),
        }
    }
}

/// Whether `text` is what `pattern` stands for; `*` is any run of characters.
#[must_use]
pub fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|head| text.strip_prefix(head)) else { return false };
    let Some(tail) = parts.next_back() else { return rest.is_empty() };
    let mut rest = rest;
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let cases = [
            ("/head/conv", "/head/conv", true),
            ("/head/conv", "/head/conv1", false),
            ("/head/*", "/head/conv1", true),
            ("/head/*", "/neck/conv1", false),
            ("*conv*", "/head/conv1", true),
            ("*/conv*/x", "/a/conv12/x", true),
            ("*/conv*/x", "/a/conv12/y", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(fits(pattern, text), expected, "{pattern} on {text}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let weights = Numbers::weights(INT8, Granularity::Tensor);
        let named = |pattern: &str| Operators::Named(pattern.to_owned());
        let scheme = Scheme {
            rules: vec![
                Rule { operators: named("/head/*"), numbers: weights },
                Rule { operators: Operators::OfType("Gemm".to_owned()), numbers: Numbers::FP8 },
            ],
            rest: Numbers::INT8,
        };
        let of = |op, name: &'static str| scheme.of(op, [name, ""].into_iter()).0;
        assert_eq!(of("Gemm", "/head/fc"), weights);
        assert_eq!(of("Gemm", "fc"), Numbers::FP8);
        assert_eq!(of("Conv", "stem"), Numbers::INT8);
        assert_eq!(scheme.formats(), [INT8, FP8_E4M3FN]);
        let (numbers, rule) = (scheme.clone().except(named("stem")), ["stem"]);
        let (numbers, rule) = numbers.of("Conv", rule.into_iter());
        assert_eq!(
            (numbers, rule.map(|rule| &rule.operators)),
            (Numbers::FLOAT, Some(&named("stem")))
        );
    }
}
