//! The desk's scripts in a real browser: input methods, the back-forward cache, drafts,
//! two desks in one browser, files from the clipboard and by drag and drop, and texts
//! that are too long.

use crate::conversations::begin;
use crate::support::browser::{Browser, keys};
use crate::support::{PASSWORD, Person, TestApp, files};
use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::{Value, json};

/// A desk, its owner, and a browser in which the owner is signed in and on that page.
pub async fn desk_at(path: &str) -> (TestApp, Person, Browser) {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let browser = Browser::start(true).await;
    sign_in(&browser, &owner).await;
    browser.goto(&format!("{}{path}", app.base)).await;
    (app, owner, browser)
}

/// The same, on the page of a newly created ticket.
async fn ticket(title: &str) -> (TestApp, Person, i64, Browser) {
    let (app, owner, browser) = desk_at("/tickets").await;
    let number = owner.make_ticket(title).await;
    browser.goto(&format!("{}/tickets/{number}", app.base)).await;
    (app, owner, number, browser)
}

pub async fn sign_in(browser: &Browser, person: &Person) {
    browser.goto(&format!("{}/login", person.base)).await;
    browser.fill("[name=email]", &person.email).await;
    browser.fill("[name=password]", PASSWORD).await;
    browser.click("button.primary").await;
    browser.find("[data-sign-out]").await;
}

impl Browser {
    async fn is_true(&self, script: &str) {
        assert_eq!(self.run(script, vec![]).await, json!(true), "{script}");
    }

    async fn value(&self, css: &str) -> String {
        self.find(css).await.prop("value").await.unwrap().unwrap()
    }

    /// Pastes a picture together with a text. Returns whether the page accepted the picture.
    async fn paste_picture_with(&self, css: &str, name: &str, text: &str) -> bool {
        let script = "const transfer = new DataTransfer();
            const [css, name, base64, text] = arguments;
            const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type: 'image/png' }));
            transfer.setData('text/plain', text);
            const field = document.querySelector(css);
            field.focus();
            const paste = new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: transfer });
            return !field.dispatchEvent(paste);";
        let picture = BASE64.encode(files::png(text.len() as u32));
        let args = vec![json!(css), json!(name), json!(picture), json!(text)];
        self.run(script, args).await == json!(true)
    }

    /// Replaces the field's text like a user who types or pastes.
    async fn insert(&self, css: &str, text: &str) {
        let script =
            "document.querySelector(arguments[0]).select(); document.execCommand('insertText', false, arguments[1])";
        self.run(script, vec![json!(css), json!(text)]).await;
    }

    pub async fn ends_at(&self, path: &str) {
        let script = format!("return document.readyState === 'complete' && location.pathname === '{path}'");
        self.until(path, &script).await;
    }

    async fn storage(&self) -> Value {
        self.run("return { ...localStorage }", vec![]).await
    }
}

/// `key(field, init, code)` presses a key in a field and returns whether no script handled it.
const KEY: &str = "const key = (field, init, code) => {
    const event = new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init });
    if (code) Object.defineProperty(event, 'keyCode', { value: code });
    return field.dispatchEvent(event);
};";

/// Keys from an input method: most browsers set `isComposing`, Safari only the code 229.
fn composed(key: &str) -> [String; 2] {
    [format!("{{ key: '{key}', ctrlKey: true, isComposing: true }}"), format!("{{ key: '{key}', ctrlKey: true }}, 229")]
}

#[actix_web::test]
async fn browser_keys_of_an_input_method_are_not_ours() {
    let (app, owner, number, browser) = ticket("Before").await;
    owner.attach(number, &[("one.png", &files::png(1))]).await.expect(201);
    browser.goto(&format!("{}/tickets/{number}", app.base)).await;
    let title = format!("{KEY} const title = document.querySelector('h1 textarea'); title.value = '日本';");
    let rename = format!(
        "{KEY} const rename = document.querySelector('.file-actions [data-editor]'); rename.open = true;
        const name = rename.querySelector('[name=filename]'); name.value = '日本.txt';"
    );
    let menu = format!("{KEY} const menu = document.querySelector('[data-menu]'); menu.open = true;");
    for press in composed("Escape").into_iter().chain(composed("Enter")) {
        browser.is_true(&format!("{title} return key(title, {press}) && title.value === '日本'")).await;
        browser
            .is_true(&format!("{rename} return key(name, {press}) && rename.open && name.value === '日本.txt'"))
            .await;
        browser.is_true(&format!("{menu} return key(document.body, {press}) && menu.open")).await;
    }
    // The scripts handle keys that the user presses directly.
    browser.is_true(&format!("{title} return key(title, {{ key: 'Escape' }}) && title.value === 'Before'")).await;
    browser.is_true(&format!("{title} return !key(title, {{ key: 'Enter' }})")).await;
    browser.ends_at(&format!("/tickets/{number}")).await;
    browser.until("it is saved", "return document.querySelector('h1 textarea').defaultValue === '日本'").await;

    let id = begin(&app, &owner, "Hello").await;
    browser.goto(&format!("{}/conversations/{id}", app.base)).await;
    let reply = format!("{KEY} const body = document.querySelector('[name=body]'); body.value = '日本';");
    for press in composed("Enter") {
        browser.is_true(&format!("{reply} return key(body, {press}) && body.value === '日本'")).await;
    }
    browser.is_true(&format!("{reply} return !key(body, {{ key: 'Enter', ctrlKey: true }})")).await;
    browser.see("日本").await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_a_page_that_comes_back_sends_again() {
    let (app, owner, _, browser) = ticket("Sent twice").await;
    let submit = "const form = document.querySelector('form[action$=\"/delete\"]');
        const submit = () => form.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true }));
        const back = () => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));";
    browser.is_true(&format!("{submit} return submit() && !submit() && (back(), submit())")).await;

    let id = begin(&app, &owner, "Hello").await;
    browser.goto(&format!("{}/conversations/{id}", app.base)).await;
    let button = "const button = document.querySelector('[data-reply] button'); button.disabled = true;
        dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));";
    browser.is_true(&format!("{button} return !button.disabled")).await;
    browser.stop().await;
}

const NEW_TICKET: [(&str, &str); 4] = [
    ("[name=title]", "The lamp is broken"),
    ("[name=requesterName]", "Vera Visitor"),
    ("[name=requesterEmail]", "vera@example.com"),
    ("[name=notes]", "Call her back"),
];

async fn type_new_ticket(browser: &Browser) {
    for (css, text) in NEW_TICKET {
        browser.fill(css, text).await;
    }
}

/// The page shows one notice, and every field contains the typed text.
async fn expect_new_ticket(browser: &Browser) {
    browser.see("Unsaved text restored.").await;
    browser.is_true("return document.querySelectorAll('form .notice').length === 1").await;
    for (css, text) in NEW_TICKET {
        assert_eq!(browser.value(css).await, text);
    }
}

#[actix_web::test]
async fn browser_a_new_ticket_keeps_what_is_typed() {
    let (app, _, browser) = desk_at("/tickets/new").await;
    type_new_ticket(&browser).await;
    browser.client.refresh().await.unwrap();
    expect_new_ticket(&browser).await;
    browser.goto(&format!("{}/tickets", app.base)).await;
    browser.client.back().await.unwrap();
    expect_new_ticket(&browser).await;

    // A ticket from another source has its own draft.
    browser.goto(&format!("{}/tickets/new?conversationId=elsewhere", app.base)).await;
    assert_eq!(browser.value("[name=notes]").await, "");

    // A refused form keeps the draft.
    browser.goto(&format!("{}/tickets/new", app.base)).await;
    browser.fill("[name=title]", "   ").await;
    browser.click("main button.primary").await;
    browser.find(".problem").await;
    browser.goto(&format!("{}/tickets/new", app.base)).await;
    assert_eq!(browser.value("[name=notes]").await, "Call her back");

    browser.click("main .notice button").await;
    browser.is_true("return document.querySelector('form .notice') === null").await;
    for (css, _) in NEW_TICKET {
        assert_eq!(browser.value(css).await, "");
    }
    assert_eq!(browser.storage().await, json!({}));

    // Creating the ticket discards the draft.
    type_new_ticket(&browser).await;
    browser.click("main button.primary").await;
    browser.ends_at("/tickets/1").await;
    assert_eq!(browser.storage().await, json!({}));
    browser.goto(&format!("{}/tickets/new", app.base)).await;
    assert_eq!(browser.value("[name=notes]").await, "");
    browser.stop().await;
}

#[actix_web::test]
async fn browser_two_desks_keep_their_drafts_apart() {
    let (one, other) = (TestApp::start().await, TestApp::start().await);
    let (first, second) = (one.owner().await, other.owner().await);
    let browser = Browser::start(true).await;
    for owner in [&first, &second] {
        assert_eq!(owner.make_ticket("Number one").await, 1, "the same number, and the same user");
        sign_in(&browser, owner).await;
    }
    assert_eq!(first.id, second.id);

    // Signing in to the second desk did not end the session of the first desk.
    let write_notes = async |base: &str, text: &str| {
        browser.goto(&format!("{base}/tickets/1")).await;
        browser.click(".editor summary").await;
        browser.fill("[name=notes]", text).await;
    };
    write_notes(&one.base, "of the first desk").await;
    let stored = browser.storage().await;
    write_notes(&other.base, "of the second desk").await;

    // Simulates two desks under paths of one host, which share localStorage.
    let put = "Object.assign(localStorage, arguments[0]); return Object.keys(localStorage).length";
    assert_eq!(browser.run(put, vec![stored]).await, json!(2));
    browser.client.refresh().await.unwrap();
    browser.see("Unsaved text restored.").await;
    assert_eq!(browser.value("[name=notes]").await, "of the second desk");

    // Signing out discards only the drafts of that desk.
    browser.run("window.confirm = () => true; document.querySelector('[data-sign-out]').requestSubmit()", vec![]).await;
    browser.find("[name=password]").await;
    assert_eq!(browser.run("return Object.keys(localStorage).length", vec![]).await, json!(1));
    browser.goto(&format!("{}/tickets/1", one.base)).await;
    browser.see("Unsaved text restored.").await;
    assert_eq!(browser.value("[name=notes]").await, "of the first desk");
    browser.stop().await;
}

fn count_files(count: usize) -> String {
    format!("return document.querySelectorAll('.file').length === {count}")
}

#[actix_web::test]
async fn browser_pasted_pictures_get_names_of_their_own() {
    let (_app, _, _, browser) = ticket("Pictures").await;
    let pictures = [files::png(1), files::png(2), files::png(3), files::png(4)];
    let [one, two, three, four] = pictures.each_ref().map(|bytes| ("image.png", bytes.as_slice()));
    browser.paste_files(&[one, two, three]).await;
    browser.paste_files(&[four]).await;
    browser.until("all of them are there", &count_files(4)).await;
    browser
        .is_true("return new Set([...document.querySelectorAll('.file')].map((file) => file.dataset.name)).size === 4")
        .await;
    browser.see("(2).png").await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_a_copied_file_is_attached_wherever_it_is_pasted() {
    let (_app, _, _, browser) = ticket("Copied").await;
    // Office programs copy text together with a picture of it.
    assert!(!browser.paste_picture_with("#line", "image.png", "Two words").await);
    // Finder copies the file name with the file, other file managers the path.
    assert!(browser.paste_picture_with("#line", "Bildschirm fo\u{308}to.png", "Bildschirm föto.png").await);
    assert!(browser.paste_picture_with("#line", "two.png", "/home/ana/two.png").await);
    assert!(browser.paste_picture_with("#line", "a b.png", "file:///home/ana/a%20b.png\r\n").await);
    browser.until("all three are attached", &count_files(3)).await;
    assert_eq!(browser.value("#line").await, "");
    browser.stop().await;
}

#[actix_web::test]
async fn browser_files_of_a_new_ticket_end_on_the_ticket() {
    let (app, owner, browser) = desk_at("/tickets/new").await;
    browser.fill("[name=title]", "   ").await;
    browser
        .drop_files(&[("Screenshot ä.png", &files::png(1)), ("setup.exe", b"MZ"), ("wrong.png", &files::png(2))])
        .await;
    browser.paste_files(&[("image.png", &files::png(3))]).await;
    let over = app.file("over.jpg", &files::jpeg_of(5_242_881));
    browser.find("#file-input").await.send_keys(over.to_str().unwrap()).await.unwrap();
    browser.see("The file is larger than 5 MB.").await;
    browser.click("[aria-label='Hide over.jpg']").await;
    browser.click("[aria-label='Remove wrong.png']").await;
    browser.until("three files wait", "return document.querySelectorAll('.upload').length === 3").await;

    // A refused form keeps the files.
    browser.click("main button.primary").await;
    browser.find("main .problem").await;
    browser.until("three files wait", "return document.querySelectorAll('.upload').length === 3").await;
    browser.fill("[name=title]", "With files").await;
    browser.click("main button.primary").await;
    browser.ends_at("/tickets/1").await;
    browser.see("setup.exe was not attached: Only JPEG").await;
    browser.find(".flash").await;
    browser.until("two files are there", &count_files(2)).await;
    owner.get("/tickets/1").await.expect_text("Screenshot ä.png").expect_text("Pasted 20").expect_no_text("wrong.png");
    assert_eq!(browser.storage().await, json!({}));

    // The problem appears only once.
    browser.client.refresh().await.unwrap();
    browser.is_true("return document.querySelector('main > .problem') === null").await;
    browser.stop().await;
}

/// Somebody else created a ticket for the same source while this one was being typed.
#[actix_web::test]
async fn browser_files_wait_while_a_second_ticket_is_confirmed() {
    let (_app, owner, browser) = desk_at("/tickets/new?conversationId=elsewhere").await;
    owner.make_ticket_of(&[("title", "The first one"), ("conversationId", "elsewhere")]).await;
    browser.fill("[name=title]", "The second one").await;
    browser.drop_files(&[("one.png", &files::png(1))]).await;
    browser.click("main button.primary").await;
    browser.see("The first one").await;
    browser.click("main button.primary").await;
    browser.ends_at("/tickets/2").await;
    browser.until("the file is there", &count_files(1)).await;
    owner.get("/tickets/new?conversationId=elsewhere").await.expect_text("#2 The second one");
    browser.stop().await;
}

#[actix_web::test]
async fn browser_a_dropped_file_never_replaces_the_page() {
    let (app, owner, browser) = desk_at("/tickets").await;
    let drop = "const transfer = new DataTransfer(); transfer.items.add(new File(['x'], 'x.txt'));
        const drop = (type) => !document.querySelector('main').dispatchEvent(
            new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
        return drop('dragover') && drop('drop')";
    browser.is_true(drop).await;
    let id = begin(&app, &owner, "Hello").await;
    browser.goto(&format!("{}/conversations/{id}", app.base)).await;
    browser.is_true(drop).await;
    browser.until("it goes on the reply", "return document.querySelector('.chosen').textContent === 'x.txt×'").await;
    browser.stop().await;
}

/// The server recognises formats, so the page shows the server's advice.
#[actix_web::test]
async fn browser_a_refused_file_shows_the_servers_advice() {
    let (_app, owner, number, browser) = ticket("From a phone").await;
    let heic: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat";
    for name in ["IMG_1.HEIC", "photo.jpg"] {
        let answer = owner.attach(number, &[(name, heic)]).await.expect(415).json();
        let advice = answer["rejected"][0]["message"].as_str().unwrap().to_owned();
        browser.drop_files(&[(name, heic)]).await;
        let shown = "[...document.querySelectorAll('.upload-note')].map((note) => note.textContent)";
        browser.until(&advice, &format!("return {shown}.includes({})", json!(advice))).await;
    }
    browser.stop().await;
}

#[actix_web::test]
async fn browser_long_text_is_counted_and_never_cut() {
    let (_app, _, browser) = desk_at("/tickets/new").await;
    browser.insert("[name=title]", &"x".repeat(260)).await;
    browser.see("60 characters too many. At most 200.").await;
    assert_eq!(browser.value("[name=title]").await.len(), 260);
    browser
        .until(
            "it is announced",
            "return document.querySelector('[data-file-status]').textContent.startsWith('60 characters')",
        )
        .await;
    browser.click("main button.primary").await;
    browser.ends_at("/tickets/new").await;

    // Counts characters like the server, without extra spaces in single-line fields.
    browser.insert("[name=title]", &"🎉".repeat(201)).await;
    browser.see("1 character too many. At most 200.").await;
    let is_right = "return document.querySelector('form .too-long.is-over') === null && document.querySelector('main form').checkValidity()";
    browser.insert("[name=title]", &format!("  {}  ", "🎉".repeat(200))).await;
    browser.is_true(is_right).await;
    let lines =
        "const notes = document.querySelector('[name=notes]'); notes.value = 'a\\r\\n' + 'ab '.repeat(33_332) + 'ab';
        notes.dispatchEvent(new Event('input', { bubbles: true }));";
    browser.run(lines, vec![]).await;
    browser.is_true(is_right).await;
    browser.click("main button.primary").await;
    browser.ends_at("/tickets/1").await;

    // Escape restores the title and removes the error.
    browser.insert("h1 textarea", &"x".repeat(260)).await;
    browser.see("60 characters too many.").await;
    browser.press(keys::ESCAPE).await;
    browser.is_true("return document.querySelector('.too-long.is-over') === null").await;
    browser.stop().await;
}
