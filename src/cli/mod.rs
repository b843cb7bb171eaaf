//! The command line: one file for each group of commands.

mod backup;
mod check;
mod form;
mod generate;
mod health;
mod key;
mod mail;
mod sample;
mod serve;
mod settings;
mod traces;
mod user;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, LogFormat};
use crate::db::without_time_limit;
use crate::error::{Error, Kind, Result};
use crate::server::offer_setup;
use crate::storage;
use crate::upkeep::marker;
use crate::values::listen::Listen;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Client;
use rustix::fs::Mode;
use std::error::Error as _;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Support tickets on top of chats and forms, in one binary.
///
/// Without a command it serves. Every setting is a flag or an environment
/// variable; none is needed.
#[derive(Parser)]
#[command(name = "docket", version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    config: Config,
}

#[derive(Subcommand)]
enum Command {
    /// Run pending migrations and start the server
    Serve,
    /// Print the settings in force, with secrets masked
    Config,
    /// Ask the running server whether it is ready; exit 1 where it is not
    Health,
    /// Put a backup into an empty installation, on any database and storage
    Restore(backup::RestoreOptions),
    /// Copy everything to another database or storage, which must be empty
    Move(backup::MoveOptions),
    /// Write manual pages, and completions for shells
    #[command(hide = true)]
    Generate(generate::Options),
    #[command(flatten)]
    OnDatabase(OnDatabase),
}

/// Commands that first open the database and bring it up to date.
#[derive(Subcommand)]
enum OnDatabase {
    /// Run pending migrations and stop
    Migrate,
    /// Print a new link that opens the first account
    SetupLink,
    /// Add, list, disable and enable users, and set passwords
    #[command(subcommand)]
    User(user::Command),
    /// Add public forms
    #[command(subcommand)]
    Form(form::Command),
    /// Add API keys
    #[command(subcommand)]
    Key(key::Command),
    /// Send a test email, and take answers by email
    #[command(subcommand)]
    Mail(mail::Command),
    /// Load lively sample data into an account
    Sample(sample::Options),
    /// Copy all rows and files to a folder or bucket, while the server runs
    Backup(backup::Options),
    /// Compare rows with stored files, counters and search terms; exit 1 where something is wrong
    Check(check::Options),
}

/// The exit code for a command line or a setting that cannot be used.
const WRONG_USAGE: u8 = 2;

/// Parses the command line and runs the command.
pub fn run() -> ExitCode {
    // From here on, only this system user can access the files that are created.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let command = Cli::command();
    let args: Vec<OsString> = std::env::args_os().collect();
    let failed = if args.iter().any(|arg| arg == "receive") { mail::TRY_AGAIN } else { WRONG_USAGE };
    let args = match settings::with_files(&command, args) {
        Ok(args) => args,
        Err(message) => {
            eprintln!("docket: {message}");
            return ExitCode::from(failed);
        }
    };
    let parsed = command.clone().try_get_matches_from(args);
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = parsed.unwrap_or_else(|error| refuse(&error));
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let is_handing_over = matches!(cli.command, Some(Command::OnDatabase(OnDatabase::Mail(mail::Command::Receive(_)))));
    if is_handing_over {
        mail::try_again_after_panics();
    }
    let outcome = start_log(cli.config.log_format, &cli.command).and_then(|traces| {
        for (name, nearest) in settings::unknown(&command, names) {
            tracing::warn!("unknown setting {name}; did you mean {nearest}?");
        }
        let outcome = actix_web::rt::System::new().block_on(async move {
            match cli.command.unwrap_or(Command::Serve) {
                Command::Serve => serve::run(cli.config).await.map(|()| ExitCode::SUCCESS),
                Command::Config => {
                    settings::print(&command, &matches, &cli.config);
                    Ok(ExitCode::SUCCESS)
                }
                Command::Health => health::run(&cli.config).await,
                Command::Generate(options) => {
                    generate::run(command, &options).map(|()| ExitCode::SUCCESS).map_err(|error| error.to_string())
                }
                Command::Restore(options) => done(backup::restore(&cli.config, &options).await),
                Command::Move(options) => done(backup::relocate(cli.config, options).await),
                // It hands the message to a running server.
                Command::OnDatabase(OnDatabase::Mail(mail::Command::Receive(options))) => {
                    Ok(mail::receive(&cli.config, &options).await)
                }
                Command::OnDatabase(command) => {
                    let app = App::open(cli.config, Clock::system()).await?;
                    done(without_time_limit(carry_out(&app, command)).await)
                }
            }
        });
        // The last spans may not reach the collector any more.
        let _ = traces.map(|traces| traces.shutdown());
        outcome
    });
    match outcome {
        Ok(code) => code,
        Err(message) => {
            eprintln!("docket: {message}");
            if is_handing_over { ExitCode::from(mail::TRY_AGAIN) } else { ExitCode::FAILURE }
        }
    }
}

fn done(result: Result<()>) -> Result<ExitCode, String> {
    result.map(|()| ExitCode::SUCCESS).map_err(|error| error.cause())
}

/// Exits with an error about the command line or a setting. The message never contains the
/// value of the setting, which may be a password.
fn refuse(error: &clap::Error) -> ! {
    let (Some(ContextValue::String(name)), Some(reason)) = (error.get(ContextKind::InvalidArg), error.source()) else {
        error.exit()
    };
    let flag = name.split_whitespace().next().unwrap_or_default();
    let setting = Cli::command().get_arguments().find_map(|arg| {
        let is_it = arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
        is_it.then(|| arg.get_env()).flatten().map(|env| format!(" ({})", env.to_string_lossy()))
    });
    eprintln!("docket: {flag}{} can’t be used: {reason}", setting.unwrap_or_default());
    std::process::exit(WRONG_USAGE.into())
}

/// A server logs what it does, and tells a collector of traces if there is one. A command is quiet
/// unless something is wrong.
fn start_log(format: LogFormat, command: &Option<Command>) -> Result<Option<SdkTracerProvider>, String> {
    let serves = matches!(command, None | Some(Command::Serve));
    let levels = std::env::var("RUST_LOG").unwrap_or_else(|_| if serves { "info" } else { "warn" }.into());
    let filter: Targets = levels.parse().map_err(|error| format!("RUST_LOG cannot be read: {error}"))?;
    let log = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let log = match format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    let traces = if serves { traces::open()? } else { None };
    let spans = traces.as_ref().map(|traces| {
        let own = Targets::new().with_target("docket", Level::INFO);
        tracing_opentelemetry::layer().with_tracer(traces.tracer("docket")).with_filter(own)
    });
    tracing_subscriber::registry().with(log.with_filter(filter)).with(spans).init();
    Ok(traces)
}

/// Where a browser finds the server: at its public address, or on this machine, even if the server
/// listens on all addresses.
fn origin(public: Option<String>, listen: &Listen) -> String {
    let openable = |address: SocketAddr| match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    };
    let local = || match listen {
        Listen::Tcp(address) => address.parse().map_or_else(|_| address.clone(), openable),
        Listen::Unix(_) => "localhost".into(),
    };
    public.unwrap_or_else(|| format!("http://{}", local()))
}

/// A client for the server that runs with these settings, on this machine.
fn local_client(config: &Config, patience: Duration) -> Result<Client, String> {
    storage::choose_tls();
    let client = Client::builder().timeout(patience).no_proxy();
    let client = match &config.listen {
        Listen::Tcp(_) => client,
        Listen::Unix(path) => client.unix_socket(path.as_path()),
    };
    client.build().map_err(|error| error.to_string())
}

/// The address of a page of the server that runs with these settings, on this machine.
fn local_url(config: &Config, path: &str) -> String {
    format!("{}{}{path}", origin(None, &config.listen), config.base_path())
}

async fn print_setup_link(app: &App) -> Result<()> {
    let Some(path) = offer_setup(app).await? else {
        return Err(Error::new(
            Kind::Conflict,
            "The first account exists. Sign in, or add users with “docket user add”.",
        ));
    };
    println!("{}{path}", origin(app.config.public_origin(), &app.config.listen));
    Ok(())
}

async fn carry_out(app: &App, command: OnDatabase) -> Result<()> {
    match command {
        OnDatabase::Migrate => {
            // Opening the database has already brought it up to date.
            marker::expect(app).await.map_err(|message| Error::new(Kind::Unavailable, message))?;
            println!("The database is up to date.");
            Ok(())
        }
        OnDatabase::SetupLink => print_setup_link(app).await,
        OnDatabase::User(command) => user::run(app, command).await,
        OnDatabase::Form(command) => form::run(app, command).await,
        OnDatabase::Key(command) => key::run(app, command).await,
        OnDatabase::Mail(command) => mail::run(app, &command).await,
        OnDatabase::Sample(options) => sample::run(app, &options).await,
        OnDatabase::Check(options) => check::run(app, &options).await,
        OnDatabase::Backup(options) => backup::back_up(app, &options).await,
    }
}
