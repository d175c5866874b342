//! `cargo bench`: the figures of the service beside those of Better Auth on
//! Node, measured in one run on one machine.
//!
//! Both are driven as Lambda drives them, by the Runtime API, without a gateway
//! between. The service reads DynamoDB and Secrets Manager of the local stack;
//! Better Auth keeps its rows in its own memory, which costs it nothing. What
//! is compared takes turns, so that a busy moment of the machine hits both. A
//! goal that is missed is printed as missed and fails nothing.

mod contestant;
mod event;
mod hash;
mod measure;
mod peer;
mod service;
mod size;
mod statistics;
mod table;
mod user;

use std::{env, fs, process::ExitCode, thread};

use contestant::Contestant;
use hash::BareHash;
use service::Service;
use table::{Row, print_table};

/// Why a figure could not be measured.
type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    // Only `cargo bench` says so: tests must not wait for measurements.
    if !env::args().any(|argument| argument == "--bench") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        eprintln!("building the functions (release) and the peer …");
        let service = Service::start().await?;
        let peer = peer::start(&service.stack.url()).await?;
        println!("{}\n", machine());
        let rows = figures(&service, &peer).await?;
        print_table(&rows);
        peer.stop().await;
        service.stack.stop().await;
        Ok(())
    })
}

async fn figures(service: &Service, peer: &Contestant) -> Result<Vec<Row>, Error> {
    let mut rows = Vec::new();
    eprintln!("starting …");
    rows.extend(measure::starts(&service.session, peer).await?);
    eprintln!("reading sessions …");
    rows.extend(measure::warm_sessions(&service.session, peer).await?);
    eprintln!("signing in …");
    let bare = BareHash::of_stored(&service.stack).await?;
    rows.push(measure::warm_sign_in(&service.sign_in, &bare).await?);
    rows.extend(size::zipped_binaries(service.stack.template())?);
    Ok(rows)
}

/// What the figures depend on. The load should be next to nothing.
fn machine() -> String {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    format!("{cores} cores, load {load} at the start; the peer is better-auth on Node")
}
