//! E-mail addresses under each profile. SPEC.md, "E-mail".

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

use super::{Malformed, Profile, digest::hashed};

/// The longest address that mail systems take (RFC 5321 §4.5.3.1.3, less the angle brackets), in bytes.
const MAX_BYTES: usize = 254;

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
