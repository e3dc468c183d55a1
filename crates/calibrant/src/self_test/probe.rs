//! A calibrator that writes down what is asked of it.

use calibrant_cuda::{Device, DeviceBuffer, PinnedPiece, Stream, Upload};
use calibrant_engine::{BoxError, Calibrator};

/// Batches in device memory, and what was asked.
pub(super) struct Probe {
    batches: Vec<DeviceBuffer>,
    given: usize,
    offered: Option<Vec<u8>>,
    pub(super) calls: Vec<Call>,
    pub(super) cache: Option<Vec<u8>>,
}

/// One thing that TensorRT asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Call {
    BatchSize,
    ReadCache,
    Batch(Vec<String>),
    WriteCache,
}

impl Probe {
    /// A calibrator of these batches.
    ///
    /// # Errors
    ///
    /// When the device does not take them.
    pub(super) fn new(
        device: &Device,
        batches: &[Vec<f32>],
        offered: Option<Vec<u8>>,
    ) -> Result<Self, calibrant_cuda::Error> {
        let stream = Stream::new(device)?;
        let batches = batches
            .iter()
            .map(|values| upload(device, &stream, values))
            .collect::<Result<_, _>>()?;
        Ok(Self { batches, given: 0, offered, calls: Vec::new(), cache: None })
    }
}

/// Values in device memory.
fn upload(
    device: &Device,
    stream: &Stream,
    values: &[f32],
) -> Result<DeviceBuffer, calibrant_cuda::Error> {
    let bytes = size_of_val(values);
    let mut rows = PinnedPiece::cut_slab(device, 1, bytes)?;
    if let Some(row) = rows.first_mut().and_then(PinnedPiece::values_mut::<f32>) {
        row.copy_from_slice(values);
    }
    let mut upload = Upload::begin(stream, vec![DeviceBuffer::new(device, bytes)?]);
    let held = upload.append(rows, |rows, plan| rows.iter().for_each(|row| plan.push(0, row)))?;
    let mut buffers = upload.finish()?.wait()?;
    held.wait()?;
    Ok(buffers.remove(0))
}

impl Calibrator for Probe {
    fn batch_size(&mut self) -> i32 {
        self.calls.push(Call::BatchSize);
        super::network::BATCH.into()
    }

    fn next_batch(&mut self, inputs: &[&str], addresses: &mut [u64]) -> Result<bool, BoxError> {
        self.calls.push(Call::Batch(inputs.iter().map(|&input| input.to_owned()).collect()));
        let Some(batch) = self.batches.get(self.given) else { return Ok(false) };
        self.given += 1;
        // There is one input; were there more, the missing addresses are an error of their own.
        if let Some(address) = addresses.first_mut() {
            *address = batch.address();
        }
        Ok(true)
    }

    fn read_cache(&mut self) -> Result<Option<&[u8]>, BoxError> {
        self.calls.push(Call::ReadCache);
        Ok(self.offered.as_deref())
    }

    fn write_cache(&mut self, cache: &[u8]) -> Result<(), BoxError> {
        self.calls.push(Call::WriteCache);
        self.cache = Some(cache.to_vec());
        Ok(())
    }
}

/// In what a calibration differs from what the vendor documents: the cache is asked for first, then batches until there
/// are none, each for the network's inputs, and the cache is written once at the end.
pub(super) fn problems(calls: &[Call], input: &str, n_batches: usize) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, problem: String| {
        if !holds {
            problems.push(problem);
        }
    };
    let at = |wanted: fn(&Call) -> bool| calls.iter().position(wanted);
    let count = |wanted: fn(&Call) -> bool| calls.iter().filter(|call| wanted(call)).count();
    let is_batch: fn(&Call) -> bool = |call| matches!(call, Call::Batch(_));
    let is_read: fn(&Call) -> bool = |call| *call == Call::ReadCache;
    let is_write: fn(&Call) -> bool = |call| *call == Call::WriteCache;
    expect(at(is_read).is_some(), "it never asked for a cache".to_owned());
    expect(at(is_read) < at(is_batch), "it asked for a batch before the cache".to_owned());
    let batches = count(is_batch);
    expect(
        batches == n_batches + 1,
        format!("it asked for {batches} batches of {n_batches}, which wants {}", n_batches + 1),
    );
    for call in calls {
        if let Call::Batch(inputs) = call {
            expect(
                *inputs == [input],
                format!("it asked for the inputs {inputs:?}, not {input:?}"),
            );
        }
    }
    let writes = count(is_write);
    expect(writes == 1, format!("it wrote the cache {writes} times"));
    let last_batch = calls.iter().rposition(is_batch);
    expect(
        writes == 0 || at(is_write) > last_batch,
        "it wrote the cache before the last batch".to_owned(),
    );
    problems
}

/// In what a build with a cache to read differs from what the vendor documents: it asks for the cache and no batch.
pub(super) fn problems_with_cache(calls: &[Call]) -> Vec<String> {
    let mut problems = Vec::new();
    if !calls.contains(&Call::ReadCache) {
        problems.push("it never asked for the cache".to_owned());
    }
    let batches = calls.iter().filter(|call| matches!(call, Call::Batch(_))).count();
    if batches > 0 {
        problems.push(format!("it asked for {batches} batches in spite of its own cache"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Call {
        Call::Batch(vec!["x".to_owned()])
    }

    #[test]
    fn a_calibration_as_documented_has_no_problems() {
        let calls = [
            Call::BatchSize,
            Call::ReadCache,
            Call::BatchSize,
            batch(),
            batch(),
            batch(),
            Call::WriteCache,
        ];
        assert_eq!(problems(&calls, "x", 2), [""; 0]);
        assert_eq!(problems_with_cache(&[Call::ReadCache, Call::BatchSize]), [""; 0]);
    }

    #[test]
    fn each_deviation_is_named() {
        let other = Call::Batch(vec!["y".to_owned()]);
        let cases: [(&[Call], &str); 6] = [
            (&[batch(), Call::WriteCache], "never asked for a cache"),
            (&[batch(), Call::ReadCache, batch(), Call::WriteCache], "before the cache"),
            (&[Call::ReadCache, batch(), Call::WriteCache], "which wants 2"),
            (&[Call::ReadCache, batch(), other, Call::WriteCache], "not \"x\""),
            (&[Call::ReadCache, batch(), batch()], "wrote the cache 0 times"),
            (&[Call::ReadCache, batch(), Call::WriteCache, batch()], "before the last batch"),
        ];
        for (calls, problem) in cases {
            let found = problems(calls, "x", 1);
            assert!(found.iter().any(|it| it.contains(problem)), "{problem}: {found:?}");
        }
        assert_eq!(problems_with_cache(&[batch()]).len(), 2);
    }
}
