//! Tensors in pinned memory.

use std::sync::Arc;

use calibrant_backend_tensorrt::{InputLayout, PinnedInputs, SlotError};
use calibrant_runtime::SlotStock;
use calibrant_tensor::{ElementType, Tensor, TensorData};

use crate::rig::Rig;

const NAMES: [&str; 5] = ["f", "i", "l", "u", "b"];

fn layout(elements: &[ElementType]) -> Vec<InputLayout> {
    let input = |(&element, name): (&ElementType, &str)| InputLayout {
        name: name.into(),
        element,
        sample_shape: vec![3],
    };
    elements.iter().zip(NAMES).map(input).collect()
}

fn named(data: Vec<TensorData>) -> Vec<(Arc<str>, Tensor)> {
    let tensor = |data: TensorData| Tensor::new(vec![1, data.len()], data).expect("it fits");
    let named = NAMES.into_iter().zip(data).map(|(name, data)| (name.into(), tensor(data)));
    named.collect()
}

fn inputs(elements: &[ElementType]) -> PinnedInputs {
    let rig = Rig::double(101_601);
    let inputs = PinnedInputs::cut_slabs(&rig.device, 1, &layout(elements));
    inputs.expect("there is memory").remove(0)
}

#[test]
fn every_type_goes_in_as_it_is() {
    use ElementType::{Bool, F32, I32, I64, U8};
    let mut inputs = inputs(&[F32, I32, I64, U8, Bool]);
    let mut tensors = named(vec![
        TensorData::F32(vec![0.5, -1.0, 2.0]),
        TensorData::I32(vec![1, -2, 3]),
        TensorData::I64(vec![1 << 40, -2, 3]),
        TensorData::U8(vec![7, 8, 9]),
        TensorData::Bool(vec![true, false, true]),
    ]);
    // Found by name, whatever their order.
    tensors.reverse();
    inputs.write(&tensors).unwrap();
    assert_eq!(inputs.pieces()[0].values::<f32>().unwrap(), [0.5, -1.0, 2.0]);
    assert_eq!(inputs.pieces()[1].values::<i32>().unwrap(), [1, -2, 3]);
    assert_eq!(inputs.pieces()[2].values::<i64>().unwrap(), [1 << 40, -2, 3]);
    assert_eq!(inputs.pieces()[3].values::<u8>().unwrap(), [7, 8, 9]);
    assert_eq!(inputs.pieces()[4].values::<u8>().unwrap(), [1, 0, 1]);
}

#[test]
fn wide_integers_go_into_narrow_inputs_where_they_fit() {
    let mut inputs = inputs(&[ElementType::I32]);
    let (least, most) = (i64::from(i32::MIN), i64::from(i32::MAX));
    inputs.write(&named(vec![TensorData::I64(vec![least, 0, most])])).unwrap();
    assert_eq!(inputs.pieces()[0].values::<i32>().unwrap(), [i32::MIN, 0, i32::MAX]);
    let error = inputs.write(&named(vec![TensorData::I64(vec![0, most + 1, least - 1])]));
    assert_eq!(error, Err(SlotError::TooLarge { input: "f".into(), value: most + 1, index: 1 }));
}

#[test]
fn what_does_not_fit_is_named() {
    let mut inputs = inputs(&[ElementType::F32, ElementType::I64]);
    let cases = [
        (vec![TensorData::F32(vec![0.0; 3])], "the sample has no tensor for input `i`; it has `f`"),
        (
            vec![TensorData::F32(vec![0.0; 4]), TensorData::I64(vec![0; 3])],
            "input `f` takes 3 values a sample, not 4",
        ),
        (
            vec![TensorData::F32(vec![0.0; 3]), TensorData::F32(vec![0.0; 3])],
            "input `i` takes int64 values, not float32",
        ),
    ];
    for (data, message) in cases {
        assert_eq!(inputs.write(&named(data)).unwrap_err().to_string(), message);
    }
}

/// What is made one after another lies one behind the other, input by input.
#[test]
fn slots_are_cut_in_the_order_in_which_they_are_made() {
    let rig = Rig::double(101_601);
    let layout = rig.layout();
    let stock = SlotStock::new(PinnedInputs::cut_slabs(&rig.device, 6, &layout).unwrap());
    let slots: Vec<_> = (0..6).map(|_| stock.new_slot()).collect();
    for (input, layout) in layout.iter().enumerate() {
        let addresses: Vec<_> =
            slots.iter().map(|slot| slot.inputs.pieces()[input].as_ptr().addr()).collect();
        assert!(addresses.windows(2).all(|pair| pair[1] - pair[0] == layout.sample_bytes()));
    }
    let live = rig.installed.live().unwrap();
    assert_eq!((live.pinned_allocations, live.pinned_bytes), (2, 6 * (5 * 8 + 12 * 4)));
    drop((slots, stock));
    rig.assert_nothing_is_left();
}
