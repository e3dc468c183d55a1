//! Starts the programs, holds their tensors against ours, and has them take turns.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::args::Setting;
use crate::check::{self, Tensors};
use crate::machine::{self, Machine};
use crate::pictures::Pictures;
use crate::process::{Answer, Process};
use crate::programs::{Kind, Program, Tensors as Expected};
use crate::results::{About, Run};

/// How many pictures' tensors are compared.
const CHECKED: usize = 64;
/// The sizes of batches that are drawn.
const SWEPT_BATCHES: [usize; 4] = [1, 8, 32, 128];
/// The peers, seen from the repository.
const PEERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/throughput");

/// What is measured in the same rounds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    programs: Vec<&'static Program>,
    cores: Vec<usize>,
    batch: usize,
}

impl Phase {
    /// Everything, on each number of cores.
    pub(crate) fn comparison(setting: &Setting) -> Self {
        let Setting { programs, cores, batch, .. } = setting;
        Self { programs: programs.clone(), cores: cores.clone(), batch: *batch }
    }

    /// What the comparison leaves out of the drawing: other numbers of cores, other sizes of batches.
    pub(crate) fn sweep(setting: &Setting) -> Vec<Self> {
        let swept: Vec<_> = setting.programs.iter().copied().filter(|it| it.swept).collect();
        let phase = |cores, batch| Self { programs: swept.clone(), cores: vec![cores], batch };
        let cores = swept_cores(setting.machine_cores).into_iter();
        let cores = cores.filter(|n| !setting.cores.contains(n)).map(|n| phase(n, setting.batch));
        let most = setting.cores.iter().copied().max().unwrap_or(1);
        let batches = SWEPT_BATCHES.into_iter().filter(|&batch| batch != setting.batch);
        cores.chain(batches.map(|batch| phase(most, batch))).collect()
    }
}

/// Each number of cores up to 4, then powers of two, and all.
fn swept_cores(machine: usize) -> Vec<usize> {
    let powers = (3..usize::BITS).map(|k| 1 << k).take_while(|&n| n < machine);
    (1..=machine.min(4)).chain(powers).chain((machine > 4).then_some(machine)).collect()
}

/// The measuring of one setting.
pub(crate) struct Bench<'a> {
    setting: &'a Setting,
    machine: &'a Machine,
    pictures: &'a Pictures,
    /// For lists, tensors and what the programs print.
    folder: &'a Path,
    /// Peers that cannot run here; each is told of once.
    left_out: BTreeSet<&'static str>,
}

/// A program on some cores, ready.
struct Running {
    program: &'static Program,
    cores: usize,
    process: Process,
    run: Run,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        setting: &'a Setting,
        machine: &'a Machine,
        pictures: &'a Pictures,
        folder: &'a Path,
    ) -> Self {
        Self { setting, machine, pictures, folder, left_out: BTreeSet::new() }
    }

    /// What the results are of.
    pub(crate) fn about(&self) -> About {
        let Setting { set, batch, count, rounds, .. } = *self.setting;
        About {
            commit: commit(),
            cpu: self.machine.cpu.clone(),
            machine_cores: self.machine.cores.len(),
            memory_gib: self.machine.memory_gib,
            pinned: self.machine.pins,
            load_average: machine::load_average(),
            set: set.name().to_owned(),
            files: self.pictures.paths.len(),
            mean_kb: (10.0 * self.pictures.mean_kb()).round() / 10.0,
            count: count.next_multiple_of(batch),
            batch,
            rounds,
        }
    }

    /// Measures one phase.
    ///
    /// # Errors
    ///
    /// When a program fails, or makes other tensors than it must.
    pub(crate) fn run(&mut self, phase: &Phase) -> anyhow::Result<Vec<Run>> {
        let images = self.setting.count.next_multiple_of(phase.batch);
        let list = self.folder.join("list.txt");
        fs::write(&list, self.pictures.list(images))?;
        let mut running = Vec::new();
        for &cores in &phase.cores {
            for &program in &phase.programs {
                let named = || format!("`{}` on {cores} of the cores", program.name);
                let ready = self.start(program, cores, phase.batch, &list).with_context(named)?;
                running.extend(ready);
            }
        }
        for it in &mut running {
            it.run.tensors = self.check(it, images.min(CHECKED)).with_context(|| it.named())?;
        }
        for round in 1..=self.setting.rounds {
            say(&format!("batch {}: round {round} of {}", phase.batch, self.setting.rounds));
            for it in in_turn(&mut running, round) {
                let cost = it.process.pass(images).with_context(|| it.named())?;
                it.run.images_per_s.push(images as f64 / cost.wall_s);
                it.run.cpu_ms.extend(cost.cpu_s.map(|cpu_s| 1000.0 * cpu_s / images as f64));
            }
        }
        Ok(running.into_iter().map(|it| it.run).collect())
    }

    /// The program when it is ready, or `None` when it cannot run here.
    fn start(
        &mut self,
        program: &'static Program,
        cores: usize,
        batch: usize,
        list: &Path,
    ) -> anyhow::Result<Option<Running>> {
        if self.left_out.contains(program.name) {
            return Ok(None);
        }
        let Some(mut command) = self.command(program)? else {
            self.leave_out(program, "it needs --python; benches/peers/README.md sets one up");
            return Ok(None);
        };
        let numbers = [("--batch", batch), ("--cores", cores)];
        command.extend([OsString::from("--list"), list.into()]);
        command
            .extend(numbers.into_iter().flat_map(|(flag, n)| [flag.into(), n.to_string().into()]));
        let pinned = if self.machine.pins { self.machine.last_cores(cores) } else { &[] };
        let mut process = Process::start(&command, pinned, &self.file(program, cores, "log"))?;
        let spelling = match process.answer()? {
            Answer::Spelling(spelling) => spelling,
            Answer::Missing(what) => {
                let way_out = "pip install -r benches/peers/requirements.txt";
                self.leave_out(program, &format!("{what}; {way_out}"));
                return Ok(None);
            }
            Answer::Images(_) => bail!("it answered before it was asked"),
        };
        say(&format!("ready, cores {cores}: {}", program.name));
        let run = Run::new(program, cores, batch, spelling);
        Ok(Some(Running { program, cores, process, run }))
    }

    fn command(&self, program: &Program) -> anyhow::Result<Option<Vec<OsString>>> {
        Ok(match (&program.kind, &self.setting.python) {
            (Kind::Ours { .. }, _) => {
                let this = env::current_exe().context("this program's own file is not known")?;
                Some(vec![this.into(), "worker".into(), program.name.into()])
            }
            (Kind::Peer { peer, .. }, Some(python)) => {
                Some(vec![python.into(), PEERS.into(), peer.into()])
            }
            (Kind::Peer { .. }, None) => None,
        })
    }

    fn leave_out(&mut self, program: &Program, why: &str) {
        self.left_out.insert(program.name);
        say(&format!("`{}` is left out: {why}", program.name));
    }

    /// Has the program make the first tensors, which warms it up too, and compares them.
    fn check(&self, it: &mut Running, count: usize) -> anyhow::Result<Tensors> {
        let file = self.file(it.program, it.cores, "tensors");
        it.process.check(count, &file)?;
        let Kind::Peer { beside, tensors, .. } = it.program.kind else {
            return Ok(Tensors::Reference);
        };
        let Some(&beside) = self.setting.programs.iter().find(|program| program.name == beside)
        else {
            return Ok(Tensors::Reference);
        };
        let found = check::compare(&file, &self.file(beside, it.cores, "tensors"))?;
        fs::remove_file(&file)?;
        if tensors == Expected::Equal && found != Tensors::Equal {
            bail!("its tensors must equal those of `{}`: {found:?}", beside.name);
        }
        Ok(found)
    }

    fn file(&self, program: &Program, cores: usize, kind: &str) -> PathBuf {
        let name: String = program.name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        self.folder.join(format!("{name}-{cores}.{kind}"))
    }
}

impl Running {
    fn named(&self) -> String {
        format!("`{}` on {} of the cores", self.program.name, self.cores)
    }
}

/// There and back again, so that a machine that slows down evenly favours none.
fn in_turn(running: &mut [Running], round: usize) -> Vec<&mut Running> {
    let mut turns: Vec<_> = running.iter_mut().collect();
    if round.is_multiple_of(2) {
        turns.reverse();
    }
    turns
}

fn commit() -> Option<String> {
    let mut git = std::process::Command::new("git");
    git.args(["describe", "--always", "--dirty"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = git.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn say(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_numbers_of_cores_are_drawn_while_they_are_few() {
        assert_eq!(swept_cores(1), [1]);
        assert_eq!(swept_cores(2), [1, 2]);
        assert_eq!(swept_cores(6), [1, 2, 3, 4, 6]);
        assert_eq!(swept_cores(16), [1, 2, 3, 4, 8, 16]);
        assert_eq!(swept_cores(20), [1, 2, 3, 4, 8, 16, 20]);
    }
}
