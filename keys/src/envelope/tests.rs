#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::entropy::tests::Counting;

fn data_key() -> Secret<Data> {
    Secret::from_bytes([3; 32])
}

fn blocks(cipher: &BlockCipher, parts: &[&[u8]]) -> Vec<Vec<u8>> {
    let last = parts.len() - 1;
    (0..)
        .zip(parts)
        .map(|(index, part)| {
            let mut block = part.to_vec();
            cipher.seal_in_place(index as u64, index == last, &mut block);
            assert_eq!(block.len(), part.len() + BlockCipher::OVERHEAD);
            block
        })
        .collect()
}

fn read(cipher: &BlockCipher, blocks: &[Vec<u8>]) -> Result<Vec<u8>, EnvelopeError> {
    let mut out = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        let last = index == blocks.len() - 1;
        out.extend_from_slice(cipher.open_in_place(index as u64, last, &mut block.clone())?);
    }
    Ok(out)
}

#[test]
fn a_wrapped_key_opens_where_it_was_wrapped_and_nowhere_else() {
    let kek = Secret::from_bytes([1; 32]);
    let wrapped = wrap(&kek, &data_key(), "upload/a", &Counting::new());
    let stored: WrappedKey = wrapped.to_string().parse().unwrap();
    assert!(
        unwrap(&kek, &stored, "upload/a")
            .unwrap()
            .ct_eq(&data_key())
    );
    assert_eq!(
        unwrap(&kek, &stored, "upload/b").err(),
        Some(EnvelopeError::Refused)
    );
    let other = Secret::from_bytes([2; 32]);
    assert_eq!(
        unwrap(&other, &stored, "upload/a").err(),
        Some(EnvelopeError::Refused)
    );
    assert_eq!("AAAA".parse::<WrappedKey>(), Err(EnvelopeError::Malformed));
}

#[test]
fn a_sealed_object_cannot_be_moved_or_altered() {
    let entropy = Counting::new();
    let sealed = seal(&data_key(), b"whsec", "webhook/dsp-a", &entropy);
    assert_eq!(sealed.len(), 5 + 28);
    assert_eq!(
        open(&data_key(), &sealed, "webhook/dsp-a")
            .unwrap()
            .as_slice(),
        b"whsec"
    );
    assert!(open(&data_key(), &sealed, "webhook/dsp-b").is_err());
    for at in 0..sealed.len() {
        let mut altered = sealed.clone();
        altered[at] ^= 1;
        assert!(open(&data_key(), &altered, "webhook/dsp-a").is_err());
    }
}

#[test]
fn a_file_reads_back_and_any_cut_swap_or_move_is_an_error() {
    let cipher = BlockCipher::new(&data_key(), "upload/a/spool");
    let parts: [&[u8]; 3] = [b"one", b"", b"three"];
    let whole = blocks(&cipher, &parts);
    assert_eq!(read(&cipher, &whole).unwrap(), b"onethree");

    assert!(read(&cipher, &whole[..2]).is_err(), "a cut file");
    let mut swapped = whole.clone();
    swapped.swap(0, 1);
    assert!(read(&cipher, &swapped).is_err(), "two blocks swapped");
    let mut repeated = whole.clone();
    repeated.insert(1, whole[0].clone());
    assert!(read(&cipher, &repeated).is_err(), "a block twice");
    let mut longer = whole.clone();
    longer.push(whole[2].clone());
    assert!(read(&cipher, &longer).is_err(), "blocks behind the last");
    let other = BlockCipher::new(&data_key(), "upload/b/spool");
    assert!(read(&other, &whole).is_err(), "another file");
    for block in 0..whole.len() {
        for at in 0..whole[block].len() {
            let mut altered = whole.clone();
            altered[block][at] ^= 0x80;
            assert!(read(&cipher, &altered).is_err(), "an altered byte");
        }
    }
}

#[test]
fn a_block_written_again_with_other_bytes_never_repeats_its_nonce() {
    let cipher = BlockCipher::new(&data_key(), "upload/a/spool");
    let nonce = |plaintext: &[u8], last: bool| {
        let mut block = plaintext.to_vec();
        cipher.seal_in_place(7, last, &mut block);
        block[plaintext.len()..plaintext.len() + NONCE].to_vec()
    };
    assert_ne!(nonce(b"torn", false), nonce(b"then", false));
    assert_ne!(nonce(b"torn", false), nonce(b"torn", true));
}

#[test]
fn a_page_opens_at_its_place_in_its_file_and_nowhere_else() {
    let cipher = PageCipher::new(&data_key(), "set/a/tokens/1");
    let mut page = *b"sixteen bytes it................";
    cipher.seal_in_place(7, &mut page);
    let opens = |cipher: &PageCipher, number, page: &[u8]| {
        cipher.open_in_place(number, &mut page.to_vec()).is_ok()
    };
    assert!(opens(&cipher, 7, &page));
    assert!(!opens(&cipher, 8, &page), "moved");
    let again = PageCipher::new(&data_key(), "set/a/tokens/2");
    assert!(!opens(&again, 7, &page), "replayed into a later writing");
    for at in 0..page.len() {
        let mut altered = page;
        altered[at] ^= 1;
        assert!(!opens(&cipher, 7, &altered), "an altered byte");
    }
    for short in 0..16 {
        assert!(!opens(&cipher, 7, &page[..short]), "cut");
    }
    let mut opened = page;
    cipher.open_in_place(7, &mut opened).unwrap();
    assert_eq!(&opened[..16], b"sixteen bytes it");
}

proptest! {
    #[test]
    fn random_bytes_never_open_and_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), text: String) {
        let cipher = BlockCipher::new(&data_key(), "x");
        prop_assert!(cipher.open_in_place(0, true, &mut bytes.clone()).is_err());
        prop_assert!(open(&data_key(), &bytes, "x").is_err());
        prop_assert!(text.parse::<WrappedKey>().is_err());
    }
}
