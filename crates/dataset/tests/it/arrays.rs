//! Arrays: NumPy's own reading is what ours is held to.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use calibrant_dataset::{Content, Dataset, ReadBuffer, SampleRef};
use calibrant_tensor::{ElementType, Input, Tensor, TensorData};

use crate::{chain, fixtures, names};

fn tensors(sample: &SampleRef, buffer: &mut ReadBuffer) -> Vec<(Arc<str>, Tensor)> {
    match sample.read(buffer).expect("it is there") {
        Content::Tensors(tensors) => tensors.clone(),
        Content::Encoded(_) => panic!("a row is no file"),
    }
}

/// A tensor in the words of `expected.tsv`.
fn words(row: usize, name: &str, Tensor { shape, data }: &Tensor) -> String {
    let shape: Vec<_> = shape.iter().map(usize::to_string).collect();
    let values: Vec<_> = match data {
        TensorData::F32(values) => {
            values.iter().map(|it| format!("{:08x}", it.to_bits())).collect()
        }
        TensorData::I64(values) => values.iter().map(i64::to_string).collect(),
        TensorData::I32(values) => values.iter().map(i32::to_string).collect(),
        TensorData::U8(values) => values.iter().map(u8::to_string).collect(),
        TensorData::Bool(values) => values.iter().map(|&it| u8::from(it).to_string()).collect(),
    };
    format!("{name}\t{}\t{row}\t{}\t{}", data.dtype(), shape.join("x"), values.join(" "))
}

/// Every file of the good ones through one buffer, so that each tensor's memory has held another
/// type before.
#[test]
fn rows_are_what_numpy_reads() {
    let folder = fixtures().join("dataset");
    assert_eq!(check(&folder.join("expected.tsv"), &folder.join("good")), 22);
}

#[test]
fn rows_are_what_the_safetensors_package_reads() {
    let folder = fixtures().join("dataset/safetensors");
    assert_eq!(check(&folder.join("expected.tsv"), &folder), 1);
}

/// Compares the rows of all files that are expected and returns how many those are.
fn check(expected: &Path, folder: &Path) -> usize {
    let expected = fs::read_to_string(expected).expect("it is checked in");
    let mut files: Vec<_> = expected.lines().filter_map(|it| it.split('\t').next()).collect();
    files.dedup();
    let n_files = files.len();
    let mut actual = Vec::new();
    let mut buffer = ReadBuffer::default();
    for file in files {
        let dataset = Dataset::open(&folder.join(file)).expect(file);
        let inputs = dataset.inputs();
        for (idx, input) in inputs.iter().enumerate() {
            for (row, sample) in dataset.samples().iter().enumerate() {
                assert_eq!(sample.name(), format!("{file}[{row}]"));
                let (name, tensor) = &tensors(sample, &mut buffer)[idx];
                actual.push(format!("{file}\t{}", words(row, name, tensor)));
                let found = Input::fixed(&**name, tensor.data.element_type(), &tensor.shape);
                assert_eq!(found, *input);
            }
        }
    }
    assert_eq!(actual, expected.lines().collect::<Vec<_>>());
    n_files
}

#[test]
fn a_folder_of_arrays_is_one_array_per_input() {
    let good = fixtures().join("dataset/good");
    let dataset = Dataset::open(&good.join("inputs")).expect("there are two arrays");
    assert_eq!(names(&dataset), ["inputs[0]", "inputs[1]", "inputs[2]"]);
    let inputs = dataset.inputs();
    let expected = [
        Input::fixed("attention_mask", ElementType::Bool, &[1, 5]),
        Input::fixed("input_ids", ElementType::I64, &[1, 5]),
    ];
    assert_eq!(inputs, expected);

    let archive = Dataset::open(&good.join("stored.npz")).expect("it is whole");
    let mut buffer = ReadBuffer::default();
    for (from_folder, from_archive) in dataset.samples().iter().zip(archive.samples()) {
        let expected = tensors(from_archive, &mut buffer);
        assert_eq!(tensors(from_folder, &mut buffer), expected[..2]);
    }
}

/// One identity for one sample, however it is stored.
#[test]
fn compression_does_not_change_what_a_sample_is() {
    let digests = ["stored.npz", "deflated.npz"].map(|file| {
        let path = fixtures().join("dataset/good").join(file);
        let dataset = Dataset::tensors(&path).expect("it is whole");
        let mut buffer = ReadBuffer::default();
        let digest = |it: &SampleRef| it.read(&mut buffer).expect("it is there").digest();
        dataset.samples().iter().map(digest).collect::<Vec<_>>()
    });
    assert_eq!(digests[0], digests[1]);
    assert_ne!(digests[0][0], digests[0][1]);
}

#[test]
fn taking_the_tensors_leaves_a_working_buffer() {
    let path = fixtures().join("dataset/good/stored.npz");
    let dataset = Dataset::tensors(&path).expect("it is whole");
    let mut buffer = ReadBuffer::default();
    let mut taken = Vec::new();
    for sample in dataset.samples() {
        let expected = tensors(sample, &mut buffer);
        let Ok(Content::Tensors(tensors)) = sample.read(&mut buffer) else { panic!("a row") };
        std::mem::swap(&mut taken, tensors);
        assert_eq!(taken, expected);
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_the_reason() {
    let cases = [
        ("fortran.npy", "in Fortran order; save `numpy.ascontiguousarray(x)`"),
        ("scalar.npy", "the array has no axis; the first axis counts the samples"),
        ("no_rows.npy", "the array of shape [0, 3] holds no value"),
        ("no_columns.npy", "the array of shape [3, 0] holds no value"),
        ("complex.npy", "values of type `<c8` are not supported"),
        ("int16.npy", "values of type `<i2` are not supported"),
        ("uint64.npy", "values of type `<u8` are not supported"),
        ("text.npy", "values of type `<U2` are not supported"),
        ("structured.npy", "values of type `[('a', '<f4'), ('b', '<i4')]` are not supported"),
        ("pickled.npy", "values of type `|O` are not supported"),
        ("two_arrays.npy", "the shape [6] needs 24 bytes of values, and there are 176"),
        ("cut_length.npy", "the file ends within its header"),
        ("cut_header.npy", "the file ends within its header"),
        ("cut_values.npy", "the shape [6] needs 24 bytes of values, and there are 12"),
        ("rows_differ.npz", "`a` holds 6 samples and `b` holds 5"),
        ("empty.npz", "no array: looked for `<input>.npy`, and saw 0 other entries"),
        ("no_array.npz", "no array: looked for `<input>.npy`, and saw 1 other entries"),
        ("cut.npz", "not a readable zip archive"),
        ("damaged.npz", "the archive's member `input_ids.npy` is damaged"),
    ];
    for (file, words) in cases {
        let path = fixtures().join("dataset/bad").join(file);
        let error = Dataset::open(&path).expect_err(file);
        let text = chain(&error);
        assert!(text.contains(words) && text.contains(file), "{file}: {text}");
    }
    let cut = Dataset::tensors(&fixtures().join("dataset/bad/cut_magic.npy"));
    assert!(chain(&cut.expect_err("it is cut")).contains("does not begin with"));
}

#[test]
fn a_safetensors_that_is_damaged_is_one_nevertheless() {
    let whole = fs::read(fixtures().join("dataset/safetensors/inputs.safetensors")).expect("it");
    let folder = crate::folder_of(&[
        ("cut.safetensors", &whole[..whole.len() - 1]),
        ("text.safetensors", b"not one"),
        ("empty.safetensors", b""),
        ("unnamed", &whole),
    ]);
    let cases = [
        ("cut.safetensors", "should begin at"),
        ("text.safetensors", "it has 7 bytes, fewer than the 8"),
        ("empty.safetensors", "it has 0 bytes"),
    ];
    for (file, words) in cases {
        let text = chain(&Dataset::open(&folder.path().join(file)).expect_err(file));
        assert!(text.contains("not a readable safetensors file") && text.contains(words), "{text}");
    }
    let dataset = Dataset::open(&folder.path().join("unnamed")).expect("its bytes tell it");
    assert_eq!((dataset.samples().len(), dataset.inputs().len()), (4, 8));
}

#[test]
fn a_double_that_no_float_comes_near_is_an_error() {
    let path = fixtures().join("dataset/bad/beyond_float32.npy");
    let dataset = Dataset::open(&path).expect("the array itself is whole");
    let mut buffer = ReadBuffer::default();
    assert!(dataset.samples()[0].read(&mut buffer).is_ok());
    let error = dataset.samples()[1].read(&mut buffer).expect_err("it would be infinite");
    let expected = "the value -1e300 of `beyond_float32` in sample 1 is beyond float32";
    assert_eq!(error.to_string(), expected);
}

#[cfg(unix)]
mod sparse {
    use std::fs::File;
    use std::io::{Seek as _, SeekFrom, Write as _};
    use std::path::Path;

    use super::*;

    /// Writes an array whose values are all zero and take no space on disk, but for its last four
    /// bytes.
    fn write(path: &Path, descr: &str, shape: &str, n_bytes: u64, last: [u8; 4]) {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let length = u16::try_from(header.len()).expect("a short header").to_le_bytes();
        let start = [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes()].concat();
        let mut file = File::create(path).expect("a file");
        file.write_all(&start).expect("a header");
        file.set_len(start.len() as u64 + n_bytes).expect("a sparse file");
        file.seek(SeekFrom::End(-4)).expect("it is that long");
        file.write_all(&last).expect("the last bytes");
    }

    /// 64 GiB: opening the array and reading its last row must not take them.
    #[test]
    fn of_an_array_larger_than_memory_a_row_is_read() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("huge.npy");
        write(&path, "<f4", "1024, 16777216", 1 << 36, 2.5_f32.to_le_bytes());

        let dataset = Dataset::open(&path).expect("it is whole");
        assert_eq!(dataset.samples().len(), 1024);
        let mut buffer = ReadBuffer::default();
        let last = dataset.samples().last().expect("there are many");
        let Ok(Content::Tensors(tensors)) = last.read(&mut buffer) else { panic!("a row") };
        let TensorData::F32(values) = &tensors[0].1.data else { panic!("floats") };
        assert_eq!((values[0], values[values.len() - 1]), (0.0, 2.5));
    }

    #[test]
    fn an_axis_that_counts_no_samples_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("flat.npy");
        write(&path, "|u1", "16777217,", (1 << 24) + 1, [0; 4]);
        let text = chain(&Dataset::open(&path).expect_err("it is flat"));
        assert!(text.ends_with("is its first axis the samples?"), "{text}");
    }
}

#[test]
fn a_file_in_memory_is_what_it_is_on_disk() {
    let good = fixtures().join("dataset/good");
    for file in ["stored.npz", "deflated.npz", "mixed.npz", "i8_le.npy", "rank_4.npy"] {
        let bytes = fs::read(good.join(file)).expect("it is checked in");
        let rows = |dataset: &Dataset| {
            dataset.rows().collect::<Result<Vec<_>, _>>().expect("every row can be read")
        };
        let there = Dataset::open(&good.join(file)).expect("it is whole");
        let here = Dataset::tensors_in_memory(file, bytes.clone()).expect("it is whole");
        assert_eq!((here.inputs(), rows(&here)), (there.inputs(), rows(&there)), "{file}");
        assert_eq!(rows(&here).len(), there.samples().len(), "{file}");

        let cut = bytes[..bytes.len() / 2].to_vec();
        let error = Dataset::tensors_in_memory(file, cut).expect_err("half of it is missing");
        assert!(error.to_string().contains(file), "{error}");
    }
}
