//! `docket serve`

use crate::accounts::setup_links::LINK_MINUTES;
use crate::app::App;
use crate::cli::origin;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::log_slow_statements;
use crate::server::Running;
use crate::upkeep::worker::Worker;
use crate::values::listen::Listen;
use sd_notify::NotifyState;

pub(super) async fn run(config: Config) -> Result<(), String> {
    let (data, storage, public) = (config.database(), config.storage(), config.public_origin());
    log_slow_statements(config.slow_query).map_err(|error| error.cause())?;
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let Running { address, setup_path, app, server } = App::build(config, Clock::system(), workers).await?;
    match &address {
        Listen::Tcp(address) => println!("Docket listens on http://{address}"),
        Listen::Unix(_) => println!("Docket listens on {address}"),
    }
    println!("Data: {data} and {storage}");
    let worker = match &app.config.maintenance {
        Some(reason) => {
            println!("Every change is refused: {reason}");
            None
        }
        None => Some(Worker::start(app)),
    };
    if let Some(path) = setup_path {
        println!("Create the first account within {LINK_MINUTES} minutes: {}{path}", origin(public, &address));
    }
    tell_systemd();
    let served = server.await;
    if let Some(worker) = worker {
        worker.stop().await;
    }
    served.map_err(|error| error.to_string())
}

/// Tells systemd, if it has started the program, that it is ready and, from then on, alive.
fn tell_systemd() {
    let tell = |state| {
        if let Err(error) = sd_notify::notify(&[state]) {
            tracing::warn!(%error, "systemd cannot be told");
        }
    };
    tell(NotifyState::Ready);
    if let Some(patience) = sd_notify::watchdog_enabled() {
        actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(patience / 3).await;
                tell(NotifyState::Watchdog);
            }
        });
    }
}
