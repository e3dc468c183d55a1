//! How much memory this process may take, as far as the system says.

use std::fs;
use std::path::{Path, PathBuf};

/// The share of it that running a network may take: the rest is for the samples, the pipeline and others.
const SHARE: [u64; 2] = [3, 4];

/// What counts as there where the system does not say: 8 GiB.
const UNKNOWN_BYTES: u64 = 8 << 30;

/// Memory that running a network may take when nobody says otherwise: three quarters of what this process may have.
///
/// That is the least of the machine's memory, the limits of its control groups (versions 1 and 2) and of the address space
/// (`ulimit -v`); on systems that say none of them, 8 GiB.
#[must_use]
pub fn default_memory_bytes() -> u64 {
    let limits = [machine(), control_groups(Path::new("/")), address_space()];
    let least = limits.into_iter().flatten().min().unwrap_or(UNKNOWN_BYTES);
    let [part, whole] = SHARE;
    least / whole * part
}

fn machine() -> Option<u64> {
    memory_total(&fs::read_to_string("/proc/meminfo").ok()?)
}

fn address_space() -> Option<u64> {
    soft_address_space(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// The `MemTotal` of `/proc/meminfo`.
fn memory_total(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The soft limit of the address space in `/proc/self/limits`, `None` where there is none.
fn soft_address_space(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The least limit of the control groups that this process is in, and of those around them.
fn control_groups(root: &Path) -> Option<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    let groups = groups.lines().filter_map(group);
    groups.flat_map(|(mount, group, file)| limits(&root.join(mount), &group, file)).min()
}

/// Where a line of `/proc/self/cgroup` says that a limit of memory is: below the mount, in the group, this file.
fn group(line: &str) -> Option<(&'static str, PathBuf, &'static str)> {
    let mut parts = line.splitn(3, ':');
    let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
    let path = path.trim_start_matches('/').into();
    if controllers.is_empty() {
        return Some(("sys/fs/cgroup", path, "memory.max"));
    }
    let has_memory = controllers.split(',').any(|controller| controller == "memory");
    has_memory.then_some(("sys/fs/cgroup/memory", path, "memory.limit_in_bytes"))
}

/// The limits of a group and of all around it; inside a container the group's own path is not always there.
fn limits(mount: &Path, group: &Path, file: &str) -> Vec<u64> {
    let read = |group: &Path| fs::read_to_string(mount.join(group).join(file)).ok();
    let limits = group.ancestors().filter_map(read);
    // "max" where there is none.
    limits.filter_map(|text| text.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(memory_total("MemTotal:       16384 kB\nMemFree: 1 kB\n"), Some(16 << 20));
        assert_eq!(memory_total("MemTotal: many kB"), None);
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax address space         8589934592           unlimited            bytes\n";
        assert_eq!(soft_address_space(limits), Some(8 << 30));
        assert_eq!(soft_address_space("Max address space   unlimited   unlimited   bytes"), None);
    }

    #[test]
    fn the_least_limit_of_all_groups_around_counts() {
        let root = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("proc/self/cgroup", "4:cpu,memory:/old\n0::/slice/job\n");
        assert_eq!(control_groups(root.path()), None);
        write("sys/fs/cgroup/slice/job/memory.max", "max\n");
        write("sys/fs/cgroup/slice/memory.max", "4096\n");
        assert_eq!(control_groups(root.path()), Some(4096));
        write("sys/fs/cgroup/memory/memory.limit_in_bytes", "2048\n");
        assert_eq!(control_groups(root.path()), Some(2048));
    }

    #[test]
    fn the_default_is_less_than_the_machine_has() {
        let bytes = default_memory_bytes();
        assert!(bytes > 0 && machine().is_none_or(|machine| bytes < machine));
    }
}
