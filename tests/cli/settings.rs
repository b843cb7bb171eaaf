//! Settings from files, `docket config` and `docket health`.

use crate::cli::{add_owner, docket, person, text};
use crate::support::process::{Server, command, run};
use crate::support::{PASSWORD, Person, fresh_database};
use docket::db::DatabaseUrl;
use docket::storage::choose_tls;
use reqwest::Method;
use reqwest::redirect::Policy;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::time::Duration;
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
    let collector = format!("https://collector.example/{SECRET}?key={SECRET}");
    let of_files = [
        ("DOCKET_SMTP_URL_FILE", smtp.to_str().unwrap()),
        ("DOCKET_MAIL_INBOUND_SECRET_FILE", inbound.to_str().unwrap()),
        ("AWS_ENDPOINT_URL", "http://s3.example:9000"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", SECRET),
        ("OTEL_SERVICE_NAME", "desk"),
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
        "AWS_ENDPOINT_URL=http://s3.example:9000",
        "AWS_SECRET_ACCESS_KEY=***",
        "OTEL_EXPORTER_OTLP_ENDPOINT=https://collector.example",
        "OTEL_EXPORTER_OTLP_HEADERS=***",
        "OTEL_SERVICE_NAME=desk",
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

#[test]
fn packages_get_manual_pages_and_completions() {
    let (dir, database) = (TempDir::new().unwrap(), DatabaseUrl::Sqlite("/nowhere".into()));
    let output = docket(dir.path(), &database, &["generate", dir.path().join("x").to_str().unwrap()], "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    for (name, said) in [
        ("docket.1", "backup\\-key"),
        ("docket-backup.1", "while the server runs"),
        ("docket.bash", "_docket()"),
        ("_docket", "#compdef docket"),
        ("docket.fish", "complete -c docket"),
    ] {
        let written = fs::read_to_string(dir.path().join("x").join(name)).unwrap();
        assert!(written.contains(said), "{name}: {written}");
    }
}

#[actix_web::test]
async fn systemd_hears_that_the_server_is_ready_and_alive() {
    let (dir, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let socket = UnixDatagram::bind(outside.path().join("notify")).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut command = command(dir.path(), &fresh_database(&dir));
    command.env("NOTIFY_SOCKET", outside.path().join("notify")).env("WATCHDOG_USEC", "300000");
    let server = Server::start_as(command);
    let heard = || {
        let mut buffer = [0; 100];
        let length = socket.recv(&mut buffer).unwrap();
        text(&buffer[..length]).trim().to_owned()
    };
    assert_eq!([heard(), heard(), heard()], ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]);
    drop(server);
}

#[actix_web::test]
async fn a_server_on_a_unix_socket_believes_the_proxy_and_nobody_else_reaches_it() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let socket = dir.path().join("docket.sock");
    add_owner(dir.path(), &database);
    let form = docket(dir.path(), &database, &["form", "add", "--account", "ana@example.com", "--name", "Contact"], "");
    let form = text(&form.stdout).trim().rsplit('/').next().unwrap().to_owned();
    let listen = format!("unix:{}", socket.display());
    let with_socket = |args: &[&str]| {
        let mut command = command(dir.path(), &database);
        command.env("DOCKET_LISTEN", &listen).args(args);
        command
    };
    let mut server = Server::start_as(with_socket(&[]));
    assert_eq!(server.printed[0], format!("Docket listens on {listen}"));
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o660);
    let health = run(with_socket(&["health"]), "");
    assert_eq!((health.status.code(), text(&health.stdout).as_str()), (Some(0), "ok\n"), "{}", text(&health.stderr));

    choose_tls();
    let through = reqwest::Client::builder().cookie_store(true).redirect(Policy::none());
    let client = through.pool_max_idle_per_host(0).unix_socket(socket.as_path()).build().unwrap();
    let ana = Person { client, ..person("http://desk.example") };
    ana.sign_in(&ana.email, PASSWORD).await.expect(303);
    let headers = [("x-forwarded-for", "198.51.100.7, 203.0.113.9"), ("cf-ipcountry", "SE")];
    let sent = headers.iter().fold(
        ana.client.post(format!("http://desk.example/f/{form}")).form(&[("message", "Hello")]),
        |request, (name, value)| request.header(*name, *value),
    );
    ana.send(sent).await.expect(303);
    ana.get(&format!("/submissions/{}", ana.newest_submission().await)).await.expect_text("Sweden (SE)");
    // The last entry is the client: the proxy has added it.
    let sessions = ana.send(
        ana.request(Method::POST, "/login")
            .header("x-forwarded-for", "198.51.100.7, 203.0.113.9")
            .form(&[("email", ana.email.as_str()), ("password", PASSWORD)]),
    );
    sessions.await.expect(303);
    ana.get("/profile/sessions").await.expect_text("203.0.113.9").expect_no_text("198.51.100.7");
    let number = ana.make_ticket("Lamp").await;
    ana.attach(number, &[("a.txt", &vec![b'x'; 5_000_000])]).await.expect(201);
    let file = ana.get(&format!("/tickets/{number}")).await;
    assert!(file.body.contains("a.txt"));

    // A second server does not take it away; what a killed one has left does not stand in the way.
    let second = run(with_socket(&["serve"]), "");
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("in use"), "{}", text(&second.stderr));
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    assert_eq!(run(with_socket(&["health"]), "").status.code(), Some(1));
    let again = Server::start_as(with_socket(&[]));
    ana.get("/tickets").await.expect(200);
    drop(again);
    let relative = docket(dir.path(), &database, &["--listen", "unix:docket.sock", "serve"], "");
    assert_eq!(relative.status.code(), Some(2));
}
