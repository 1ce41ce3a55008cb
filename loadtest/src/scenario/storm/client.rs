//! One client of the storm: it keeps step with the others at a meeting point, and never stops before the last one,
//! whatever happens to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::sync::Barrier;
use tokio::time::{Instant, sleep};

use crate::client::CallError;
use crate::lab::Pace;
use crate::scenario::latency::Latency;
use crate::view::{Author, Fault, Faults};
use crate::visitor::{Entrance, Visitor};

/// First and longest wait before another try to come back; each wait is a random part of its bound.
const BACKOFF: Duration = Duration::from_millis(200);
const BACKOFF_MOST: Duration = Duration::from_secs(5);

pub struct Client {
    pub nth: u32,
    pub clients: u32,
    pub messages: u32,
    pub content: String,
    pub entrance: Entrance,
    pub author: Author,
    pub pace: Pace,
    pub meeting: Arc<Barrier>,
    pub bar: ProgressBar,
}

/// One drop and return of everybody.
pub struct Wave {
    pub name: &'static str,
    /// The first so many clients miss messages.
    pub behind: u32,
    missed: u32,
    pub latency: Latency,
    pub recovered: AtomicU64,
    pub fresh: AtomicU64,
    pub retries: AtomicU64,
    pub messages: AtomicU64,
}

impl Wave {
    pub fn new(name: &'static str, behind: u32, missed: u32) -> Self {
        Self {
            name,
            behind,
            missed,
            latency: Latency::new(),
            recovered: AtomicU64::new(0),
            fresh: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            messages: AtomicU64::new(0),
        }
    }
}

impl Client {
    pub async fn run(self, waves: [Arc<Wave>; 2]) -> Faults {
        let visitor = self.arrive().await;
        self.bar.inc(1);
        let mut visitor = match visitor {
            Ok(visitor) => visitor,
            Err(error) => {
                // It stays in step, so that the others can go on.
                for _ in 0..=3 * waves.len() {
                    self.meeting.wait().await;
                }
                let mut faults = Faults::default();
                faults.add(Fault::of(&error), format!("client {}: {error}", self.nth));
                return faults;
            }
        };
        visitor.stay_until(self.meeting.wait()).await;
        for wave in &waves {
            if let Err(error) = self.ride(wave, &mut visitor).await {
                visitor.view.faults.add(Fault::of(&error), format!("client {}: {error}", self.nth));
            }
        }
        let last = visitor.view.head();
        visitor.close(last)
    }

    async fn arrive(&self) -> Result<Visitor, CallError> {
        let _turn = self.pace.turn(self.nth).await;
        let mut visitor = Visitor::open(&self.entrance, self.nth, self.author).await?;
        for _ in 0..self.messages {
            visitor.say(&self.content).await?;
        }
        Ok(visitor)
    }

    /// Three meetings a wave, come what may: all dropped and those behind written to, the return, all back.
    async fn ride(&self, wave: &Wave, visitor: &mut Visitor) -> Result<(), CallError> {
        visitor.cut();
        let written = if self.nth < wave.behind {
            self.write_behind(wave, visitor).await
        } else {
            Ok(visitor.view.head())
        };
        self.meeting.wait().await;
        self.meeting.wait().await;
        let start = Instant::now();
        let before = visitor.view.head();
        let returned = match &written {
            Ok(acknowledged) => self.come_back(wave, visitor, *acknowledged).await,
            Err(error) => Err(error.clone()),
        };
        if returned.is_ok() {
            wave.latency.record(start.elapsed());
            wave.messages.fetch_add(visitor.view.head() - before, Ordering::Relaxed);
        }
        visitor.stay_until(self.meeting.wait()).await;
        returned?;
        // Live again, and at the right place: its next message is the next number.
        visitor.say(&self.content).await
    }

    /// The visitor's other device sends what this client will have missed. Returns the last number acknowledged.
    async fn write_behind(&self, wave: &Wave, visitor: &mut Visitor) -> Result<u64, CallError> {
        let _turn = self.pace.turn(self.nth).await;
        let mut second = Visitor::join(&self.entrance, self.clients + self.nth, &visitor.credentials).await?;
        for _ in 0..wave.missed {
            second.say(&self.content).await?;
        }
        second.cut();
        let last = second.view.head();
        visitor.view.faults.merge(second.close(last));
        Ok(last)
    }

    /// As a client does it: tried again with growing, random waits, for as long as patience lasts.
    async fn come_back(
        &self,
        wave: &Wave,
        visitor: &mut Visitor,
        acknowledged: u64,
    ) -> Result<(), CallError> {
        let start = Instant::now();
        let mut bound = BACKOFF;
        loop {
            match visitor.resume(&self.entrance, self.nth, acknowledged).await {
                Ok(recovered) => {
                    let counter = if recovered { &wave.recovered } else { &wave.fresh };
                    counter.fetch_add(1, Ordering::Relaxed);
                    return Ok(());
                }
                Err(error) if !error.is_passing() || start.elapsed() > self.entrance.patience => {
                    return Err(error);
                }
                Err(_) => {
                    wave.retries.fetch_add(1, Ordering::Relaxed);
                    sleep(bound.mul_f64(rand::random())).await;
                    bound = (bound * 2).min(BACKOFF_MOST);
                }
            }
        }
    }
}
