//! The operator sets up; five parties enrol; two destinations listen.

use std::net::{SocketAddr, TcpListener};

use console::style;

use crate::cli::Failure;
use crate::cli::demo::cast::{DESTINATIONS, PARTIES, Persona};
use crate::cli::demo::play::Play;
use crate::cli::demo::stage::shown;

pub(super) async fn perform(play: &mut Play) -> Result<(), Failure> {
    play.story.line(format!(
        "{}\nEverything below really happens. What stands after `$` is a process of its own,\nwith its persona's keys and TLS 1.3 to the others. Results go to {}.",
        style("Tamis: identifier sets go in, only aggregate cookie audiences come out.").bold(),
        shown(play.stage.out())
    ));
    for who in std::iter::once(Persona::Operator).chain(PARTIES) {
        let name = who.paint(format!("{:>8}", who.name()));
        play.story.line(format!("{name}   {}", who.introduction()));
    }
    play.story.act("The operator opens, everybody enrols");
    open_service(play).await?;
    for who in PARTIES {
        invite(play, who).await?;
    }
    for who in PARTIES {
        enrol(play, who).await?;
    }
    Ok(())
}

async fn open_service(play: &mut Play) -> Result<(), Failure> {
    play.act(
        Persona::Operator,
        &[
            "init",
            "--listen",
            "127.0.0.1:0",
            "--allow-private-endpoints",
        ],
    )
    .await?;
    let ready = play.stage.running().join("service.ready");
    let log = play.stage.running().join("service.log");
    let as_of = play.input.as_of.to_string();
    let line = play.line(
        Persona::Operator,
        &["serve", "--as-of", &as_of, "--ready-file", &shown(&ready)],
    );
    play.story.command(Persona::Operator, &line);
    let waiting = play.story.waiting("");
    let service = play.children.serve(&line, &ready, &log).await?;
    drop(waiting);
    play.story
        .outcome(&format!("listening on https://{}", service.address));
    play.service = Some(service);
    Ok(())
}

fn service_url(play: &Play) -> String {
    let address = play
        .service
        .as_ref()
        .map(|service| service.address.as_str());
    format!("https://{}", address.unwrap_or_default())
}

async fn invite(play: &mut Play, who: Persona) -> Result<(), Failure> {
    let Some(role) = who.role() else {
        return Ok(());
    };
    let out = shown(&invitation(play, who));
    let url = service_url(play);
    play.act(
        Persona::Operator,
        &[
            "invite",
            who.name(),
            "--role",
            role.as_str(),
            "--url",
            &url,
            "--out",
            &out,
        ],
    )
    .await?;
    Ok(())
}

fn invitation(play: &Play, who: Persona) -> std::path::PathBuf {
    play.stage
        .homes()
        .join(format!("{}.invitation", who.name()))
}

async fn enrol(play: &mut Play, who: Persona) -> Result<(), Failure> {
    let file = shown(&invitation(play, who));
    if !DESTINATIONS.contains(&who) {
        let answer = play.act(who, &["enrol", "--invitation", &file]).await?;
        play.story
            .outcome(&format!("enrolled, {}", answer.text("/party/role")));
        return Ok(());
    }
    let address = free_address()?;
    let url = format!("https://{address}/");
    let mut words = vec!["enrol", "--invitation", &file, "--endpoint", &url];
    if who == Persona::DmpB {
        words.push("--open-cookies");
    }
    let answer = play.act(who, &words).await?;
    play.story
        .outcome(&format!("enrolled, {}", answer.text("/party/role")));
    listen(play, who, &address.to_string()).await
}

/// A destination names its address when it enrols, before it listens.
fn free_address() -> Result<SocketAddr, Failure> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| Failure::service(format!("no free port: {error}")))
}

async fn listen(play: &mut Play, who: Persona, address: &str) -> Result<(), Failure> {
    let out = shown(&play.stage.destination(who.name()));
    let ready = play.stage.running().join(format!("{}.ready", who.name()));
    let log = play.stage.running().join(format!("{}.log", who.name()));
    let line = play.line(
        who,
        &[
            "sink",
            "--listen",
            address,
            "--out",
            &out,
            "--ready-file",
            &shown(&ready),
        ],
    );
    play.story.command(who, &line);
    let waiting = play.story.waiting("");
    let sink = play.children.serve(&line, &ready, &log).await?;
    drop(waiting);
    play.story
        .outcome(&format!("receiving on https://{}", sink.address));
    play.sinks.push(sink);
    Ok(())
}
