//! Words and tables for people: states, sizes and counts as every command says them.

use comfy_table::{LineStyle, Table, TableStyle};
use tamis_protocols::wire::api::{
    AudienceState, AudienceUse, AudienceView, CollaborationState, CoverageView, DeliveryReason,
    DeliveryState, DeliveryView, MatchRate, ReleasedCount, UploadMode, UploadReport, UploadView,
    WaitingFor,
};

/// Columns of a line that is broken: what the narrowest usual terminal shows, with room for an indent.
const WIDTH: usize = 78;

/// A space at which no line is broken.
const TIED: char = '\u{a0}';

/// A table with these headings, plain enough to be read by `awk`.
pub(super) fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(headings.iter().copied());
    table
}

/// `12345` as `12,345`.
pub(super) fn thousands(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// A released count, or that there is none.
pub(super) fn size(count: Option<&ReleasedCount>) -> String {
    match count {
        Some(ReleasedCount::Released { about }) => format!("about {}", thousands(*about)),
        Some(ReleasedCount::BelowMinimum) => "below minimum".to_owned(),
        None => "–".to_owned(),
    }
}

/// A match rate.
pub(super) fn rate(rate: MatchRate) -> String {
    match rate {
        MatchRate::About { percent } => format!("{percent} %"),
        MatchRate::Above { above } => format!("> {above} %"),
    }
}

/// Thousandths of ε as `0.4`.
pub(super) fn epsilon(thousandths: u64) -> String {
    let part = format!("{:03}", thousandths % 1000);
    let part = part.trim_end_matches('0');
    let whole = thousands(thousandths / 1000);
    match part {
        "" => whole,
        part => format!("{whole}.{part}"),
    }
}

/// Coverage, a line per destination.
pub(super) fn coverage(view: &CoverageView) -> String {
    let names = view.destinations.iter();
    let width = names.map(|one| one.destination.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for one in &view.destinations {
        let share = match one.percent {
            Some(percent) => format!("{percent} %"),
            None => "below minimum".to_owned(),
        };
        text += &format!("  {:width$}   {share}\n", one.destination);
    }
    text
}

pub(super) fn collaboration_state(state: CollaborationState) -> &'static str {
    match state {
        CollaborationState::Proposed => "proposed",
        CollaborationState::Active => "active",
        CollaborationState::Expired => "expired",
    }
}

pub(super) fn audience_state(state: AudienceState) -> &'static str {
    match state {
        AudienceState::Deciding => "deciding",
        AudienceState::Released => "released",
        AudienceState::BelowMinimum => "below minimum",
        AudienceState::Failed => "failed",
    }
}

pub(super) fn audience_use(purpose: AudienceUse) -> &'static str {
    match purpose {
        AudienceUse::Target => "target",
        AudienceUse::Exclude => "exclude",
    }
}

pub(super) fn delivery_state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Queued => "queued",
        DeliveryState::Sending => "sending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    }
}

fn delivery_reason(reason: DeliveryReason) -> &'static str {
    match reason {
        DeliveryReason::Release => "release",
        DeliveryReason::Withdrawal => "withdrawal",
        DeliveryReason::Expiry => "expiry",
    }
}

/// Audiences, each with a line per destination.
pub(super) fn audiences(views: &[AudienceView]) -> String {
    if views.is_empty() {
        return "No audiences yet: tamis audience create NAME --where EXPR --to DESTINATION".into();
    }
    let there = views.iter().flat_map(|view| &view.destinations);
    let longest = there.map(|there| there.destination.len()).max();
    let width = longest.unwrap_or_default();
    let mut text = String::new();
    for view in views {
        let head = format!(
            "{} ({}): {}",
            view.name,
            audience_use(view.purpose),
            view.expression
        );
        text += &wrapped(&head, 4);
        for there in &view.destinations {
            let decided = match there.state {
                AudienceState::Released => size(there.size.as_ref()),
                other => audience_state(other).to_owned(),
            };
            let line = format!(
                "  {:width$}   {decided:13}   {}",
                there.destination,
                there.delivery.map_or("", delivery_state)
            );
            text += line.trim_end();
            text.push('\n');
        }
    }
    text
}

/// Deliveries, newest first, with the first digits of their ids.
pub(super) fn deliveries(views: &[DeliveryView]) -> String {
    if views.is_empty() {
        return "No deliveries yet.".into();
    }
    let mut table = table(&["delivery", "audience", "destination", "reason", "state"]);
    for view in views {
        table.add_row([
            view.id.get(..8).unwrap_or(&view.id),
            &view.audience,
            &view.destination,
            delivery_reason(view.reason),
            &progress(view),
        ]);
    }
    let due = views
        .iter()
        .filter_map(|view| view.next_attempt_at.as_deref());
    match due.min() {
        Some(at) => format!("{}\nThe next attempt is due at {at}.", table.trim_fmt()),
        None => table.trim_fmt(),
    }
}

/// Where a delivery stands, and how often it was tried if that is news.
fn progress(view: &DeliveryView) -> String {
    let state = match view.waiting_for {
        Some(WaitingFor::Witnesses) => "waiting for witnesses of the log",
        None => delivery_state(view.state),
    };
    match view.state {
        DeliveryState::Delivered if view.attempts <= 1 => state.to_owned(),
        _ if view.attempts == 0 => state.to_owned(),
        _ => format!("{state}, tried {}×", view.attempts),
    }
}

/// One delivery, with all that is known of it.
pub(super) fn delivery(view: &DeliveryView) -> String {
    let mut text = format!(
        "Delivery {}\n  {} to {}, because of a {}\n  {}\n  queued {}\n",
        view.id,
        view.audience,
        view.destination,
        delivery_reason(view.reason),
        progress(view),
        view.created_at
    );
    if let Some(at) = &view.next_attempt_at {
        text += &format!("  next attempt {at}\n");
    }
    if let Some(at) = &view.delivered_at {
        text += &format!("  acknowledged {at}\n");
    }
    if let Some(index) = view.log_index {
        text += &format!("  receipt: leaf {index} of the log\n");
    }
    text
}

/// Text in lines of at most [`WIDTH`] columns, broken at spaces; all but the first begin with `indent` spaces.
pub(super) fn wrapped(text: &str, indent: usize) -> String {
    wrapped_at(WIDTH, text, indent)
}

fn wrapped_at(width: usize, text: &str, indent: usize) -> String {
    let lead = text.len() - text.trim_start().len();
    let mut out = String::new();
    let mut line = " ".repeat(lead);
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let is_new = line.trim().is_empty();
        if !is_new && line.chars().count() + 1 + word.chars().count() > width {
            out += &line;
            out.push('\n');
            line = " ".repeat(indent);
        } else if !is_new {
            line.push(' ');
        }
        line += word;
    }
    (out + &line + "\n").replace(TIED, " ")
}

/// What sealing made of an upload, for its owner; nothing before it is sealed.
pub(super) fn upload_report(upload: &UploadView) -> String {
    let Some(report) = &upload.report else {
        return String::new();
    };
    let root = format!("  consent root {}\n", report.consent_root);
    match upload.mode {
        UploadMode::Full => upload_rows(report, WIDTH) + &root,
        UploadMode::Add => "added: ".to_owned() + &upload_rows(report, WIDTH) + &root,
        UploadMode::Refresh => "refreshed: ".to_owned() + &upload_rows(report, WIDTH) + &root,
        UploadMode::Remove => format!(
            "removed: {} rows, {} with a token; who carries one has left the set\n",
            thousands(report.rows),
            thousands(report.accepted)
        ),
    }
}

/// Which rows of an upload take part, in lines of at most `width` columns.
pub(super) fn upload_rows(report: &UploadReport, width: usize) -> String {
    let mut text = format!(
        "{} rows, {} take part in matching",
        thousands(report.rows),
        thousands(report.accepted)
    );
    if let Some(persons) = report.persons {
        text += &format!(", {} persons", thousands(persons));
    }
    text.push('\n');
    for (reason, rows) in &report.dropped {
        let reason = reason.replace('_', " ");
        text += &format!("  left out {:>9}   {reason}\n", thousands(*rows));
    }
    if !report.segments.is_empty() {
        let segments: Vec<_> = report
            .segments
            .iter()
            .map(|(label, rows)| format!("{label}{TIED}{}", thousands(*rows)))
            .collect();
        text += &wrapped_at(width, &format!("  segments {}", segments.join(", ")), 11);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, wrapped};

    #[test]
    fn long_text_is_broken_at_spaces_and_loses_nothing() {
        let text = format!("  segments {}", vec!["loyalty=gold 1,545,"; 20].join(" "));
        let lines = wrapped(&text, 11);
        assert!(lines.lines().all(|line| line.chars().count() <= WIDTH));
        assert!(
            lines
                .lines()
                .skip(1)
                .all(|line| line.starts_with("           l"))
        );
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&lines), words(&text));
        assert_eq!(wrapped("  short", 4), "  short\n");
    }
}
