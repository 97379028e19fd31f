//! E-mail addresses under each profile. SPEC.md, "E-mail".
//!
//! Flow: an address of plain ASCII goes through [`plain`], without an allocation and without Unicode; every
//! other cell, and every refusal, through [`canonical`]. Both give the same answer.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::{Malformed, Profile, digest::hashed};

/// The longest address that mail systems take (RFC 5321 §4.5.3.1.3, less the angle brackets), in bytes.
pub(super) const MAX_BYTES: usize = 254;

/// How every Gmail address ends under `onboarding-1`.
const GMAIL: &[u8] = b"@gmail.com";

/// The canonical form of an address.
pub(super) fn canonical(profile: Profile, cell: &str) -> Result<String, Malformed> {
    let folded = fold(profile, cell);
    if folded.is_empty() {
        return Err(Malformed::Empty);
    }
    let Some((local, domain)) = folded.split_once('@') else {
        return Err(hashed(cell.trim()).unwrap_or(Malformed::NoAtSign));
    };
    if domain.contains('@') {
        return Err(Malformed::SeveralAtSigns);
    }
    if local.is_empty() {
        return Err(Malformed::NoLocalPart);
    }
    if folded.contains(char::is_whitespace) {
        return Err(Malformed::InnerSpace);
    }
    if folded.len() > 4 * MAX_BYTES {
        return Err(Malformed::TooLong); // before any work that grows with the length
    }
    let ascii = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::Check,
            DnsLength::Verify,
        )
        .map_err(|_| Malformed::BadDomain)?;
    if !ascii.contains('.') {
        return Err(Malformed::BadDomain);
    }
    let canonical = match profile {
        Profile::Onboarding1 if ascii == "gmail.com" || ascii == "googlemail.com" => {
            format!("{}@gmail.com", plain_local(local)?)
        }
        Profile::Onboarding1 => format!("{local}@{ascii}"),
        Profile::Google1 if domain == "gmail.com" || domain == "googlemail.com" => {
            format!("{}@{domain}", plain_local(local)?)
        }
        Profile::Uid2_1 if domain == "gmail.com" => format!("{}@{domain}", plain_local(local)?),
        Profile::Google1 | Profile::Meta1 | Profile::Uid2_1 => folded,
    };
    if canonical.len() > MAX_BYTES {
        return Err(Malformed::TooLong);
    }
    Ok(canonical)
}

/// White space out (everywhere, or at the ends only), then lowercase.
fn fold(profile: Profile, cell: &str) -> String {
    let kept: String = match profile {
        Profile::Onboarding1 | Profile::Google1 => {
            cell.chars().filter(|c| !c.is_whitespace()).collect()
        }
        Profile::Meta1 | Profile::Uid2_1 => cell.trim().to_owned(),
    };
    if kept.is_ascii() {
        kept.to_ascii_lowercase()
    } else {
        kept.to_lowercase()
    }
}

/// A Gmail local part without its dots and without the `+` and what follows.
fn plain_local(local: &str) -> Result<String, Malformed> {
    let name = local.split('+').next().unwrap_or_default();
    let plain = name.replace('.', "");
    if plain.is_empty() {
        return Err(Malformed::NoLocalPart);
    }
    Ok(plain)
}

/// The canonical form of an address of plain ASCII without white space inside, made in `room`. Nothing says
/// nothing: ask [`canonical`].
pub(super) fn plain<'a>(
    profile: Profile,
    cell: &str,
    room: &'a mut [u8; MAX_BYTES],
) -> Option<&'a [u8]> {
    let cell = cell.trim().as_bytes();
    let address = room.get_mut(..cell.len())?;
    address.copy_from_slice(cell);
    address.make_ascii_lowercase();
    // The ASCII part of White_Space is below b'!', with other characters that are rare enough.
    if address.iter().any(|byte| !matches!(byte, b'!'..=0x7f)) {
        return None;
    }
    let at = address.iter().position(|byte| *byte == b'@')?;
    let domain = address.get(at + 1..)?;
    if at == 0 || !is_plain_domain(domain) {
        return None;
    }
    let google = match (profile, domain) {
        (Profile::Meta1, _) => false,
        (_, b"gmail.com") => true,
        (Profile::Onboarding1 | Profile::Google1, b"googlemail.com") => true,
        _ => false,
    };
    if !google {
        return Some(address);
    }
    let mut end = 0;
    for place in 0..at {
        match address[place] {
            b'.' => {}
            b'+' => break,
            byte => {
                address[end] = byte;
                end += 1;
            }
        }
    }
    if end == 0 {
        return None;
    }
    if profile == Profile::Onboarding1 {
        let name = address.get_mut(end..end + GMAIL.len())?;
        name.copy_from_slice(GMAIL);
        return address.get(..end + GMAIL.len());
    }
    let length = end + address.len() - at;
    address.copy_within(at.., end);
    address.get(..length)
}

/// Whether UTS #46 with our options leaves a lowercase ASCII domain as it is: labels of 1 to 63 letters,
/// digits and hyphens, none of these first, last, or third and fourth; 2 labels or more, 253 bytes at most.
fn is_plain_domain(domain: &[u8]) -> bool {
    let is_label = |label: &[u8]| {
        let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        (1..=63).contains(&label.len())
            && label.iter().all(inner)
            && label.first() != Some(&b'-')
            && label.last() != Some(&b'-')
            && label.get(2..4) != Some(b"--")
    };
    domain.len() <= 253
        && domain.contains(&b'.')
        && domain.split(|byte| *byte == b'.').all(is_label)
}
