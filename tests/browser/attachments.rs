//! Files on a ticket in a real browser: with the mouse, with the keyboard only, without
//! scripts, and in the browser's own viewers.

use crate::support::browser::{Browser, keys};
use crate::support::{PASSWORD, Person, TestApp, files};

/// A browser that is signed in and shows a ticket.
async fn open_ticket(scripts: bool) -> (TestApp, Person, i64, Browser) {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Ten files").await;
    let browser = Browser::start(scripts).await;
    browser.goto(&format!("{}/login?next=/tickets/{number}", app.base)).await;
    browser.fill("[name=email]", &owner.email).await;
    browser.fill("[name=password]", PASSWORD).await;
    browser.click("button.primary").await;
    browser.see("Ten files").await;
    (app, owner, number, browser)
}

/// Seven valid files and three invalid ones.
fn ten() -> Vec<(&'static str, Vec<u8>)> {
    let mut ten: Vec<_> = ["one.png", "two.png", "drei ä.png", "четыре.png"]
        .into_iter()
        .zip(1..)
        .map(|(name, seed)| (name, files::png(seed)))
        .collect();
    ten.extend([
        ("manual.pdf", files::pdf("0 0 1")),
        ("notes.txt", b"Gr\xfc\xdfe".to_vec()),
        ("setup.exe", b"MZ".to_vec()),
        ("page.png", b"<!doctype html><script>alert(1)</script>".to_vec()),
        ("over.jpg", files::jpeg_of(5_242_881)),
        ("slow.jpg", files::jpeg_of(4_000_000)),
    ]);
    ten
}

const REASONS: [&str; 3] = [
    "Only JPEG, PNG, WebP, GIF, PDF, TXT, CSV, DOC and DOCX files can be attached.",
    "The file's name says PNG, but its content is HTML. Save it as PDF.",
    "The file is larger than 5 MB.",
];

fn count_files(count: usize) -> String {
    format!("return document.querySelectorAll('.file').length === {count}")
}

#[actix_web::test]
async fn browser_ten_files_with_the_mouse() {
    let (app, owner, number, browser) = open_ticket(true).await;
    browser.slow_down(100_000).await;
    let ten = ten();
    let dropped: Vec<(&str, &[u8])> = ten.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    browser.drop_files(&dropped).await;
    for reason in REASONS {
        browser.see(reason).await;
    }
    // The slow upload shows its speed until it is cancelled.
    browser.until("the speed is told", "return [...document.querySelectorAll('.upload-note')].some((note) => / of 3.8 MB, /.test(note.textContent))").await;
    browser.click("[aria-label='Cancel slow.jpg']").await;
    browser.slow_down(0).await;
    browser.until("six files are there", &count_files(6)).await;
    browser.paste_files(&[("image.png", &files::png(9))]).await;
    browser.until("the pasted one, too", &count_files(7)).await;
    browser.see("Pasted 20").await;

    browser.click(".file [data-picture='one.png']").await;
    browser.see("one.png (1 of 5)").await;
    browser.press(keys::RIGHT).await;
    browser.see("two.png (2 of 5)").await;
    browser.press(keys::ESCAPE).await;
    browser.until("the larger view is closed", "return !document.querySelector('dialog').open").await;

    browser.click("[aria-label='Remove notes.txt']").await;
    browser.see("notes.txt removed.").await;
    browser.until("it is gone", &count_files(6)).await;
    browser.click(".flash button").await;
    browser.see("notes.txt restored.").await;
    browser.until("it is back", &count_files(7)).await;
    browser.click("[aria-label='Rename manual.pdf']").await;
    browser.fill(".file details[open] [name=filename]", "Handbuch").await;
    browser.press(keys::ENTER).await;
    browser.see("Renamed to Handbuch.pdf.").await;

    // The server has the same files as the page shows.
    let page = owner.get(&format!("/tickets/{number}")).await;
    for name in ["one.png", "two.png", "drei ä.png", "четыре.png", "Handbuch.pdf", "notes.txt", "Pasted 20"] {
        page.expect_text(name);
    }
    assert_eq!(app.stored_keys().iter().filter(|key| key.starts_with("tickets/")).count(), 7);
    browser.stop().await;
}

#[actix_web::test]
async fn browser_ten_files_by_keyboard_alone() {
    let (app, _, _, browser) = open_ticket(true).await;
    browser.slow_down(100_000).await;
    let paths: Vec<String> =
        ten().iter().map(|(name, bytes)| app.file(name, bytes).to_str().unwrap().to_owned()).collect();
    // Simulates choosing files in the system's dialog and pressing Enter.
    browser.find("#file-input").await.send_keys(&paths.join("\n")).await.unwrap();
    for reason in REASONS {
        browser.see(reason).await;
    }
    browser.tab_to("Cancel slow.jpg").await;
    browser.press(keys::ENTER).await;
    browser.slow_down(0).await;
    browser.until("six files are there", &count_files(6)).await;
    browser
        .until(
            "the last one is announced",
            "return /is (attached|cancelled)/.test(document.querySelector('[data-file-status]').textContent)",
        )
        .await;
    browser.tab_to("Hide setup.exe").await;
    browser.press(keys::ENTER).await;
    browser.paste_files(&[("image.png", &files::png(9))]).await;
    browser.until("the pasted one, too", &count_files(7)).await;

    browser.run("document.querySelector('h1 textarea').focus()", vec![]).await;
    browser.tab_to("one.png").await;
    browser.press(keys::ENTER).await;
    browser.see("one.png (1 of 5)").await;
    browser.press(keys::RIGHT).await;
    browser.see("two.png (2 of 5)").await;
    browser.press(keys::ESCAPE).await;
    browser.until("the larger view is closed", "return !document.querySelector('dialog').open").await;
    assert_eq!(browser.focused().await, "two.png", "one goes on where one looked");

    browser.tab_to("Remove two.png").await;
    browser.press(keys::ENTER).await;
    browser.see("two.png removed.").await;
    browser.until("the undo has the focus", "return document.activeElement.textContent === 'Undo'").await;
    browser.press(keys::ENTER).await;
    browser.see("two.png restored.").await;
    browser.until("the file has the focus", "return document.activeElement.textContent.trim() === 'two.png'").await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_ten_files_without_scripts() {
    let (app, _, number, browser) = open_ticket(false).await;
    let paths: Vec<String> =
        ten().iter().map(|(name, bytes)| app.file(name, bytes).to_str().unwrap().to_owned()).collect();
    browser.find("#file-input").await.send_keys(&paths.join("\n")).await.unwrap();
    browser.click(".drop button").await;
    browser.see("Some files were not attached").await;
    for (name, reason) in ["setup.exe: Only JPEG", "page.png: The file's name says PNG", "over.jpg: The file is larger"]
        .map(|line| line.split_once(' ').unwrap())
    {
        browser.see(&format!("{name} {reason}")).await;
    }
    browser.see("slow.jpg attached.").await;
    browser.click("main .button.primary").await;
    browser.until("seven files are there", &count_files(7)).await;
    browser.click("[aria-label='Remove notes.txt']").await;
    browser.see("notes.txt removed.").await;
    browser.click(".flash button").await;
    browser.see("notes.txt restored.").await;
    browser.click("[aria-label='Rename manual.pdf']").await;
    browser.fill(".file details[open] [name=filename]", "Handbuch.pdf").await;
    browser.click(".file details[open] button").await;
    browser.see("Renamed to Handbuch.pdf.").await;
    // A picture opens as a separate page.
    let picture = browser.find(".file [data-picture='one.png']").await.prop("href").await.unwrap().unwrap();
    browser.goto(&picture).await;
    browser.until("the picture shows", "return document.images[0].naturalWidth === 64").await;
    assert!(picture.contains(&format!("/tickets/{number}/attachments/")));
    browser.stop().await;
}

/// A PDF opens in the browser's own viewer: the test looks for the colour of its page.
#[actix_web::test]
async fn browser_a_pdf_shows_its_pixels() {
    let (_app, owner, number, browser) = open_ticket(true).await;
    let json = owner.attach(number, &[("page.pdf", &files::pdf("1 0 0.5"))]).await.expect(201).json();
    browser.goto(&format!("{}{}", owner.base, json["data"][0]["url"].as_str().unwrap())).await;
    let begun = std::time::Instant::now();
    loop {
        let screen = image::load_from_memory(&browser.client.screenshot().await.unwrap()).unwrap().to_rgb8();
        let is_pink = |pixel: &&image::Rgb<u8>| pixel[0] > 240 && pixel[1] < 20 && (110..150).contains(&pixel[2]);
        if screen.pixels().filter(is_pink).count() > 20_000 {
            break;
        }
        assert!(begun.elapsed() < crate::support::browser::PATIENCE, "the page of the PDF never showed");
    }
    browser.stop().await;
}
