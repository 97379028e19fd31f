//! A customer withdraws, and is gone from every destination: exactly their cookies, and nobody else's.

use std::collections::BTreeMap;

use crate::cli::Failure;
use crate::cli::demo::cast::{DESTINATIONS, Persona};
use crate::cli::demo::customer::{Customer, Search};
use crate::cli::demo::members::Members;
use crate::cli::demo::play::Play;
use crate::cli::demo::stage::shown;

pub(super) async fn perform(play: &mut Play) -> Result<(), Failure> {
    play.story.act("A customer withdraws");
    let customer = {
        let _waiting = play.story.waiting("looking for a customer of both sides");
        tokio::task::block_in_place(|| {
            Search {
                crm: &play.input.crm,
                graph: &play.input.graph,
                region: &play.region,
                kinds: &play.keys,
                as_of: play.input.as_of,
            }
            .run()
        })?
    };
    write(play, &customer)?;
    let before = members(play)?;
    let file = shown(&play.stage.withdrawn());
    let region = play.region.clone();
    let answer = play
        .act(
            Persona::Maison,
            &["consent", "withdraw", &file, "--region", &region],
        )
        .await?;
    play.story.outcome(&format!(
        "effective at once, leaf {} of the log",
        answer.text("/items/0/log_index")
    ));
    play.measure.phase("withdraw", answer.seconds, None);
    super::activation::deliver(play, "deliver removals").await?;
    compare(play, &customer, &before)
}

/// `withdrawn.csv`: the identifiers as they stand in the CRM.
fn write(play: &Play, customer: &Customer) -> Result<(), Failure> {
    let path = play.stage.withdrawn();
    let failed = |error: csv::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut writer = csv::Writer::from_path(&path).map_err(failed)?;
    let (columns, cells): (Vec<_>, Vec<_>) = customer.cells.iter().cloned().unzip();
    writer.write_record(columns).map_err(failed)?;
    writer.write_record(cells).map_err(failed)?;
    writer
        .flush()
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}

fn members(play: &Play) -> Result<BTreeMap<Persona, Members>, Failure> {
    DESTINATIONS
        .into_iter()
        .map(|who| Ok((who, Members::read(&play.stage.destination(who.name()))?)))
        .collect()
}

fn compare(
    play: &mut Play,
    customer: &Customer,
    before: &BTreeMap<Persona, Members>,
) -> Result<(), Failure> {
    let mut exact = true;
    let mut all_gone = 0;
    for (who, now) in members(play)? {
        let Some(then) = before.get(&who) else {
            continue;
        };
        let expected = match customer.cookies.get(&who) {
            Some(cookies) => then.of(cookies),
            None => Default::default(),
        };
        let (gone, new) = now.since(then);
        exact &= gone == expected && new.is_empty();
        all_gone += gone.len();
        let audiences: Vec<&str> = gone.iter().map(|(audience, _)| audience.as_str()).collect();
        play.story.outcome(&format!(
            "{:6} removed from {}",
            who.name(),
            if audiences.is_empty() {
                "nothing: it never had this customer".to_owned()
            } else {
                audiences.join(", ")
            }
        ));
        Members::write_if_absent(&play.stage.destination(who.name()))?;
    }
    play.check(
        all_gone > 0,
        "the customer was somewhere, and is nowhere now",
    )?;
    play.check(
        exact,
        "exactly the customer's own cookies are gone, and nobody else's",
    )
}
