//! Requests in words.

use tamis_protocols::wire::api::{
    RemovalState, RemovalView, RequestKind, RequestState, WithdrawalView,
};

use crate::cli::prose::{table, thousands};

fn state(view: &RemovalView) -> String {
    let expires = view.expires_by.as_deref().unwrap_or("an unknown day");
    match view.state {
        RemovalState::Acknowledged => "acknowledged".to_owned(),
        RemovalState::Sent => "sent".to_owned(),
        RemovalState::Queued => "queued".to_owned(),
        RemovalState::Expires => format!("not reached; expires by {expires}"),
        RemovalState::Failed => "failed: the operator must look".to_owned(),
    }
}

fn whole(view: &WithdrawalView) -> &'static str {
    match view.state {
        RequestState::Open => "open",
        RequestState::Complete => "complete",
        RequestState::Stuck => "stuck",
    }
}

/// What was asked for, as a heading.
pub(super) fn done(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Withdrawal => "Withdrawn",
        RequestKind::Opposition => "Opposed",
        RequestKind::Erasure => "To be erased",
    }
}

/// A line for each destination, and one for what is destroyed.
pub(super) fn removals(view: &WithdrawalView) -> String {
    let lines = view.destinations.iter();
    let mut text: String = lines
        .map(|(destination, one)| format!("  {destination}: removal {}\n", state(one)))
        .collect();
    if let Some(erasure) = &view.erasure {
        text += &match (&erasure.done_at, erasure.log_index) {
            (Some(at), Some(leaf)) => format!("  destroyed {at}, leaf {leaf} of the log\n"),
            _ => "  what you sent of them: being destroyed\n".to_owned(),
        };
    }
    text
}

/// One request, with all that is known of it.
pub(super) fn request(view: &WithdrawalView) -> String {
    let mut text = format!(
        "{} {}: {}\n  {} tokens, in effect since {}, leaf {} of the log\n",
        capital(view.kind),
        view.id,
        whole(view),
        thousands(view.tokens),
        view.at,
        view.log_index
    );
    if view.destinations.is_empty() {
        text += "  no destination was sent an audience of this collaboration before\n";
    }
    text += &removals(view);
    text.truncate(text.trim_end().len());
    text
}

fn capital(kind: RequestKind) -> &'static str {
    match kind {
        RequestKind::Withdrawal => "Withdrawal",
        RequestKind::Opposition => "Opposition",
        RequestKind::Erasure => "Erasure",
    }
}

/// Requests, newest first, with the first digits of their ids.
pub(super) fn requests(views: &[WithdrawalView]) -> String {
    if views.is_empty() {
        return "No requests yet: tamis consent withdraw FILE".into();
    }
    let mut table = table(&["request", "kind", "since", "state", "destinations"]);
    for view in views {
        let there = view.destinations.iter();
        let there: Vec<String> = there
            .map(|(destination, one)| format!("{destination}: {}", state(one)))
            .collect();
        table.add_row([
            view.id.get(..8).unwrap_or(&view.id),
            view.kind.as_str(),
            &view.at,
            whole(view),
            &there.join(", "),
        ]);
    }
    table.trim_fmt()
}
