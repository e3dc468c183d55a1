//! Sources made of what a caller has.

use std::sync::Arc;

use calibrant_runtime::{Samples, Source, SourceErrorKind};
use calibrant_tensor::Tensor;

fn tensor(value: f32) -> Vec<(Arc<str>, Tensor)> {
    vec![("x".into(), Tensor::new(vec![1], vec![value].into()).unwrap())]
}

#[test]
fn an_iterator_is_pulled_a_batch_at_a_time() {
    let mut pulled = 0;
    let tensors = std::iter::from_fn(|| {
        pulled += 1;
        (pulled <= 5).then(|| tensor(pulled as f32))
    });
    let mut source = Samples::new(2.try_into().unwrap(), tensors);
    let mut seen = Vec::new();
    while let Some(batch) = source.next_batch().unwrap() {
        seen.push(batch.iter().map(|it| (it.position, it.name.to_string())).collect::<Vec<_>>());
    }
    let named = |position: usize| (position, format!("sample {position}"));
    assert_eq!(seen, [vec![named(0), named(1)], vec![named(2), named(3)], vec![named(4)]]);
}

#[test]
fn an_item_that_fails_ends_the_source_with_its_error() {
    let items = [Ok((Arc::from("a"), tensor(1.0))), Err("row 1 is cut short")];
    let mut source = Samples::fallible(1.try_into().unwrap(), items);
    assert_eq!(&*source.next_batch().unwrap().unwrap()[0].name, "a");
    let error = source.next_batch().unwrap_err();
    assert_eq!(error.kind(), SourceErrorKind::Other);
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "row 1 is cut short");
}
