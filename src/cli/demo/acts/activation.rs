//! Match, four audiences before the release gate, and cookies at two destinations.

use serde_json::json;
use tamis_protocols::wire::api::{AudienceState, AudienceView, MatchView};

use crate::cli::demo::cast::{DESTINATIONS, Persona};
use crate::cli::demo::members::{Members, settle};
use crate::cli::demo::play::Play;
use crate::cli::{Exit, Failure, prose};

/// An audience of the story.
struct Wanted {
    name: &'static str,
    expression: &'static str,
    exclude: bool,
    /// What the gate says on the bundled files.
    released: bool,
}

/// The widest first: what of it is also in a later one can then go there in full.
const WANTED: [Wanted; 4] = [
    Wanted {
        name: "customers",
        expression: "all",
        exclude: true,
        released: true,
    },
    Wanted {
        name: "loyal",
        expression: "loyalty in (silver, gold, platinum)",
        exclude: false,
        released: true,
    },
    Wanted {
        name: "bronze",
        expression: "loyalty = bronze",
        exclude: false,
        released: true,
    },
    Wanted {
        name: "platinum-inactive",
        expression: "loyalty = platinum and status = inactive",
        exclude: false,
        released: false,
    },
];

pub(super) async fn perform(play: &mut Play) -> Result<(), Failure> {
    play.story
        .act("Match, and ask the release gate for audiences");
    let found = play
        .act_until(Persona::Maison, &["match"], &[Exit::Done, Exit::Refused])
        .await?;
    let view: MatchView = found.read()?;
    let rate = view
        .rate
        .map(|rate| format!(", {} of the rows", prose::rate(rate)));
    play.story.outcome(&format!(
        "matched persons: {}{}",
        prose::size(view.matched.as_ref()),
        rate.unwrap_or_default()
    ));
    play.measure.phase("match", found.seconds, None);
    for wanted in &WANTED {
        create(play, wanted).await?;
    }
    deliver(play, "deliver").await?;
    check_members(play)
}

async fn create(play: &mut Play, wanted: &Wanted) -> Result<(), Failure> {
    let mut words = vec![
        "audience",
        "create",
        wanted.name,
        "--where",
        wanted.expression,
    ];
    for destination in DESTINATIONS {
        words.extend(["--to", destination.name()]);
    }
    if wanted.exclude {
        words.push("--exclude");
    }
    let answer = play
        .act_until(Persona::Maison, &words, &[Exit::Done, Exit::Refused])
        .await?;
    let mut view: AudienceView = answer.read()?;
    let place = |name: &str| DESTINATIONS.iter().position(|who| who.name() == name);
    view.destinations
        .sort_by_key(|there| place(&there.destination));
    for there in &view.destinations {
        play.story.outcome(&format!(
            "{:6} {:14} {}",
            there.destination,
            prose::audience_state(there.state),
            match there.state {
                AudienceState::Released => format!("{} persons", prose::size(there.size.as_ref())),
                _ => "and nothing else is said".to_owned(),
            }
        ));
        play.audiences.push(json!({
            "audience": view.name, "use": view.purpose, "destination": there.destination,
            "state": there.state, "size": there.size,
        }));
    }
    play.measure
        .phase(&format!("audience {}", wanted.name), answer.seconds, None);
    let everywhere = |state| {
        view.destinations.len() == DESTINATIONS.len()
            && view.destinations.iter().all(|there| there.state == state)
    };
    let known = if wanted.released {
        play.input.knows_released
    } else {
        play.input.knows_refused
    };
    if !known {
        let decided = view.destinations.iter().all(|there| {
            matches!(
                there.state,
                AudienceState::Released | AudienceState::BelowMinimum
            )
        });
        return play.check(
            decided,
            &format!("the gate has decided about {}", wanted.name),
        );
    }
    if wanted.released {
        play.check(
            everywhere(AudienceState::Released),
            &format!("{} passed the gate at both destinations", wanted.name),
        )
    } else {
        play.check(
            everywhere(AudienceState::BelowMinimum),
            &format!("{} is too small: refused, its size unsaid", wanted.name),
        )
    }
}

/// Waits until every delivery has arrived.
pub(super) async fn deliver(play: &mut Play, phase: &str) -> Result<(), Failure> {
    let shown = play
        .act(Persona::Maison, &["delivery", "show", "--wait"])
        .await?;
    let deliveries = shown.at("/items");
    let deliveries = deliveries.as_array().map_or(0, Vec::len);
    play.story
        .outcome(&format!("{deliveries} deliveries, all acknowledged"));
    play.measure.phase(phase, shown.seconds, None);
    let _waiting = play
        .story
        .waiting("the destinations write down what they hold");
    settle(&DESTINATIONS.map(|who| play.stage.destination(who.name()))).await;
    Ok(())
}

/// Released audiences have members where they were released, refused ones nowhere.
fn check_members(play: &mut Play) -> Result<(), Failure> {
    let mut as_decided = true;
    let mut any = false;
    for destination in DESTINATIONS {
        let members = Members::read(&play.stage.destination(destination.name()))?;
        for audience in &play.audiences {
            if audience["destination"] != destination.name() {
                continue;
            }
            let cookies = members.cookies(audience["audience"].as_str().unwrap_or_default());
            let released = audience["state"] == "released";
            as_decided &= released == (cookies > 0);
            any |= released;
        }
    }
    play.check(any, "at least one audience reached a destination")?;
    play.check(
        as_decided,
        "each destination holds cookies of released audiences only",
    )
}
