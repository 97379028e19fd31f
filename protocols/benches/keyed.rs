//! What the keyed protocol costs a row on one core: `cargo bench -p tamis-protocols --bench keyed`.
//!
//! A token is one HMAC-SHA256 with a key prepared once; a label is one key derivation and one
//! AES-256-GCM. Every measurement makes 10,000 of them.
// A bench has no seam for time and randomness: it takes the real ones.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Bencher, Criterion, Throughput, criterion_group, criterion_main};
use tamis_keys::entropy::SystemEntropy;
use tamis_keys::purpose::{CookieTag, PairSecret, Sealing};
use tamis_keys::{Epoch, Secret, sealing};
use tamis_protocols::identifier::{IdentifierDigest, IdentifierType, Normaliser, Profile};
use tamis_protocols::label::{CookieTagger, LabelContext, LabelOpener, LabelSealer};
use tamis_protocols::token::{Tokeniser, pair_key};

const COLLABORATION: &str = "00112233445566778899aabbccddeeff";
const COUNT: u64 = 10_000;

fn each<T, R>(b: &mut Bencher<'_>, all: &[T], work: impl Fn(&T) -> R) {
    b.iter(|| {
        for one in all {
            black_box(work(one));
        }
    });
}

fn keyed(c: &mut Criterion) {
    let mut group = c.benchmark_group("keyed");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Elements(COUNT));

    let addresses: Vec<String> = (0..COUNT)
        .map(|n| format!("jane.{n}@example.com"))
        .collect();
    let normaliser = Normaliser::new(Profile::Onboarding1, None).unwrap();
    let digest = |address: &String| normaliser.email(address).unwrap().digest();
    group.bench_function("normalise and hash an e-mail address", |b| {
        each(b, &addresses, digest);
    });
    let digests: Vec<IdentifierDigest> = addresses.iter().map(digest).collect();
    let secret = Secret::<PairSecret>::from_bytes([1; 32]);
    let tokeniser = Tokeniser::new(&pair_key(&secret, COLLABORATION, Epoch(1)));
    group.bench_function("make a token", |b| {
        each(b, &digests, |digest| {
            tokeniser.token(IdentifierType::Email, digest)
        });
    });

    let context = LabelContext {
        collaboration: COLLABORATION,
        destination: "dsp-a",
    };
    let key = Secret::<Sealing>::from_bytes([2; 32]);
    let to = sealing::public(&key);
    let (sealer, enc) = LabelSealer::new(&to, &context, &SystemEntropy::new()).unwrap();
    let opener = LabelOpener::new(&key, &enc, &context).unwrap();
    let cookies: Vec<(u64, String)> = (0..COUNT)
        .map(|n| (n, format!("CAESEHxyz-{n:010}")))
        .collect();
    let seal = |(row, cookie): &(u64, String)| sealer.seal(*row, cookie.as_bytes()).unwrap();
    group.bench_function("seal a label", |b| each(b, &cookies, seal));
    let labels: Vec<_> = cookies.iter().map(seal).collect();
    group.bench_function("open a label", |b| {
        each(b, &labels, |label| opener.open(label).unwrap());
    });
    let key = Secret::<CookieTag>::from_bytes([3; 32]);
    let tagger = CookieTagger::new(&key, COLLABORATION, "dsp-a");
    group.bench_function("tag a cookie", |b| {
        each(b, &cookies, |(_, cookie)| tagger.tag(cookie.as_bytes()));
    });
    group.finish();
}

criterion_group!(benches, keyed);
criterion_main!(benches);
