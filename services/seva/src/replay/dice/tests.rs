use super::*;

#[test]
fn a_seed_always_gives_the_same_numbers() {
    let mut dice = Dice::seeded(1);

    // The published first numbers of SplitMix64 for this seed.
    assert_eq!([dice.roll(), dice.roll()], [0x910a_2dec_8902_5cc1, 0xbeeb_8da1_658e_ec67]);
}

#[test]
fn numbers_stay_between_their_bounds_and_reach_both() {
    let mut dice = Dice::seeded(7);
    let rolled: std::collections::BTreeSet<_> = (0..500).map(|_| dice.between(-2, 2)).collect();

    assert_eq!(rolled.into_iter().collect::<Vec<_>>(), [-2, -1, 0, 1, 2]);
}

#[test]
fn shuffling_keeps_every_entry() {
    let mut entries: Vec<_> = (0..100).collect();
    Dice::seeded(3).shuffle(&mut entries);

    assert_ne!(entries, (0..100).collect::<Vec<_>>());
    entries.sort_unstable();
    assert_eq!(entries, (0..100).collect::<Vec<_>>());
}

#[test]
fn texts_have_sequences_of_their_own() {
    assert_ne!(Dice::of(1, "a").roll(), Dice::of(1, "b").roll());
    assert_ne!(Dice::of(1, "a").roll(), Dice::of(2, "a").roll());
}
