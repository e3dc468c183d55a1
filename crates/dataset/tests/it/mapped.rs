//! Files in the memory map give what reading them gives.

use calibrant_dataset::{Content, Dataset, FilesStay, ReadBuffer};
use calibrant_tensor::Digest;

use crate::{cut, folder_of};

fn digests(dataset: &Dataset) -> Vec<Digest> {
    let mut buffer = ReadBuffer::default();
    let read = dataset.samples().iter().map(|sample| {
        let content = sample.read(&mut buffer).expect("it is whole");
        assert!(matches!(content, Content::Tensors(_)) || sample.name().contains(".tar/"));
        content.digest()
    });
    read.collect()
}

#[test]
fn maps_hold_what_reading_gives() {
    let files = [
        ("x.npy", cut::npy()),
        ("x.npz", cut::npz()),
        ("x.safetensors", cut::safetensors()),
        ("x.tar", cut::tar()),
    ];
    for (name, bytes) in files {
        let folder = folder_of(&[(name, &bytes)]);
        let path = folder.path().join(name);
        let read = Dataset::open(&path).expect("it is whole");
        // SAFETY: nobody else knows of the folder.
        #[expect(unsafe_code, reason = "the promise is what is tested")]
        let stays = unsafe { FilesStay::promised() };
        let mapped = Dataset::open(&path).and_then(|set| set.mapped(stays)).expect("it is mapped");
        assert_eq!(digests(&read), digests(&mapped), "{name}");
        // Of what was cut before it is mapped there is no map.
        let file = std::fs::OpenOptions::new().write(true).open(&path).expect("it is there");
        drop(mapped);
        let opened = Dataset::open(&path).expect("it is whole");
        file.set_len(bytes.len() as u64 - 1).expect("it may be cut");
        opened.mapped(stays).expect_err(name);
    }
}
