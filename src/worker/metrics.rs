//! The worker's own metric: how jobs end. Both labels come from closed sets.

use metrics::{counter, describe_counter};

use crate::service::work::JobError;
use crate::store::jobs::JobKind;

/// Counter of jobs that ended, labels `kind` and `outcome`.
const JOBS: &str = "tamis_jobs_total";

/// Says what the counter is, to the recorder that is installed, if one is.
pub(super) fn describe() {
    describe_counter!(JOBS, "Jobs that ended, by kind and outcome");
}

/// Counts a job that ended, or that its owner had `cancelled`.
pub(super) fn ended(kind: JobKind, cancelled: bool, result: &Result<(), JobError>) {
    let outcome = match result {
        _ if cancelled => "cancelled",
        Ok(()) => "done",
        Err(JobError::Cancelled) => "stopped",
        Err(JobError::Overtaken) => "overtaken",
        Err(JobError::Failed(_)) => "failed",
    };
    counter!(JOBS, "kind" => kind.as_str(), "outcome" => outcome).increment(1);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::*;

    #[test]
    fn every_job_that_ends_is_counted_once_by_kind_and_outcome() {
        let recorder = PrometheusBuilder::new().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe();
            ended(JobKind::Seal, false, &Ok(()));
            ended(JobKind::Seal, false, &Ok(()));
            ended(JobKind::Match, true, &Err(JobError::Cancelled));
            ended(
                JobKind::Deliver,
                false,
                &Err(JobError::Failed("secret".into())),
            );
        });
        let text = recorder.handle().render();
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(JOBS)).collect();
        assert_eq!(lines.len(), 3, "{text}");
        for (kind, outcome, count) in [
            ("seal", "done", 2),
            ("match", "cancelled", 1),
            ("deliver", "failed", 1),
        ] {
            let line = format!("{JOBS}{{kind=\"{kind}\",outcome=\"{outcome}\"}} {count}");
            assert!(lines.contains(&line.as_str()), "{text}");
        }
        assert!(!text.contains("secret"));
    }
}
