//! `docket mail`

use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::values::email::Email;
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(super) enum Command {
    /// Send a test email, to see whether emails arrive
    Test(Test),
}

#[derive(Args)]
pub(super) struct Test {
    /// The address to send it to
    #[arg(long)]
    to: String,
}

pub(super) async fn run(app: &App, Command::Test(test): Command) -> Result<()> {
    let to = Email::parse(&test.to)?;
    let mailer = app.mail.as_ref().ok_or_else(|| {
        let message = "There is no mail server: set DOCKET_SMTP_URL, DOCKET_MAIL_FROM and DOCKET_PUBLIC_URL.";
        Error::new(Kind::Unavailable, message)
    })?;
    mailer.send_test(to.as_str()).await?;
    println!("The mail server accepted the email to {}.", to.as_str());
    Ok(())
}
