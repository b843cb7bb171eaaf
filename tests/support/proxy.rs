//! A TCP proxy that behaves like a bad network.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{LocalSet, spawn_local};
use tokio::time::sleep;

/// What happens to bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    Fine,
    /// Each piece is delayed by this time.
    Slow(Duration),
    /// Connections stay open, and nothing passes.
    Frozen,
    /// What clients send passes, and what servers answer does not.
    Mute,
    /// All connections end, and no new one begins.
    Cut,
    /// A connection ends when its client sends this text: the server gets it, and its answer is lost…
    CutAfter(&'static str),
    /// … or does not get it.
    CutBefore(&'static str),
    /// A connection stands still when its client sends this text.
    FrozenAt(&'static str),
}

pub struct Proxy {
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
}

impl Proxy {
    /// Starts a proxy in front of a server, on a thread of its own.
    pub fn before(server: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, forecast) = watch::channel(Weather::Fine);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // What passes bytes on may stay on this thread.
            LocalSet::new().block_on(&runtime, async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    if *forecast.borrow() != Weather::Cut {
                        spawn_local(pass(client, server, forecast.clone()));
                    }
                }
            });
        });
        Self { address, weather }
    }

    pub fn set(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

/// Passes bytes both ways until one side ends or the connection is cut.
async fn pass(client: TcpStream, server: SocketAddr, mut weather: watch::Receiver<Weather>) {
    let Ok(server) = TcpStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Whether something was passed on whose answer must not be.
    let is_sent = AtomicBool::new(false);
    let (mut there, mut back) = (weather.clone(), weather.clone());
    tokio::select! {
        () = pump(from_client, to_server, async |bytes| may_go(bytes, &mut there, &is_sent).await) => {}
        () = pump(from_server, to_client, async |_| may_come_back(&mut back, &is_sent).await) => {}
        _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

/// Passes on the pieces that `may_pass`, until one of them may not.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut may_pass: impl AsyncFnMut(&[u8]) -> bool) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        if !may_pass(&bytes[..length]).await || to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}

/// Waits until bytes may pass.
async fn until_passable(weather: &mut watch::Receiver<Weather>, stops: &[Weather]) -> Option<Weather> {
    let now = weather.wait_for(|weather| !stops.contains(weather)).await.map(|weather| *weather).ok()?;
    if let Weather::Slow(delay) = now {
        sleep(delay).await;
    }
    Some(now)
}

/// Whether what a client has sent is passed on.
async fn may_go(bytes: &[u8], weather: &mut watch::Receiver<Weather>, is_sent: &AtomicBool) -> bool {
    let Some(now) = until_passable(weather, &[Weather::Frozen]).await else { return false };
    let has = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
    match now {
        Weather::FrozenAt(text) if has(text) => weather.wait_for(|weather| *weather != now).await.is_ok(),
        Weather::CutBefore(text) if has(text) => false,
        Weather::CutAfter(text) if has(text) => {
            is_sent.store(true, Ordering::Relaxed);
            true
        }
        _ => true,
    }
}

/// Whether what a server has answered is passed on.
async fn may_come_back(weather: &mut watch::Receiver<Weather>, is_sent: &AtomicBool) -> bool {
    !is_sent.load(Ordering::Relaxed) && until_passable(weather, &[Weather::Frozen, Weather::Mute]).await.is_some()
}
