//! A TCP proxy that behaves like a bad network.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
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
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((client, _)) = listener.accept().await {
                    if *forecast.borrow() != Weather::Cut {
                        tokio::spawn(pass(client, server, forecast.clone()));
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
    let there = one_way(from_client, to_server, weather.clone(), false);
    let back = one_way(from_server, to_client, weather.clone(), true);
    tokio::select! {
        () = there => {}
        () = back => {}
        _ = weather.wait_for(|weather| *weather == Weather::Cut) => {}
    }
}

async fn one_way(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    is_answer: bool,
) {
    let mut bytes = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes).await {
        let passes = |weather: &Weather| match weather {
            Weather::Frozen => false,
            Weather::Mute => !is_answer,
            Weather::Fine | Weather::Slow(_) | Weather::Cut => true,
        };
        let Ok(now) = weather.wait_for(passes).await.map(|weather| *weather) else { return };
        if let Weather::Slow(delay) = now {
            sleep(delay).await;
        }
        if to.write_all(&bytes[..length]).await.is_err() {
            return;
        }
    }
}
