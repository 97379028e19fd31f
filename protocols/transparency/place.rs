//! Where a tile or an entry bundle lives: the paths of C2SP tlog-tiles.

use tlog_tiles::Tile;

/// Hashes in a full tile, leaves in a full bundle.
pub(super) const WIDTH: u64 = 1 << HEIGHT;
/// Height of a tile.
pub(super) const HEIGHT: u8 = 8;
/// Largest log this code reads or writes: 2^40 leaves, five levels of tiles.
pub(super) const MAX_SIZE: u64 = 1 << 40;

/// Whether this is the path of a tile or an entry bundle.
pub fn is_tile(path: &str) -> bool {
    Place::parse(path).is_some()
}

/// A tile of a level, or an entry bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Level of a tile; none for a bundle.
    pub(super) level: Option<u8>,
    /// Number within its level.
    pub(super) number: u64,
    /// Hashes or leaves in it, 1 to 256.
    pub(super) width: u64,
}

impl Place {
    /// The file's path in the log: `tile/L/NNN[.p/W]` or `tile/entries/NNN[.p/W]`.
    pub(super) fn path(&self) -> String {
        let bundle = self.level.is_none();
        let level = self.level.unwrap_or(0);
        let tile = Tile::new(HEIGHT, level, self.number, self.width as u32, bundle);
        let path = tile.path();
        // The crate's paths carry the height and call bundles `data`.
        match bundle {
            true => path.replacen("tile/8/data/", "tile/entries/", 1),
            false => path.replacen("tile/8/", "tile/", 1),
        }
    }

    /// The inverse of [`Place::path`]; `None` for every other text.
    pub(super) fn parse(path: &str) -> Option<Place> {
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let level = match level {
            "entries" => None,
            digit => Some(digit.parse().ok().filter(|level| *level <= 5)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok()?),
            None => (rest, WIDTH),
        };
        let number = number.split('/').try_fold(0u64, |number, part| {
            let digits = part.trim_start_matches('x');
            let part: u64 = digits.parse().ok().filter(|part| *part < 1000)?;
            number.checked_mul(1000)?.checked_add(part)
        })?;
        let place = Place {
            level,
            number,
            width,
        };
        let in_range = (1..=WIDTH).contains(&width) && number < MAX_SIZE;
        (in_range && place.path() == path).then_some(place)
    }

    /// How wide this tile or bundle is in a log of `size` leaves; 0 if it is not in it.
    pub(super) fn width_at(&self, size: u64) -> u64 {
        let nodes = size >> (u32::from(HEIGHT) * u32::from(self.level.unwrap_or(0)));
        nodes.saturating_sub(self.number * WIDTH).min(WIDTH)
    }
}
