//! The command line from the operator's point of view.

mod mail;
mod operating;
mod settings;
mod traces;

use crate::support::process::{Server, command, run};
use crate::support::{PASSWORD, Person, client, fresh_database};
use docket::db::DatabaseUrl;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub fn docket(dir: &Path, database: &DatabaseUrl, args: &[&str], input: &str) -> Output {
    let mut command = command(dir, database);
    command.args(args);
    run(command, input)
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn add_owner(dir: &Path, database: &DatabaseUrl) -> i64 {
    let args = ["user", "add", "--email", "ana@example.com", "--name", "Ana", "--password-stdin"];
    let output = docket(dir, database, &args, PASSWORD);
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout).trim().parse().unwrap()
}

pub fn person(base: &str) -> Person {
    Person { base: base.to_owned(), client: client(), id: 0, email: "ana@example.com".into() }
}

/// The owner of [`add_owner`], signed in at a running server.
pub async fn signed_in(server: &Server) -> Person {
    let owner = person(&server.base);
    owner.sign_in(&owner.email, PASSWORD).await.expect(303);
    owner
}

#[actix_web::test]
async fn an_operator_sets_a_desk_up_from_the_shell() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let path = dir.path();
    let id = add_owner(path, &database);
    let twice = docket(
        path,
        &database,
        &["user", "add", "--email", "ana@example.com", "--name", "A", "--password-stdin"],
        PASSWORD,
    );
    assert_eq!(twice.status.code(), Some(1));
    assert!(text(&twice.stderr).starts_with("docket: A user with this email"), "{}", text(&twice.stderr));
    let weak = docket(
        path,
        &database,
        &["user", "add", "--email", "b@example.com", "--name", "B", "--password-stdin"],
        "short",
    );
    assert!(text(&weak.stderr).contains("at least 10 characters"));
    let member = [
        "user",
        "add",
        "--email",
        "ben@example.com",
        "--name",
        "Ben",
        "--account",
        "ana@example.com",
        "--role",
        "viewer",
        "--password-stdin",
    ];
    let added: i64 = text(&docket(path, &database, &member, PASSWORD).stdout).trim().parse().unwrap();
    assert!(added > id);
    let form = docket(path, &database, &["form", "add", "--account", "ana@example.com", "--name", "Contact"], "");
    let address = text(&form.stdout).trim().to_owned();
    assert!(address.contains("/f/"), "{address} {}", text(&form.stderr));
    let sample = docket(path, &database, &["sample", "--account", "ana@example.com", "--tickets", "12"], "");
    assert!(sample.status.success(), "{}", text(&sample.stderr));

    let server = Server::start(path, &database);
    assert!(server.printed[1].contains(&path.join("files").display().to_string()), "{:?}", server.printed);
    let ana = person(&server.base);
    ana.sign_in("ana@example.com", PASSWORD).await.expect(303);
    assert!(ana.list("status=all").await.len() >= 10);
    ana.post(&format!("/f/{}", address.rsplit('/').next().unwrap()), &[("name", "Vera")]).await.expect(303);
    ana.get("/submissions").await.expect_text("Vera");
    // Commands work while the server is running, and a new password ends sessions.
    let set = docket(
        path,
        &database,
        &["user", "password", "--email", "ana@example.com", "--password-stdin"],
        "a new long password",
    );
    assert!(set.status.success());
    ana.get("/tickets").await.expect(303);
    ana.sign_in("ana@example.com", "a new long password").await.expect(303);
}

#[actix_web::test]
async fn nobody_stays_locked_out_of_a_desk_with_a_shell() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let path = dir.path();
    let out = |args: &[&str]| docket(path, &database, args, "");
    // The link of a command works at the running server.
    let server = Server::start(path, &database);
    let link = text(&out(&["setup-link"]).stdout).trim().to_owned();
    let (_, token) = link.split_once("/setup?token=").expect(&link);
    assert!(link.starts_with("http://127.0.0.1:"), "{link}");
    let ana = person(&server.base);
    let fields = [("email", "ana@example.com"), ("name", "Ana"), ("password", PASSWORD)];
    ana.post(&format!("/setup?token={token}"), &fields).await.expect(303);
    let second = out(&["setup-link"]);
    assert_eq!(second.status.code(), Some(1));
    assert!(text(&second.stderr).contains("The first account exists."), "{}", text(&second.stderr));

    let member = ["user", "add", "--email", "ben@example.com", "--name", "Ben", "--account", "ana@example.com"];
    assert!(docket(path, &database, &[&member[..], &["--password-stdin"]].concat(), PASSWORD).status.success());
    let ben = Person { email: "ben@example.com".into(), ..person(&server.base) };
    ben.sign_in("ben@example.com", PASSWORD).await.expect(303);
    ben.get("/tickets").await.expect(200);
    assert!(out(&["user", "disable", "--email", "ben@example.com"]).status.success());
    ben.get("/tickets").await.expect(303);
    let listed = text(&out(&["user", "list", "--account", "ana@example.com"]).stdout);
    assert_eq!(listed, "ana@example.com\tAna\towner\tactive\nben@example.com\tBen\teditor\tdisabled\n");
    assert_eq!(text(&out(&["user", "list"]).stdout), listed);
    assert!(out(&["user", "enable", "--email", "ben@example.com"]).status.success());
    ben.sign_in("ben@example.com", PASSWORD).await.expect(303);
    ana.get("/settings/audit").await.expect_text("Ben");

    let last = out(&["user", "disable", "--email", "ana@example.com"]);
    assert_eq!(last.status.code(), Some(1));
    assert!(text(&last.stderr).contains("only owner"), "{}", text(&last.stderr));
    ana.get("/tickets").await.expect(200);
    let nobody = out(&["user", "enable", "--email", "nobody@example.com"]);
    assert!(text(&nobody.stderr).contains("no user has the email address nobody@example.com"));
}

#[test]
fn a_misspelt_setting_is_a_warning_that_names_the_nearest() {
    let dir = TempDir::new().unwrap();
    let mut command = command(dir.path(), &fresh_database(&dir));
    command.arg("migrate").env_remove("RUST_LOG").env("DOCKET_LISTN", "x").env("DOCKET_PORT", "tcp://10.0.0.1:80");
    let output = run(command, "");
    let stderr = text(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("unknown setting DOCKET_LISTN; did you mean DOCKET_LISTEN?"), "{stderr}");
    assert!(stderr.contains("unknown setting DOCKET_PORT"), "{stderr}");
}

#[test]
fn wrong_usage_and_wrong_settings_are_told_apart() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    let path = dir.path();
    assert_eq!(docket(path, &database, &["sing"], "").status.code(), Some(2));
    assert_eq!(docket(path, &database, &["sample", "--account", "x", "--tickets", "0"], "").status.code(), Some(2));
    let nobody = docket(path, &database, &["form", "add", "--account", "nobody@example.com", "--name", "x"], "");
    assert_eq!(nobody.status.code(), Some(1));
    for (name, value, sign) in [
        ("DOCKET_LISTEN", "nowhere", "nowhere"),
        ("STORAGE_URL", "ftp://x", "STORAGE_URL is none of"),
        ("DATABASE_URL", "mysql://x", "a database URL is sqlite:PATH"),
        ("DOCKET_PUBLIC_URL", "desk.example", "public-url"),
        ("DOCKET_TRUSTED_PROXIES", "everyone", "everyone"),
        ("RUST_LOG", "docket=loudly,,=", "RUST_LOG"),
        ("DATABASE_URL", "sqlite:/nowhere/at/all.db", "/nowhere/at/all.db"),
    ] {
        let mut command = command(path, &database);
        command.env(name, value);
        let output = run(command, "");
        let stderr = text(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{name}={value}: {stderr}");
        assert!(stderr.contains(sign), "{name}={value}: {stderr}");
    }
    let help = docket(path, &database, &["--help"], "");
    for word in ["serve", "migrate", "user", "form", "sample", "DOCKET_DATA_DIR", "DATABASE_URL"] {
        assert!(text(&help.stdout).contains(word), "{word}");
    }
}

#[test]
fn the_data_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("made/here");
    let database = fresh_database(&dir);
    assert!(docket(&data, &database, &["migrate"], "").status.success());
    for folder in [data.clone(), data.join("files")] {
        assert_eq!(std::fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }
}

/// After SIGTERM, the server finishes a running upload and accepts no new connections.
#[actix_web::test]
async fn a_running_upload_survives_the_end() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let mut server = Server::start(dir.path(), &database);
    let ana = person(&server.base);
    let signed_in = ana.sign_in("ana@example.com", PASSWORD).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let number = ana.make_ticket("Upload").await;

    let body = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"a.txt\"\r\n\r\nfirst half, second half\r\n--x--\r\n";
    let (first, second) = body.split_at(body.find(", second").unwrap());
    let host = server.base.strip_prefix("http://").unwrap().to_owned();
    let mut stream = TcpStream::connect(&host).unwrap();
    let length = body.len();
    write!(stream, "POST /tickets/{number}/attachments HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nSec-Fetch-Site: same-origin\r\nAccept: application/json\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: {length}\r\n\r\n{first}").unwrap();
    // A response to a later request shows that the server has started to read the upload.
    ana.get("/tickets").await.expect(200);
    server.signal("TERM");
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&host).is_ok() {
        assert!(Instant::now() < deadline, "the server still takes connections");
        std::thread::yield_now();
    }
    stream.write_all(second.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    std::io::Read::read_to_string(&mut stream, &mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert!(server.child.wait().unwrap().success());

    let again = Server::start(dir.path(), &database);
    let ana = person(&again.base);
    ana.sign_in("ana@example.com", PASSWORD).await.expect(303);
    ana.get(&format!("/tickets/{number}")).await.expect_text("a.txt");
}

#[test]
fn the_help_names_every_command_and_setting() {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_docket")).env_clear().arg("--help").output().unwrap();
    insta::assert_snapshot!("help", text(&help.stdout));
}
