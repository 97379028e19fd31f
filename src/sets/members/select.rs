//! Which cookies of a set go into a member file.

use jiff::civil::Date;
use roaring::RoaringBitmap;
use tamis_protocols::intersection::PersonSet;

use super::super::changes::Fate;
use super::super::rows::day_number;
use super::super::{Layer, SealedSet, SetError};
use super::Source;

/// Layers that have cookies at a destination, and its position in each.
pub(super) fn serving<'a>(
    partner: &'a SealedSet,
    destination: &str,
) -> impl Iterator<Item = (&'a Layer, usize)> {
    let layers = partner.layers().iter();
    layers.filter_map(move |layer| Some((layer, layer.destination(destination)?)))
}

/// The rows whose cookies are delivered, numbered through all layers, and where these come from.
pub(super) struct Selected {
    pub(super) rows: RoaringBitmap,
    /// The first row of an origin, and its position in `sources`; ascending.
    pub(super) starts: Vec<(u32, u16)>,
    pub(super) sources: Vec<Source>,
}

impl Selected {
    pub(super) fn new(
        partner: &SealedSet,
        persons: &PersonSet,
        destination: &str,
        as_of: Date,
    ) -> Result<Self, SetError> {
        let (mut rows, mut origins) = (RoaringBitmap::new(), Vec::new());
        let (today, who) = (day_number(as_of), Wanted::new(partner, persons));
        for (layer, position) in serving(partner, destination) {
            let first = layer.first_row();
            let own = layer.destinations()[position].origins.iter();
            origins.extend(own.map(|origin| (first + origin.from, origin)));
            let mut walk = layer.walk_rows()?;
            while let Some(block) = walk.next()? {
                for i in 0..block.len() {
                    if block.day(i) >= today
                        && block.has_cookie(i, position)
                        && who.wanted(block.person(i))
                    {
                        rows.insert(first + block.first + i as u32);
                    }
                }
            }
        }
        let directory = partner.top().directory();
        if serving(partner, destination).next().is_none() {
            return Err(SetError::format(
                directory,
                "has no cookies at this destination",
            ));
        }
        let (mut starts, mut sources) = (Vec::new(), Vec::new());
        for (at, (from, origin)) in origins.iter().enumerate() {
            let to = origins.get(at + 1).map_or(u32::MAX, |(to, _)| *to);
            if rows.range_cardinality(*from..to) > 0 {
                let number = u16::try_from(sources.len());
                let many = |_| SetError::format(directory, "has cookies of too many uploads");
                starts.push((*from, number.map_err(many)?));
                sources.push(Source {
                    upload: origin.upload.clone(),
                    enc: origin.enc,
                });
            }
        }
        Ok(Selected {
            rows,
            starts,
            sources,
        })
    }
}

/// Persons of an answer under all their numbers.
struct Wanted<'a> {
    persons: &'a PersonSet,
    gone: &'a RoaringBitmap,
    /// Numbers that lead to one of them.
    led: RoaringBitmap,
}

impl<'a> Wanted<'a> {
    fn new(partner: &'a SealedSet, persons: &'a PersonSet) -> Self {
        let (gone, fate) = (partner.gone(), Fate::of(partner));
        let aliases = fate.aliases().iter();
        let led = aliases.filter(|(_, to)| persons.contains(*to) && !gone.contains(*to));
        Wanted {
            persons,
            gone,
            led: led.map(|(from, _)| *from).collect(),
        }
    }

    fn wanted(&self, person: u32) -> bool {
        self.persons.contains(person) && !self.gone.contains(person) || self.led.contains(person)
    }
}
