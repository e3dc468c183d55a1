//! What has changed since other results.
//!
//! Images/s mean something on one machine only, so they are compared where the machine is the same; the ratio to the
//! Python class carries over to others, though not exactly: processors differ in what they are good at.

use crate::programs::CLASS;
use crate::results::{Results, Run, Spread};

/// A table of what is in both, or a line that says why there is none.
pub(crate) fn text(before: &Results, now: &Results) -> String {
    if before.about.set != now.about.set {
        let (set, other) = (&now.about.set, &before.about.set);
        return format!("nothing to compare: {set} pictures now, {other} ones before\n");
    }
    let commit = before.about.commit.as_deref().unwrap_or("an unknown commit");
    let same = is_comparable(before, now);
    let machine = if same {
        "the same machine and pictures"
    } else {
        "another machine or other pictures: ratios alone are compared"
    };
    let mut text = format!(
        "since {commit}, {machine}\n\n\
         | program | cores | images/s | change | × {CLASS} | change |\n|---|---|---|---|---|---|\n"
    );
    for run in now.compared() {
        let Some(old) = before.find(&run.program, run.cores) else { continue };
        let [rate, rate_change] = change(old.rate().filter(|_| same), run.rate(), 0);
        let [ratio, ratio_change] = change(to_class(before, old), to_class(now, run), 2);
        let cells =
            [&run.program, &run.cores.to_string(), &rate, &rate_change, &ratio, &ratio_change];
        text += &format!("| {} |\n", cells.map(String::as_str).join(" | "));
    }
    text
}

/// Whether machine and pictures are the same, as far as the results say.
fn is_comparable(one: &Results, other: &Results) -> bool {
    let machine =
        |it: &Results| (it.about.cpu.clone(), it.about.machine_cores, it.about.mean_kb.to_bits());
    machine(one) == machine(other)
}

fn to_class(results: &Results, run: &Run) -> Option<Spread> {
    run.over(results.find(CLASS, run.cores)?)
}

/// `before → now`, and by how many percent.
fn change(before: Option<Spread>, now: Option<Spread>, digits: usize) -> [String; 2] {
    let Some((before, now)) = before.zip(now) else { return Default::default() };
    let (before, now) = (before.median, now.median);
    [
        format!("{before:.digits$} → {now:.digits$}"),
        format!("{:+.1} %", 100.0 * (now / before - 1.0)),
    ]
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::results::tests::example;

    #[test]
    fn on_the_same_machine_images_are_compared_too() {
        let mut now = example();
        now.runs[0].images_per_s = vec![1320.0, 660.0];
        expect![[r#"
            since abc1234, the same machine and pictures

            | program | cores | images/s | change | × Python class | change |
            |---|---|---|---|---|---|
            | imagenet | 1 | 900 → 990 | +10.0 % | 3.00 → 3.30 | +10.0 % |
            | Python class | 1 | 300 → 300 | +0.0 % | 1.00 → 1.00 | +0.0 % |
            | DALI | 1 | 375 → 375 | +0.0 % | 1.25 → 1.25 | +0.0 % |
            | imagenet | 2 | 1800 → 1800 | +0.0 % | 6.00 → 6.00 | +0.0 % |
            | Python class | 2 | 300 → 300 | +0.0 % | 1.00 → 1.00 | +0.0 % |
        "#]]
        .assert_eq(&text(&example(), &now));
    }

    #[test]
    fn on_another_machine_ratios_alone_are_compared() {
        let mut now = example();
        "another processor".clone_into(&mut now.about.cpu);
        now.runs.truncate(2);
        expect![[r#"
            since abc1234, another machine or other pictures: ratios alone are compared

            | program | cores | images/s | change | × Python class | change |
            |---|---|---|---|---|---|
            | imagenet | 1 |  |  | 3.00 → 3.00 | +0.0 % |
            | Python class | 1 |  |  | 1.00 → 1.00 | +0.0 % |
        "#]]
        .assert_eq(&text(&example(), &now));
    }

    #[test]
    fn other_pictures_are_not_compared() {
        let mut before = example();
        "large".clone_into(&mut before.about.set);
        let expected = "nothing to compare: small pictures now, large ones before\n";
        assert_eq!(text(&before, &example()), expected);
    }
}
