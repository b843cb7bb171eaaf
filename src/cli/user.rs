//! `docket user`

use crate::accounts::role::Role;
use crate::accounts::user::{MAX_NAME, NewUser};
use crate::accounts::{account, members, passwords, user};
use crate::app::App;
use crate::db::Connection;
use crate::error::{Error, Result};
use crate::events::actor::Actor;
use crate::limits;
use crate::values::email::Email;
use crate::values::text;
use chrono::NaiveDateTime;
use clap::{Args, Subcommand};
use std::io::Read;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Add a user: with a new account, or as a member of one
    Add(Add),
    /// Set a user's password and end their sessions
    Password(Password),
    /// List users: email address, name, role and whether they can sign in
    List(List),
    /// Keep a user from signing in: their sessions, keys and invitations end at once
    Disable(Named),
    /// Let a disabled user sign in again
    Enable(Named),
}

#[derive(Args)]
pub(super) struct List {
    /// An owner of the account; without it, the users of all accounts are listed
    #[arg(long, value_name = "OWNER_EMAIL")]
    account: Option<String>,
}

#[derive(Args)]
pub(super) struct Named {
    /// The address by which they sign in
    #[arg(long)]
    email: String,
}

#[derive(Args)]
pub(super) struct Add {
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
pub(super) struct Password {
    /// The address by which they sign in
    #[arg(long)]
    email: String,
    /// Read the password from standard input
    #[arg(long, required = true)]
    password_stdin: bool,
}

pub(super) async fn run(app: &App, command: Command) -> Result<()> {
    match command {
        Command::Add(user) => add(app, user).await,
        Command::Password(user) => set_password(app, &user).await,
        Command::List(team) => list(app, &team).await,
        Command::Disable(user) => set_access(app, &user, members::disable_by_operator).await,
        Command::Enable(user) => set_access(app, &user, members::enable_by_operator).await,
    }
}

async fn set_access(
    app: &App,
    user: &Named,
    change: fn(&mut Connection, &Email, NaiveDateTime) -> Result<()>,
) -> Result<()> {
    let (email, now) = (Email::parse(&user.email)?, app.clock.now());
    app.db.write(move |conn| change(conn, &email, now)).await
}

/// One line a user, with tabs between.
async fn list(app: &App, team: &List) -> Result<()> {
    let owner = team.account.as_deref().map(Email::parse).transpose()?;
    let users = move |conn: &mut _| match &owner {
        None => user::everybody(conn),
        Some(owner) => {
            let account_id = user::account_of_owner(conn, owner)?.account_id;
            user::members(conn, account_id)
        }
    };
    for user in app.db.read(users).await? {
        let access = if user.disabled_at.is_none() { "active" } else { "disabled" };
        println!("{}\t{}\t{}\t{access}", user.email, user.name, user.role.as_str());
    }
    Ok(())
}

/// `about` lists words on which the password must not be based.
fn password_from_stdin(about: &[&str]) -> Result<String> {
    let mut password = String::new();
    std::io::stdin().read_to_string(&mut password).map_err(|error| Error::internal("standard input", error))?;
    let password = password.trim_end_matches(['\r', '\n']);
    limits::passwords::check(password, about)?;
    limits::passwords::hash_now(password)
}

async fn add(app: &App, user: Add) -> Result<()> {
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
            user::add_member(conn, account_id, &new, role, Some(&Actor::system(account_id)), now)
        }
    };
    println!("{}", app.db.write(add).await?);
    Ok(())
}

async fn set_password(app: &App, user: &Password) -> Result<()> {
    let email = Email::parse(&user.email)?;
    let hash = password_from_stdin(&[email.as_str()])?;
    let now = app.clock.now();
    app.db.write(move |conn| passwords::set_password(conn, &email, &hash, now)).await
}
