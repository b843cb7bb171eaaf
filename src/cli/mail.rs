//! `docket mail`

use crate::app::App;
use crate::cli::{local_client, local_url};
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::storage;
use crate::upkeep::incoming;
use crate::values::email::Email;
use clap::{Args, Subcommand};
use reqwest::{Client, StatusCode};
use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;
use url::Url;

/// Asks a mail server to hand the message over again later (`EX_TEMPFAIL` of `sysexits.h`). With
/// any other failure it would send the message back.
pub(super) const TRY_AGAIN: u8 = 75;
/// How long the server may take to store a message.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Subcommand)]
pub(super) enum Command {
    /// Send a test email, to see whether emails arrive
    Test(Test),
    /// Read one raw message from standard input and hand it to the running server. Exit 0: taken, or
    /// it belongs nowhere; 75: try again later; 2: wrong usage
    Receive(Receive),
}

#[derive(Args)]
pub(super) struct Test {
    /// The address to send it to
    #[arg(long)]
    to: String,
}

#[derive(Args)]
pub(super) struct Receive {
    /// Where the server takes messages [default: http://<listen address>/mail/inbound]
    #[arg(long)]
    url: Option<Url>,
}

pub(super) async fn run(app: &App, command: &Command) -> Result<()> {
    // `receive` opens no database.
    let Command::Test(test) = command else { return Ok(()) };
    let to = Email::parse(&test.to)?;
    let mailer = app.mail.as_ref().ok_or_else(|| {
        let message = "There is no mail server: set DOCKET_SMTP_URL, DOCKET_MAIL_FROM and DOCKET_PUBLIC_URL.";
        Error::new(Kind::Unavailable, message)
    })?;
    mailer.send_test(to.as_str()).await?;
    println!("The mail server accepted the email to {}.", to.as_str());
    Ok(())
}

/// Lets a fault of the program look like a server that is away.
pub(super) fn try_again_after_panics() {
    std::panic::set_hook(Box::new(|info| {
        eprintln!("docket: {info}");
        std::process::exit(TRY_AGAIN.into());
    }));
}

/// Hands the message on standard input to the running server.
pub(super) async fn receive(config: &Config, options: &Receive) -> ExitCode {
    match hand_over(config, options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("docket: {error}; try again later");
            ExitCode::from(TRY_AGAIN)
        }
    }
}

async fn hand_over(config: &Config, options: &Receive) -> Result<(), String> {
    let (mut message, mut input) = (Vec::new(), std::io::stdin().lock());
    let read = input.by_ref().take(incoming::MAX.as_u64() + 1).read_to_end(&mut message);
    // Reads the rest, so that the mail server does not fail while it writes.
    let read = read.and_then(|_| std::io::copy(&mut input, &mut std::io::sink()));
    read.map_err(|error| format!("the message can’t be read: {error}"))?;
    let secret = config.mail_inbound_secret.as_ref().ok_or("DOCKET_MAIL_INBOUND_SECRET is not set")?;
    let (client, url) = match &options.url {
        None => (local_client(config, PATIENCE)?, local_url(config, "/mail/inbound")),
        Some(url) => {
            storage::choose_tls();
            let client = Client::builder().timeout(PATIENCE).build().map_err(|error| error.to_string())?;
            (client, url.to_string())
        }
    };
    let sent = client.post(&url).bearer_auth(secret).body(message).send().await;
    let status = sent.map_err(|error| format!("{url} can’t be reached: {}", error.without_url()))?.status();
    match status {
        status if status.is_success() => Ok(()),
        StatusCode::PAYLOAD_TOO_LARGE => {
            eprintln!("docket: dropped an email of more than {}", incoming::MAX);
            Ok(())
        }
        status => Err(format!("{url} answered {status}")),
    }
}
