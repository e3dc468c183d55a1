//! The results as a drawing: images a second over numbers of cores, and over sizes of batches.

use std::fmt::Write as _;

use crate::results::{Results, Run, Spread};

const WIDTH: f64 = 940.0;
const HEIGHT: f64 = 476.0;
/// The plotting area of a panel: top, width and height.
const TOP: f64 = 92.0;
const PANEL: (f64, f64) = (372.0, 262.0);
/// Left edges of the two panels' plotting areas.
const LEFTS: [f64; 2] = [72.0, 538.0];
/// Space to the left of the first and to the right of the last point.
const INSET: f64 = 26.0;
const LEGEND_TOP: f64 = 414.0;
const LEGEND_COLUMNS: usize = 3;

/// Ours in strong colours.
const OURS: [&str; 3] = ["#0b5fd0", "#00897b", "#6a3fb5"];
const PEERS: [&str; 8] =
    ["#c0392b", "#e08214", "#8d6e63", "#9e9d24", "#d06a9c", "#607d8b", "#333333", "#b08bd0"];

/// A program's line in a panel: places along the axis, and what was measured there.
struct Line<'a> {
    run: &'a Run,
    points: Vec<(usize, Spread)>,
}

/// Returns the drawing as an SVG file.
pub(crate) fn chart(results: &Results) -> String {
    let about = &results.about;
    let swept = || results.runs.iter().filter(|run| run.swept);
    let of_other_batches = swept().filter(|run| run.batch != about.batch);
    let most = of_other_batches.map(|run| run.cores).max().unwrap_or(1);
    let over_cores = lines(swept().filter(|run| run.batch == about.batch), |run| run.cores);
    let over_batches = lines(swept().filter(|run| run.cores == most), |run| run.batch);
    let top = ticks(over_cores.iter().chain(&over_batches));

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"system-ui, sans-serif\" \
         font-size=\"12\" fill=\"#222\">\n<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#fff\"/>\n"
    );
    text(
        &mut svg,
        (24.0, 30.0),
        "font-size=\"16\" font-weight=\"600\"",
        "Images a second, from files to normalised batches",
    );
    let subtitle = format!(
        "{}, {} cores; {} files of {:.0} KB on average; medians of {} rounds with their range",
        about.cpu, about.machine_cores, about.files, about.mean_kb, about.rounds
    );
    text(&mut svg, (24.0, 50.0), "fill=\"#666\"", &subtitle);
    panel(
        &mut svg,
        LEFTS[0],
        &format!("over cores, batches of {}", about.batch),
        &over_cores,
        &top,
    );
    panel(&mut svg, LEFTS[1], &format!("over sizes of batches, {most} cores"), &over_batches, &top);
    legend(&mut svg, &over_cores);
    svg + "</svg>\n"
}

/// The runs of each program, in the order of the programs, over what `place` says.
fn lines<'a>(runs: impl Iterator<Item = &'a Run>, place: impl Fn(&Run) -> usize) -> Vec<Line<'a>> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for run in runs {
        let Some(rate) = run.rate() else { continue };
        let point = (place(run), rate);
        match lines.iter_mut().find(|line| line.run.program == run.program) {
            Some(line) => line.points.push(point),
            None => lines.push(Line { run, points: vec![point] }),
        }
    }
    lines.iter_mut().for_each(|line| line.points.sort_by_key(|&(place, _)| place));
    lines
}

/// Round values from 0 to at least the largest rate, at most seven of them.
fn ticks<'a>(lines: impl Iterator<Item = &'a Line<'a>>) -> Vec<f64> {
    let rates = lines.flat_map(|line| line.points.iter().map(|(_, rate)| rate.max));
    let largest = rates.fold(1.0, f64::max);
    let steps = (0..9).flat_map(|power| [1.0, 2.0, 5.0].map(|one| one * 10_f64.powi(power)));
    let step = steps.into_iter().find(|step| largest / step <= 6.0).unwrap_or(largest);
    let mut ticks = vec![0.0];
    while ticks.last().is_some_and(|&last| last < largest) {
        ticks.push(step * ticks.len() as f64);
    }
    ticks
}

fn panel(svg: &mut String, left: f64, title: &str, lines: &[Line<'_>], ticks: &[f64]) {
    let (width, height) = PANEL;
    text(svg, (left, TOP - 14.0), "font-weight=\"600\"", title);
    let y = |rate: f64| TOP + height * (1.0 - rate / ticks.last().copied().unwrap_or(1.0));
    for &tick in ticks {
        let at = y(tick);
        let colour = if tick > 0.0 { "#e4e4e4" } else { "#888" };
        let _ = writeln!(svg, "<path d=\"M{left} {at:.1}h{width}\" stroke=\"{colour}\"/>");
        text(svg, (left - 8.0, at + 4.0), "text-anchor=\"end\" fill=\"#666\"", &format!("{tick}"));
    }
    let mut places: Vec<usize> =
        lines.iter().flat_map(|line| line.points.iter().map(|&(place, _)| place)).collect();
    places.sort_unstable();
    places.dedup();
    // One step each, whatever lies between: sizes double and quadruple.
    let gap = (width - 2.0 * INSET) / places.len().saturating_sub(1).max(1) as f64;
    let x = |place: usize| {
        let step = places.iter().position(|&it| it == place).unwrap_or(0);
        left + INSET + gap * step as f64
    };
    for &place in &places {
        let at = (x(place), TOP + height + 18.0);
        text(svg, at, "text-anchor=\"middle\" fill=\"#666\"", &place.to_string());
    }
    for (line, colour) in lines.iter().zip(colours(lines)) {
        draw(svg, line, colour, &x, &y);
    }
}

/// A line through the medians, a dot at each, and the range as a bar.
fn draw(
    svg: &mut String,
    line: &Line<'_>,
    colour: &str,
    x: &impl Fn(usize) -> f64,
    y: &impl Fn(f64) -> f64,
) {
    let width = if is_ours(line.run) { 2.5 } else { 1.5 };
    let points =
        line.points.iter().map(|&(place, rate)| format!("{:.1},{:.1}", x(place), y(rate.median)));
    let points = points.collect::<Vec<_>>().join(" ");
    let _ = writeln!(
        svg,
        "<g stroke=\"{colour}\" fill=\"none\" stroke-width=\"{width}\"><polyline points=\"{points}\"/>"
    );
    for &(place, Spread { median, min, max }) in &line.points {
        let (x, length) = (x(place), y(min) - y(max));
        let _ = writeln!(
            svg,
            "<path d=\"M{x:.1} {:.1}v{length:.1}\" stroke-width=\"1\"/><circle cx=\"{x:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\" \
             stroke=\"#fff\" stroke-width=\"1\"/>",
            y(max),
            y(median),
        );
    }
    svg.push_str("</g>\n");
}

fn legend(svg: &mut String, lines: &[Line<'_>]) {
    let column = (WIDTH - LEFTS[0]) / LEGEND_COLUMNS as f64;
    for (k, (line, colour)) in lines.iter().zip(colours(lines)).enumerate() {
        let x = LEFTS[0] + column * (k % LEGEND_COLUMNS) as f64;
        let y = LEGEND_TOP + 20.0 * (k / LEGEND_COLUMNS) as f64;
        let width = if is_ours(line.run) { 3.0 } else { 2.0 };
        let _ = writeln!(
            svg,
            "<path d=\"M{x} {:.1}h22\" stroke=\"{colour}\" stroke-width=\"{width}\"/>",
            y - 4.0
        );
        let name = &line.run.program;
        let name = if is_ours(line.run) { format!("calibrant, {name}") } else { name.clone() };
        text(svg, (x + 28.0, y), "", &name);
    }
}

/// Each line's colour; the same program has the same in both panels, where it is in both.
fn colours(lines: &[Line<'_>]) -> Vec<&'static str> {
    let (mut ours, mut peers) = (OURS.iter().cycle(), PEERS.iter().cycle());
    let of = |line: &Line<'_>| if is_ours(line.run) { ours.next() } else { peers.next() };
    lines.iter().map(of).map(|colour| colour.copied().unwrap_or("#000")).collect()
}

fn is_ours(run: &Run) -> bool {
    run.beside == run.program
}

fn text(svg: &mut String, (x, y): (f64, f64), attributes: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::tests::example;

    #[test]
    fn ticks_are_round_and_reach_the_largest_rate() {
        let results = example();
        let all = lines(results.runs.iter(), |run| run.cores);
        assert_eq!(ticks(all.iter()), [0.0, 500.0, 1000.0, 1500.0, 2000.0, 2500.0]);
        assert_eq!(ticks([].iter()), [0.0, 1.0]);
    }

    #[test]
    fn every_run_is_a_dot_and_every_program_a_line_in_each_panel() {
        let svg = chart(&example());
        // Over cores: imagenet twice, class twice, DALI once; over batches: imagenet twice, class twice.
        assert_eq!(svg.matches("<circle").count(), 9);
        assert_eq!(svg.matches("<polyline").count(), 5);
        assert_eq!(svg.matches("calibrant, imagenet").count(), 1);
        assert!(svg.contains("over sizes of batches, 2 cores"));
    }

    #[test]
    fn all_of_it_lies_on_the_page() {
        let svg = chart(&example());
        for (name, limit) in [("x", WIDTH), ("y", HEIGHT), ("cx", WIDTH), ("cy", HEIGHT)] {
            for value in svg.split(&format!(" {name}=\"")).skip(1) {
                let value = value.split('"').next().and_then(|it| it.parse::<f64>().ok());
                assert!(value.is_some_and(|it| (0.0..=limit).contains(&it)), "{name}: {value:?}");
            }
        }
    }

    #[test]
    fn names_cannot_break_the_file() {
        let mut results = example();
        results.about.cpu = "a < b & c".to_owned();
        assert!(chart(&results).contains("a &lt; b &amp; c"));
    }
}
