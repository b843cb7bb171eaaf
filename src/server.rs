//! Starts a server from its settings. Used by the command line and by tests.

use crate::accounts::setup_links;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::error::Error;
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
use rustix::net::sockopt::{set_socket_send_buffer_size, set_tcp_user_timeout};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::fs::Permissions;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
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

/// The send buffer of each connection, in bytes. The system accepts more data only when a
/// third of the buffer is free. With the system's default of up to 4 MB, a slow reader
/// would look stalled.
const SEND_BUFFER: usize = 256 * 1024;

impl App {
    /// Opens the database and the storage, runs migrations, and binds the port.
    ///
    /// # Errors
    /// One line that says what can't be used.
    pub async fn build(config: Config, clock: Clock, workers: usize) -> Result<Running, String> {
        let app = Self::open(config, clock).await?;
        let failed = |error: std::io::Error| format!("{} cannot be listened on: {error}", app.config.listen);
        let listener = Listener::bind(&app.config).map_err(failed)?;
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
        let server = serve(app.clone(), listener, workers).map_err(|error| error.to_string())?;
        Ok(Running { address, setup_path, app, server })
    }
}

/// A socket that accepts connections.
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    fn bind(config: &Config) -> std::io::Result<Self> {
        let listener = match &config.listen {
            Listen::Tcp(address) => Self::Tcp(TcpListener::bind(address)?),
            Listen::Unix(path) => Self::Unix(bind_socket(path)?),
        };
        if let Self::Tcp(listener) = &listener {
            // Connections inherit it: a client that neither takes nor acknowledges data for this
            // long is gone.
            let patience = u32::try_from(config.pace.read_stall.as_millis()).unwrap_or(u32::MAX);
            set_tcp_user_timeout(listener, patience)?;
            set_socket_send_buffer_size(listener, SEND_BUFFER)?;
        }
        Ok(listener)
    }

    fn address(&self) -> std::io::Result<Listen> {
        Ok(match self {
            Self::Tcp(listener) => Listen::Tcp(listener.local_addr()?.to_string()),
            Self::Unix(listener) => Listen::Unix(listener.local_addr()?.as_pathname().unwrap_or(Path::new("")).into()),
        })
    }
}

/// Binds a Unix socket for docket's own user and group. Replaces one that a killed server has left.
fn bind_socket(path: &Path) -> std::io::Result<UnixListener> {
    let is_dead = || UnixStream::connect(path).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_dead() => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        listener => listener?,
    };
    std::fs::set_permissions(path, Permissions::from_mode(0o660))?;
    Ok(listener)
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

fn serve(app: web::Data<App>, listener: Listener, workers: usize) -> std::io::Result<Server> {
    let base = app.config.base_path().to_owned();
    let live = app.live.clone();
    let stop = async move {
        asked_to_stop().await;
        // Event streams never end by themselves and would use up the grace period.
        live.stop();
    };
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
