//! The commands.

use crate::accounts::role::Role;
use crate::accounts::setup_links::LINK_MINUTES;
use crate::accounts::user::{Email, MAX_NAME, NewUser};
use crate::accounts::{account, keys, passwords, user};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, LogFormat, unknown_variables};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::server::Running;
use crate::submissions::form;
use crate::upkeep::check::Outcome;
use crate::upkeep::{check, marker, sample};
use crate::values::{text, token};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, CommandFactory, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use rustix::fs::Mode;
use std::error::Error as _;
use std::io::{IsTerminal, Read};
use std::net::SocketAddr;
use std::process::ExitCode;
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
    /// Run pending migrations and stop
    Migrate,
    /// Add users and set passwords
    #[command(subcommand)]
    User(UserCommand),
    /// Add public forms
    #[command(subcommand)]
    Form(FormCommand),
    /// Add API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Load lively sample data into an account
    Sample(SampleArgs),
    /// Compare rows with stored files, counters and search terms; exit 1 where something is wrong
    Check(CheckArgs),
}

#[derive(Subcommand)]
enum UserCommand {
    /// Add a user: with a new account, or as a member of one
    Add(UserAdd),
    /// Set a user's password and end their sessions
    Password(UserPassword),
}

#[derive(Args)]
struct UserAdd {
    /// The address by which they sign in
    #[arg(long)]
    email: String,
    /// Their name
    #[arg(long)]
    name: String,
    /// The owner of the account they join; without it they open a new one
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: Option<String>,
    /// What they may do in the account they join: owner, admin, editor or viewer [default: editor]
    #[arg(long, requires = "account")]
    role: Option<String>,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
}

#[derive(Args)]
struct UserPassword {
    /// The address by which they sign in
    #[arg(long)]
    email: String,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
}

#[derive(Subcommand)]
enum FormCommand {
    /// Add a public form and print its address
    Add(FormAdd),
}

#[derive(Args)]
struct FormAdd {
    /// An owner of the account
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: String,
    /// What the form is called on the desk
    #[arg(long)]
    name: String,
}

#[derive(Subcommand)]
enum KeyCommand {
    /// Add an API key and print it, once
    Add(KeyAdd),
}

#[derive(Args)]
struct KeyAdd {
    /// An owner of the account
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: String,
    /// Which program it is for
    #[arg(long)]
    name: String,
}

#[derive(Args)]
struct CheckArgs {
    /// Put right what can be: clear what broken uploads left, count and index again
    #[arg(long)]
    repair: bool,
}

#[derive(Args)]
struct SampleArgs {
    /// An owner of the account
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: String,
    /// How many tickets
    #[arg(long, default_value_t = sample::DEFAULT_TICKETS, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    tickets: u32,
    /// The same seed makes the same data
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Reads the command line and does what it says.
pub fn run() -> ExitCode {
    // What is created from here on is for this system user alone.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let cli = Cli::try_parse().unwrap_or_else(|error| refuse(&error));
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let outcome = start_log(cli.config.log_format, &cli.command).and_then(|()| {
        for (name, nearest) in unknown_variables(names) {
            tracing::warn!("{name} is no setting of Docket; the nearest is {nearest}");
        }
        actix_web::rt::System::new().block_on(async move {
            match cli.command.unwrap_or(Command::Serve) {
                Command::Serve => serve(cli.config).await,
                command => {
                    let app = App::open(cli.config, Clock::system()).await?;
                    carry_out(&app, command).await.map_err(|error| error.to_string())
                }
            }
        })
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("docket: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Ends with what is wrong on the command line or in a setting, but never with the
/// value of one: it may hold a password.
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
    std::process::exit(2)
}

/// A server tells what it does; a command is quiet unless something is wrong.
fn start_log(format: LogFormat, command: &Option<Command>) -> Result<(), String> {
    let default = if matches!(command, None | Some(Command::Serve)) { "info" } else { "warn" };
    let levels = std::env::var("RUST_LOG").unwrap_or_else(|_| default.into());
    let filter: Targets = levels.parse().map_err(|error| format!("RUST_LOG cannot be read: {error}"))?;
    let log = fmt::layer().with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let log = match format {
        LogFormat::Text => log.boxed(),
        LogFormat::Json => log.json().boxed(),
    };
    tracing_subscriber::registry().with(log.with_filter(filter)).init();
    Ok(())
}

async fn serve(config: Config) -> Result<(), String> {
    let (data, storage, public) = (config.database(), config.storage(), config.public_origin());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let Running { address, setup_path, server, .. } = App::build(config, Clock::system(), workers).await?;
    println!("Docket listens on http://{address}");
    println!("Data lives in {data} and {storage}");
    if let Some(path) = setup_path {
        let origin = public.unwrap_or_else(|| format!("http://{}", openable(address)));
        println!("Open the first account within {LINK_MINUTES} minutes, once: {origin}{path}");
    }
    server.await.map_err(|error| error.to_string())
}

/// An address that a browser on this machine can open: one that stands for all of
/// the machine's is none.
fn openable(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

async fn carry_out(app: &App, command: Command) -> Result<()> {
    match command {
        // Opening the program has done the one, and the other never comes here.
        Command::Migrate | Command::Serve => {
            marker::expect(app).await.map_err(|message| Error::new(ErrorKind::Unavailable, message))?;
            println!("The database is up to date.");
            Ok(())
        }
        Command::User(UserCommand::Add(user)) => add_user(app, user).await,
        Command::User(UserCommand::Password(user)) => set_password(app, &user).await,
        Command::Form(FormCommand::Add(form)) => add_form(app, &form).await,
        Command::Key(KeyCommand::Add(key)) => add_key(app, &key).await,
        Command::Sample(wanted) => load_sample(app, &wanted).await,
        Command::Check(wanted) => check_all(app, wanted.repair).await,
    }
}

/// `about` is what the password may not be made of.
fn password_from_stdin(about: &[&str]) -> Result<String> {
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).map_err(|error| Error::internal("standard input", error))?;
    let password = password.trim_end_matches(['\r', '\n']);
    passwords::check(password, about)?;
    passwords::hash_now(password)
}

async fn add_user(app: &App, user: UserAdd) -> Result<()> {
    let email = Email::parse(&user.email)?;
    let name = text::required_line("The name", &user.name, MAX_NAME)?;
    let role: Role = user.role.as_deref().unwrap_or("editor").parse()?;
    let owner = user.account.as_deref().map(Email::parse).transpose()?;
    let password_hash = password_from_stdin(&[email.as_str(), &name])?;
    let new = NewUser { email, name, password_hash, time_zone: "UTC".into() };
    let now = app.clock.now();
    let add = move |conn: &mut _| match &owner {
        None => account::open(conn, &new, now),
        Some(owner) => {
            let account_id = user::account_of_owner(conn, owner)?.account_id;
            user::add(conn, account_id, &new, role, now)
        }
    };
    println!("{}", app.db.write(add).await?);
    Ok(())
}

async fn set_password(app: &App, user: &UserPassword) -> Result<()> {
    let email = Email::parse(&user.email)?;
    let hash = password_from_stdin(&[email.as_str()])?;
    app.db.write(move |conn| passwords::set_password(conn, &email, &hash)).await
}

async fn add_form(app: &App, form: &FormAdd) -> Result<()> {
    let name = text::required_line("The name", &form.name, MAX_NAME)?;
    let (owner, key, now) = (Email::parse(&form.account)?, token::id()?, app.clock.now());
    let add = move |conn: &mut _| {
        let account_id = user::account_of_owner(conn, &owner)?.account_id;
        form::add(conn, account_id, &name, &key, now)
    };
    let form = app.db.write(add).await?;
    let origin = app.config.public_origin().unwrap_or_else(|| format!("http://{}", app.config.listen));
    println!("{origin}{}/f/{}", app.config.base_path(), form.key);
    Ok(())
}

async fn add_key(app: &App, wanted: &KeyAdd) -> Result<()> {
    let name = text::required_line("The name", &wanted.name, MAX_NAME)?;
    let (owner, key, now) = (Email::parse(&wanted.account)?, keys::generate()?, app.clock.now());
    let stored = key.clone();
    let add = move |conn: &mut _| {
        let owner = user::account_of_owner(conn, &owner)?;
        keys::add(conn, &owner, &name, &stored, now)
    };
    app.db.write(add).await?;
    println!("{key}");
    Ok(())
}

async fn check_all(app: &App, repair: bool) -> Result<()> {
    let Outcome { files, tickets, found, left } = check::run(app, repair, &mut |line| println!("{line}")).await?;
    println!("Looked at {files} files and {tickets} tickets: {found} wrong, {} mended.", found - left);
    if left == 0 {
        return Ok(());
    }
    let advice = if repair { "that a person has to look at" } else { "docket check --repair mends what can be mended" };
    Err(Error::new(ErrorKind::Conflict, format!("{left} things are wrong: {advice}")))
}

async fn load_sample(app: &App, wanted: &SampleArgs) -> Result<()> {
    marker::expect(app).await.map_err(|message| Error::new(ErrorKind::Unavailable, message))?;
    let owner = Email::parse(&wanted.account)?;
    let account_id = app.db.read(move |conn| user::account_of_owner(conn, &owner)).await?.account_id;
    let bar = ProgressBar::new(u64::from(wanted.tickets));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} tickets, {elapsed}") {
        bar.set_style(style);
    }
    let plan = sample::Plan { tickets: wanted.tickets, seed: wanted.seed };
    sample::load(app, account_id, &plan, |done| bar.set_position(done.into())).await?;
    bar.finish();
    println!("{} sample tickets are loaded.", wanted.tickets);
    Ok(())
}
