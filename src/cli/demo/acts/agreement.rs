//! Advertiser and partner sign; the pair secret is agreed through a service that cannot read it.

use jiff::ToSpan;

use crate::cli::Failure;
use crate::cli::demo::cast::{DESTINATIONS, Persona};
use crate::cli::demo::play::Play;

/// Returns the fingerprint both sides saw.
pub(super) async fn perform(play: &mut Play) -> Result<String, Failure> {
    play.story
        .act("Two parties sign, and agree a secret the operator never has");
    let keys: Vec<&str> = play.keys.iter().map(|kind| kind.as_str()).collect();
    let keys = keys.join(",");
    let expires = play.input.as_of.saturating_add(1.year()).to_string();
    let mut words = vec!["collaboration", "propose", "--with", Persona::Graphe.name()];
    for destination in DESTINATIONS {
        words.extend(["--to", destination.name()]);
    }
    words.extend(["--keys", &keys, "--expires", &expires]);
    let proposed = play.act(Persona::Maison, &words).await?;
    let id = proposed.text("/id");
    play.story
        .outcome(&format!("collaboration {id}, signed by maison"));
    let accepted = play
        .act(Persona::Graphe, &["collaboration", "accept"])
        .await?;
    play.story.outcome(&format!(
        "signed by both; fingerprint {}",
        accepted.text("/fingerprint")
    ));
    let mut fingerprints = Vec::new();
    for who in [Persona::Maison, Persona::Graphe] {
        let shown = play.act(who, &["collaboration", "show", &id]).await?;
        let fingerprint = shown.text("/fingerprint");
        play.story.outcome(&format!("fingerprint {fingerprint}"));
        fingerprints.push(fingerprint);
    }
    let fingerprint = fingerprints.swap_remove(0);
    let same = !fingerprint.is_empty() && fingerprints == [fingerprint.clone()];
    play.check(same, "both sides read the same fingerprint to each other")?;
    Ok(fingerprint)
}
