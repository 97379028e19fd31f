//! The walk with vectors: eight tokens of either side meet in one step with AVX-512, four with AVX2.
//!
//! Every left token of the step is compared with every right one; hits are compressed to the front and
//! written; then the side whose last token is smaller moves on by a step. A left token may be repeated, so
//! where both last tokens are equal only the left side moves. This is the all-pairs step of Schlegel,
//! Willhalm and Lehner, "Fast Sorted-Set Intersection using SIMD Instructions", ADMS 2011.
//!
//! Where a left token meets several right ones, which a hostile sender can bring about, the last of them is
//! noted; the check of the second column then finds out.
//!
//! The only module with `unsafe`: calling what needs the processor's features, once they were looked for,
//! and moving arrays into registers and back.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_storeu_si128, _mm256_add_epi64, _mm256_blendv_epi8,
    _mm256_castsi256_pd, _mm256_castsi256_si128, _mm256_cmpeq_epi64, _mm256_loadu_si256,
    _mm256_movemask_pd, _mm256_or_si256, _mm256_permutevar8x32_epi32, _mm256_set_epi64x,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_storeu_si256, _mm512_add_epi64,
    _mm512_cmpeq_epi64_mask, _mm512_cvtepi64_epi32, _mm512_loadu_si512, _mm512_mask_mov_epi64,
    _mm512_maskz_compress_epi64, _mm512_set_epi64, _mm512_set1_epi64, _mm512_setzero_si512,
};

use super::{Consumed, Hits};

/// Tokens of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    Eight,
    Four,
}

impl Kernel {
    /// Whether the processor has what it needs.
    fn able(self) -> bool {
        match self {
            Kernel::Eight => {
                is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("popcnt")
            }
            Kernel::Four => is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt"),
        }
    }

    /// Walks on from `used` as far as a whole step is left on both sides; not at all if it is not able.
    fn walk(self, a: &[[u8; 8]], b: &[[u8; 8]], used: &mut Consumed, hits: &mut Hits) {
        match self {
            _ if !self.able() => {}
            // SAFETY: the processor has the features that the function is compiled for.
            Kernel::Eight => unsafe { walk_eight(a, b, used, hits) },
            // SAFETY: the same.
            Kernel::Four => unsafe { walk_four(a, b, used, hits) },
        }
    }
}

/// Walks on from `used` with the best of the kernels; what it leaves is left to the caller.
pub(super) fn walk(a: &[[u8; 8]], b: &[[u8; 8]], used: &mut Consumed, hits: &mut Hits) {
    let kernels = [Kernel::Eight, Kernel::Four].into_iter();
    if let Some(kernel) = kernels.clone().find(|kernel| kernel.able()) {
        kernel.walk(a, b, used, hits);
    }
}

/// The `N` tokens from the `from`-th on, if there are as many.
#[inline(always)]
fn step<const N: usize>(tokens: &[[u8; 8]], from: usize) -> Option<&[[u8; 8]; N]> {
    tokens.get(from..)?.first_chunk()
}

#[target_feature(enable = "avx2,popcnt")]
fn walk_four(a: &[[u8; 8]], b: &[[u8; 8]], used: &mut Consumed, hits: &mut Hits) {
    let lanes = _mm256_set_epi64x(3, 2, 1, 0);
    let (mut i, mut j, mut found) = (used.left, used.right, hits.len);
    while let (Some(left), Some(right)) = (step::<4>(a, i), step::<4>(b, j)) {
        // SAFETY: as many bytes are read as the array has; nothing is asked of their alignment.
        let tokens = unsafe { _mm256_loadu_si256(left.as_ptr().cast()) };
        let (mut places, mut all) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for (at, token) in right.iter().enumerate() {
            let equal = _mm256_cmpeq_epi64(tokens, _mm256_set1_epi64x(i64::from_le_bytes(*token)));
            places = _mm256_blendv_epi8(places, _mm256_set1_epi64x((at << 16) as i64), equal);
            all = _mm256_or_si256(all, equal);
        }
        let all = _mm256_movemask_pd(_mm256_castsi256_pd(all)) as usize % TO_FRONT.len();
        let base = _mm256_set1_epi64x((i | j << 16) as i64);
        let pairs = _mm256_add_epi64(_mm256_add_epi64(places, lanes), base);
        // SAFETY: as many bytes are read as the array has; nothing is asked of their alignment.
        let to_front = unsafe { _mm256_loadu_si256(TO_FRONT[all].as_ptr().cast()) };
        let pairs = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(pairs, to_front));
        let Some(room) = hits.pairs.get_mut(found..found + 4) else {
            break;
        };
        // SAFETY: as many bytes are written as the slice has; nothing is asked of their alignment.
        unsafe { _mm_storeu_si128(room.as_mut_ptr().cast::<__m128i>(), pairs) };
        found += all.count_ones() as usize;
        let (left, right) = (u64::from_le_bytes(left[3]), u64::from_le_bytes(right[3]));
        i += 4 * usize::from(left <= right);
        j += 4 * usize::from(right < left);
    }
    (used.left, used.right, hits.len) = (i, j, found);
}

/// Per set of lanes of 64 bits: their lower halves, moved to the front.
static TO_FRONT: [[u32; 8]; 16] = {
    let (mut table, mut set) = ([[0; 8]; 16], 0);
    while set < 16 {
        let (mut lane, mut at) = (0, 0);
        while lane < 4 {
            if set >> lane & 1 == 1 {
                table[set][at] = 2 * lane;
                at += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    table
};

#[target_feature(enable = "avx512f,avx512dq,popcnt")]
fn walk_eight(a: &[[u8; 8]], b: &[[u8; 8]], used: &mut Consumed, hits: &mut Hits) {
    let lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    let (mut i, mut j, mut found) = (used.left, used.right, hits.len);
    while let (Some(left), Some(right)) = (step::<8>(a, i), step::<8>(b, j)) {
        // SAFETY: as many bytes are read as the array has; nothing is asked of their alignment.
        let tokens = unsafe { _mm512_loadu_si512(left.as_ptr().cast::<__m512i>()) };
        let (mut places, mut all) = (_mm512_setzero_si512(), 0);
        for (at, token) in right.iter().enumerate() {
            let token = _mm512_set1_epi64(i64::from_le_bytes(*token));
            let equal = _mm512_cmpeq_epi64_mask(tokens, token);
            places = _mm512_mask_mov_epi64(places, equal, _mm512_set1_epi64((at << 16) as i64));
            all |= equal;
        }
        let base = _mm512_set1_epi64((i | j << 16) as i64);
        let pairs = _mm512_add_epi64(_mm512_add_epi64(places, lanes), base);
        let pairs = _mm512_cvtepi64_epi32(_mm512_maskz_compress_epi64(all, pairs));
        let Some(room) = hits.pairs.get_mut(found..found + 8) else {
            break;
        };
        // SAFETY: as many bytes are written as the slice has; nothing is asked of their alignment.
        unsafe { _mm256_storeu_si256(room.as_mut_ptr().cast::<__m256i>(), pairs) };
        found += all.count_ones() as usize;
        let (left, right) = (u64::from_le_bytes(left[7]), u64::from_le_bytes(right[7]));
        i += 8 * usize::from(left <= right);
        j += 8 * usize::from(right < left);
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
        fn a_step_of_many_finds_what_one_at_a_time_finds(
            left in prop::collection::vec(0u64..400, 0..300),
            right in prop::collection::vec(0u64..400, 0..300),
            high in prop::sample::select(vec![0, 1 << 63, u64::MAX - 400]),
            from in (0usize..9, 0usize..9),
        ) {
            let lift = |tokens: Vec<u64>| tokens.into_iter().map(|token| token + high).collect();
            let (a, b) = (column(lift(left), false), column(lift(right), true));
            let start = Consumed { left: from.0.min(a.len()), right: from.1.min(b.len()) };
            let (mut slow, mut expected) = (Hits::default(), start);
            slow.start(a.len());
            merge::walk(&a, &b, &mut expected, &mut slow);
            for (kernel, step) in [(Kernel::Four, 4), (Kernel::Eight, 8)] {
                let (mut fast, mut used) = (Hits::default(), start);
                fast.start(a.len());
                kernel.walk(&a, &b, &mut used, &mut fast);
                let whole = used;
                merge::walk(&a, &b, &mut used, &mut fast);
                prop_assert!(slow.iter().eq(fast.iter()), "{kernel:?}");
                // It may leave tokens on either side that can meet nothing any more.
                prop_assert!(used.left <= expected.left && used.right <= expected.right);
                prop_assert!(used.left == a.len() || used.right == b.len());
                let done = a.len() < whole.left + step || b.len() < whole.right + step;
                prop_assert!(!kernel.able() || done, "{kernel:?}");
            }
        }
    }

    #[test]
    fn lower_halves_come_to_the_front_in_order() {
        for (set, lanes) in TO_FRONT.iter().enumerate() {
            let expected = (0..4u32).filter(|lane| set >> lane & 1 == 1);
            let expected: Vec<u32> = expected.map(|lane| 2 * lane).collect();
            assert_eq!(lanes[..expected.len()], expected);
        }
    }
}
