//! Files from real programs: which are accepted and which are refused, and that none is
//! accepted under another type's name. `tests/corpus/manifest.tsv` lists the program and
//! the command that wrote each file.

use crate::support::{Person, TestApp};
use docket::validation::kind::{Kind, Row};
use docket::validation::validate;
use futures_util::StreamExt;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A line of the manifest.
struct Sample {
    path: String,
    verdict: String,
    origin: String,
    bytes: Vec<u8>,
}

impl Sample {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap()
    }
}

fn samples() -> Vec<Sample> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).unwrap();
    let sample = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        let [path, verdict, origin, _how] = columns[..] else { panic!("{line}") };
        let bytes = std::fs::read(folder.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Sample { path: path.into(), verdict: verdict.into(), origin: origin.into(), bytes }
    };
    manifest.lines().skip(1).map(sample).collect()
}

fn verdict(name: &str, bytes: &[u8]) -> String {
    validate(name, bytes).map_or_else(|rejection| rejection.code.as_str().into(), |_| "kept".into())
}

/// Whether a file without an accepted extension still is of an accepted type: content
/// without zero bytes is text, and a template is a Word document.
fn is_one_at_heart(path: &str, bytes: &[u8], kind: Kind) -> bool {
    let marks = [&b"\xFF\xFE"[..], b"\xFE\xFF"];
    let is_plain = !bytes.contains(&0) || marks.iter().any(|mark| bytes.starts_with(mark));
    (is_text(kind) && is_plain) || (kind == Kind::Doc && path.starts_with("dot/"))
}

fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Txt | Kind::Csv)
}

#[test]
fn every_file_of_every_program_gets_the_verdict_it_should() {
    let samples = samples();
    let wrong: Vec<String> = samples
        .iter()
        .map(|sample| (sample, verdict(sample.name(), &sample.bytes)))
        .filter(|(sample, found)| sample.verdict != *found)
        .map(|(sample, found)| format!("{} of {}: {found}, not {}", sample.path, sample.origin, sample.verdict))
        .collect();
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), samples.len(), wrong.join("\n"));

    for sample in samples.iter().filter(|sample| sample.path.starts_with("docx-encrypted/")) {
        let message = validate(sample.name(), &sample.bytes).err().unwrap().message;
        assert!(message.contains("password"), "{}: {message}", sample.path);
    }

    let mut origins: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for sample in samples.iter().filter(|sample| sample.verdict == "kept") {
        origins.entry(Kind::of_name(sample.name()).unwrap().extension()).or_default().insert(&sample.origin);
    }
    assert_eq!(origins.len(), 9, "all nine types: {origins:?}");
    assert!(origins.values().all(|of_type| of_type.len() >= 2), "{origins:?}");
    assert!(origins.values().flatten().collect::<BTreeSet<_>>().len() >= 15, "{origins:?}");
}

/// Tries each accepted file under the names of the other eight types, and each refused
/// file under the names of all nine.
#[test]
fn no_file_passes_under_another_name() {
    let mut wrong = Vec::new();
    for sample in samples() {
        let own = (sample.verdict == "kept").then(|| Kind::of_name(sample.name()).unwrap());
        for Row { kind, extensions, .. } in Kind::TABLE {
            // Plain text is accepted under both text types.
            if own.is_some_and(|own| own == kind || is_text(own) && is_text(kind)) || sample.bytes.is_empty() {
                continue;
            }
            let found = verdict(&format!("a.{}", extensions[0]), &sample.bytes);
            let is_right = match own {
                // A text may start like a PDF, but it does not end like one.
                Some(_) => found == "content_mismatch" || (kind == Kind::Pdf && found == "unreadable"),
                None => found != "kept" || is_one_at_heart(&sample.path, &sample.bytes, kind),
            };
            if !is_right {
                wrong.push(format!("{} as {}: {found}", sample.path, extensions[0]));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// The same over HTTP: every accepted picture gets an upright thumbnail without the
/// original's metadata.
#[actix_web::test]
async fn every_picture_of_every_program_gets_a_thumbnail() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Corpus").await;
    let samples = samples();
    let kept = samples.iter().filter(|sample| sample.verdict == "kept");
    let owner = &owner;
    let uploads = kept.map(|sample| async move { look_at(owner, number, sample).await });
    futures_util::stream::iter(uploads).buffer_unordered(8).collect::<Vec<()>>().await;
}

async fn look_at(owner: &Person, number: i64, sample: &Sample) {
    let answer = owner.attach(number, &[(sample.name(), &sample.bytes)]).await;
    let file = answer.expect(201).json()["data"][0].clone();
    assert_eq!(owner.get(file["url"].as_str().unwrap()).await.expect(200).bytes, sample.bytes, "{}", sample.path);
    if !Kind::of_name(sample.name()).unwrap().is_image() {
        assert!(file["thumbnailUrl"].is_null(), "{}", sample.path);
        return;
    }
    if file["thumbnailUrl"].is_null() && sample.path.starts_with("damaged/") {
        // Nothing could be decoded, so the page shows an icon.
        return;
    }
    let thumbnail = owner.get(file["thumbnailUrl"].as_str().unwrap()).await;
    let small = image::load_from_memory(&thumbnail.expect(200).bytes).unwrap();
    assert!(small.width().max(small.height()) <= 480, "{}", sample.path);
    if sample.path.contains("orient") {
        assert!(small.height() > small.width(), "{} is not turned", sample.path);
    }
    let traces: [&[u8]; 3] = [b"Exif", b"ICC_PROFILE", b"http://ns.adobe.com"];
    let has = |trace: &[u8]| thumbnail.bytes.windows(trace.len()).any(|window| window == trace);
    assert!(!traces.into_iter().any(has), "{}", sample.path);
}
