//! Words and tables for people: states, sizes and counts as every command says them.

use comfy_table::{LineStyle, Table, TableStyle};
use tamis_protocols::wire::api::{
    AudienceState, AudienceUse, AudienceView, CollaborationState, DeliveryReason, DeliveryState,
    DeliveryView, ReleasedCount, UploadReport,
};

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

/// Audiences, one line per destination.
pub(super) fn audiences(views: &[AudienceView]) -> String {
    if views.is_empty() {
        return "No audiences yet: tamis audience create NAME --where EXPR --to DESTINATION".into();
    }
    let mut table = table(&[
        "audience",
        "use",
        "where",
        "destination",
        "state",
        "size",
        "delivery",
    ]);
    for view in views {
        for there in &view.destinations {
            table.add_row([
                view.name.as_str(),
                audience_use(view.purpose),
                &view.expression,
                &there.destination,
                audience_state(there.state),
                &size(there.size.as_ref()),
                there.delivery.map_or("–", delivery_state),
            ]);
        }
    }
    table.to_string()
}

/// Deliveries, newest first.
pub(super) fn deliveries(views: &[DeliveryView]) -> String {
    if views.is_empty() {
        return "No deliveries yet.".into();
    }
    let mut table = table(&[
        "delivery",
        "audience",
        "destination",
        "reason",
        "state",
        "attempts",
    ]);
    for view in views {
        table.add_row([
            view.id.as_str(),
            &view.audience,
            &view.destination,
            delivery_reason(view.reason),
            delivery_state(view.state),
            &view.attempts.to_string(),
        ]);
    }
    table.to_string()
}

/// What sealing made of an upload, for its owner.
pub(super) fn upload_report(report: &UploadReport) -> String {
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
        text += &format!("  left out: {reason} {}\n", thousands(*rows));
    }
    if !report.segments.is_empty() {
        let segments: Vec<_> = report
            .segments
            .iter()
            .map(|(label, rows)| format!("{label} {}", thousands(*rows)))
            .collect();
        text += &format!("  segments: {}\n", segments.join(", "));
    }
    text += &format!("  consent root: {}\n", report.consent_root);
    text
}
