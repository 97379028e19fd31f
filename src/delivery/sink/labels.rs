//! From a message to plain cookies: labels are opened with the destination's own key.

use tamis_keys::{Secret, purpose::Sealing};
use tamis_protocols::label::{LabelContext, LabelOpener};
use tamis_protocols::wire::cookie;
use tamis_protocols::wire::delivery::{Member, MembersChanged};

/// The cookies of a message.
pub(super) struct Opened {
    pub(super) remove: Vec<String>,
    pub(super) add: Vec<String>,
    /// Labels that are not for this key, or hold no cookie.
    pub(super) unreadable: u64,
}

/// Nothing of the message can be read with this key.
pub(super) struct WrongKey;

/// Opens every member. One label that does not open is skipped and counted: a partner that made it up
/// must not hold up the rest. If none opens, the key is wrong, and taking the message would lose it.
pub(super) fn open(
    data: &mut MembersChanged,
    sealing: Option<&Secret<Sealing>>,
) -> Result<Opened, WrongKey> {
    let context = LabelContext {
        collaboration: &data.collaboration,
        destination: &data.destination,
    };
    let openers: Vec<Option<LabelOpener>> = data
        .contexts
        .iter()
        .map(|sealed| LabelOpener::new(sealing?, &sealed.enc, &context).ok())
        .collect();
    let mut unreadable = 0;
    let mut readable = false;
    let mut cookie = |member: Member| {
        let cookie = match member {
            Member::Open(cookie) => Some(cookie),
            Member::Sealed { context, label } => openers
                .get(usize::from(context))
                .and_then(Option::as_ref)
                .and_then(|opener| opener.open(&label).ok())
                .and_then(|bytes| cookie::parse(&bytes).map(str::to_owned)),
        };
        match cookie {
            Some(_) => readable = true,
            None => unreadable += 1,
        }
        cookie
    };
    let remove = std::mem::take(&mut data.remove);
    let remove = remove.into_iter().filter_map(&mut cookie).collect();
    let add = std::mem::take(&mut data.add);
    let add = add.into_iter().filter_map(&mut cookie).collect();
    if unreadable > 0 && !readable {
        return Err(WrongKey);
    }
    Ok(Opened {
        remove,
        add,
        unreadable,
    })
}
