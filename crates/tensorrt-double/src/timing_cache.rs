//! `ITimingCache`: which networks were timed, and by which TensorRT.

use std::cell::RefCell;
use std::collections::BTreeSet;

use tensorrt_sys::Version;
use tensorrt_sys::classes::ITimingCache;

use crate::memory::host_memory;
use crate::object::{Class, Delete, Table, body};

/// A timing cache. Its bytes are text: a line that says whose it is, the version, then an entry a line.
pub(crate) struct TimingCache {
    /// The version that timed.
    pub(crate) version: Version,
    /// What was timed: the SHA-256 of each network with its settings.
    pub(crate) entries: RefCell<BTreeSet<String>>,
}

const MAGIC: &str = "tensorrt-double timing cache";

impl TimingCache {
    /// The cache that `bytes` were serialized from, an empty one for none; `None` for bytes of somebody else's.
    pub(crate) fn read(bytes: &[u8], version: Version) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self { version, entries: RefCell::default() });
        }
        let text = str::from_utf8(bytes).ok()?;
        let mut lines = text.lines();
        if lines.next()? != MAGIC {
            return None;
        }
        let version = Version::from_raw(lines.next()?.parse().ok()?);
        Some(Self { version, entries: RefCell::new(lines.map(str::to_owned).collect()) })
    }

    fn serialize(&self) -> Vec<u8> {
        let mut text = format!("{MAGIC}\n{}\n", self.version.raw());
        for entry in self.entries.borrow().iter() {
            text += entry;
            text.push('\n');
        }
        text.into_bytes()
    }

    /// Takes over another cache's entries; those of another version only when told to ignore that.
    fn combine(&self, other: &Self, ignore_mismatch: bool) -> bool {
        let fits = ignore_mismatch || self.version == other.version;
        if fits {
            let entries = other.entries.borrow().clone();
            self.entries.borrow_mut().extend(entries);
        }
        fits
    }
}

impl Class for TimingCache {
    type Cpp = ITimingCache;
    const NAME: &'static str = "ITimingCache";
    const DELETE: Option<&'static Delete<ITimingCache>> = Some(&ITimingCache::DELETE);
    const WORD: &'static str = "timing cache";

    fn fill(table: &mut Table<Self>) {
        table.on(&ITimingCache::SERIALIZE, |cache| host_memory(cache.context(), cache.serialize()));
        table.on2(&ITimingCache::COMBINE, |cache, other: *mut ITimingCache, ignore_mismatch| {
            // SAFETY: the client passes a timing cache of this library that is alive during the call.
            let other = unsafe { body::<Self>(other) };
            other.is_some_and(|other| cache.combine(other, ignore_mismatch))
        });
        table.on(&ITimingCache::RESET, |cache| {
            cache.entries.borrow_mut().clear();
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_reads_what_it_wrote_and_nothing_else() {
        let version = Version::from_raw(101_601);
        let cache = TimingCache::read(b"", version).unwrap();
        cache.entries.borrow_mut().insert("ab".to_owned());
        let bytes = cache.serialize();
        assert_eq!(bytes, b"tensorrt-double timing cache\n101601\nab\n");
        let again = TimingCache::read(&bytes, Version::from_raw(8_601)).unwrap();
        assert_eq!(again.version, version);
        assert_eq!(again.entries, cache.entries);
        assert!(TimingCache::read(b"cache", version).is_none());
    }

    #[test]
    fn caches_of_two_versions_combine_only_when_told() {
        let cache = |version| TimingCache::read(b"", Version::from_raw(version)).unwrap();
        let (one, other) = (cache(101_601), cache(100_001));
        other.entries.borrow_mut().insert("ab".to_owned());
        assert!(!one.combine(&other, false));
        assert!(one.entries.borrow().is_empty());
        assert!(one.combine(&other, true));
        assert_eq!(one.entries, other.entries);
    }
}
