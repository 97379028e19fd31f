//! Both sides upload: checked and made tokens at home, validated and sealed at the service.

use serde_json::Value;
use tamis_protocols::wire::api::UploadReport;

use crate::cli::demo::cast::Persona;
use crate::cli::demo::play::{Answer, Play};
use crate::cli::demo::stage::shown;
use crate::cli::{Failure, prose};

pub(super) async fn perform(play: &mut Play) -> Result<(), Failure> {
    play.story
        .act("Both upload; names and addresses stay at home");
    let day = play.input.as_of.to_string();
    let region = play.region.clone();
    let crm = shown(&play.input.crm);
    let graph = shown(&play.input.graph);
    let answer = play
        .act(
            Persona::Maison,
            &[
                "upload",
                &crm,
                "--region",
                &region,
                "--segments",
                "loyalty,status",
                "--as-of",
                &day,
            ],
        )
        .await?;
    let accepted = told(play, "upload crm", &answer)?;
    play.check(accepted > 0, "the advertiser has rows with consent")?;
    let answer = play
        .act(
            Persona::Graphe,
            &["upload", &graph, "--region", &region, "--as-of", &day],
        )
        .await?;
    let accepted = told(play, "upload graph", &answer)?;
    play.check(accepted > 0, "the partner has rows with consent")
}

fn told(play: &mut Play, phase: &str, answer: &Answer) -> Result<u64, Failure> {
    let report: UploadReport = serde_json::from_value(answer.at("/upload/report"))
        .map_err(|_| Failure::refused("an upload was sealed without a report"))?;
    let warnings = answer.at("/quality/warnings");
    for warning in warnings
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        play.story.outcome(warning);
    }
    play.story.outcome(&prose::upload_rows(&report, 66));
    play.measure.phase(phase, answer.seconds, Some(report.rows));
    play.measure
        .parts(serde_json::from_value(answer.at("/seconds")).unwrap_or_default());
    Ok(report.accepted)
}
