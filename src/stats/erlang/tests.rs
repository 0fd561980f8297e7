//! The formulas against published tables, exact sums, each other, and extreme inputs.

use proptest::prelude::*;

use super::*;

fn demand(calls: f64, aht_s: f64, patience_s: Option<f64>) -> Demand {
    Demand { calls, interval_s: 1_800.0, aht_s, target_s: 20.0, patience_s }
}

#[track_caller]
fn close(value: f64, expected: f64, within: f64) {
    assert!((value - expected).abs() <= within, "{value} is not {expected} (within {within})");
}

#[test]
fn blocking_is_that_of_the_published_tables() {
    // Erlang B as tabled everywhere (ITU Handbook on Teletraffic Engineering): the load that so many
    // trunks carry at this loss.
    for (trunks, loss, load) in [
        (1, 0.01, 0.0101),
        (2, 0.01, 0.1526),
        (5, 0.01, 1.361),
        (10, 0.01, 4.461),
        (20, 0.01, 12.03),
        (30, 0.05, 24.80),
        (50, 0.02, 40.26),
        (100, 0.01, 84.06),
    ] {
        let found = blocking(trunks, load);
        assert!((found / loss - 1.0).abs() < 0.01, "{trunks} trunks, {load} erlang: {found}");
    }
    close(blocking(10, 10.0), 0.214_582, 1e-6);
    assert_eq!(blocking(0, 3.0), 1.0);
    assert_eq!(blocking(3, 0.0), 0.0);
}

/// Erlang C by its definition, in exact fractions (worked out apart from this program).
#[test]
fn waiting_for_ever_is_that_of_exact_sums() {
    // 100 calls of 3 minutes in half an hour: the example of most text books on staffing.
    for (agents, p_wait, asa_s, service_level, occupancy) in [
        (14, 0.174_131_933_595_049_8, 7.835_937_011_777_24, 0.888_350_019_179_467, 10.0 / 14.0),
        (12, 0.449_388_224_298_270_8, 40.444_940_186_844_4, 0.640_158_040_374_007, 10.0 / 12.0),
        (11, 0.682_118_204_689_332, 122.781_276_844_080, 0.389_613_811_729_153, 10.0 / 11.0),
    ] {
        let found = outlook(&demand(100.0, 180.0, None), agents).expect("an answer");
        close(found.p_wait, p_wait, 1e-12);
        close(found.asa_s.expect("a bound"), asa_s, 1e-9);
        close(found.service_level, service_level, 1e-12);
        close(found.occupancy, occupancy, 1e-15);
        assert_eq!(found.abandoned, 0.0);
    }
}

/// Erlang A by the balance of its states, summed one by one, and the time in the queue by
/// uniformisation (worked out apart from this program).
#[test]
fn giving_up_is_that_of_the_balance_of_states() {
    for (calls, aht_s, agents, target_s, patience_s, expected) in [
        (
            (100.0, 180.0, 14, 20.0, 120.0),
            [
                0.126_976_340_08,
                2.345_375_234_15,
                0.932_729_580_698,
                0.697_971_938_192,
                0.022_839_286_531_8,
            ],
        ),
        (
            (100.0, 180.0, 8, 20.0, 120.0),
            [
                0.722_626_463_339,
                29.267_987_164_7,
                0.403_213_027_38,
                0.927_522_023_39,
                0.257_982_381_288,
            ],
        ),
        (
            (100.0, 180.0, 10, 20.0, 60.0),
            [
                0.423_417_674_948,
                7.494_469_740_78,
                0.718_010_188_122,
                0.842_473_128_509,
                0.157_526_871_491,
            ],
        ),
        (
            (100.0, 180.0, 10, 20.0, 3_600.0),
            [
                0.831_525_393_386,
                166.004_584_403,
                0.219_423_419_184,
                0.953_971_399_135,
                0.046_028_600_864_8,
            ],
        ),
        (
            (20.0, 300.0, 3, 60.0, 5.0),
            [
                0.396_921_455_673,
                0.143_107_640_715,
                0.621_499_619_561,
                0.690_555_203_847,
                0.378_500_316_538,
            ],
        ),
        (
            (600.0, 240.0, 82, 20.0, 180.0),
            [
                0.397_864_364_578,
                6.258_861_093_58,
                0.843_814_481_376,
                0.940_252_083_093,
                0.036_241_614_83,
            ],
        ),
        (
            (1.0, 30.0, 1, 20.0, 120.0),
            [
                0.016_610_802_334_5,
                0.322_260_680_324,
                0.990_836_544_721,
                0.016_610_802_334_5,
                0.003_351_859_930_39,
            ],
        ),
    ]
    .map(|((calls, aht, agents, target, patience), expected)| {
        (calls, aht, agents, target, patience, expected)
    }) {
        let demand = Demand { target_s, ..demand(calls, aht_s, Some(patience_s)) };
        let found = outlook(&demand, agents).expect("an answer");
        let asa_s = found.asa_s.expect("a bound");
        let found = [found.p_wait, asa_s, found.service_level, found.occupancy, found.abandoned];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found / expected - 1.0).abs() < 1e-9, "{found} is not {expected}: {demand:?}");
        }
    }
}

#[test]
fn without_patience_it_is_b_and_with_endless_patience_it_is_c() {
    let none = outlook(&demand(100.0, 180.0, Some(0.0)), 10).expect("an answer");
    let hardly = outlook(&demand(100.0, 180.0, Some(1e-6)), 10).expect("an answer");
    close(none.abandoned, 0.214_582, 1e-6);
    close(hardly.abandoned, none.abandoned, 1e-6);
    close(hardly.service_level, none.service_level, 1e-6);
    let endless = outlook(&demand(100.0, 180.0, None), 12).expect("an answer");
    let nearly = outlook(&demand(100.0, 180.0, Some(1e9)), 12).expect("an answer");
    close(nearly.p_wait, endless.p_wait, 1e-6);
    close(nearly.asa_s.expect("a bound"), endless.asa_s.expect("a bound"), 1e-3);
    close(nearly.service_level, endless.service_level, 1e-6);
    assert!(nearly.abandoned < 1e-6);
}

#[test]
fn more_work_than_agents_is_said_and_not_computed_away() {
    let swamped = outlook(&demand(100.0, 180.0, None), 10).expect("an answer");
    assert_eq!(
        swamped,
        Outlook { p_wait: 1.0, asa_s: None, service_level: 0.0, occupancy: 1.0, abandoned: 0.0 }
    );
    // Who gives up makes room for the others: whoever is too many must.
    let relieved = outlook(&demand(100_000.0, 180.0, Some(60.0)), 10).expect("an answer");
    close(relieved.abandoned, 0.999, 1e-9);
    close(relieved.occupancy, 1.0, 1e-9);
    close(relieved.p_wait, 1.0, 1e-9);
    // They wait until 1 in 1,000 is left: the offered wait is close to 60·ln(1000).
    close(relieved.asa_s.expect("a bound"), 60.0 * 1_000_f64.ln(), 10.0);
}

#[test]
fn nobody_who_rings_waits_for_nothing() {
    for patience_s in [None, Some(0.0), Some(60.0)] {
        let quiet = outlook(&demand(0.0, 180.0, patience_s), 1).expect("an answer");
        assert_eq!((quiet.p_wait, quiet.asa_s), (0.0, Some(0.0)));
        assert_eq!((quiet.service_level, quiet.occupancy, quiet.abandoned), (1.0, 0.0, 0.0));
    }
}

#[test]
fn huge_numbers_neither_overflow_nor_become_nothing() {
    let calls = 1e8;
    let load = calls / 1_800.0 * 10.0;
    let spare = outlook(&demand(calls, 10.0, None), 556_500).expect("an answer");
    assert!(spare.occupancy > 0.998 && spare.p_wait > 0.0 && spare.p_wait < 0.5, "{spare:?}");
    assert!(load < 556_500.0);
    let tight = outlook(&demand(calls, 10.0, Some(60.0)), 555_000).expect("an answer");
    close(tight.abandoned, 1.0 - 555_000.0 / load, 1e-4);
    let asked = agents_for(&demand(calls, 10.0, None), 0.8).expect("enough");
    assert!(f64::from(asked) > load && f64::from(asked) < load + 2_000.0, "{asked}");
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let right = demand(100.0, 180.0, None);
    let error = |demand: Demand, agents| outlook(&demand, agents).expect_err("refused").to_string();
    assert_eq!(
        error(Demand { aht_s: 0.0, ..right }, 1),
        "the handle time is 0: it must be more than 0 and at most 1e12"
    );
    assert_eq!(
        error(Demand { calls: -1.0, ..right }, 1),
        "the number of calls is -1: it must be 0 or more and at most 1e12"
    );
    assert!(error(Demand { target_s: f64::NAN, ..right }, 1).contains("NaN"));
    assert!(
        error(Demand { interval_s: f64::INFINITY, ..right }, 1).contains("the interval is inf")
    );
    assert_eq!(error(right, 0), "0 agents answer nobody: give at least 1");
    assert!(error(right, 2_000_000).starts_with("2000000 agents are more than"));
    for share in [0.0, 1.0, 80.0, f64::NAN] {
        assert!(matches!(agents_for(&right, share), Err(ErlangError::OutOfRange { .. })));
    }
    let too_many = agents_for(&demand(1e12, 1e6, None), 0.8);
    assert!(matches!(too_many, Err(ErlangError::TooManyAgents { .. })), "{too_many:?}");
}

#[test]
fn the_agents_of_the_text_book_are_found() {
    // 100 calls of 3 minutes in half an hour, 80 % within 20 s: 14 agents (13 reach 79 %).
    assert_eq!(agents_for(&demand(100.0, 180.0, None), 0.8), Ok(14));
    // Callers who give up after two minutes need fewer.
    assert_eq!(agents_for(&demand(100.0, 180.0, Some(120.0)), 0.8), Ok(12));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn shares_are_shares_and_the_books_balance(
        calls in 0.0..5_000.0_f64, aht_s in 1.0..2_000.0_f64, agents in 1..600_u32,
        target_s in 0.0..600.0_f64, patience_s in prop::option::of(0.0..100_000.0_f64),
    ) {
        let demand = Demand { calls, interval_s: 1_800.0, aht_s, target_s, patience_s };
        let found = outlook(&demand, agents).expect("an answer");
        for share in [found.p_wait, found.service_level, found.occupancy, found.abandoned] {
            prop_assert!((0.0..=1.0 + 1e-9).contains(&share), "{found:?}");
        }
        prop_assert!(found.asa_s.is_none_or(|asa_s| asa_s.is_finite() && asa_s >= 0.0));
        // In the steady state whoever does not give up is served.
        if found.asa_s.is_some() && calls > 0.0 {
            let served = found.occupancy * f64::from(agents) / demand.load();
            prop_assert!((served + found.abandoned - 1.0).abs() < 1e-6, "{found:?}");
            prop_assert!(found.service_level <= 1.0 - found.abandoned + 1e-9, "{found:?}");
        }
    }

    #[test]
    fn one_agent_fewer_than_needed_is_too_few(
        calls in 1.0..5_000.0_f64, aht_s in 1.0..1_000.0_f64, share in 0.05..0.99_f64,
        patience_s in prop::option::of(0.0..5_000.0_f64),
    ) {
        let demand = Demand { calls, interval_s: 1_800.0, aht_s, target_s: 20.0, patience_s };
        let agents = agents_for(&demand, share).expect("enough");
        prop_assert!(outlook(&demand, agents).expect("an answer").service_level >= share);
        if agents > 1 {
            prop_assert!(outlook(&demand, agents - 1).expect("an answer").service_level < share);
        }
    }
}
