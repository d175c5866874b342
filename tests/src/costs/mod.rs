//! What requests cost: calls to AWS, units of DynamoDB's capacity, mails, log,
//! and time. Counted by the tests, and measured for `docs/scaling.md`.

mod story;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    net::Ipv4Addr,
    time::{Duration, Instant},
};

use local::{Call as AwsCall, Fault, FaultRule, Service, StackOptions, sequential_round_trips};
use serde_json::{Value, json};

pub use story::tell;

use crate::{Answer, App, Browser, Call};

/// Long enough that calls side by side are seen to be so.
const APART: Duration = Duration::from_millis(60);

/// A stack with what a production stack has, one instance of each function.
/// The limit that one client would meet is out of the way; it is counted all
/// the same.
pub async fn start(release: bool) -> App {
    let env = [("AUTH_MAIL_DEADLINE_MS", "1000"), ("AUTH_RATE_LIMIT_RULES", "two-factor=1000000/10")];
    let app = App::start(StackOptions {
        parameters: vec![("Profile".to_owned(), "production".to_owned())],
        env: env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        instances: 1,
        release,
        ..StackOptions::default()
    })
    .await;
    app.aws().count_capacity();
    app
}

/// What each request of the [story](tell) calls, as a function that has answered
/// before calls it. Slow: every call takes a while, so that what is called side
/// by side is told from what is called in turn.
pub async fn count(app: &App) -> BTreeMap<&'static str, Counts> {
    let mut watch = Watch::new(app);
    tell(&mut watch).await;
    let mut watch = Watch::new(app);
    let delay = app.aws().inject(FaultRule::new(Service::DynamoDb, Fault::Delay(APART)));
    tell(&mut watch).await;
    app.aws().remove_fault(delay);
    watch.seen.into_iter().map(|(name, seen)| (name, seen.counts)).collect()
}

/// What a request asked of AWS and of others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Calls of DynamoDB, as `Operation Table Table`, in alphabetical order.
    pub calls: Vec<String>,
    /// The longest series of these of which each began after the one before.
    pub round_trips: usize,
    /// Read units by table.
    pub read: BTreeMap<String, f64>,
    /// Write units by table.
    pub write: BTreeMap<String, f64>,
    /// Mails.
    pub mails: usize,
    /// Requests to the provider.
    pub provider: usize,
}

impl Counts {
    fn of(app: &App) -> Self {
        let calls = app.aws().calls();
        let (mails, calls): (Vec<_>, Vec<_>) = calls
            .iter()
            .filter(|call| call.service != Service::SecretsManager)
            .partition(|call| call.service == Service::Ses);
        let mut counts = Self {
            calls: calls.iter().map(|call| describe(call)).collect(),
            round_trips: sequential_round_trips(calls.iter().copied()),
            mails: mails.len(),
            provider: app.provider.recorded().len(),
            ..Self::default()
        };
        counts.calls.sort();
        for call in calls {
            let units = if call.is_write() { &mut counts.write } else { &mut counts.read };
            for (table, number) in &call.units {
                *units.entry(table.clone()).or_default() += number;
            }
        }
        counts
    }

    /// As `measured.json` has them.
    pub fn to_json(&self) -> Value {
        json!({
            "calls": self.calls, "round_trips": self.round_trips, "read_units": self.read,
            "write_units": self.write, "mails": self.mails, "provider_requests": self.provider,
        })
    }
}

fn describe(call: &AwsCall) -> String {
    let mut words = vec![call.operation.as_str()];
    words.extend(call.tables.iter().map(|table| table.trim_end_matches("Table")));
    words.join(" ")
}

/// What was seen of one kind of request.
#[derive(Debug, Default)]
pub struct Seen {
    /// Function that answered.
    pub function: &'static str,
    /// What the last one asked for.
    pub counts: Counts,
    /// How long each took, as the client saw it.
    pub walls: Vec<Duration>,
    /// How long the calls of these took, by service.
    pub calls: HashMap<Service, Vec<Duration>>,
    /// How long each says in the log that it took, in milliseconds.
    pub logged: Vec<u64>,
    /// Processor time of each, where the system tells it.
    pub processor: Vec<Duration>,
    /// Bytes that the last one left in the log.
    pub log_bytes: usize,
    /// Bytes of the last answer, headers and body.
    pub answer_bytes: usize,
}

/// Sends requests and sees what they cost.
pub struct Watch<'a> {
    app: &'a App,
    /// What was seen, by the name of the request.
    pub seen: BTreeMap<&'static str, Seen>,
}

impl<'a> Watch<'a> {
    /// Nothing is seen yet.
    pub fn new(app: &'a App) -> Self {
        Self { app, seen: BTreeMap::new() }
    }

    /// Sends a request as a client that has sent none before, to whose function
    /// nobody else sends any meanwhile.
    ///
    /// # Panics
    /// If the answer has another status.
    async fn send(&mut self, request: Request, browser: &mut Browser, call: Call, status: u16) -> Answer {
        let Self { app, seen } = self;
        app.aws().clear_calls();
        app.clear_logs();
        app.provider.forget_requests();
        let before = processor_time(app, request.function);
        let started = Instant::now();
        let answer = browser.send(call.header("x-test-source-ip", new_client())).await;
        let wall = started.elapsed();
        assert_eq!(answer.status, status, "{}: {}", request.name, answer.text());
        let (lines, logged) = log_of(app, request.function).await;
        let seen = seen.entry(request.name).or_default();
        seen.function = request.function;
        seen.counts = Counts::of(app);
        seen.walls.push(wall);
        for call in app.aws().calls() {
            seen.calls.entry(call.service).or_default().push(call.ended.duration_since(call.started));
        }
        seen.logged.push(logged);
        // A thread that has ended takes its time with it.
        let after = processor_time(app, request.function);
        seen.processor.extend(after.and_then(|after| after.checked_sub(before?)));
        seen.log_bytes = lines;
        let headers = answer.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
        seen.answer_bytes = headers.sum::<usize>() + answer.bytes.len();
        answer
    }
}

/// A kind of request: its name, and the function that answers it.
#[derive(Clone, Copy)]
struct Request {
    name: &'static str,
    function: &'static str,
}

/// An address that nobody had before.
fn new_client() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static CLIENTS: AtomicU32 = AtomicU32::new(1);
    let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
    Ipv4Addr::from_bits(Ipv4Addr::new(10, 0, 0, 0).to_bits() + number).to_string()
}

/// The bytes of what a function has written about one request, and how long it
/// says that this took, in milliseconds.
async fn log_of(app: &App, function: &str) -> (usize, u64) {
    for _ in 0..200 {
        let lines: Vec<_> = app.logs().into_iter().filter(|line| line.function == function).collect();
        let outcomes = lines.iter().filter_map(|line| serde_json::from_str::<Value>(&line.text).ok());
        let took = outcomes.filter(|line| line["message"] == "request").find_map(|line| line["durationMs"].as_u64());
        if let Some(took) = took {
            return (lines.iter().map(|line| line.text.len()).sum(), took);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{function} has written nothing about a request");
}

/// Processor time of the only process of a function so far.
pub fn processor_time(app: &App, function: &str) -> Option<Duration> {
    let process = app.pool(function)?.processes().pop()?;
    let threads = fs::read_dir(format!("/proc/{}/task", process.pid())).ok()?;
    let times = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("schedstat")));
    let nanoseconds = times.flatten().filter_map(|text| text.split(' ').next()?.parse::<u64>().ok());
    Some(Duration::from_nanos(nanoseconds.sum()))
}
