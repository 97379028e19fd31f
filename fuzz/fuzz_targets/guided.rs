//! The target that the environment names in `TARGET`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let name = std::env::var("TARGET").expect("TARGET names a target: see fuzz/src/lib.rs");
    tamis_fuzz::run(&name, data);
});
