//! The walk with AVX-512: eight tokens of either side meet in one step.
//!
//! Every one of eight left tokens is compared with every one of eight right tokens; hits are compressed
//! to the front and written; then the side whose last token is smaller moves on by eight. A left token may
//! be repeated, so where both last tokens are equal only the left side moves. This is the all-pairs step
//! of Schlegel, Willhalm and Lehner, "Fast Sorted-Set Intersection using SIMD Instructions", ADMS 2011.
//!
//! The only module with `unsafe`: calling what needs the processor's features, once they were looked for.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m512i, _mm512_add_epi64, _mm512_cmpeq_epi64_mask, _mm512_cvtepi64_epi32,
    _mm512_mask_mov_epi64, _mm512_maskz_compress_epi64, _mm512_set_epi64, _mm512_set1_epi64,
    _mm512_setzero_si512,
};

use super::{Consumed, Hits, STEP};

/// Walks on from `used` as far as eight tokens are left on both sides; not at all where the processor
/// has not what it needs.
pub(super) fn walk(a: &[[u8; 8]], b: &[[u8; 8]], used: &mut Consumed, hits: &mut Hits) {
    if is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("popcnt")
    {
        // SAFETY: the processor has the features that the function is compiled for.
        unsafe { walk_eight(a, b, used, hits) }
    }
}

#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn walk_eight(a: &[[u8; 8]], b: &[[u8; 8]], used: &mut Consumed, hits: &mut Hits) {
    let lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    let eight = |tokens: &[[u8; 8]], from: usize| -> Option<[u64; STEP]> {
        let tokens = tokens.get(from..)?.first_chunk::<STEP>()?;
        Some(tokens.map(u64::from_le_bytes))
    };
    let (mut i, mut j, mut found) = (used.left, used.right, hits.len);
    while let (Some(left), Some(right)) = (eight(a, i), eight(b, j)) {
        let tokens: __m512i = bytemuck::must_cast(left);
        let (mut places, mut all) = (_mm512_setzero_si512(), 0);
        for (at, token) in (0..).zip(right) {
            let equal = _mm512_cmpeq_epi64_mask(tokens, _mm512_set1_epi64(token as i64));
            places = _mm512_mask_mov_epi64(places, equal, _mm512_set1_epi64(at << 16));
            all |= equal;
        }
        let base = _mm512_set1_epi64((i | j << 16) as i64);
        let pairs = _mm512_add_epi64(_mm512_add_epi64(places, lanes), base);
        let pairs = _mm512_cvtepi64_epi32(_mm512_maskz_compress_epi64(all, pairs));
        let pairs: [u32; STEP] = bytemuck::must_cast(pairs);
        let Some(room) = hits.pairs.get_mut(found..found + STEP) else {
            break;
        };
        room.copy_from_slice(&pairs);
        found += all.count_ones() as usize;
        i += STEP * usize::from(left[STEP - 1] <= right[STEP - 1]);
        j += STEP * usize::from(right[STEP - 1] < left[STEP - 1]);
    }
    (used.left, used.right, hits.len) = (i, j, found);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::super::super::merge;
    use super::*;

    /// Ascending numbers in columns, close together so that they meet.
    fn column(mut tokens: Vec<u64>, unique: bool) -> Vec<[u8; 8]> {
        tokens.sort_unstable();
        if unique {
            tokens.dedup();
        }
        tokens.into_iter().map(u64::to_le_bytes).collect()
    }

    proptest! {
        #[test]
        fn eight_at_a_time_find_what_one_at_a_time_finds(
            left in prop::collection::vec(0u64..400, 0..300),
            right in prop::collection::vec(0u64..400, 0..300),
            high in prop::sample::select(vec![0, 1 << 63, u64::MAX - 400]),
            from in (0usize..9, 0usize..9),
        ) {
            let lift = |tokens: Vec<u64>| tokens.into_iter().map(|token| token + high).collect();
            let (a, b) = (column(lift(left), false), column(lift(right), true));
            let start = Consumed { left: from.0.min(a.len()), right: from.1.min(b.len()) };
            let (mut slow, mut fast) = (Hits::default(), Hits::default());
            let (mut expected, mut used) = (start, start);
            slow.start(a.len());
            merge::walk(&a, &b, &mut expected, &mut slow);
            fast.start(a.len());
            walk(&a, &b, &mut used, &mut fast);
            let whole = used;
            merge::walk(&a, &b, &mut used, &mut fast);
            prop_assert!(slow.iter().eq(fast.iter()));
            // It may leave tokens on either side that can meet nothing any more.
            prop_assert!(used.left <= expected.left && used.right <= expected.right);
            prop_assert!(used.left == a.len() || used.right == b.len());
            let able = is_x86_feature_detected!("avx512dq");
            prop_assert!(!able || a.len() < whole.left + STEP || b.len() < whole.right + STEP);
        }
    }
}
