//! Settings from files, `docket config` and `docket health`.

use crate::cli::{docket, text};
use crate::support::fresh_database;
use crate::support::process::{Server, command, run};
use docket::db::DatabaseUrl;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const SECRET: &str = "a-secret-of-this-very-test";

/// A file with a secret, which ends like those that people write.
fn file(dir: &TempDir, name: &str, content: &str) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, format!("{content}\n")).unwrap();
    path
}

#[test]
fn secrets_come_from_files_and_are_shown_to_nobody() {
    let (dir, secrets) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let database = DatabaseUrl::Sqlite(dir.path().join("docket.db"));
    let smtp = file(&secrets, "smtp", &format!("smtps://desk:{SECRET}@mail.example:465"));
    let inbound = file(&secrets, "inbound", SECRET);
    let config = |settings: &[(&str, &str)], args: &[&str]| {
        let mut command = command(dir.path(), &database);
        command.arg("config").args(args).envs(settings.iter().copied());
        run(command, "")
    };
    let of_files = [
        ("DOCKET_SMTP_URL_FILE", smtp.to_str().unwrap()),
        ("DOCKET_MAIL_INBOUND_SECRET_FILE", inbound.to_str().unwrap()),
    ];
    let output = config(&of_files, &["--session-idle", "3d"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    for line in [
        "DOCKET_SMTP_URL=smtps://***@mail.example:465  # from DOCKET_SMTP_URL_FILE",
        "DOCKET_MAIL_INBOUND_SECRET=***  # from DOCKET_MAIL_INBOUND_SECRET_FILE",
        "DOCKET_SESSION_IDLE=3d  # from the command line",
        "DOCKET_API_RATE=120  # default",
        "# DOCKET_MAIL_FROM is not set",
    ] {
        assert!(shown.lines().any(|known| known == line), "{line} in {shown}");
    }
    assert!(!shown.contains(SECRET) && output.stderr.is_empty(), "{shown}{}", text(&output.stderr));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "it opens nothing");

    // A flag on the command line wins.
    let flag = config(&of_files, &["--smtp-url", "smtp://other.example"]);
    assert!(text(&flag.stdout).contains("DOCKET_SMTP_URL=smtp://other.example"), "{}", text(&flag.stdout));

    let both = [of_files[0], ("DOCKET_SMTP_URL", "smtp://mail.example")];
    let nowhere = [("DOCKET_SMTP_URL_FILE", "/nothing/is/here")];
    let short = file(&secrets, "short", "tooshort");
    let short = [("DOCKET_MAIL_INBOUND_SECRET_FILE", short.to_str().unwrap())];
    for (settings, said) in [
        (&both[..], "DOCKET_SMTP_URL and DOCKET_SMTP_URL_FILE are both set"),
        (&nowhere, "the file of DOCKET_SMTP_URL_FILE can’t be read"),
        (&short, "(DOCKET_MAIL_INBOUND_SECRET) can’t be used"),
    ] {
        let output = config(settings, &[]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(said) && !stderr.contains(SECRET) && !stderr.contains("tooshort"), "{stderr}");
    }
    // A mail server keeps the message and tries again.
    let mut receive = command(dir.path(), &database);
    receive.args(["mail", "receive"]).envs(nowhere);
    assert_eq!(run(receive, "a message").status.code(), Some(75));
}

#[actix_web::test]
async fn a_server_says_whether_it_is_ready() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let data = dir.path().join("data");
    let server = Server::start(&data, &database);
    let ask = |listen: &str| {
        let mut command = command(&data, &database);
        command.arg("health").env("DOCKET_LISTEN", listen);
        run(command, "")
    };
    let address = server.base.trim_start_matches("http://").to_owned();
    let ready = ask(&address);
    assert!(ready.status.success(), "{}", text(&ready.stderr));
    assert_eq!(text(&ready.stdout), "ok\n");
    let port = address.rsplit(':').next().unwrap();
    assert!(ask(&format!("0.0.0.0:{port}")).status.success(), "it listens everywhere, so also here");

    fs::rename(data.join("files"), data.join("away")).unwrap();
    let away = ask(&address);
    assert_eq!(away.status.code(), Some(1));
    assert!(text(&away.stderr).contains("not ready") && text(&away.stderr).contains("503"), "{}", text(&away.stderr));
    drop(server);
    let gone = ask(&address);
    assert_eq!(gone.status.code(), Some(1));
    assert!(text(&gone.stderr).contains("can’t be reached"), "{}", text(&gone.stderr));
    assert!(docket(&data, &database, &["health", "--nonsense"], "").status.code() == Some(2));
}
