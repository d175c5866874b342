//! Writes `measured.json`, which `model.py` reckons with.
//!
//!     cargo run -p tests --example measure              # builds and measures release binaries
//!     cargo run -p tests --example measure -- --counts  # renews what is counted, keeps what is measured
//!     cargo run -p tests --example measure -- --trial   # the first with development binaries, and marked so
//!
//! The first runs for some minutes and wants a machine that does nothing else.
//! Times that count are those of release binaries, which it builds: what is marked
//! as a trial, `model.py` refuses.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a measurement that goes wrong ends")]

use std::{env, fs, path::PathBuf, process::Command, thread, time::Duration};

use local::{Fault, FaultRule, Service, build};
use serde_json::{Value, json};
use tests::{
    App,
    costs::{self, Counts, Seen, Watch, processor_time, tell},
};

/// Stories ahead of those that count.
const WARM_UP: usize = 3;
/// Stories whose times count. As many have DynamoDB made slower, and SES: in
/// turns, so that a busy moment of the machine hits them all.
const STORIES: usize = 21;
/// By how much slower: less than a hash takes, so that what runs beside the
/// hash is seen to wait for nothing.
const SLOWER: Duration = Duration::from_millis(20);
/// From which time on an answer is one that comes at a set time, and not when
/// its work is done.
const SET_TIME: Duration = Duration::from_millis(200);
/// Starts of each function that count.
const STARTS: usize = 15;

#[tokio::main]
async fn main() {
    let (counts_only, release) = match env::args().skip(1).collect::<Vec<_>>().as_slice() {
        [] => (false, true),
        [option] if option == "--counts" => (true, false),
        [option] if option == "--trial" => (false, false),
        _ => panic!("usage: measure [--counts | --trial]"),
    };
    let mut document = if counts_only { read() } else { json!({}) };
    let app = costs::start(release).await;
    let counts = costs::count(&app).await;
    if !counts_only {
        eprintln!("measuring …");
        document = measure(&app).await;
        document["build"] = json!(if release { "release" } else { "development" });
    }
    for (name, counts) in &counts {
        merge(&mut document["requests"][*name], counts);
    }
    for function in &app.template().functions {
        document["functions"][&function.name]["memory_mb"] = json!(function.memory_mb);
    }
    document["bytes_per_row"] = bytes_per_row(&app).await;
    app.stop().await;
    let text = serde_json::to_string_pretty(&document).unwrap_or_default();
    fs::write(path(), text + "\n").unwrap_or_else(|error| panic!("{}: {error}", path().display()));
}

fn path() -> PathBuf {
    build::workspace_root().join("infra/scaling/measured.json")
}

fn read() -> Value {
    let text = fs::read_to_string(path()).unwrap_or_else(|error| panic!("{}: {error}", path().display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path().display()))
}

fn merge(request: &mut Value, counts: &Counts) {
    if let Value::Object(counts) = counts.to_json() {
        for (name, value) in counts {
            request[name] = value;
        }
    }
}

/// All but the counts.
async fn measure(app: &App) -> Value {
    let machine = machine();
    for _ in 0..WARM_UP {
        tell(&mut Watch::new(app)).await;
    }
    let [mut usual, mut slow_tables, mut slow_mail] = [Watch::new(app), Watch::new(app), Watch::new(app)];
    for _ in 0..STORIES {
        tell(&mut usual).await;
        tell_slower(app, &mut slow_tables, Service::DynamoDb).await;
        tell_slower(app, &mut slow_mail, Service::Ses).await;
    }
    let mut requests = json!({});
    for (name, seen) in &usual.seen {
        // Where an answer must not tell whether there was a mail to send, or
        // what the password was compared with, it comes at a set time.
        let logged = median_of(&seen.logged);
        let set_time = if logged >= millis(SET_TIME) { logged } else { 0.0 };
        requests[*name] = json!({
            "function": seen.function,
            "waits_for_tables": waits(Service::DynamoDb, &slow_tables.seen[name], seen).min(seen.counts.round_trips),
            "waits_for_mail": waits(Service::Ses, &slow_mail.seen[name], seen).min(seen.counts.mails),
            "set_time_ms": set_time,
            "processor_ms": rounded(median(&seen.processor)),
            "log_bytes": seen.log_bytes,
            "answer_bytes": seen.answer_bytes,
        });
    }
    let mut functions = json!({});
    for function in &app.template().functions {
        functions[&function.name] = start(app, &function.name).await;
    }
    json!({"taken": today(), "machine": machine, "requests": requests, "functions": functions})
}

async fn tell_slower(app: &App, watch: &mut Watch<'_>, service: Service) {
    let fault = app.aws().inject(FaultRule::new(service, Fault::Delay(SLOWER)));
    tell(watch).await;
    app.aws().remove_fault(fault);
}

/// How many calls of a service, one after the other, a request waits for: by
/// how much longer it takes when each of them does.
fn waits(service: Service, slow: &Seen, usual: &Seen) -> usize {
    let call = |seen: &Seen| seen.calls.get(&service).map_or(0.0, |times| median(times));
    let each = call(slow) - call(usual);
    let all = median(&slow.walls) - median(&usual.walls);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few, or none")]
    if each > 0.0 { (all / each).round().max(0.0) as usize } else { 0 }
}

/// What a new process takes until it polls for its first event.
async fn start(app: &App, function: &str) -> Value {
    let pool = app.pool(function).unwrap_or_else(|| panic!("there is no function {function}"));
    let (mut walls, mut processor, mut secrets) = (Vec::new(), Vec::new(), 0);
    for _ in 0..STARTS {
        pool.kill().await;
        app.aws().clear_calls();
        pool.warm().await.unwrap_or_else(|error| panic!("{function}: {error}"));
        let process = pool.processes().pop().unwrap_or_else(|| panic!("{function} has ended"));
        let wall = process.ready(local::runtime::INIT_LIMIT).await;
        walls.push(wall.unwrap_or_else(|error| panic!("{function}: {error}")));
        processor.extend(processor_time(app, function));
        secrets = app.aws().calls().iter().filter(|call| call.service == Service::SecretsManager).count();
    }
    json!({
        "start_ms": rounded(median(&walls)), "start_processor_ms": rounded(median(&processor)),
        "secrets_read_at_start": secrets,
    })
}

/// Mean size of the rows, without what DynamoDB adds to each.
async fn bytes_per_row(app: &App) -> Value {
    let mut sizes = json!({});
    for table in &app.template().tables {
        let request = json!({"TableName": table.name});
        let answer = app.aws().dynamodb("DescribeTable", &request).await.unwrap_or_else(|error| panic!("{error}"));
        let number = |name: &str| answer["Table"][name].as_f64().unwrap_or_default();
        sizes[&table.name] = json!((number("TableSizeBytes") / number("ItemCount").max(1.0)).round());
    }
    sizes
}

fn machine() -> Value {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1)).unwrap_or("unknown");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    json!({
        "processor": model,
        "architecture": env::consts::ARCH,
        "cores": thread::available_parallelism().map_or(1, usize::from),
        "load_at_start": load.split(' ').next().and_then(|load| load.parse::<f64>().ok()),
    })
}

fn today() -> String {
    let date = Command::new("date").arg("+%F").output();
    date.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// In milliseconds.
fn median(times: &[Duration]) -> f64 {
    middle(times.iter().copied().map(millis).collect())
}

fn median_of(times: &[u64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a request takes seconds at most")]
    middle(times.iter().map(|time| *time as f64).collect())
}

fn middle(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}
