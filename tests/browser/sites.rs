//! The bubble and `form.js` on realistic websites: conflicting names, tag managers, many
//! windows.

use crate::support::browser::{Browser, PATIENCE, keys};
use crate::support::{Person, TestApp};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt, web};
use docket::live::event::Topic;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A website with its own origin.
struct Website {
    base: String,
    /// Paths that browsers requested.
    requested: Arc<Mutex<Vec<String>>>,
}

impl Website {
    /// Serves pages with these bodies, by path.
    fn start(bodies: &[(&str, String)]) -> Self {
        let page = |body: &str| format!("<!doctype html><html lang=en><title>Shop</title><body>{body}</body></html>");
        let pages: BTreeMap<String, String> =
            bodies.iter().map(|(path, body)| ((*path).to_owned(), page(body))).collect();
        let requested = Arc::new(Mutex::new(Vec::new()));
        let log = requested.clone();
        let server = HttpServer::new(move || {
            let (pages, log) = (pages.clone(), log.clone());
            App::new().default_service(web::to(move |req: HttpRequest| {
                log.lock().unwrap().push(req.path().to_owned());
                let page = pages.get(req.path()).cloned();
                async move {
                    match page {
                        Some(page) => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page),
                        None => HttpResponse::NotFound().finish(),
                    }
                }
            }))
        });
        let server = server.workers(1).bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        rt::spawn(server.run());
        Self { base, requested }
    }

    /// The bubble sent no requests to this website instead of the desk.
    #[track_caller]
    fn expect_no_chat(&self) {
        let requested = self.requested.lock().unwrap();
        assert!(!requested.iter().any(|path| path.contains("/chat/")), "{requested:?}");
    }
}

/// Finds the bubble even on pages that shadow `document.querySelector`.
const HOST: &str = "Document.prototype.querySelector.call(document, 'docket-chat')";

/// Records what scripts write to the console.
const CONSOLE: &str = "<script>
    window.lines = [];
    for (const level of ['log', 'info', 'warn', 'error']) console[level] = (text) => lines.push(`${level}: ${text}`);
    </script>";

async fn wait_for_bubble(browser: &Browser) {
    browser.until("the bubble is there", &format!("return {HOST} != null")).await;
}

/// Opens the panel, types and presses Enter.
async fn write(browser: &Browser, text: &str) {
    wait_for_bubble(browser).await;
    browser.run(&format!("Docket.open(); {HOST}.shadowRoot.querySelector('textarea').focus()"), vec![]).await;
    for key in text.chars().chain([keys::ENTER]) {
        browser.press(key).await;
    }
}

async fn expect_messages(browser: &Browser, texts: &[&str]) {
    wait_for_bubble(browser).await;
    let list = format!("[...{HOST}.shadowRoot.querySelectorAll('.message .text')].map((text) => text.textContent)");
    let expected = json!(texts).to_string();
    browser.until(&expected, &format!("return JSON.stringify({list}) === {}", json!(expected))).await;
}

/// Waits until the server has the only message of the page.
async fn expect_sent(browser: &Browser) {
    let state = format!("{HOST}.shadowRoot.querySelector('.message .state')?.textContent");
    browser.until("the message is sent", &format!("return {state} === 'Sent'")).await;
}

async fn embed_script(app: &TestApp) -> String {
    app.stranger().get("/embed.js").await.expect(200).body.clone()
}

fn tag(app: &TestApp, key: &str) -> String {
    format!("<script src='{}/embed.js' data-user='{key}' async></script>", app.base)
}

#[actix_web::test]
async fn browser_elements_cannot_stand_in_for_the_script() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let thief = Website::start(&[]);
    let names = [
        "currentScript",
        "querySelector",
        "createElement",
        "createElementNS",
        "addEventListener",
        "hidden",
        "body",
        "documentElement",
        "Docket",
        "docketChat",
    ];
    let clutter: String =
        names.map(|name| format!("<img name='{name}' id='{name}'><form name='{name}'></form>")).concat();
    let (base, key) = (&thief.base, &vera.key);
    let decoys = format!(
        "<form name=currentScript src='{base}/embed.js' data-user='{key}'></form>\
         <a id=docketChat name=user href='x:{key}'></a><a id=docketChat name=desk href='{base}'></a>\
         <template><script src='{base}/embed.js' data-user='{key}'></script></template>\
         <script type='text/plain' src='{base}/embed.js' data-user='{key}'></script>"
    );
    let copy = embed_script(&app).await;
    let shop = Website::start(&[
        ("/", format!("{clutter}{decoys}{}", tag(&app, key))),
        ("/copied", format!("{CONSOLE}{decoys}<script>{copy}</script>")),
    ]);
    let browser = Browser::start(true).await;
    browser.look_inside().await;
    browser.goto(&format!("{}/", shop.base)).await;
    write(&browser, "Only for the desk").await;
    expect_messages(&browser, &["Only for the desk"]).await;
    expect_sent(&browser).await;
    owner.get("/conversations").await.expect_text("Only for the desk");

    // Elements do not count as settings either.
    browser.goto(&format!("{}/copied", shop.base)).await;
    browser.until("it says what is missing", "return lines.length === 1 && lines[0].startsWith('warn: ')").await;
    thief.expect_no_chat();
    shop.expect_no_chat();
    browser.stop().await;
}

#[actix_web::test]
async fn browser_the_bubble_is_installed_without_its_attribute() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let (base, key) = (&app.base, &vera.key);
    let copy = embed_script(&app).await;
    let settings = format!("<script>window.docketChat = {{ user: '{key}', desk: '{base}' }}</script>");
    let loader =
        format!("<script>fetch('{base}/embed.js').then((it) => it.text()).then((it) => (0, eval)(it))</script>");
    let works = [
        ("/query", format!("<script src='{base}/embed.js?v=2&user={key}' async></script>")),
        ("/copied", format!("{settings}<script>{copy}</script>")),
        ("/copied-with-attribute", format!("{settings}<script data-user='{key}'>{copy}</script>")),
        ("/evaluated", format!("{settings}{loader}")),
        ("/twice", format!("{}{}", tag(&app, key), tag(&app, key))),
    ];
    let says_why = [
        ("/no-key", format!("<script src='{base}/embed.js' async></script>")),
        ("/copied-alone", format!("<script>{copy}</script>")),
        ("/no-desk", format!("<script data-user='{key}'>{copy}</script>")),
        ("/evaluated-alone", loader),
        ("/unknown", tag(&app, &format!("{key}x"))),
    ];
    let bodies = works.iter().chain(&says_why).map(|(path, body)| (*path, format!("{CONSOLE}{body}")));
    let shop = Website::start(&bodies.collect::<Vec<_>>());
    let browser = Browser::start(true).await;
    browser.look_inside().await;
    for (path, _) in &works {
        browser.goto(&format!("{}{path}", shop.base)).await;
        wait_for_bubble(&browser).await;
        let lines = usize::from(*path == "/twice");
        browser.until(path, &format!("return lines.length === {lines}")).await;
    }
    for (path, _) in &says_why {
        browser.goto(&format!("{}{path}", shop.base)).await;
        let one_line = "return lines.length === 1 && lines[0].startsWith('warn: Docket chat: ')";
        browser.until(path, one_line).await;
        assert_eq!(browser.run(&format!("return {HOST} == null"), vec![]).await, json!(true), "{path}");
    }
    shop.expect_no_chat();

    browser.goto(&format!("{}/evaluated", shop.base)).await;
    write(&browser, "By a tag manager").await;
    expect_sent(&browser).await;
    owner.get("/conversations").await.expect_text("By a tag manager");
    browser.stop().await;
}

/// Opens one window more than browsers allow connections to a host.
#[actix_web::test]
async fn browser_many_windows_of_a_site_share_one_stream() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let shop = Website::start(&[("/", tag(&app, &vera.key))]);
    let browser = Browser::start(true).await;
    browser.look_inside().await;
    browser.goto(&format!("{}/", shop.base)).await;
    write(&browser, "From the first").await;
    expect_sent(&browser).await;
    for _ in 0..6 {
        let window = browser.client.new_window(false).await.unwrap();
        browser.client.switch_to_window(window.handle).await.unwrap();
        browser.look_inside().await;
        browser.goto(&format!("{}/", shop.base)).await;
        expect_messages(&browser, &["From the first"]).await;
    }
    write(&browser, "From the last").await;
    let mut all = vec!["From the first", "From the last"];
    expect_in_every_window(&browser, &all).await;
    expect_one_stream(&app).await;

    let id = vera.conversation(&owner).await;
    let reply = async |text: &'static str| {
        owner.post(&format!("/conversations/{id}/messages"), &[("body", text)]).await.expect(303);
        text
    };
    all.push(reply("To all windows").await);
    expect_in_every_window(&browser, &all).await;

    // Any window may hold the stream, so close them one after the other.
    for text in ["Six left", "Five left", "Four left"] {
        let first = browser.client.windows().await.unwrap().remove(0);
        browser.client.switch_to_window(first).await.unwrap();
        browser.client.close_window().await.unwrap();
        all.push(reply(text).await);
        expect_in_every_window(&browser, &all).await;
        expect_one_stream(&app).await;
    }
    browser.stop().await;
}

async fn expect_in_every_window(browser: &Browser, texts: &[&str]) {
    for window in browser.client.windows().await.unwrap() {
        browser.client.switch_to_window(window).await.unwrap();
        expect_messages(browser, texts).await;
    }
}

async fn expect_one_stream(app: &TestApp) {
    let begun = Instant::now();
    // 1 is the only conversation in this database.
    while app.app.live.subscribers(Topic::Conversation(1)) != 1 {
        assert!(begun.elapsed() < PATIENCE, "{} streams", app.app.live.subscribers(Topic::Conversation(1)));
        rt::time::sleep(Duration::from_millis(50)).await;
    }
}

#[actix_web::test]
async fn browser_links_follow_the_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = std::fs::read_to_string(root.join("static/embed/links.js")).unwrap();
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(root.join("tests/links.json")).unwrap()).unwrap();
    let browser = Browser::start(true).await;
    let find = "return arguments[0].map(({ text }) => linksIn(text).map(([start, end]) => text.slice(start, end)));";
    let found = browser.run(&format!("{script}\n{find}"), vec![json!(cases)]).await;
    for (case, links) in cases.iter().zip(found.as_array().unwrap()) {
        assert_eq!(links, &case["links"], "{}", case["text"]);
    }

    // It is also fast on texts that cause backtracking in slow patterns.
    for unit in [")", "(", "http://", "http://a)", "http://a(", "http://a...."] {
        let time = "const text = arguments[0].repeat(100000 / arguments[0].length);
            const begun = performance.now(); linksIn(text); return performance.now() - begun;";
        let milliseconds = browser.run(&format!("{script}\n{time}"), vec![json!(unit)]).await;
        assert!(milliseconds.as_f64().unwrap() < 1000.0, "{unit}: {milliseconds} ms");
    }
    browser.stop().await;
}

#[actix_web::test]
async fn browser_keys_of_an_input_method_neither_send_nor_close() {
    let app = TestApp::start().await;
    let (_, vera) = app.shop().await;
    let shop = Website::start(&[("/", tag(&app, &vera.key))]);
    let browser = Browser::start(true).await;
    browser.look_inside().await;
    browser.goto(&format!("{}/", shop.base)).await;
    wait_for_bubble(&browser).await;
    let press = format!(
        "Docket.open();
        const root = {HOST}.shadowRoot, area = root.querySelector('textarea');
        area.value = '日本';
        for (const init of [{{ isComposing: true }}, {{ keyCode: 229 }}])
            for (const key of ['Enter', 'Escape'])
                area.dispatchEvent(new KeyboardEvent('keydown', {{ bubbles: true, cancelable: true, key, ...init }}));
        return area.value === '日本' && !root.querySelector('.panel').hidden && !root.querySelector('.message')"
    );
    assert_eq!(browser.run(&press, vec![]).await, json!(true));
    browser.stop().await;
}

/// Waits as long as a person needs, then clicks. The driver's own click fails because the
/// form's fields shadow the attributes that it reads.
async fn send_form(browser: &Browser) {
    browser.until("a person’s time has passed", "return performance.now() > 1600").await;
    browser.run("document.querySelector('#send').click()", vec![]).await;
}

async fn submissions(owner: &Person) -> usize {
    owner.get("/submissions").await.expect(200).count(".row-link")
}

#[actix_web::test]
async fn browser_fields_do_not_shadow_what_a_form_needs() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let path = owner.make_form("Contact").await;
    let names = [
        "reset",
        "append",
        "submit",
        "action",
        "method",
        "querySelector",
        "querySelectorAll",
        "dataset",
        "getAttribute",
        "hasAttribute",
        "elements",
    ];
    let fields: String = names.map(|name| format!("<input name='{name}' value='this is {name}'>")).concat();
    let form = |fields: &str| {
        format!(
            "<form method=post action='{0}{path}' enctype='multipart/form-data' data-docket data-thanks='Danke!'>\
             {fields}<button id=send>Send</button></form><script src='{0}/form.js' async></script>",
            app.base
        )
    };
    let shop = Website::start(&[
        ("/named", form(&fields)),
        ("/button", form("<input name=message value='from the button'><button id=other name=reset value=r></button>")),
        ("/file", form("<input name=message value='no file chosen'><input type=file name=up>")),
    ]);
    let browser = Browser::start(true).await;
    let texts = [("/named", "this is querySelectorAll"), ("/button", "from the button"), ("/file", "no file chosen")];
    for (count, (path, text)) in texts.into_iter().enumerate() {
        browser.goto(&format!("{}{path}", shop.base)).await;
        send_form(&browser).await;
        browser.see("Danke!").await;
        assert_eq!(submissions(&owner).await, count + 1, "{path} is sent once");
        let id = owner.newest_submission().await;
        owner.get(&format!("/submissions/{id}")).await.expect_text(text);
    }

    // The server's page tells the visitor that forms accept no files.
    browser.goto(&format!("{}/file", shop.base)).await;
    let choose = "const transfer = new DataTransfer();
        transfer.items.add(new File(['text'], 'note.txt'));
        document.querySelector('[type=file]').files = transfer.files;";
    browser.run(choose, vec![]).await;
    send_form(&browser).await;
    let desk = json!(app.base);
    browser.until("the server's page", &format!("return location.origin === {desk}")).await;
    assert_eq!(submissions(&owner).await, texts.len() + 1);
    browser.stop().await;
}

#[actix_web::test]
async fn browser_nothing_says_that_a_stored_form_failed() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let path = owner.make_form("Contact").await;
    let form = format!(
        "<form method=post action='{0}{path}' data-docket><input name=message value=m><button id=send>Send</button></form>\
         <script>HTMLFormElement.prototype.reset = () => {{ throw new Error('a script of the page') }}</script>\
         <script src='{0}/form.js' async></script>",
        app.base
    );
    let shop = Website::start(&[("/", form)]);
    let browser = Browser::start(true).await;
    browser.goto(&format!("{}/", shop.base)).await;
    send_form(&browser).await;
    browser.see("Thank you.").await;
    assert_eq!(submissions(&owner).await, 1);

    // A form restored from the back-forward cache while sending can be sent again.
    let restore = "const button = document.querySelector('#send');
        button.click();
        const locked = button.disabled;
        dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
        return locked && !button.disabled && document.querySelector('[data-docket-status]').textContent === ''";
    assert_eq!(browser.run(restore, vec![]).await, json!(true));
    browser.stop().await;
}
