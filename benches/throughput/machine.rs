//! The machine: its cores, what it is called, and the processor time of processes.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::thread;

/// Of `/proc`'s times, on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a run says about where it was measured.
#[derive(Debug, Default)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    /// The cores that this process may use, by their numbers.
    pub(crate) cores: Vec<usize>,
    pub(crate) memory_gib: f64,
    /// Whether programs can be confined to cores.
    pub(crate) pins: bool,
}

impl Machine {
    /// Looks at this one; what cannot be found out stays empty.
    pub(crate) fn look() -> Self {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.split_once(':'));
            line.map(|(_, value)| value.trim().to_owned())
        };
        let listed = field("/proc/self/status", "Cpus_allowed_list");
        let cores = listed.and_then(|list| core_list(&list)).unwrap_or_else(|| {
            (0..thread::available_parallelism().map_or(1, Into::into)).collect()
        });
        let kib = field("/proc/meminfo", "MemTotal").unwrap_or_default();
        let kib: f64 = kib.trim_end_matches(" kB").parse().unwrap_or(0.0);
        Self {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores,
            memory_gib: (kib / f64::from(1 << 20)).round(),
            pins: has_taskset(),
        }
    }

    /// The last `n` cores: the first one has the most interrupts.
    pub(crate) fn last_cores(&self, n: usize) -> &[usize] {
        &self.cores[self.cores.len().saturating_sub(n)..]
    }
}

/// The average number of processes that wanted to run in the last five minutes, to say how idle the machine was.
pub(crate) fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().nth(1)?.parse().ok()
}

/// Processor seconds, user and system, that a process and all below it have had; `None` where there is no `/proc`.
pub(crate) fn cpu_s(process: u32) -> Option<f64> {
    let mut processes = BTreeMap::new();
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has ended since is no longer of interest.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        processes.extend(parse_stat(&stat).map(|stat| (id, stat)));
    }
    let ticks = ticks_below(process, &processes);
    processes.contains_key(&process).then(|| ticks as f64 / TICKS_PER_SECOND)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: u32,
    /// The process's own, and those of its children that have ended.
    ticks: u64,
}

/// Reads `/proc/PID/stat`, whose second field is a name in brackets that may itself hold brackets.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, fields) = text.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>().ok());
    Some(Stat { parent: fields.get(1)?.parse().ok()?, ticks: ticks.sum::<Option<u64>>()? })
}

fn ticks_below(process: u32, all: &BTreeMap<u32, Stat>) -> u64 {
    let own = all.get(&process).map_or(0, |stat| stat.ticks);
    let children = all.iter().filter(|(_, stat)| stat.parent == process);
    own + children.map(|(&child, _)| ticks_below(child, all)).sum::<u64>()
}

/// `0-2,5` as numbers.
fn core_list(text: &str) -> Option<Vec<usize>> {
    let mut cores = Vec::new();
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse::<usize>().ok()?..=last.parse().ok()?);
    }
    Some(cores)
}

fn has_taskset() -> bool {
    let mut command = Command::new("taskset");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_cores_are_read_as_the_kernel_writes_them() {
        assert_eq!(core_list("0-2,5\n"), Some(vec![0, 1, 2, 5]));
        assert_eq!(core_list("7"), Some(vec![7]));
        assert_eq!(core_list(""), None);
        let machine = Machine { cores: vec![0, 1, 2, 5], ..Machine::default() };
        assert_eq!(machine.last_cores(2), [2, 5]);
    }

    #[test]
    fn the_time_of_a_process_includes_those_below_it() {
        let line = |id: u32, parent: u32, ticks: u64| {
            let stat =
                format!("{id} (a) b) S {parent} 1 1 0 -1 4 0 0 0 0 {ticks} 20 3 0 20 0 1 0 9");
            (id, parse_stat(&stat).expect("a line of the kernel's"))
        };
        let all =
            BTreeMap::from([line(1, 0, 1000), line(5, 1, 100), line(6, 5, 10), line(7, 6, 0)]);
        assert_eq!(ticks_below(5, &all), 100 + 10 + 3 * 23);
        assert_eq!(parse_stat("5 (a) S 1"), None);
    }
}
