//! How fast a counted stage goes and how long it will take, in words: no clock, no terminal.

use std::collections::VecDeque;
use std::time::Duration;

/// The rate is that of the last so many seconds, so that a slow start is forgotten and a slow picture is not all.
const WINDOW: Duration = Duration::from_secs(10);

/// No more moments than this are kept of a window.
const N_MOMENTS: u32 = 64;

/// How far a stage with a known number of steps is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pace {
    /// Moments within the window and the one before it: when, and how many steps were done.
    moments: VecDeque<(Duration, u64)>,
    total: u64,
}

impl Pace {
    /// A stage that begins with nothing done.
    pub(crate) fn new(total: u64) -> Self {
        Self { moments: VecDeque::from([(Duration::ZERO, 0)]), total }
    }

    /// So many steps are done, so long after the beginning.
    pub(crate) fn reached(&mut self, done: u64, elapsed: Duration) {
        let last = self.moments.back().map_or(Duration::ZERO, |(when, _)| *when);
        // Moments that are too close to another only make the list long.
        if self.moments.len() > 1 && elapsed.saturating_sub(last) < WINDOW / N_MOMENTS {
            self.moments.pop_back();
        }
        self.moments.push_back((elapsed, done));
        while let Some((second, _)) = self.moments.get(1)
            && elapsed.saturating_sub(*second) >= WINDOW
        {
            self.moments.pop_front();
        }
    }

    /// Steps per second over the window; `None` before the first step.
    fn rate(&self) -> Option<f64> {
        let ((since, before), (now, done)) = (self.moments.front()?, self.moments.back()?);
        let (steps, time) = (done.checked_sub(*before)?, now.checked_sub(*since)?);
        (steps > 0 && !time.is_zero()).then(|| steps as f64 / time.as_secs_f64())
    }

    /// Where the stage is after so long, such as `120/500 samples, 85.3/s, 0:01 gone, 0:05 left`.
    pub(crate) fn text(&self, elapsed: Duration) -> String {
        let done = self.moments.back().map_or(0, |(_, done)| *done);
        let rate = self.rate();
        let left = rate.map(|rate| {
            let left = self.total.saturating_sub(done) as f64 / rate;
            Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX)
        });
        text(done, self.total, elapsed, rate, left)
    }
}

fn text(
    done: u64,
    total: u64,
    elapsed: Duration,
    rate: Option<f64>,
    left: Option<Duration>,
) -> String {
    let mut text = format!("{done}/{total} samples");
    if let Some(rate) = rate {
        let digits = if rate < 9.95 { 2 } else { usize::from(rate < 999.5) };
        text += &format!(", {rate:.digits$}/s");
    }
    text += &format!(", {} gone", clock(elapsed));
    if let Some(left) = left.filter(|_| done < total) {
        text += &format!(", {} left", clock(left));
    }
    text
}

/// A time as a clock shows it: `0:05`, `12:34`, `3:00:00`.
pub(crate) fn clock(time: Duration) -> String {
    // A second that has begun counts, so that what is left is zero only at the end.
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        1..=99 => format!("{hours}:{minutes:02}:{seconds:02}"),
        _ => "days".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// After `elapsed` seconds in which every step took as long.
    fn steady(done: u64, total: u64, elapsed: f64) -> String {
        let mut pace = Pace::new(total);
        for step in 1..=done {
            pace.reached(step, seconds(elapsed * step as f64 / done as f64));
        }
        pace.text(seconds(elapsed))
    }

    #[test]
    fn the_text_says_rate_time_gone_and_time_left() {
        let cases = [
            (0, 500, 0.0, "0/500 samples, 0:00 gone"),
            (0, 500, 3.0, "0/500 samples, 0:03 gone"),
            (120, 500, 1.5, "120/500 samples, 80.0/s, 0:02 gone, 0:05 left"),
            (1, 500, 2.0, "1/500 samples, 0.50/s, 0:02 gone, 16:38 left"),
            (30, 40, 3.0, "30/40 samples, 10.0/s, 0:03 gone, 0:01 left"),
            (500, 500, 5.0, "500/500 samples, 100.0/s, 0:05 gone"),
            (5000, 50_000, 4.0, "5000/50000 samples, 1250/s, 0:04 gone, 0:36 left"),
            (4, 40_000, 4.0, "4/40000 samples, 1.00/s, 0:04 gone, 11:06:36 left"),
            (1, 10_000_000, 9.0, "1/10000000 samples, 0.11/s, 0:09 gone, days left"),
        ];
        for (done, total, elapsed, expected) in cases {
            assert_eq!(steady(done, total, elapsed), expected);
        }
    }

    #[test]
    fn the_rate_is_a_recent_one() {
        let mut pace = Pace::new(10_000);
        for step in 1..=60 {
            pace.reached(step, seconds(step as f64));
        }
        assert_eq!(pace.text(seconds(60.0)), "60/10000 samples, 1.00/s, 1:00 gone, 2:45:40 left");
        for step in 1..=20 {
            pace.reached(60 + 100 * step, seconds(60.0 + step as f64));
        }
        let text = pace.text(seconds(80.0));
        assert_eq!(text, "2060/10000 samples, 100.0/s, 1:20 gone, 1:20 left");
    }

    /// Between two steps the time goes on and the rate stays.
    #[test]
    fn a_long_step_does_not_change_the_rate() {
        let mut pace = Pace::new(4);
        pace.reached(2, seconds(1.0));
        assert_eq!(pace.text(seconds(30.0)), "2/4 samples, 2.00/s, 0:30 gone, 0:01 left");
    }

    #[test]
    fn what_is_kept_does_not_grow() {
        let mut pace = Pace::new(u64::MAX);
        for step in 0..100_000 {
            pace.reached(step, Duration::from_micros(step * 500));
        }
        assert!(pace.moments.len() <= N_MOMENTS as usize + 2, "{}", pace.moments.len());
        let rate = pace.rate().expect("it runs");
        assert!((rate / 2000.0 - 1.0).abs() < 0.01, "{rate}");
    }

    #[test]
    fn odd_events_break_nothing() {
        let mut pace = Pace::new(0);
        pace.reached(5, Duration::ZERO);
        pace.reached(3, seconds(1.0));
        assert_eq!(pace.text(Duration::MAX), "3/0 samples, 3.00/s, days gone");
        assert_eq!(clock(Duration::from_millis(3_599_001)), "1:00:00");
    }
}
