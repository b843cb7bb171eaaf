//! Starts a server from its settings. Used by the command line and by tests.

use crate::accounts::setup_links;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
use crate::listener::Listener;
use crate::routes;
use crate::upkeep::marker;
use crate::values::listen::Listen;
use crate::values::token;
use crate::web::connection::{Connection, Stream};
use crate::web::log::RequestSpan;
use crate::web::{answer, assets, connection, flow, headers, measure};
use actix_http::error::DispatchError;
use actix_http::{HttpService, KeepAlive};
use actix_service::{IntoServiceFactory, ServiceFactoryExt, map_config};
use actix_web::dev::{AppConfig, Server, fn_service};
use actix_web::http::header::LOCATION;
use actix_web::middleware::{Compress, from_fn};
use actix_web::{App as WebApp, HttpRequest, HttpResponse, web};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tracing_actix_web::TracingLogger;

/// How long running requests may take to finish after a stop signal, in seconds.
const GRACE: u64 = 60;
/// How long startup waits to learn which features the file storage lacks.
const LEARNING: Duration = Duration::from_secs(15);
/// How long the head of a request may take to arrive. Many clients at once on a small
/// machine need more than the usual five seconds.
const HEAD: Duration = Duration::from_secs(20);
/// How long a connection waits for its next request. Proxies keep connections open for up to two
/// minutes (Caddy). If the server closed them sooner, a proxy would lose a request now and then.
const IDLE: Duration = Duration::from_secs(130);
/// How long the rest of a request is read and discarded after an early response. Closing
/// the connection at once would reset it and could lose the response.
const LINGER: Duration = Duration::from_secs(1);

/// A server that listens but doesn't run yet.
pub struct Running {
    /// With the port that was picked.
    pub address: Listen,
    /// The path of the set-up link, as long as there is no account.
    pub setup_path: Option<String>,
    pub app: web::Data<App>,
    /// Runs until it receives a stop signal.
    pub server: Server,
}

impl App {
    /// Opens the database and the storage, runs migrations, and binds the port.
    ///
    /// # Errors
    /// One line that says what can't be used.
    pub async fn build(config: Config, clock: Clock, workers: usize) -> Result<Running, String> {
        let app = Self::open(config, clock).await?;
        let failed = |error: std::io::Error| format!("{} cannot be listened on: {error}", app.config.listen);
        let listener = Listener::bind(&app.config.listen, app.config.pace.read_stall).map_err(failed)?;
        let address = listener.address().map_err(failed)?;
        // Ignore a timeout: the storage may be available again in a moment.
        let _ = tokio::time::timeout(LEARNING, app.storage.learn()).await;
        marker::expect(&app).await?;
        allow_many_connections();
        let app = web::Data::new(app);
        let setup_path = match &app.config.maintenance {
            Some(reason) => {
                app.db.close(reason);
                None
            }
            None => offer_setup(&app).await.map_err(|error| error.cause())?,
        };
        assets::warm_up();
        let server = serve(&app, listener, workers).map_err(|error| error.to_string())?;
        Ok(Running { address, setup_path, app, server })
    }
}

/// Creates a link that opens the first account, and returns its path; `None` if there is an
/// account.
pub async fn offer_setup(app: &App) -> crate::error::Result<Option<String>> {
    let (secret, now) = (token::secret()?, app.clock.now());
    let stored = secret.clone();
    let offered = app.db.write(move |conn| setup_links::offer(conn, &stored, now)).await?;
    Ok(offered.then(|| format!("{}/setup?token={secret}", app.config.base_path())))
}

/// Waits for a stop signal.
async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::error!(%error, "cannot listen for termination signals");
            std::future::pending::<()>().await;
        }
    }
}

/// Raises the limit of open files. Every open page holds a connection, and many systems
/// allow 1,024 files by default and far more on request.
fn allow_many_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// Handles requests outside the base path, where nothing exists. If a proxy strips the base
/// path, every request ends here, so log a warning once.
async fn nothing_here(req: HttpRequest, app: web::Data<App>) -> Result<HttpResponse, Error> {
    static TOLD: AtomicBool = AtomicBool::new(false);
    let base = app.config.base_path();
    if !base.is_empty() && req.path() == base {
        return Ok(HttpResponse::SeeOther().insert_header((LOCATION, format!("{base}/"))).finish());
    }
    let is_cut = || !base.is_empty() && routes::table().iter().any(|endpoint| endpoint.path == req.path());
    if !TOLD.load(Ordering::Relaxed) && is_cut() && !TOLD.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            base,
            "requests come without the path of DOCKET_PUBLIC_URL: let the proxy pass on the whole path"
        );
    }
    Err(Error::not_found())
}

/// Waits for a stop signal, and then until nobody opens a connection any more.
async fn stop(app: web::Data<App>, listener: Listener) {
    asked_to_stop().await;
    app.is_stopping.store(true, Ordering::Relaxed);
    if !app.config.drain.is_zero() {
        tokio::time::sleep(app.config.drain).await;
        listener.take_no_more().await;
    }
    // Event streams never end by themselves and would use up the grace period.
    app.live.stop();
}

fn serve(app: &web::Data<App>, listener: Listener, workers: usize) -> std::io::Result<Server> {
    let base = app.config.base_path().to_owned();
    let stop = stop(app.clone(), listener.try_clone()?);
    let app = app.clone();
    let pages = move || {
        WebApp::new()
            .app_data(app.clone())
            .wrap(from_fn(flow::regulate))
            .wrap(from_fn(headers::expect_host))
            .wrap(from_fn(answer::present_errors))
            .wrap(from_fn(headers::add))
            // Outside `present_errors`, which replaces responses: compress the final body.
            .wrap(Compress::default())
            .wrap(TracingLogger::<RequestSpan>::new())
            .wrap(from_fn(measure::requests))
            .wrap(from_fn(connection::last_while_stopping))
            .wrap(from_fn(connection::one_at_a_time))
            .service(web::scope(&base).configure(routes::register))
            .default_service(web::to(nothing_here))
    };
    let server = Server::build().workers(workers).shutdown_signal(stop).shutdown_timeout(GRACE);
    let stopping = server.graceful_shutdown_signal();
    // The same as the framework's own server, but with our own connections.
    let accept = move || {
        let stopping = stopping.clone();
        let pages = pages().into_factory().map_err(|error: actix_web::Error| error.error_response());
        let http = HttpService::build()
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .keep_alive(KeepAlive::Timeout(IDLE))
            .client_request_timeout(HEAD)
            .client_disconnect_timeout(LINGER)
            // A client that closed its side of a stream is gone: free its slot at once.
            .h1_allow_half_closed(false)
            .on_connect_ext(|connection: &Connection, data| {
                data.insert(connection.handle());
            })
            .h1(map_config(pages, |_| AppConfig::default()));
        fn_service(|stream: Stream| async move {
            stream.send_at_once()?;
            let peer = stream.peer()?;
            Ok::<_, DispatchError>((Connection::new(stream), peer))
        })
        .and_then(http)
    };
    let server = match listener {
        Listener::Tcp(listener) => server.listen("docket", listener, move || {
            fn_service(|stream| async { Ok::<_, DispatchError>(Stream::Tcp(stream)) }).and_then(accept())
        })?,
        Listener::Unix(listener) => server.listen_uds("docket", listener, move || {
            fn_service(|stream| async { Ok::<_, DispatchError>(Stream::Unix(stream)) }).and_then(accept())
        })?,
    };
    Ok(server.run())
}
