//! What is measured, and how the two sides take turns.

use std::time::Duration;

use crate::{
    Error,
    contestant::{Contestant, Running},
    hash::BareHash,
    statistics::Samples,
    table::{Row, megabytes, millis, times},
};

/// Starts of each side that count.
const STARTS: usize = 35;
/// Invocations ahead of those that count, until both sides run at full speed.
const WARM_UP: usize = 500;
/// Invocations of each side that count …
const INVOCATIONS: usize = 4000;
/// … in turns of so many, each after a few that do not count: a process that
/// has just waited for its turn is not warm.
const TURN: usize = 100;
const FIRST_OF_TURN: usize = 10;
/// Sign-ins that count.
const SIGN_INS: usize = 150;

/// What a fresh process takes.
#[derive(Default)]
struct Fresh {
    /// From its execution to its first poll.
    start: Samples,
    /// And on to its first answer.
    cold: Samples,
}

/// Fresh processes: until they poll, and until they have answered once.
pub async fn starts(ours: &Contestant, peer: &Contestant) -> Result<[Row; 2], Error> {
    let mut sides = [ours, peer].map(|contestant| (contestant, Fresh::default()));
    for round in 0..=STARTS {
        for (contestant, fresh) in &mut sides {
            let running = contestant.restart().await?;
            let first = running.invoke().await?;
            // The round before those that count brings the files into memory.
            if round > 0 {
                fresh.start.push(running.start);
                fresh.cold.push(running.start + first);
            }
        }
    }
    let [ours, peer] = sides.each_ref().map(|(_, fresh)| fresh.start.median());
    let quick = ours <= Duration::from_millis(10) && ratio(peer, ours) >= 15.0;
    let start = Row {
        measure: format!("start to first poll, median of {STARTS}"),
        reached: Some(quick),
        ..compared(ours, peer, "≤ 10 ms, 15 × faster")
    };
    let [ours, peer] = sides.each_ref().map(|(_, fresh)| fresh.cold.median());
    let cold = Row {
        measure: format!("start and first get-session, median of {STARTS}"),
        reached: Some(ratio(peer, ours) >= 25.0),
        ..compared(ours, peer, "25 × faster")
    };
    Ok([start, cold])
}

/// Warm get-session, and the memory that the processes have needed by then.
pub async fn warm_sessions(ours: &Contestant, peer: &Contestant) -> Result<[Row; 3], Error> {
    let sides = [ours.restart().await?, peer.restart().await?];
    for side in &sides {
        repeat(side, WARM_UP).await?;
    }
    let mut samples = [Samples::default(), Samples::default()];
    for _ in 0..INVOCATIONS / TURN {
        for (side, samples) in sides.iter().zip(&mut samples) {
            repeat(side, FIRST_OF_TURN).await?;
            for _ in 0..TURN {
                samples.push(side.invoke().await?);
            }
        }
    }
    let [ours, peer] = samples.each_ref().map(Samples::median);
    let median = Row {
        measure: format!("warm get-session, median of {INVOCATIONS}"),
        reached: Some(ratio(peer, ours) >= 3.0),
        ..compared(ours, peer, "3 × faster")
    };
    let [ours, peer] = samples.map(|samples| samples.quantile(0.99));
    let slowest = Row { measure: "warm get-session, 99th percentile".to_owned(), ..compared(ours, peer, "") };
    let [ours, peer] = sides.each_ref().map(Running::peak_memory);
    Ok([median, slowest, peak_memory(ours?, peer?)])
}

fn peak_memory(ours: u64, peer: u64) -> Row {
    let ratio = peer as f64 / ours as f64;
    Row {
        measure: "peak memory after these".to_owned(),
        ours: megabytes(ours),
        peer: megabytes(peer),
        ratio: times(ratio),
        goal: "≤ 18 MB, a 7th".to_owned(),
        reached: Some(ours <= 18_000_000 && ratio >= 7.0),
    }
}

/// Warm sign-in beside the hash that it cannot do without.
pub async fn warm_sign_in(sign_in: &Contestant, bare: &BareHash) -> Result<Row, Error> {
    let running = sign_in.restart().await?;
    let mut samples = [Samples::default(), Samples::default()];
    for round in 0..SIGN_INS + SIGN_INS / 10 {
        let times = [running.invoke().await?, bare.time()?];
        if round >= SIGN_INS / 10 {
            for (samples, time) in samples.iter_mut().zip(times) {
                samples.push(time);
            }
        }
    }
    let [ours, hash] = samples.map(|samples| samples.median());
    let ratio = ratio(ours, hash);
    Ok(Row {
        measure: format!("warm sign-in beside the bare argon2id hash, median of {SIGN_INS}"),
        ours: millis(ours),
        peer: format!("hash {}", millis(hash)),
        ratio: times(ratio),
        goal: "≤ 1.1 ×".to_owned(),
        reached: Some(ratio <= 1.1),
    })
}

async fn repeat(side: &Running<'_>, count: usize) -> Result<(), Error> {
    for _ in 0..count {
        side.invoke().await?;
    }
    Ok(())
}

fn ratio(longer: Duration, shorter: Duration) -> f64 {
    longer.as_secs_f64() / shorter.as_secs_f64()
}

fn compared(ours: Duration, peer: Duration, goal: &str) -> Row {
    Row {
        measure: String::new(),
        ours: millis(ours),
        peer: millis(peer),
        ratio: times(ratio(peer, ours)),
        goal: goal.to_owned(),
        reached: None,
    }
}
