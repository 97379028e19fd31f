//! The play under way: personas act, their answers are read, what was promised is checked.

use std::time::Instant;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tamis_protocols::identifier::IdentifierType;

use super::Demo;
use super::cast::Persona;
use super::children::{Children, Finished, Server};
use super::input::Input;
use super::measure::Measure;
use super::stage::{Stage, shown};
use super::story::Story;
use crate::cli::{Exit, Failure, Screen, Wiring};

/// Everything the demo holds; dropping it ends every process it started.
pub(super) struct Play {
    pub(super) stage: Stage,
    pub(super) input: Input,
    pub(super) region: String,
    pub(super) keys: Vec<IdentifierType>,
    pub(super) story: Story,
    pub(super) measure: Measure,
    pub(super) children: Children,
    /// The service.
    pub(super) service: Option<Server>,
    /// The sinks of the destinations.
    pub(super) sinks: Vec<Server>,
    /// Checks that held, in order.
    pub(super) held: Vec<String>,
    /// Lines for the summary, by audience.
    pub(super) audiences: Vec<Value>,
}

/// A command that has ended as expected.
pub(super) struct Answer {
    document: Value,
    /// How long it took.
    pub(super) seconds: f64,
}

impl Answer {
    /// The answer as a document of the API.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(self.document.clone())
            .map_err(|error| Failure::refused(format!("an answer has another shape: {error}")))
    }

    /// One value of the answer.
    pub(super) fn at(&self, pointer: &str) -> Value {
        self.document
            .pointer(pointer)
            .cloned()
            .unwrap_or(Value::Null)
    }

    /// One text of the answer.
    pub(super) fn text(&self, pointer: &str) -> String {
        match self.at(pointer) {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        }
    }
}

impl Play {
    pub(super) fn open(demo: Demo, wiring: &Wiring, screen: &Screen) -> Result<Self, Failure> {
        let mut measure = Measure::start();
        let stage = Stage::build(&demo.out)?;
        let story = Story::new(screen.is_json());
        let input = {
            let _waiting = story.waiting("preparing the two files");
            tokio::task::block_in_place(|| Input::choose(&demo, wiring, &stage))?
        };
        if let Some(seconds) = input.made_in {
            measure.phase("make population", seconds, demo.rows.map(|rows| 2 * rows));
        }
        Ok(Play {
            stage,
            input,
            region: demo.region,
            keys: demo.keys,
            story,
            measure,
            children: Children::new()?,
            service: None,
            sinks: Vec::new(),
            held: Vec::new(),
            audiences: Vec::new(),
        })
    }

    /// The command line of a persona: its words, then its home.
    pub(super) fn line(&self, who: Persona, words: &[&str]) -> Vec<String> {
        let home = shown(&who.home(&self.stage.homes()));
        words
            .iter()
            .map(|word| (*word).to_owned())
            .chain(["--home".to_owned(), home])
            .collect()
    }

    /// A persona types a command, which must succeed.
    pub(super) async fn act(&self, who: Persona, words: &[&str]) -> Result<Answer, Failure> {
        self.act_until(who, words, &[Exit::Done]).await
    }

    /// A persona types a command, which must end in one of these ways.
    pub(super) async fn act_until(
        &self,
        who: Persona,
        words: &[&str],
        expected: &[Exit],
    ) -> Result<Answer, Failure> {
        self.type_line(who, self.line(who, words), expected).await
    }

    /// A persona types a command that needs no home.
    pub(super) async fn act_homeless(
        &self,
        who: Persona,
        words: &[&str],
    ) -> Result<Answer, Failure> {
        let line = words.iter().map(|word| (*word).to_owned()).collect();
        self.type_line(who, line, &[Exit::Done]).await
    }

    async fn type_line(
        &self,
        who: Persona,
        line: Vec<String>,
        expected: &[Exit],
    ) -> Result<Answer, Failure> {
        self.story.command(who, &line);
        let start = Instant::now();
        let waiting = self.story.waiting("");
        let finished = self.children.run(&line).await?;
        drop(waiting);
        let seconds = start.elapsed().as_secs_f64();
        let as_expected = expected
            .iter()
            .any(|exit| finished.code == Some(i32::from(exit.code())));
        if !as_expected {
            return Err(unexpected(who, &line, &finished));
        }
        Ok(Answer {
            document: finished.document,
            seconds,
        })
    }

    /// A promise of the story: says so if it holds, ends the play if it does not.
    pub(super) fn check(&mut self, holds: bool, promise: &str) -> Result<(), Failure> {
        if !holds {
            return Err(Failure::refused(format!("this does not hold: {promise}")));
        }
        self.story.holds(promise);
        self.held.push(promise.to_owned());
        Ok(())
    }

    /// Process id of the service.
    pub(super) fn service_pid(&self) -> Option<u32> {
        self.service.as_ref().and_then(Server::pid)
    }

    /// Whether the three servers still run: a demo whose service died did not hold.
    pub(super) fn all_alive(&mut self) -> bool {
        self.service
            .iter_mut()
            .chain(&mut self.sinks)
            .all(Server::is_running)
    }
}

fn unexpected(who: Persona, line: &[String], finished: &Finished) -> Failure {
    let said = finished
        .document
        .pointer("/error/what")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .or_else(|| finished.said.trim().lines().last().map(str::to_owned))
        .filter(|words| !words.is_empty())
        .unwrap_or_else(|| json!(finished.document).to_string());
    let ending = match finished.code {
        Some(code) => format!("ended with {code}"),
        None => "was killed".to_owned(),
    };
    let failure = Failure::refused(format!(
        "{}: `tamis {}` {ending}: {said}",
        who.name(),
        line.iter().take(2).cloned().collect::<Vec<_>>().join(" ")
    ));
    match finished
        .document
        .pointer("/error/next")
        .and_then(Value::as_str)
    {
        Some(next) => failure.next(next.to_owned()),
        None => failure,
    }
}
