//! The auditor proves all of it, offline; the advertiser takes its report.

use crate::cli::Failure;
use crate::cli::demo::cast::Persona;
use crate::cli::demo::play::Play;
use crate::cli::demo::stage::shown;

pub(super) async fn perform(play: &mut Play, fingerprint: &str) -> Result<(), Failure> {
    play.story.act("The auditor proves it offline");
    let log = shown(&play.stage.log());
    let key = shown(&play.stage.log().join("key"));
    let fetched = play
        .act(Persona::Auditor, &["log", "fetch", "--out", &log])
        .await?;
    play.story
        .outcome(&format!("{} leaves", fetched.text("/leaves")));
    let verified = play
        .act_homeless(Persona::Auditor, &["log", "verify", &log, "--key", &key])
        .await?;
    play.measure.phase("verify log", verified.seconds, None);
    play.check(
        verified.text("/verified") == "true",
        "signature, tiles, root and order verify from files and one key",
    )?;
    let report = shown(&play.stage.report());
    play.act(Persona::Maison, &["report", "--out", &report])
        .await?;
    let written = std::fs::read_to_string(play.stage.report()).unwrap_or_default();
    // A cheap guard: what the two parties share must not be in what one of them may show around.
    play.check(
        !written.is_empty() && !written.contains(fingerprint),
        "the report holds released counts, nothing of the pair secret",
    )?;
    let alive = play.all_alive();
    play.check(alive, "the service and both destinations ran through")
}
