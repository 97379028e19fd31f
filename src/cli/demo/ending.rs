//! The summary: what each destination holds, what it cost, and where to look next.

use console::style;
use serde_json::{Value, json};
use tamis_protocols::wire::api::ReleasedCount;

use super::cast::{DESTINATIONS, Persona};
use super::measure::Timings;
use super::members::Members;
use super::play::Play;
use super::stage::shown;
use crate::cli::{Failure, Screen, prose};

/// Writes `timings.json`, prints the summary, and with `--json` the one document.
pub(super) fn close(play: &mut Play, screen: &Screen, serve: bool) -> Result<(), Failure> {
    let timings = play.measure.timings(play.service_pid());
    write_timings(play, &timings)?;
    count_members(play)?;
    play.story.act("What came of it");
    play.story.line(table(&play.audiences));
    play.story.line(format!(
        "{} {} checks held in {:.1} s; the service used at most {} MiB.",
        style("✓").green().bold(),
        play.held.len(),
        timings.total_seconds,
        timings
            .service_peak_mib
            .map_or("?".to_owned(), prose::thousands)
    ));
    play.story.line(where_to_look(play));
    if serve {
        play.story.line(still_running(play));
    }
    if screen.is_json() {
        let document = json!({
            "held": play.held,
            "as_of": play.input.as_of,
            "audiences": play.audiences,
            "timings": timings,
            "out": play.stage.out(),
        });
        screen.answer(&document, String::new)?;
    }
    Ok(())
}

fn write_timings(play: &Play, timings: &Timings) -> Result<(), Failure> {
    let path = play.stage.timings();
    let mut text = serde_json::to_vec_pretty(timings)
        .map_err(|error| Failure::service(format!("timings cannot be written: {error}")))?;
    text.push(b'\n');
    std::fs::write(&path, text)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

/// Adds to every audience what its destination holds at the end.
fn count_members(play: &mut Play) -> Result<(), Failure> {
    for destination in DESTINATIONS {
        let members = Members::read(&play.stage.destination(destination.name()))?;
        for audience in &mut play.audiences {
            if audience["destination"] == destination.name() {
                let name = audience["audience"].as_str().unwrap_or_default();
                audience["cookies"] = members.cookies(name).into();
            }
        }
    }
    Ok(())
}

fn table(audiences: &[Value]) -> String {
    let mut table = prose::table(&[
        "audience",
        "use",
        "destination",
        "released size",
        "cookies there",
    ]);
    for audience in audiences {
        let size = serde_json::from_value::<ReleasedCount>(audience["size"].clone()).ok();
        let word = |name: &str| {
            let word = audience[name].as_str().unwrap_or_default();
            word.replace('_', " ")
        };
        table.add_row([
            word("audience"),
            word("use"),
            word("destination"),
            match size {
                Some(size) => prose::size(Some(&size)),
                None => word("state"),
            },
            prose::thousands(audience["cookies"].as_u64().unwrap_or(0)),
        ]);
    }
    table.trim_fmt()
}

fn where_to_look(play: &Play) -> String {
    let verify = format!("proof: tamis log verify {}", shown(&play.stage.log()));
    let members = play.stage.destination("NAME").join("members.csv");
    let places = [
        (play.stage.report(), "exactly what the advertiser sees"),
        (members, "what each destination holds"),
        (play.stage.log(), verify.as_str()),
        (play.stage.timings(), "seconds, rows per second, memory"),
        (play.stage.withdrawn(), "who withdrew: no member any more"),
    ];
    let places = places.map(|(path, what)| (shown(&path), what));
    let width = places.iter().map(|(path, _)| path.chars().count()).max();
    let width = width.unwrap_or_default();
    let mut text = format!("\n{}", style("Where to look next").bold());
    for (path, what) in places {
        text += &format!("\n  {path:width$}  {what}");
    }
    text
}

fn still_running(play: &Play) -> String {
    let home = shown(&Persona::Maison.home(&play.stage.homes()));
    let address = play.service.as_ref().map_or("", |service| &service.address);
    format!(
        "\n{} https://{address}; ctrl-c ends it. For instance:\n  tamis audience list --home {home}",
        style("Still running:").bold()
    )
}
