//! Every bit is that of a naive sum; and the forms that are left to the executor.

use calibrant_onnx::proto::AttributeProto;
use proptest::prelude::*;

use rten_tensor::AsView as _;

use super::*;

/// Everything that the result depends on.
#[derive(Debug, Clone)]
struct Case {
    n_pictures: usize,
    n_inputs: usize,
    per_input: usize,
    picture: [usize; 2],
    kernel: [usize; 2],
    strides: [usize; 2],
    dilations: [usize; 2],
    /// Before and after, by axis.
    pads: [[usize; 2]; 2],
    has_bias: bool,
}

/// Numbers that no sum of a few is exact of, with the sign and the size of neighbours far apart.
fn noise(n_values: usize, seed: usize) -> Vec<f32> {
    let value = |index: usize| {
        let mixed = (index + seed * 7919).wrapping_mul(0x9e37_79b9) >> 3;
        (mixed % 2003) as f32 / 701.0 - 1.4
    };
    (0..n_values).map(value).collect()
}

impl Case {
    fn places(&self, axis: usize) -> Option<usize> {
        let extent = (self.kernel[axis] - 1) * self.dilations[axis] + 1;
        let padded = self.picture[axis] + self.pads[axis].iter().sum::<usize>();
        Some(padded.checked_sub(extent)? / self.strides[axis] + 1)
    }

    fn node(&self) -> NodeProto {
        let whole = |values: [usize; 2]| values.map(|value| i64::try_from(value).unwrap());
        let [y, x] = self.pads;
        let pads = [whole([y[0], x[0]]), whole([y[1], x[1]])].concat();
        let attribute = vec![
            AttributeProto::int("group", i64::try_from(self.n_inputs).unwrap()),
            AttributeProto::ints("strides", &whole(self.strides)),
            AttributeProto::ints("dilations", &whole(self.dilations)),
            AttributeProto::ints("pads", &pads),
        ];
        NodeProto { op_type: Some("Conv".to_owned()), attribute, ..NodeProto::default() }
    }

    /// Input, weight and bias.
    fn tensors(&self) -> [Tensor<f32>; 3] {
        let n_outputs = self.n_inputs * self.per_input;
        let ([h, w], [kh, kw]) = (self.picture, self.kernel);
        let shapes = [vec![self.n_pictures, self.n_inputs, h, w], vec![n_outputs, 1, kh, kw]];
        let tensor =
            |shape: &[usize], seed| Tensor::from_data(shape, noise(shape.iter().product(), seed));
        [tensor(&shapes[0], 1), tensor(&shapes[1], 2), tensor(&[n_outputs], 3)]
    }

    fn run(&self) -> Option<Tensor<f32>> {
        let tensors = self.tensors();
        let view = |index: usize| Some(ValueView::FloatTensor(tensors[index].view()));
        let inputs = [view(0), view(1), self.has_bias.then(|| view(2)).flatten()];
        conv(&self.node(), &inputs).map(|value| value.try_into().unwrap())
    }

    /// By the definition, one product after the other.
    fn naive(&self) -> Vec<f32> {
        let [x, weight, bias] = self.tensors();
        let n_outputs = self.n_inputs * self.per_input;
        let mut values = Vec::new();
        for (picture, output) in
            (0..self.n_pictures).flat_map(|p| (0..n_outputs).map(move |o| (p, o)))
        {
            let places = [0, 1].map(|axis| self.places(axis).unwrap());
            for (row, column) in (0..places[0]).flat_map(|r| (0..places[1]).map(move |c| (r, c))) {
                let mut sum = if self.has_bias { bias[[output]] } else { 0.0 };
                for (ky, kx) in
                    (0..self.kernel[0]).flat_map(|ky| (0..self.kernel[1]).map(move |kx| (ky, kx)))
                {
                    let at = |place: usize, k: usize, axis: usize| {
                        let padded = place * self.strides[axis] + k * self.dilations[axis];
                        padded.checked_sub(self.pads[axis][0]).filter(|at| *at < self.picture[axis])
                    };
                    if let (Some(y), Some(x_at)) = (at(row, ky, 0), at(column, kx, 1)) {
                        let channel = output / self.per_input;
                        sum += x[[picture, channel, y, x_at]] * weight[[output, 0, ky, kx]];
                    }
                }
                values.push(sum);
            }
        }
        values
    }
}

prop_compose! {
    fn cases()(
        (n_pictures, n_inputs, per_input) in (1usize..3, 1usize..4, 1usize..3),
        picture in [1usize..24, 1usize..40],
        kernel in [1usize..8, 1usize..8],
        strides in [1usize..5, 1usize..5],
        dilations in [1usize..4, 1usize..4],
        pads in [[0usize..5, 0usize..5], [0usize..5, 0usize..5]],
        has_bias in any::<bool>(),
    ) -> Case {
        Case { n_pictures, n_inputs, per_input, picture, kernel, strides, dilations, pads, has_bias }
    }
}

proptest! {
    #[test]
    fn every_bit_is_that_of_the_definition(case in cases()) {
        let fits = (0..2).all(|axis| case.places(axis).is_some());
        let found = case.run();
        prop_assert_eq!(found.is_some(), fits);
        if let Some(found) = found {
            let expected = [case.n_pictures, case.n_inputs * case.per_input, case.places(0).unwrap(), case.places(1).unwrap()];
            prop_assert_eq!(found.shape(), &expected[..]);
            prop_assert_eq!(found.to_vec(), case.naive());
        }
    }
}

const CASE: Case = Case {
    n_pictures: 1,
    n_inputs: 2,
    per_input: 1,
    picture: [5, 6],
    kernel: [3, 3],
    strides: [2, 2],
    dilations: [1, 1],
    pads: [[1, 1], [1, 1]],
    has_bias: true,
};

#[test]
fn padding_may_be_left_to_the_operator() {
    let with = |mode: &str, picture: [usize; 2], pads: [[usize; 2]; 2]| {
        let case = Case { picture, pads, ..CASE };
        let mut node = case.node();
        node.remove_attr("pads");
        node.set_attr(AttributeProto::string("auto_pad", mode));
        let [x, weight, bias] = case.tensors();
        let inputs = [&x, &weight, &bias].map(|it| Some(ValueView::FloatTensor(it.view())));
        let found = conv(&node, &inputs).map(|value| Tensor::<f32>::try_from(value).unwrap());
        assert_eq!(found.map(|found| found.to_vec()), Some(case.naive()), "{mode}");
    };
    with("VALID", [5, 6], [[0, 0], [0, 0]]);
    with("SAME_UPPER", [5, 6], [[1, 1], [0, 1]]);
    with("SAME_UPPER", [1, 7], [[1, 1], [1, 1]]);
}

#[test]
fn what_is_not_depthwise_or_does_not_fit_is_left_alone() {
    let [x, weight, bias] = CASE.tensors();
    let run = |node: &NodeProto, x: &Tensor<f32>, weight: &Tensor<f32>| {
        let inputs = [x, weight, &bias].map(|it| Some(ValueView::FloatTensor(it.view())));
        conv(node, &inputs).is_some()
    };
    let node = CASE.node();
    assert!(run(&node, &x, &weight));
    let mut grouped = node.clone();
    grouped.set_attr(AttributeProto::int("group", 1));
    assert!(!run(&grouped, &x, &weight));
    let mut still = node.clone();
    still.set_attr(AttributeProto::ints("strides", &[0, 1]));
    assert!(!run(&still, &x, &weight));
    assert!(!run(&node, &x, &Tensor::zeros(&[3, 1, 3, 3])), "a bias of another length");
    assert!(!run(&node, &x, &Tensor::zeros(&[2, 1, 3])));
    let infinite = Tensor::full(&[2, 1, 3, 3], f32::INFINITY);
    assert!(!run(&node, &x, &infinite), "padding would be infinity times zero");
}

#[test]
fn a_signal_is_a_picture_of_one_row() {
    let case =
        Case { picture: [1, 19], kernel: [1, 5], pads: [[0, 0], [2, 1]], strides: [1, 3], ..CASE };
    let mut node = case.node();
    for (name, values) in [("strides", vec![3]), ("dilations", vec![1]), ("pads", vec![2, 1])] {
        node.set_attr(AttributeProto::ints(name, &values));
    }
    let [x, weight, bias] = case.tensors();
    let (x, weight) =
        (x.into_shape([1, 2, 19].as_slice()), weight.into_shape([2, 1, 5].as_slice()));
    let inputs = [&x, &weight, &bias].map(|it| Some(ValueView::FloatTensor(it.view())));
    let found: Tensor<f32> = conv(&node, &inputs).unwrap().try_into().unwrap();
    assert_eq!(found.shape(), &[1, 2, 6]);
    assert_eq!(found.to_vec(), case.naive());
}
