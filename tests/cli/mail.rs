//! `docket mail`

use crate::cli::text;
use crate::conversations::answers::{SECRET, mail, with_answers};
use crate::support::TestApp;
use crate::support::certificate::Certificate;
use crate::support::imap::ImapServer;
use crate::support::process::{Server, command, run};
use crate::support::smtp::MailServer;
use docket::db::DatabaseUrl;
use std::net::TcpListener;
use std::process::Output;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// `docket mail receive` as a mail server runs it, with these settings and this message.
async fn receive(settings: &[(&str, &str)], args: &[&str], message: &str) -> Output {
    let dir = TempDir::new().unwrap();
    // It opens no database.
    let nowhere = DatabaseUrl::Postgres("postgres://nobody@127.0.0.1:1/nothing".into());
    let mut command = command(dir.path(), &nowhere);
    command.args(["mail", "receive"]).args(args).envs(settings.iter().copied());
    // The server runs on this thread.
    let message = message.to_owned();
    let output = tokio::task::spawn_blocking(move || run(command, &message)).await.unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "it writes nothing");
    output
}

#[actix_web::test]
async fn a_mail_server_is_told_to_try_again_and_never_to_send_a_message_back() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_answers(&server)).await;
    let url = format!("{}/mail/inbound", app.base);
    let (url, login) = (url.as_str(), format!("{}/login", app.base));
    let message = mail("vera@visitor.example", "reply+abcdefghjkmnpqrstuvwxyz023@in.desk.example", "", "Hello");
    let secret = ("DOCKET_MAIL_INBOUND_SECRET", SECRET);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}/mail/inbound");
    let large = "x".repeat(42 << 20);
    for (settings, args, message, code, said) in [
        (vec![secret], vec!["--url", url], &message, 0, ""),
        (vec![secret], vec!["--url", url], &String::new(), 0, ""),
        (vec![secret], vec!["--url", url], &large, 0, "dropped an email of more than"),
        (vec![secret], vec!["--url", &closed], &message, 75, "can’t be reached"),
        (vec![secret], vec![], &message, 75, "can’t be reached"),
        (vec![secret], vec!["--url", &login], &message, 75, "answered"),
        (vec![("DOCKET_MAIL_INBOUND_SECRET", "the-secret-of-another-desk")], vec!["--url", url], &message, 75, "401"),
        (vec![], vec!["--url", url], &message, 75, "DOCKET_MAIL_INBOUND_SECRET is not set"),
        (vec![secret, ("RUST_LOG", "no=such=level")], vec!["--url", url], &message, 75, "RUST_LOG"),
        (vec![secret], vec!["--to", url], &message, 2, "--to"),
    ] {
        let output = receive(&settings, &args, message).await;
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{settings:?} {args:?}: {stderr}");
        assert!(stderr.contains(said) && !stderr.contains(SECRET), "{stderr}");
    }
}

#[actix_web::test]
async fn mail_servers_are_trusted_whose_authority_the_system_trusts() {
    // Docket's own folder holds nothing of others.
    let (dir, of_servers) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let certificate = Certificate::make(of_servers.path());
    let (server, mailbox) = (MailServer::start_with_tls(&certificate), ImapServer::start_with_tls(&certificate));
    let settings = |host: &str| {
        let mut command = command(dir.path(), &DatabaseUrl::Sqlite(dir.path().join("docket.db")));
        command
            .env("DOCKET_SMTP_URL", format!("smtps://{host}:{}", server.port))
            .env("DOCKET_MAIL_FROM", "Docket <desk@desk.example>")
            .env("DOCKET_PUBLIC_URL", "http://desk.example");
        command
    };
    let test = |host: &str, is_trusted: bool| {
        let mut command = settings(host);
        command.args(["mail", "test", "--to", "ann@x.example"]);
        if is_trusted {
            command.env("SSL_CERT_FILE", &certificate.path);
        }
        run(command, "")
    };
    let unknown = test("localhost", false);
    assert!(!unknown.status.success() && text(&unknown.stderr).contains("certificate"), "{}", text(&unknown.stderr));
    let known = test("localhost", true);
    assert!(known.status.success(), "{}", text(&known.stderr));
    assert_eq!(server.take().len(), 1);

    let mut reading = settings("localhost");
    let url = format!("imaps://desk%40in.desk.example:p%40ss@localhost:{}", mailbox.port());
    reading
        .env("SSL_CERT_FILE", &certificate.path)
        .env("DOCKET_IMAP_URL", url)
        .env("DOCKET_MAIL_REPLY_TO", "r@x.example");
    let _desk = Server::start_as(reading);
    let begun = Instant::now();
    while !mailbox.log().contains("Login: user=<desk@in.desk.example>") {
        assert!(begun.elapsed() < Duration::from_secs(20), "it signs in: {}", mailbox.log());
        tokio::task::yield_now().await;
    }
    assert!(
        mailbox.log().lines().any(|line| line.contains("Login: user=") && line.contains(", TLS")),
        "{}",
        mailbox.log()
    );
}
