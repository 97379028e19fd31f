//! `tamis jobs`: what the service still has to do for this party, and ending it.

use clap::{Args, Subcommand};
use serde_json::json;
use tamis_protocols::wire::api::{JobKind, JobStage, JobView};

use super::party::{BOTH_SIDES, HomeArg};
use super::{Exit, Failure, Screen, prose};
use crate::party::exchange::{Session, jobs};

/// Show what the service still has to do for you, or cancel some of it
#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  tamis jobs\n  tamis jobs cancel 1f2e3d4c"
)]
pub(super) struct Jobs {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    home: HomeArg,
}

#[derive(Subcommand)]
enum Action {
    Cancel(Cancel),
}

/// Cancel a job for good: the upload is terminated, the match or the decisions fail
#[derive(Args)]
#[command(after_help = "Example:\n  tamis jobs cancel 1f2e3d4c")]
struct Cancel {
    /// The first digits of its id, as `tamis jobs` shows them
    id: String,
    #[command(flatten)]
    home: HomeArg,
}

impl Jobs {
    pub(super) async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        if let Some(Action::Cancel(cancel)) = self.action {
            return cancel.run(screen).await;
        }
        let session = self.home.session_as(&BOTH_SIDES)?;
        let all = jobs::all(&session).await?;
        screen.answer(&json!({ "items": all }), || table(&all))?;
        Ok(Exit::Done)
    }
}

impl Cancel {
    async fn run(self, screen: &Screen) -> Result<Exit, Failure> {
        let session = self.home.session_as(&BOTH_SIDES)?;
        let id = whole_id(&session, &self.id).await?;
        let left = jobs::cancel(&session, &id).await?;
        let (state, said) = match left {
            None => ("cancelled", "Cancelled."),
            Some(_) => (
                "stopping",
                "Cancelled: it is stopping, and nothing comes of it.",
            ),
        };
        screen.answer(&json!({"id": id, "state": state}), || said.to_owned())?;
        Ok(Exit::Done)
    }
}

/// The id that begins so: tables show the first eight digits.
async fn whole_id(session: &Session, id: &str) -> Result<String, Failure> {
    let all = jobs::all(session).await?;
    let mut fitting = all.into_iter().filter(|one| one.id.starts_with(id));
    match (fitting.next(), fitting.next()) {
        (Some(one), None) => Ok(one.id),
        (None, _) => Err(Failure::usage(format!("there is no job {id}"))
            .next("`tamis jobs` lists those that wait or run.")),
        (Some(_), Some(_)) => Err(Failure::usage(format!("several jobs begin with {id}"))
            .next("Give more digits of the id.")),
    }
}

fn table(all: &[JobView]) -> String {
    if all.is_empty() {
        return "Nothing waits and nothing runs.".to_owned();
    }
    let mut table = prose::table(&["job", "kind", "subject", "state", "progress", "left"]);
    let short = |id: &str| id.get(..8).unwrap_or(id).to_owned();
    for job in all {
        table.add_row([
            short(&job.id),
            kind(job.kind).to_owned(),
            short(&job.subject),
            state(job),
            percent(job),
            left(job).unwrap_or_else(|| "–".to_owned()),
        ]);
    }
    table.trim_fmt()
}

fn kind(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Seal => "seal",
        JobKind::Match => "match",
        JobKind::Decide => "decide",
    }
}

/// Where a job is, its place in the queue and its failures included.
fn state(job: &JobView) -> String {
    match (job.state, job.position) {
        (JobStage::Queued, Some(1)) => "queued, next".to_owned(),
        (JobStage::Queued, Some(position)) => format!("queued, {} ahead", position - 1),
        (JobStage::Queued, None) => "queued".to_owned(),
        (JobStage::Running, _) if job.attempts > 1 => format!("running, try {}", job.attempts),
        (JobStage::Running, _) => "running".to_owned(),
        (JobStage::Stopping, _) => "stopping".to_owned(),
    }
}

/// Whole percent.
fn percent(job: &JobView) -> String {
    format!("{:.0} %", job.progress * 100.0)
}

fn left(job: &JobView) -> Option<String> {
    let seconds = job.estimated_seconds_left?;
    Some(match seconds {
        0..100 => format!("{seconds} s"),
        100..6000 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    })
}

/// What a line of progress says of a job: its place in the queue, or how far it is and how long it takes.
pub(super) fn words(job: &JobView) -> String {
    match (job.state, left(job)) {
        (JobStage::Running, Some(left)) => format!("{}, {left} left", percent(job)),
        (JobStage::Running, None) if job.progress > 0.0 => percent(job),
        (JobStage::Running, None) => String::new(),
        _ => state(job),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: JobStage) -> JobView {
        JobView {
            id: "0a".repeat(16),
            kind: JobKind::Seal,
            subject: "0b".repeat(16),
            state,
            position: None,
            progress: 0.0,
            started_at: None,
            estimated_seconds_left: None,
            attempts: 1,
        }
    }

    #[test]
    fn a_job_says_its_place_then_how_far_it_is_then_how_long_it_takes() {
        let mut queued = job(JobStage::Queued);
        queued.position = Some(3);
        assert_eq!(words(&queued), "queued, 2 ahead");
        let mut running = job(JobStage::Running);
        assert_eq!(words(&running), "");
        running.progress = 0.421;
        assert_eq!(words(&running), "42 %");
        running.estimated_seconds_left = Some(61);
        assert_eq!(words(&running), "42 %, 61 s left");
        running.estimated_seconds_left = Some(601);
        assert_eq!(words(&running), "42 %, 11 min left");
        assert_eq!(words(&job(JobStage::Stopping)), "stopping");
    }

    #[test]
    fn the_table_fits_eighty_columns() {
        let mut longest = job(JobStage::Queued);
        longest.position = Some(1000);
        let mut running = job(JobStage::Running);
        (running.progress, running.estimated_seconds_left) = (1.0, Some(100_000));
        let table = table(&[longest, running]);
        assert!(
            table.lines().all(|line| line.chars().count() <= 80),
            "{table}"
        );
    }
}
