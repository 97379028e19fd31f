//! Fixed windows: with them, when something is answered tells nothing of what was asked.

use jiff::Timestamp;

/// When what is asked at `now` is decided: at once if `minutes` is 0, else at the next multiple of so
/// many minutes of the day, UTC.
pub(super) fn next(now: Timestamp, minutes: u32) -> Timestamp {
    let window = i64::from(minutes) * 60;
    if window == 0 {
        return now;
    }
    const DAY: i64 = 24 * 3600;
    let midnight = now.as_second().div_euclid(DAY) * DAY;
    let passed = now.as_second() - midnight;
    // A day is the last window's end, whatever it is a multiple of.
    let next = ((passed / window + 1) * window).min(DAY);
    Timestamp::from_second(midnight + next).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_asked_in_a_window_is_decided_at_its_end() {
        let at = |now: &str, minutes| next(now.parse().unwrap(), minutes).to_string();
        assert_eq!(at("2026-11-22T09:07:31Z", 0), "2026-11-22T09:07:31Z");
        assert_eq!(at("2026-11-22T09:07:31Z", 15), "2026-11-22T09:15:00Z");
        assert_eq!(at("2026-11-22T09:15:00Z", 15), "2026-11-22T09:30:00Z");
        assert_eq!(at("2026-11-22T23:59:59Z", 1_440), "2026-11-23T00:00:00Z");
        assert_eq!(at("2026-11-22T20:00:00Z", 700), "2026-11-22T23:20:00Z");
        assert_eq!(at("2026-11-22T23:30:00Z", 700), "2026-11-23T00:00:00Z");
    }
}
