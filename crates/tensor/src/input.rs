//! What a model, or a set of samples, says of one input.

use std::fmt;
use std::sync::Arc;

use half::{bf16, f16};

use crate::ElementType;

/// What goes into a model under one name, as far as it is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// As the model spells it.
    pub name: Arc<str>,
    /// The type of its values.
    pub element: InputType,
    /// One entry an axis, the slowest first; `None` where even their number is open.
    pub shape: Option<Vec<Dim>>,
    /// Where a picture's channels are, if that is known.
    pub layout: Option<Layout>,
}

/// The type of an input's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputType {
    /// One that samples come in.
    Element(ElementType),
    /// Floats of another width, which samples hold in 32 bits.
    Float(OtherFloat),
    /// Another, by ONNX's name for it, such as `INT8`.
    Other(&'static str),
    /// Not stated.
    Open,
}

/// Floats of another width than samples have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OtherFloat {
    /// IEEE half precision.
    #[doc(alias = "FLOAT16")]
    F16,
    /// The upper half of a 32-bit float.
    #[doc(alias = "BFLOAT16")]
    Bf16,
    /// IEEE double precision.
    #[doc(alias = "DOUBLE")]
    F64,
}

/// The length of an axis.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dim {
    /// Always this.
    Fixed(usize),
    /// The same wherever the name stands, and known when the model runs.
    Named(Arc<str>),
    /// Not stated.
    Open,
}

/// Where a picture's channels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Before height and width.
    #[doc(alias = "NCHW")]
    ChannelsFirst,
    /// Behind them.
    #[doc(alias = "NHWC")]
    ChannelsLast,
}

impl InputType {
    /// The type of the tensors that samples have for it: 32-bit floats where nothing is stated, none where samples have no
    /// such values.
    #[must_use]
    pub fn of_samples(self) -> Option<ElementType> {
        match self {
            Self::Element(element) => Some(element),
            Self::Float(_) | Self::Open => Some(ElementType::F32),
            Self::Other(_) => None,
        }
    }
}

impl OtherFloat {
    /// The nearest number of this type, as a 32-bit float; `None` where a finite one is beyond them all.
    #[must_use]
    pub fn nearest(self, value: f32) -> Option<f32> {
        let nearest = match self {
            Self::F16 => f16::from_f32(value).to_f32(),
            Self::Bf16 => bf16::from_f32(value).to_f32(),
            Self::F64 => value,
        };
        (nearest.is_finite() || !value.is_finite()).then_some(nearest)
    }

    /// ONNX's word for it, in small letters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::F64 => "double",
        }
    }
}

impl fmt::Display for OtherFloat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Input {
    /// An input of which type and shape are known, and the layout is not.
    pub fn fixed(name: impl Into<Arc<str>>, element: ElementType, shape: &[usize]) -> Self {
        let shape = shape.iter().map(|&size| Dim::Fixed(size)).collect();
        let element = InputType::Element(element);
        Self { name: name.into(), element, shape: Some(shape), layout: None }
    }

    /// The shape, if every axis has its length.
    #[must_use]
    pub fn fixed_shape(&self) -> Option<Vec<usize>> {
        self.shape.as_ref()?.iter().map(Dim::size).collect()
    }

    /// What the first axis, which counts samples, is fixed to.
    #[must_use]
    pub fn fixed_batch(&self) -> Option<usize> {
        self.shape.as_ref()?.first()?.size()
    }
}

impl Dim {
    /// The length, where it is fixed.
    #[must_use]
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::Fixed(size) => Some(*size),
            Self::Named(_) | Self::Open => None,
        }
    }
}

/// A number, a name, or `?`.
impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => size.fmt(f),
            Self::Named(name) => f.write_str(name),
            Self::Open => f.write_str("?"),
        }
    }
}

/// In ONNX's words, in small letters: 32-bit floats are `float`.
impl fmt::Display for InputType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(ElementType::F32) => f.write_str("float"),
            Self::Element(element) => element.fmt(f),
            Self::Float(float) => float.fmt(f),
            Self::Other(name) => f.write_str(&name.to_ascii_lowercase()),
            Self::Open => f.write_str("?"),
        }
    }
}

/// Name, type and shape, such as `` `x` float [?,3,224,224] ``.
impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = |dim: &Dim| dim.size().map_or_else(|| "?".to_owned(), |size| size.to_string());
        let shape = self.shape.as_ref().map_or_else(
            || "?".to_owned(),
            |shape| shape.iter().map(size).collect::<Vec<_>>().join(","),
        );
        write!(f, "`{}` {} [{shape}]", self.name, self.element)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_written_as_far_as_they_are_stated() {
        let stated = |element, shape: Option<&[Dim]>| Input {
            name: "x".into(),
            element,
            shape: shape.map(<[Dim]>::to_vec),
            layout: None,
        };
        let dims = [Dim::Named("batch".into()), Dim::Fixed(3), Dim::Open];
        let cases = [
            (stated(InputType::Element(ElementType::F32), Some(&dims)), "`x` float [?,3,?]"),
            (stated(InputType::Element(ElementType::I64), Some(&[])), "`x` int64 []"),
            (stated(InputType::Float(OtherFloat::F16), None), "`x` float16 [?]"),
            (stated(InputType::Float(OtherFloat::F64), Some(&[])), "`x` double []"),
            (stated(InputType::Other("INT8"), None), "`x` int8 [?]"),
            (stated(InputType::Open, None), "`x` ? [?]"),
        ];
        for (input, text) in cases {
            assert_eq!(input.to_string(), text);
        }
        assert_eq!(dims.map(|dim| dim.to_string()), ["batch", "3", "?"]);
    }

    #[test]
    fn a_shape_is_fixed_when_every_axis_is() {
        let mut input = Input::fixed("x", ElementType::U8, &[4, 2]);
        assert_eq!((input.fixed_shape(), input.fixed_batch()), (Some(vec![4, 2]), Some(4)));
        input.shape = Some(vec![Dim::Open, Dim::Fixed(2)]);
        assert_eq!((input.fixed_shape(), input.fixed_batch()), (None, None));
        input.shape = None;
        assert_eq!((input.fixed_shape(), input.fixed_batch()), (None, None));
    }

    #[test]
    fn samples_are_rounded_to_what_an_input_holds() {
        use OtherFloat::{Bf16, F16, F64};
        let cases = [
            (F16, 1.0 + 1.0 / 2048.0, Some(1.0)),
            (F16, 65519.0, Some(65504.0)),
            (F16, 65520.0, None),
            (F16, f32::NEG_INFINITY, Some(f32::NEG_INFINITY)),
            (F16, 1e-9, Some(0.0)),
            (Bf16, 1.0 + 1.0 / 256.0, Some(1.0)),
            (Bf16, f32::MAX, None),
            (F64, f32::MAX, Some(f32::MAX)),
        ];
        for (float, value, expected) in cases {
            assert_eq!(float.nearest(value), expected, "{float} {value}");
        }
        assert!(F16.nearest(f32::NAN).is_some_and(f32::is_nan));
    }

    #[test]
    fn samples_have_tensors_for_all_floats() {
        let cases = [
            (InputType::Element(ElementType::I64), Some(ElementType::I64)),
            (InputType::Float(OtherFloat::Bf16), Some(ElementType::F32)),
            (InputType::Open, Some(ElementType::F32)),
            (InputType::Other("INT8"), None),
        ];
        for (input, expected) in cases {
            assert_eq!(input.of_samples(), expected, "{input:?}");
        }
    }
}
