//! The instances of one function.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{runtime::Handle, sync::Semaphore};

use super::{INIT_LIMIT, InvokeError, Launch, Process};
use crate::Error;

/// Invocations that may wait for an instance; the next one is throttled.
const WAITING_LIMIT: usize = 1000;

/// Up to `n` processes of one function. The most recently used idle one is
/// chosen, as Lambda seems to; others start when they are needed.
#[derive(Debug)]
pub struct Pool {
    timeout: Duration,
    launches: Vec<Launch>,
    free: Semaphore,
    waiting: AtomicUsize,
    /// Idle slots; the last one is taken first.
    idle: Mutex<Vec<Slot>>,
    /// Every process, busy ones too, for [`Pool::kill`].
    started: Mutex<Vec<Weak<Process>>>,
    closed: AtomicBool,
    /// Where the processes are looked after: whoever invokes may have a runtime
    /// that ends before they do.
    runtime: Handle,
}

#[derive(Debug)]
struct Slot {
    number: usize,
    process: Option<Arc<Process>>,
}

impl Pool {
    /// A pool with one slot for each launch, which differ in what tells the
    /// instances apart. Nothing is started yet; what will be lives on the runtime
    /// that this is called on.
    ///
    /// # Panics
    /// Outside of a runtime.
    pub fn new(launches: Vec<Launch>, timeout: Duration) -> Arc<Self> {
        let count = launches.len();
        let slots = (0..count).rev().map(|number| Slot { number, process: None });
        Arc::new(Self {
            timeout,
            free: Semaphore::new(count),
            waiting: AtomicUsize::new(0),
            idle: Mutex::new(slots.collect()),
            started: Mutex::default(),
            closed: AtomicBool::new(false),
            runtime: Handle::current(),
            launches,
        })
    }

    /// Starts one instance and waits until it polls.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn warm(&self) -> Result<(), Error> {
        let Ok(_permit) = self.free.acquire().await else {
            return Ok(());
        };
        let Some(mut slot) = lock(&self.idle).pop() else {
            return Ok(());
        };
        let result = self.process(&mut slot).await.map(|process| slot.process = Some(process));
        self.give_back(slot);
        result
    }

    /// Runs an event on an idle instance, after those that wait already.
    ///
    /// Dropping the future does not stop the invocation, just as a client that
    /// hangs up does not stop a Lambda function.
    ///
    /// # Errors
    /// See [`InvokeError`].
    pub async fn invoke(self: &Arc<Self>, event: Bytes) -> Result<Bytes, InvokeError> {
        let pool = self.clone();
        let task = self.runtime.spawn(async move { pool.run(event).await });
        task.await.unwrap_or_else(|error| Err(InvokeError::Crashed(error.to_string())))
    }

    async fn run(&self, event: Bytes) -> Result<Bytes, InvokeError> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= WAITING_LIMIT {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(InvokeError::Throttled);
        }
        let permit = self.free.acquire().await;
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let slot = lock(&self.idle).pop();
        let (Ok(_permit), Some(mut slot)) = (permit, slot) else {
            return Err(InvokeError::Throttled);
        };
        let result = match self.process(&mut slot).await {
            Ok(process) => {
                let result = process.invoke(event, self.timeout).await;
                slot.process = Some(process);
                result
            }
            Err(error) => Err(InvokeError::Init(error)),
        };
        self.give_back(slot);
        result
    }

    /// The slot's process if it lives, else a new one, ready.
    async fn process(&self, slot: &mut Slot) -> Result<Arc<Process>, Error> {
        if let Some(process) = slot.process.take().filter(|process| process.is_alive()) {
            return Ok(process);
        }
        let Some(launch) = self.launches.get(slot.number) else {
            return Err(Error::Usage("a pool without instances".to_owned()));
        };
        let process = Arc::new(Process::spawn(launch).await?);
        {
            let mut started = lock(&self.started);
            started.retain(|process| process.strong_count() > 0);
            started.push(Arc::downgrade(&process));
        }
        if self.closed.load(Ordering::SeqCst) {
            process.start_kill();
        }
        process.ready(INIT_LIMIT).await?;
        Ok(process)
    }

    fn give_back(&self, slot: Slot) {
        let mut idle = lock(&self.idle);
        if slot.process.as_ref().is_some_and(|process| process.is_alive()) {
            idle.push(slot);
        } else {
            idle.insert(0, slot);
        }
    }

    /// The processes that run now.
    pub fn processes(&self) -> Vec<Arc<Process>> {
        let mut processes = self.all();
        processes.retain(|process| process.is_alive());
        processes
    }

    /// Kills all instances, busy ones too, and waits until they are gone. New
    /// ones start when they are needed.
    pub async fn kill(&self) {
        let processes = self.all();
        for process in &processes {
            process.start_kill();
        }
        for process in &processes {
            process.kill().await;
        }
    }

    /// Kills all instances for good, without waiting.
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.free.close();
        for process in self.all() {
            process.start_kill();
        }
    }

    /// Dead ones, too, as long as anyone holds them.
    fn all(&self) -> Vec<Arc<Process>> {
        lock(&self.started).iter().filter_map(Weak::upgrade).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
