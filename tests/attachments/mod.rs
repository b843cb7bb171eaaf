//! Files on tickets.

mod corpus;
mod types;

use crate::cli::{add_owner, signed_in};
use crate::support::process::Server;
use crate::support::{PASSWORD, TestApp, files, fresh_database, process, s3};
use diesel::prelude::*;
use docket::attachments::reserve::NewAttachment;
use docket::attachments::{inventory, reserve};
use docket::db::schema::attachments;
use docket::upkeep::janitor;
use docket::validation::kind::Kind;
use docket::values::token::sha256;
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use tempfile::TempDir;

const LIMIT: usize = 5_242_880;

/// A file to be stored.
fn a_byte(id: &str) -> NewAttachment {
    NewAttachment { id: id.into(), filename: "a.txt".into(), kind: Kind::Txt, size: 1, sha256: String::new() }
}

#[actix_web::test]
async fn two_hundred_files_at_once_keep_their_bytes_under_200_keys() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Many files").await;
    let sent: Vec<Vec<u8>> = (0..200).map(files::png).collect();
    let uploads = sent.iter().enumerate().map(|(index, bytes)| {
        let (owner, name) = (owner.clone(), format!("Bild {index}.PNG"));
        async move { owner.attach(number, &[(&name, bytes)]).await.expect(201).json()["data"][0].clone() }
    });
    let kept = futures_util::future::join_all(uploads).await;
    let by_name: HashMap<String, &Vec<u8>> =
        sent.iter().enumerate().map(|(index, bytes)| (format!("Bild {index}.PNG"), bytes)).collect();
    for file in &kept {
        let back = owner.get(file["url"].as_str().unwrap()).await;
        assert_eq!(sha256(&back.expect(200).bytes), sha256(by_name[file["filename"].as_str().unwrap()]));
    }
    let keys = app.stored_keys();
    let originals: HashSet<&String> = keys.iter().filter(|key| key.starts_with("tickets/")).collect();
    assert_eq!(originals.len(), 200);
    for key in originals {
        let rest = key.strip_prefix(&format!("tickets/{}/", owner.id)).unwrap();
        let (stamp, extension) = rest.split_once('.').unwrap();
        assert_eq!((stamp.len(), extension), (13, "png"), "{key}");
        assert!(stamp.bytes().all(|byte| byte.is_ascii_digit()), "{key}");
    }
    assert_eq!(keys.iter().filter(|key| key.starts_with("thumbnails/")).count(), 200);
}

#[actix_web::test]
async fn exactly_five_megabytes_pass_and_one_byte_more_does_not() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Sizes").await;
    let whole = owner.attach(number, &[("whole.jpg", &files::jpeg_of(LIMIT))]).await;
    assert_eq!(whole.expect(201).json()["data"][0]["size"], LIMIT);
    let over = owner.attach(number, &[("over.jpg", &files::jpeg_of(LIMIT + 1))]).await;
    assert_eq!(over.expect(413).json()["rejected"][0]["code"], "too_large");
    // The server reads even a much larger file to its end, so that the client gets the response.
    let far = owner.attach(number, &[("far.jpg", &vec![0; 40 * 1024 * 1024])]).await;
    assert_eq!(far.expect(413).json()["rejected"][0]["filename"], "far.jpg");
    let empty = owner.attach(number, &[("empty.txt", b"")]).await;
    assert_eq!(empty.expect(415).json()["rejected"][0]["code"], "empty");
    assert_eq!(app.stored_keys().len(), 2, "one file and its thumbnail");
}

#[actix_web::test]
async fn good_files_of_a_batch_are_kept_and_each_bad_one_says_why() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Batch").await;
    let svg: &[u8] = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>";
    let batch: [(&str, &[u8]); 4] =
        [("a.png", &files::png(1)), ("b.svg", svg), ("c.png", svg), ("d <b>&.txt", "Grüße".as_bytes())];
    let answer = owner.attach(number, &batch).await;
    let json = answer.expect(201).json();
    assert_eq!(json["data"].as_array().unwrap().len(), 2);
    let codes: Vec<&str> =
        json["rejected"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["type_not_allowed", "content_mismatch"]);
    assert!(json["data"][0]["thumbnailUrl"].is_string() && json["data"][1]["thumbnailUrl"].is_null());

    let page = owner.send(owner.upload(number, &batch)).await;
    page.expect(201)
        .expect_text("<strong>b.svg</strong>: Only JPEG")
        .expect_text("d &#60;b&#62;&#38;.txt</a> attached");
    let none = owner.send(owner.upload(number, &batch[1..3])).await;
    none.expect(415).expect_text("No file was attached");
    owner.send(owner.upload(number, &[("", b"")])).await.expect(422).expect_text("Choose a file first");
    let all = owner.send(owner.upload(number, &batch[..1])).await;
    assert_eq!(all.expect(303).header("location"), format!("/tickets/{number}#files"));
}

#[actix_web::test]
async fn files_are_served_inert_under_their_own_name() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Serving").await;
    let png = files::png(1);
    let batch: [(&str, &[u8]); 3] =
        [("Bildschirm “ä”.png", &png), ("a.pdf", b"%PDF-1.4\n%%EOF"), ("списък;\".csv", b"a;b")];
    let json = owner.attach(number, &batch).await.expect(201).json();
    let url = |index: usize| json["data"][index]["url"].as_str().unwrap();

    let image = owner.get(url(0)).await;
    assert_eq!(image.expect(200).header("content-type"), "image/png");
    assert!(image.header("content-disposition").starts_with("inline;"), "{}", image.header("content-disposition"));
    assert!(image.header("content-disposition").contains("filename*=UTF-8''Bildschirm%20%E2%80%9C%C3%A4%E2%80%9D.png"));
    assert!(image.header("content-security-policy").contains("sandbox"));
    assert_eq!(image.header("cache-control"), "private, no-cache");
    assert_eq!(image.header("x-content-type-options"), "nosniff");
    assert!(image.header("content-encoding").is_empty() || image.header("content-encoding") == "identity");

    let pdf = owner.get(url(1)).await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(pdf.header("content-disposition").starts_with("inline;"));
    let csv = owner.get(url(2)).await;
    assert!(csv.header("content-type").starts_with("text/csv"));
    assert!(csv.header("content-disposition").starts_with("attachment;"));
    let download = owner.get(&format!("{}?download=1", url(0))).await;
    assert!(download.header("content-disposition").starts_with("attachment;"));

    let etag = image.header("etag").to_owned();
    let request = owner.request(reqwest::Method::GET, url(0)).header("if-none-match", &etag);
    owner.send(request).await.expect(304);
    let part = owner.send(owner.request(reqwest::Method::GET, url(0)).header("range", "bytes=1-3")).await;
    assert_eq!(part.expect(206).bytes, b"PNG");

    let thumbnail = owner.get(json["data"][0]["thumbnailUrl"].as_str().unwrap()).await;
    assert_eq!(thumbnail.expect(200).header("content-type"), "image/jpeg");
    image::load_from_memory(&thumbnail.bytes).unwrap();
    owner.get(&format!("{}/thumbnail", url(1))).await.expect(404);
}

#[actix_web::test]
async fn memory_storage_serves_the_same_bytes_and_ranges() {
    let app = TestApp::start_with(|config| config.storage_url = Some("memory:".into())).await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Elsewhere").await;
    let json = owner.attach(number, &[("a.txt", b"0123456789")]).await.expect(201).json();
    let url = json["data"][0]["url"].as_str().unwrap();
    let whole = owner.get(url).await;
    assert_eq!(whole.expect(200).bytes, b"0123456789");
    let range = |value: &str| owner.send(owner.request(reqwest::Method::GET, url).header("range", value));
    assert_eq!(range("bytes=2-4").await.expect(206).bytes, b"234");
    assert_eq!(range("bytes=-3").await.expect(206).header("content-range"), "bytes 7-9/10");
    range("bytes=20-").await.expect(416);
    let request = owner.request(reqwest::Method::GET, url).header("if-none-match", whole.header("etag"));
    owner.send(request).await.expect(304);
}

#[actix_web::test]
async fn a_file_can_be_taken_off_and_put_back() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Undo").await;
    let json = owner.attach(number, &[("needle.txt", b"text")]).await.json();
    let url = json["data"][0]["url"].as_str().unwrap();
    assert_eq!(owner.list("q=needle").await, [number], "found by its name");
    owner.post(&format!("{url}/delete"), &[]).await.expect(303);
    owner.get(url).await.expect(404);
    let page = owner.get(&format!("/tickets/{number}")).await;
    page.expect_text("needle.txt removed.").expect_text(&format!("action=\"{url}/restore\""));
    assert!(owner.list("q=needle").await.is_empty());
    owner.post(&format!("{url}/restore"), &[]).await.expect(303);
    owner.get(url).await.expect(200);
    owner.get(&format!("/tickets/{number}")).await.expect_text("removed the file needle.txt");
}

#[actix_web::test]
async fn a_missing_object_leaves_the_ticket_whole() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Bit rot").await;
    let json = owner.attach(number, &[("a.png", &files::png(3))]).await.json();
    for key in app.stored_keys() {
        std::fs::remove_file(app.dir.path().join("files").join(key)).unwrap();
    }
    owner.get(json["data"][0]["url"].as_str().unwrap()).await.expect(404).expect_text("missing from the server");
    owner.get(&format!("/tickets/{number}")).await.expect(200).expect_text("a.png");
}

#[actix_web::test]
async fn an_orphan_in_the_storage_is_never_overwritten() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Orphans").await;
    // Objects without a row, under the keys of the next three seconds.
    let folder = app.dir.path().join(format!("files/tickets/{}", owner.id));
    std::fs::create_dir_all(&folder).unwrap();
    let now = chrono::Utc::now().timestamp_millis();
    for stamp in now..now + 3_000 {
        if stamp % 4 != 0 {
            std::fs::write(folder.join(format!("{stamp}.txt")), "orphan").unwrap();
        }
    }
    let json = owner.attach(number, &[("a.txt", b"mine")]).await.expect(201).json();
    assert_eq!(owner.get(json["data"][0]["url"].as_str().unwrap()).await.bytes, b"mine");
    assert!(chrono::Utc::now().timestamp_millis() < now + 3_000, "the orphans' moments had passed");
    let keys = app.stored_keys();
    let orphans = keys.iter().filter(|key| std::fs::read(app.dir.path().join("files").join(key)).unwrap() == b"orphan");
    assert_eq!(orphans.count(), (now..now + 3_000).filter(|stamp| stamp % 4 != 0).count());
}

#[actix_web::test]
async fn s3_keeps_and_serves_the_same_files() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let bucket = dir.path().join("s3");
    let endpoint = s3::serve(&bucket);
    let in_the_bucket = |args: &[&str]| {
        let mut command = process::command(dir.path(), &database);
        command.args(args).envs(s3::settings(&endpoint));
        command
    };
    let server = Server::start_as(in_the_bucket(&[]));
    let owner = signed_in(&server).await;
    owner.get("/readyz").await.expect(200);
    let number = owner.make_ticket("In a bucket").await;
    let sent: Vec<Vec<u8>> = (0..20).map(files::png).collect();
    let uploads = sent.iter().map(|bytes| {
        let owner = owner.clone();
        async move { owner.attach(number, &[("a.png", bytes)]).await.expect(201).json()["data"][0].clone() }
    });
    for (file, bytes) in futures_util::future::join_all(uploads).await.iter().zip(&sent) {
        let url = file["url"].as_str().unwrap();
        assert_eq!(&owner.get(url).await.expect(200).bytes, bytes);
        let part = owner.send(owner.request(reqwest::Method::GET, url).header("range", "bytes=1-3")).await;
        assert_eq!(part.expect(206).bytes, b"PNG");
        owner.get(&format!("{url}/thumbnail")).await.expect(200);
    }
    let keys = files::keys_below(&bucket.join(s3::BUCKET));
    let kept = |prefix: &str| keys.iter().filter(|key| key.starts_with(prefix)).count();
    assert_eq!((kept("desk/tickets/1/"), kept("desk/thumbnails/1/")), (20, 20), "{keys:?}");
    let archive = owner.get(&format!("/tickets/{number}/attachments.zip")).await;
    assert_eq!(zip::ZipArchive::new(std::io::Cursor::new(&archive.expect(200).bytes)).unwrap().len(), 20);

    let check = |args: &[&str]| {
        let output = process::run(in_the_bucket(args), "");
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(
        check(&["check"]),
        (Some(0), "Files checked: 20. Tickets checked: 1. Problems: 0, repaired: 0.\n".into())
    );
    let of = |prefix: &str| keys.iter().find(|key| key.starts_with(prefix)).unwrap();
    std::fs::remove_file(bucket.join(s3::BUCKET).join(of("desk/thumbnails/"))).unwrap();
    let (code, said) = check(&["check", "--repair"]);
    assert!(code == Some(0) && said.contains("created again"), "{said}");
    std::fs::remove_file(bucket.join(s3::BUCKET).join(of("desk/tickets/"))).unwrap();
    let (code, said) = check(&["check", "--repair"]);
    assert!(code == Some(1) && said.contains("is missing from the storage"), "{said}");
}

/// Files removed from a ticket are deleted permanently after 30 days; unfinished
/// reservations after 15 minutes.
#[actix_web::test]
async fn the_janitor_clears_deleted_files_and_stale_reservations() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Cleared").await;
    let json = owner.attach(number, &[("gone.png", &files::png(1)), ("stays.png", &files::png(2))]).await.json();
    let gone = json["data"][0]["url"].as_str().unwrap().to_owned();
    owner.post(&format!("{gone}/delete"), &[]).await.expect(303);
    let actor = app.actor(&owner).await;
    let (now, reserved) = (app.app.clock.now(), a_byte("reserved"));
    let reserve = move |conn: &mut _| reserve::reserve(conn, &actor, number, &reserved, i64::MAX, now);
    let stamp = app.app.db.write(reserve).await.unwrap();
    // The upload was killed after the thumbnail was stored and before the row recorded it.
    let thumbnail = format!("files/thumbnails/{}/{stamp}.jpg", owner.id);
    std::fs::write(app.dir.path().join(thumbnail), "small").unwrap();
    let rows = || async {
        let count = |conn: &mut _| Ok(attachments::table.count().get_result::<i64>(conn)?);
        app.app.db.read(count).await.unwrap()
    };
    janitor::clear(&app.app).await.unwrap();
    assert_eq!((rows().await, app.stored_keys().len()), (3, 5), "nothing is old yet");
    app.wait(Duration::from_secs(16 * 60));
    janitor::clear(&app.app).await.unwrap();
    assert_eq!((rows().await, app.stored_keys().len()), (2, 4), "the reservation is gone, and its thumbnail");
    app.wait(Duration::from_secs(30 * 24 * 3600 + 3600));
    janitor::clear(&app.app).await.unwrap();
    assert_eq!((rows().await, app.stored_keys().len()), (1, 2), "and so is the deleted file");
    owner.sign_in(&owner.email, PASSWORD).await.expect(303);
    owner.post(&format!("{gone}/restore"), &[]).await.expect(404);
}

/// Account quota and minimum free disk space: files are refused, everything else keeps working.
#[actix_web::test]
async fn without_room_files_are_refused_and_the_rest_goes_on() {
    let app = TestApp::start_with(|config| config.account_quota = Some("5KB".parse().unwrap())).await;
    let (owner, other) = (app.owner().await, app.owner().await);
    let number = owner.make_ticket("Quota").await;
    let answer = owner.attach(number, &[("a.txt", &[b'a'; 3000]), ("b.txt", &[b'b'; 3000])]).await;
    let json = answer.expect(201).json();
    assert_eq!(
        (json["data"][0]["filename"].as_str(), json["rejected"][0]["code"].as_str()),
        (Some("a.txt"), Some("no_room"))
    );
    owner.attach(number, &[("b.txt", &[b'b'; 3000])]).await.expect(507);
    owner.send(owner.upload(number, &[("b.txt", &[b'b'; 3000])])).await.expect(507).expect_text("out of file storage");
    owner.attach(number, &[("c.txt", &[b'c'; 2000])]).await.expect(201);
    let theirs = other.make_ticket("Their own quota").await;
    other.attach(theirs, &[("b.txt", &[b'b'; 3000])]).await.expect(201);

    // Deleted files count towards the quota until nobody can restore them.
    let file = json["data"][0]["url"].as_str().unwrap();
    owner.post(&format!("{file}/delete"), &[]).await.expect(303);
    owner.attach(number, &[("b.txt", &[b'b'; 3000])]).await.expect(507);
    app.wait(Duration::from_secs(31 * 24 * 3600));
    janitor::clear(&app.app).await.unwrap();
    owner.sign_in(&owner.email, PASSWORD).await.expect(303);
    owner.attach(number, &[("b.txt", &[b'b'; 3000])]).await.expect(201);

    let full = TestApp::start_with(|config| config.free_disk_floor = "8000000TB".parse().unwrap()).await;
    let owner = full.owner().await;
    let number = owner.make_ticket("Tickets go on").await;
    let answer = owner.attach(number, &[("a.txt", b"a")]).await;
    assert_eq!(answer.expect(507).json()["rejected"][0]["code"], "no_room");
    owner.set_status(number, "closed").await.expect(303);
    assert!(full.stored_keys().iter().all(|key| !key.starts_with("tickets/")));
}

#[actix_web::test]
async fn all_files_come_as_one_archive() {
    let app = TestApp::start().await;
    let (owner, other) = (app.owner().await, app.owner().await);
    let number = owner.make_ticket("All at once").await;
    let archive = format!("/tickets/{number}/attachments.zip");
    owner.get(&archive).await.expect(404);
    let whole = files::jpeg_of(LIMIT);
    let batch: [(&str, &[u8]); 4] =
        [("Bild ä.png", &files::png(1)), ("bild Ä.PNG", &files::png(2)), ("large.jpg", &whole), ("lost.txt", b"lost")];
    owner.attach(number, &batch).await.expect(201);
    let lost = app.stored_keys().into_iter().find(|key| key.ends_with(".txt")).unwrap();
    std::fs::remove_file(app.dir.path().join("files").join(lost)).unwrap();

    let answer = owner.get(&archive).await;
    assert_eq!(answer.expect(200).header("content-type"), "application/zip");
    assert!(answer.header("content-disposition").starts_with("attachment;"));
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&answer.bytes)).unwrap();
    let mut found = HashMap::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        found.insert(entry.name().unwrap().into_owned(), bytes);
    }
    assert_eq!(found.len(), 4, "{:?}", found.keys());
    assert_eq!((&found["Bild ä.png"], &found["bild Ä (2).PNG"]), (&files::png(1), &files::png(2)));
    assert!(found["large.jpg"] == whole);
    assert!(String::from_utf8_lossy(&found["missing files.txt"]).contains("lost.txt"));
    other.get(&archive).await.expect(404);
}

#[actix_web::test]
async fn a_file_gets_another_name_of_its_type() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Names").await;
    let json = owner.attach(number, &[("scan0001.pdf", &files::pdf("0 0 0"))]).await.expect(201).json();
    let url = json["data"][0]["url"].as_str().unwrap();
    let rename = async |name: &str| owner.post(&format!("{url}/rename"), &[("filename", name)]).await;
    rename("Vertrag März").await.expect(303);
    let page = owner.get(&format!("/tickets/{number}")).await;
    page.expect_text("renamed the file scan0001.pdf to Vertrag März.pdf");
    assert_eq!(owner.list("q=vertrag").await, [number], "found by its new name");
    assert!(owner.list("q=scan0001").await.is_empty());
    assert!(owner.get(url).await.header("content-disposition").contains("Vertrag%20M%C3%A4rz.pdf"));
    rename(" .. ").await.expect(422).expect_text("The file has no name.");
    rename("page.html").await.expect(303);
    let served = owner.get(url).await;
    assert_eq!(served.header("content-type"), "application/pdf");
    assert!(served.header("content-disposition").contains("page.html.pdf"));
}

#[actix_web::test]
async fn a_missing_thumbnail_shows_that_it_is_missing() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("No thumbnail").await;
    let json = owner.attach(number, &[("a.png", &files::png(3))]).await.json();
    let thumbnail = app.stored_keys().into_iter().find(|key| key.starts_with("thumbnails/")).unwrap();
    std::fs::remove_file(app.dir.path().join("files").join(thumbnail)).unwrap();
    let answer = owner.get(json["data"][0]["thumbnailUrl"].as_str().unwrap()).await;
    assert_eq!(answer.expect(404).header("content-type"), "image/svg+xml");
    assert!(answer.header("content-security-policy").contains("sandbox"));
    answer.expect_text("Missing");
}

#[actix_web::test]
async fn one_request_holds_so_many_files_and_no_more() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Bounds").await;
    let names: Vec<String> = (1..=22).map(|count| format!("{count}.txt")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"text".as_slice())).collect();
    let json = owner.attach(number, &many).await.expect(201).json();
    assert_eq!(json["data"].as_array().unwrap().len(), 20);
    let refused: Vec<&str> =
        json["rejected"].as_array().unwrap().iter().map(|one| one["filename"].as_str().unwrap()).collect();
    assert_eq!(refused, ["21.txt", "22.txt"]);

    // A body above the limit of a request is not read to its end, whatever its field is called.
    let form = reqwest::multipart::Form::new().text("other", "x".repeat(106 * 1024 * 1024));
    let request = owner.request(reqwest::Method::POST, &format!("/tickets/{number}/attachments")).multipart(form);
    if let Ok(answer) = request.header("accept", "application/json").send().await {
        assert_eq!(answer.status(), 413);
    }
}

/// Browsers encode a quote in a file name as `%22`, and encode nothing else that way.
#[actix_web::test]
async fn quotes_in_a_name_come_back() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Quotes").await;
    let body = "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"%22100%%22 sure.txt\"\r\n\r\ntext\r\n--x--\r\n";
    let request = owner
        .request(reqwest::Method::POST, &format!("/tickets/{number}/attachments"))
        .header("content-type", "multipart/form-data; boundary=x")
        .header("accept", "application/json")
        .body(body);
    let json = owner.send(request).await.expect(201).json();
    assert_eq!(json["data"][0]["filename"], "\"100%\" sure.txt");
}

#[actix_web::test]
async fn a_ticket_holds_500_files() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Full").await;
    let actor = app.actor(&owner).await;
    let now = app.app.clock.now();
    let fill = move |conn: &mut _| {
        for count in 0..500 {
            let new = a_byte(&format!("file{count}"));
            reserve::reserve(conn, &actor, number, &new, i64::MAX, now)?;
        }
        Ok(())
    };
    app.app.db.write(fill).await.unwrap();
    let json = owner.attach(number, &[("one more.txt", b"text")]).await.expect(507).json();
    assert!(json["rejected"][0]["message"].as_str().unwrap().contains("500"));
}

/// Small files that unpack to large ones are refused or accepted, with little time and memory.
#[actix_web::test]
async fn bombs_do_no_harm() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let server = Server::start(dir.path(), &database);
    let owner = signed_in(&server).await;
    let number = owner.make_ticket("Bombs").await;
    for (name, bytes) in files::bombs() {
        let begun = std::time::Instant::now();
        let one: [(&str, &[u8]); 1] = [(name, &bytes)];
        let copies = (0..3).map(|_| owner.attach(number, &one));
        for answer in futures_util::future::join_all(copies).await {
            assert!([201, 413, 415].contains(&answer.status), "{name}: {} {}", answer.status, answer.body);
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{name} took {:?}", begun.elapsed());
        let peak = server.peak_megabytes();
        assert!(peak < 250, "{peak} MB after {name}");
    }
    owner.attach(number, &[("after.png", &files::png(1))]).await.expect(201);
}

/// An upload that continues after its reservation was cleared shows no file: its bytes may
/// be deleted already.
#[actix_web::test]
async fn a_given_up_reservation_never_becomes_ready() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Late").await;
    let actor = app.actor(&owner).await;
    let now = app.app.clock.now();
    let new = || a_byte("late");
    let by = actor.clone();
    app.app.db.write(move |conn| reserve::reserve(conn, &by, number, &new(), i64::MAX, now)).await.unwrap();
    app.app.db.write(move |conn| inventory::release_reservations(conn, now)).await.unwrap();
    let late = app.app.db.write(move |conn| reserve::make_ready(conn, &actor, number, "late", None, now)).await;
    assert_eq!(late.unwrap_err().kind, docket::error::Kind::Unavailable);
    owner.get(&format!("/tickets/{number}/attachments/late")).await.expect(404);
}
