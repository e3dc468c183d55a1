//! The results as Markdown.

use crate::check::Tensors;
use crate::programs::{CLASS, IMAGENET};
use crate::results::{About, Results, Run, Spread};

/// The whole report: what was measured, a table for each number of cores, how they scale, how each is spelled.
pub(crate) fn text(results: &Results) -> String {
    let mut cores: Vec<usize> = results.compared().map(|run| run.cores).collect();
    cores.sort_unstable();
    cores.dedup();
    let mut parts = vec![heading(&results.about)];
    parts.extend(cores.iter().map(|&cores| on_cores(results, cores)));
    if let [one, .., many] = cores[..] {
        parts.push(scaling(results, one, many));
    }
    if let Some(&most) = cores.last() {
        parts.push(spellings(results, most));
    }
    parts.join("\n")
}

fn heading(about: &About) -> String {
    let About { set, files, mean_kb, count, batch, rounds, cpu, machine_cores, memory_gib, .. } =
        about;
    let commit = about.commit.as_deref().map_or(String::new(), |it| format!("commit {it}, "));
    let load = about.load_average.map_or(String::new(), |it| format!(", load average {it:.2}"));
    let pinned =
        if about.pinned { "" } else { "; not confined to cores, since there is no `taskset`" };
    format!(
        "{commit}{cpu}, {machine_cores} cores, {memory_gib} GiB{load}{pinned}\n\
         {set} pictures: {files} files of {mean_kb:.1} KB on average; {count} a pass, batches of {batch}; median of {rounds} \
         rounds with their range, ratios paired by round\n\
         *× {CLASS}*: times the rate of that. *{IMAGENET} × it*, *same steps × it*: times its rate that our chain has, \
         the one that equals the class or the one that does what it does\n"
    )
}

fn on_cores(results: &Results, cores: usize) -> String {
    let class = results.find(CLASS, cores);
    let imagenet = results.find(IMAGENET, cores);
    let mut text = format!(
        "{} {}\n\n\
         | program | tensors | images/s | CPU ms an image | × {CLASS} | {IMAGENET} × it | same steps × it |\n\
         |---|---|---|---|---|---|---|\n",
        cores,
        if cores == 1 { "core" } else { "cores" },
    );
    for run in results.compared().filter(|run| run.cores == cores) {
        let beside = results.find(&run.beside, cores);
        let cells = [
            run.program.clone(),
            tensors(run),
            cell(run.rate(), 0),
            cell(run.cpu(), 2),
            cell(class.and_then(|class| run.over(class)), 2),
            cell(imagenet.and_then(|imagenet| imagenet.over(run)), 2),
            cell(beside.and_then(|beside| beside.over(run)), 2),
        ];
        text += &format!("| {} |\n", cells.join(" | "));
    }
    text
}

fn scaling(results: &Results, one: usize, many: usize) -> String {
    let mut text = format!("| program | {many} cores × {one} |\n|---|---|\n");
    for run in results.compared().filter(|run| run.cores == many) {
        let ratio = results.find(&run.program, one).and_then(|one| run.over(one));
        text += &format!("| {} | {} |\n", run.program, cell(ratio, 2));
    }
    text
}

fn spellings(results: &Results, cores: usize) -> String {
    let runs = results.compared().filter(|run| run.cores == cores);
    runs.map(|run| format!("- {}: {}\n", run.program, run.spelling)).collect()
}

fn tensors(run: &Run) -> String {
    match &run.tensors {
        Tensors::Reference => String::new(),
        Tensors::Equal => format!("= {}", run.beside),
        Tensors::Different { max, rms, share } => {
            format!("{} ± {max:.2}, rms {rms:.4}, {:.0} % of values", run.beside, 100.0 * share)
        }
    }
}

fn cell(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or(String::new(), |spread| spread.text(digits))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::results::tests::example;

    #[test]
    fn the_table_has_every_program_on_every_number_of_cores() {
        expect![[r#"
            commit abc1234, a processor, 2 cores, 24 GiB, load average 1.25
            small pictures: 64 files of 84.3 KB on average; 512 a pass, batches of 32; median of 2 rounds with their range, ratios paired by round
            *× Python class*: times the rate of that. *imagenet × it*, *same steps × it*: times its rate that our chain has, the one that equals the class or the one that does what it does

            1 core

            | program | tensors | images/s | CPU ms an image | × Python class | imagenet × it | same steps × it |
            |---|---|---|---|---|---|---|
            | imagenet |  | 900 (600 to 1200) | 1.25 (0.83 to 1.67) | 3.00 | 1.00 | 1.00 |
            | Python class | = imagenet | 300 (200 to 400) | 3.75 (2.50 to 5.00) | 1.00 | 3.00 | 3.00 |
            | DALI | imagenet ± 0.50, rms 0.0123, 26 % of values | 375 (250 to 500) | 3.00 (2.00 to 4.00) | 1.25 | 2.40 | 2.40 |

            2 cores

            | program | tensors | images/s | CPU ms an image | × Python class | imagenet × it | same steps × it |
            |---|---|---|---|---|---|---|
            | imagenet |  | 1800 (1200 to 2400) | 0.62 (0.42 to 0.83) | 6.00 | 1.00 | 1.00 |
            | Python class | = imagenet | 300 (200 to 400) | 3.75 (2.50 to 5.00) | 1.00 | 6.00 | 6.00 |

            | program | 2 cores × 1 |
            |---|---|
            | imagenet | 2.00 |
            | Python class | 1.00 |

            - imagenet: imagenet < spelled
            - Python class: Python class < spelled
        "#]].assert_eq(&text(&example()));
    }

    #[test]
    fn without_peers_there_are_no_ratios_to_them() {
        let mut results = example();
        results.runs.retain(|run| run.program == IMAGENET && run.cores == 1);
        results.about.load_average = None;
        results.about.pinned = false;
        expect![[r#"
            commit abc1234, a processor, 2 cores, 24 GiB; not confined to cores, since there is no `taskset`
            small pictures: 64 files of 84.3 KB on average; 512 a pass, batches of 32; median of 2 rounds with their range, ratios paired by round
            *× Python class*: times the rate of that. *imagenet × it*, *same steps × it*: times its rate that our chain has, the one that equals the class or the one that does what it does

            1 core

            | program | tensors | images/s | CPU ms an image | × Python class | imagenet × it | same steps × it |
            |---|---|---|---|---|---|---|
            | imagenet |  | 900 (600 to 1200) | 1.25 (0.83 to 1.67) |  | 1.00 | 1.00 |

            - imagenet: imagenet < spelled
        "#]].assert_eq(&text(&results));
    }
}
