//! Cookies of one length: `length (1 byte) ‖ cookie ‖ zeros`, 64 bytes, so that a label does not tell
//! how long its cookie is.

/// Bytes of a padded cookie.
pub const PADDED_LEN: usize = 64;
/// Longest cookie, bytes.
pub const COOKIE_MAX: usize = PADDED_LEN - 1;

/// Pads a cookie of 1 to 63 bytes.
pub(super) fn pad(cookie: &[u8]) -> Option<[u8; PADDED_LEN]> {
    if cookie.is_empty() || cookie.len() > COOKIE_MAX {
        return None;
    }
    let mut padded = [0; PADDED_LEN];
    padded[0] = cookie.len() as u8;
    padded[1..=cookie.len()].copy_from_slice(cookie);
    Some(padded)
}

/// The cookie of a padded one; anything that [`pad`] does not make is refused.
pub(super) fn unpad(padded: &[u8]) -> Option<&[u8]> {
    let (&length, rest) = padded.split_first()?;
    let (cookie, zeros) = rest.split_at_checked(usize::from(length))?;
    let well_formed =
        padded.len() == PADDED_LEN && !cookie.is_empty() && zeros.iter().all(|byte| *byte == 0);
    well_formed.then_some(cookie)
}
