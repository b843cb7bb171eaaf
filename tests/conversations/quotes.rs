//! What mail programs put around an answer is folded away, and nothing of it is lost.

use docket::mail::incoming::{Kind, read};
use docket::values::reply_address::ReplyAddress;
use std::fmt::Write;
use std::path::Path;

const TOKEN: &str = "abcdefghjkmnpqrstuvwxyz023";
const LINK: &str = "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz";

/// An answer as a mail program writes it, by the name of its file.
pub fn of_program(name: &str, reply_to: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mails");
    let text = std::fs::read_to_string(folder.join(format!("{name}.eml"))).unwrap();
    text.replace("{reply}", reply_to).replace("{link}", LINK)
}

/// The names of all samples.
pub fn programs() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/mails");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files.map(|name| name.trim_end_matches(".eml").to_owned()).collect();
    names.sort();
    names
}

#[test]
fn quotes_and_signatures_of_mail_programs_are_folded() {
    let address: ReplyAddress = "reply@in.desk.example".parse().unwrap();
    let mut table = String::new();
    for name in programs() {
        // The base64 and quoted-printable ones hold the placeholders in their encoded text.
        let raw = of_program(&name, &address.with(TOKEN)).replace('\n', "\r\n");
        let mail = read(raw.as_bytes(), &address).unwrap();
        assert_eq!(
            (mail.tokens.as_slice(), mail.from.as_str()),
            ([TOKEN.to_owned()].as_slice(), "vera@visitor.example")
        );
        assert_eq!(mail.kind, Kind::Written, "{name}");
        let written = mail.text.written.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(written, "Thank you, that helps. When does it arrive?", "{name}");
        for secret in [TOKEN, LINK] {
            assert!(!mail.text.folded.contains(secret), "{name}: {}", mail.text.folded);
        }
        assert!(mail.text.folded.contains("It left yesterday."), "{name}: {}", mail.text.folded);
        let first = mail.text.folded.lines().find(|line| !line.trim().is_empty()).unwrap().trim();
        writeln!(table, "{name:<20} {:>2} lines, from “{first}”", mail.text.folded.lines().count()).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn secrets_in_links_of_gateways_are_taken_out() {
    let address: ReplyAddress = "reply@in.desk.example".parse().unwrap();
    let link = format!("https://gateway.example/?url=https%3A%2F%2Fdesk.example%2Fthread%2F{LINK}&data=1");
    let mailto = format!("mailto%3Areply%2B{TOKEN}%40in.desk.example");
    let raw = format!(
        "From: v@x.example\r\nTo: {}\r\n\r\nThreads/knots stay.\r\n{link}\r\n{mailto}\r\n",
        address.with(TOKEN)
    );
    let text = read(raw.as_bytes(), &address).unwrap().text.written;
    assert!(!text.contains(LINK) && !text.contains(TOKEN) && text.contains("Threads/knots stay."), "{text}");
}

/// Each of these was slow or large with a less careful reader.
#[test]
fn hostile_mails_are_read_at_once() {
    let address: ReplyAddress = "reply@in.desk.example".parse().unwrap();
    let read = |kind: &str, body: &str| {
        let raw = format!("From: v@x.example\r\nContent-Type: {kind}\r\n\r\n{body}");
        read(raw.as_bytes(), &address).unwrap().text
    };
    assert!(!read("text/plain", &":\n".repeat(500_000)).written.is_empty());
    assert!(!read("text/plain", &"From: a\n".repeat(100_000)).written.is_empty());
    assert!(!read("text/plain", &"> a\nb:\n".repeat(100_000)).written.is_empty());
    let cells = "<td rowspan=65535>".repeat(20_000) + &"<tr><td>x".repeat(20_000);
    assert!(read("text/html", &format!("<table><tr>{cells}")).written.contains('x'));
    for tag in ["<div>", "<blockquote>", "<table><tr><td>", "<b>"] {
        assert!(read("text/html", &(tag.repeat(20_000) + "words")).written.contains("words"), "{tag}");
    }
    let nested = "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".repeat(5_000);
    read("multipart/mixed; boundary=b", &format!("--b\r\n{nested}"));
}
