//! The bubble on a website and the inbox, in two real browsers.

use crate::browser::desk::sign_in;
use crate::cli::add_owner;
use crate::instances::Instances;
use crate::support::browser::Browser;
use crate::support::files::{pdf, png};
use crate::support::process::{Server, command};
use crate::support::{PASSWORD, TestApp, fresh_database};
use actix_web::{App, HttpResponse, HttpServer, web};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use docket::live::event::Topic;
use serde_json::json;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A website with its own origin and a policy that allows the desk's script and the
/// `allowed` directives.
fn website(desk: &str, body: &str, allowed: &str) -> String {
    let page = format!("<!doctype html><html lang=en><title>Shop</title>{body}</html>");
    let policy = format!(
        "default-src 'none'; script-src {desk}; connect-src {desk}; require-trusted-types-for 'script'; trusted-types 'none'; {allowed}"
    );
    let server = HttpServer::new(move || {
        let (page, policy) = (page.clone(), policy.clone());
        App::new().default_service(web::to(move || {
            let (page, policy) = (page.clone(), policy.clone());
            async move {
                HttpResponse::Ok()
                    .content_type("text/html")
                    .insert_header(("content-security-policy", policy))
                    .body(page)
            }
        }))
    });
    let server = server.workers(1).bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    format!("http://{address}")
}

/// The bubble's shadow root in the visitor's page.
const BUBBLE: &str = "document.querySelector('docket-chat').shadowRoot";

impl Browser {
    async fn bubble_says(&self, texts: &[&str]) {
        let list = format!("[...{BUBBLE}.querySelectorAll('.message .text')].map((text) => text.textContent)");
        let expected = json!(texts).to_string();
        self.until(&expected, &format!("return JSON.stringify({list}) === {}", json!(expected))).await;
    }

    async fn desk_says(&self, texts: &[&str]) {
        let list = "[...document.querySelectorAll('.message-body')].map((text) => text.textContent)";
        let expected = json!(texts).to_string();
        self.until(&expected, &format!("return JSON.stringify({list}) === {}", json!(expected))).await;
    }

    /// Opens or closes the panel.
    async fn press_bubble(&self) {
        self.until(
            "the bubble is there",
            "return document.querySelector('docket-chat')?.shadowRoot.querySelector('.bubble') != null",
        )
        .await;
        self.run(&format!("{BUBBLE}.querySelector('.bubble').click()"), vec![]).await;
    }

    /// Types into the focused field of the bubble and presses Enter.
    async fn write(&self, text: &str) {
        for key in text.chars().chain(['\u{e007}']) {
            self.press(key).await;
        }
    }

    async fn reply(&self, text: &str) {
        self.fill("[name=body]", text).await;
        self.click("main form button.primary").await;
        // The previous page may also say that a reply was sent.
        let sent = format!("[...document.querySelectorAll('.message-body')].at(-1).textContent === {}", json!(text));
        self.until(text, &format!("return document.readyState === 'complete' && {sent}")).await;
    }
}

fn restart(dir: &TempDir, database: &docket::db::DatabaseUrl, base: &str) -> Server {
    let mut command: Command = command(dir.path(), database);
    command.env("DOCKET_LISTEN", base.strip_prefix("http://").unwrap());
    Server::start_as(command)
}

#[actix_web::test]
async fn browser_a_visitor_and_an_agent_talk_through_a_restart() {
    let dir = TempDir::new().unwrap();
    let database = fresh_database(&dir);
    add_owner(dir.path(), &database);
    let mut server = Server::start_as(command(dir.path(), &database));
    let base = server.base.clone();
    let (agent, visitor) = (Browser::start(true).await, Browser::start(true).await);

    // The agent creates a bubble and copies its line.
    agent.goto(&format!("{base}/settings/chat")).await;
    agent.fill("[name=email]", "ana@example.com").await;
    agent.fill("[name=password]", PASSWORD).await;
    agent.click("main button").await;
    agent.fill("main [name=name]", "Shop").await;
    agent.click("main button.primary").await;
    let snippet = agent.find("textarea.copy").await.prop("value").await.unwrap().unwrap();
    let shop = website(&base, &format!("<h1>Lamps</h1>{snippet}"), "");
    agent.fill("[name=allowedOrigins]", &shop).await;
    agent.click("main form button.primary").await;
    agent.see("Saved.").await;
    agent.goto(&format!("{base}/conversations")).await;
    agent.see("No open conversations").await;

    // A visitor writes; the agent's list and title update by themselves.
    visitor.look_inside().await;
    visitor.goto(&shop).await;
    visitor.press_bubble().await;
    visitor.write("The lamp is broken").await;
    visitor.bubble_says(&["The lamp is broken"]).await;
    agent.see("The lamp is broken").await;
    agent.until("the title counts", "return document.title.startsWith('(1)')").await;
    agent.click(".row-link").await;
    agent.desk_says(&["The lamp is broken"]).await;
    agent.until("it is read", "return !document.title.startsWith('(')").await;
    agent.reply("We send a new one").await;
    visitor.bubble_says(&["The lamp is broken", "We send a new one"]).await;

    // An agent's unsent text stays while messages arrive.
    agent.fill("[name=body]", "Half a sen").await;
    visitor.write("One more thing").await;
    agent.desk_says(&["The lamp is broken", "We send a new one", "One more thing"]).await;
    let kept = "const field = document.querySelector('[name=body]'); return field.value === 'Half a sen' && document.activeElement === field";
    agent.until("text and focus are kept", kept).await;

    // A closed bubble counts new messages, even after a reload.
    visitor.press_bubble().await;
    agent.reply("It is on its way").await;
    let badge =
        format!("const badge = {BUBBLE}.querySelector('.badge'); return !badge.hidden && badge.textContent === '1'");
    visitor.until("the badge counts one", &badge).await;
    visitor.client.refresh().await.unwrap();
    visitor
        .until("the badge counts one", &format!("if (!document.querySelector('docket-chat')) return false; {badge}"))
        .await;
    let seen = "[...document.querySelectorAll('.message.from-agent')].at(-1).textContent.includes('Seen')";
    agent.until("the reply is not seen", &format!("return !{seen}")).await;
    visitor.press_bubble().await;
    agent.until("the reply is seen", &format!("return {seen}")).await;
    let so_far = ["The lamp is broken", "We send a new one", "One more thing", "It is on its way"];
    visitor.bubble_says(&so_far).await;

    // The server is killed. The visitor's messages wait, even across a reload, and arrive
    // once when the server is back.
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    visitor.write("Thank you").await;
    visitor.write("Until when?").await;
    visitor.client.refresh().await.unwrap();
    server = restart(&dir, &database, &base);
    visitor.press_bubble().await;
    let all = [&so_far[..], &["Thank you", "Until when?"]].concat();
    visitor.bubble_says(&all).await;
    agent.desk_says(&all).await;
    agent.reply("Friday").await;
    let all = [&all[..], &["Friday"]].concat();
    visitor.bubble_says(&all).await;
    agent.desk_says(&all).await;

    // Create Ticket opens a filled-in form; later messages show on the ticket.
    agent.click("summary[aria-label='Actions for this conversation']").await;
    agent.click("a[href*='conversationId']").await;
    agent.click("main button.primary").await;
    agent.see("Ticket #1 created.").await;
    visitor.write("Still there?").await;
    agent.desk_says(&["It is on its way", "Thank you", "Until when?", "Friday", "Still there?"]).await;
    let violations = visitor.run("return window.violations", vec![]).await;
    assert_eq!(violations, json!([]), "the website's own policy has nothing against the bubble");
    agent.stop().await;
    visitor.stop().await;
    drop(server);
}

/// A page that resets all styles, hides every element, and covers the screen.
const HOSTILE: &str = "<style>
    * { all: unset !important; font-size: 3px !important; color: red !important }
    html { transform: scale(1); font-size: 62.5% }
    html::after { content: ''; position: fixed; inset: 0; z-index: 2147483647; background: tomato } body > * { display: none !important }
    docket-chat { display: none !important; opacity: 0 !important; visibility: hidden !important; z-index: -1 !important }
    .wall { display: block !important; position: fixed !important; inset: 0 !important; z-index: 2147483647 !important; background: gold !important }
    </style><div class=wall>A wall</div>";

#[actix_web::test]
async fn browser_the_bubble_stands_on_a_hostile_page() {
    let app = TestApp::start().await;
    let (_, vera) = app.shop().await;
    let snippet = format!("<script src='{}/embed.js' data-user='{}' async></script>", app.base, vera.key);
    let shop = website(&app.base, &format!("{HOSTILE}{snippet}"), "style-src 'unsafe-inline'");
    let browser = Browser::start(true).await;
    browser.look_inside().await;
    browser.goto(&shop).await;
    // The bubble is on top in its corner and has at least the required size.
    let in_sight = "const host = document.querySelector('docket-chat');
        const button = host?.shadowRoot.querySelector('.bubble')?.getBoundingClientRect();
        if (!button) return false;
        const [x, y] = [button.x + button.width / 2, button.y + button.height / 2];
        return document.elementFromPoint(x, y) === host && button.width >= 44 && x > innerWidth - 120 && y > innerHeight - 120";
    browser.until("the bubble is on top", in_sight).await;
    browser.press_bubble().await;
    browser.write("Through the wall").await;
    browser.bubble_says(&["Through the wall"]).await;
    let readable = format!(
        "const style = getComputedStyle({BUBBLE}.querySelector('.message .text'));
        return parseFloat(style.fontSize) >= 13 && style.color !== 'rgb(255, 0, 0)'"
    );
    browser.until("it can be read", &readable).await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_a_form_is_sent_in_place() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let form = owner.make_form("Contact").await;
    let page = format!(
        "<form method=post action='{0}{form}' data-docket data-thanks='Danke!'><input name=name><input name=topic value=b>\
         <input name=name value=again><input name=10 value=x><input name=_gotcha hidden><button>Senden</button></form>\
         <script src='{0}/form.js' async></script>",
        app.base
    );
    let allowed = format!("form-action {}", app.base);
    let shop = website(&app.base, &page, &allowed);
    let browser = Browser::start(true).await;
    browser.goto(&format!("{shop}/contact?from=ad")).await;
    browser.fill("[name=name]", "Vera").await;
    // A submission less than 1.5 seconds after the page has loaded counts as spam.
    browser.until("a person’s time has passed", "return performance.now() > 1600").await;
    browser.click("button").await;
    browser.see("Danke!").await;
    let id = owner.newest_submission().await;
    let page = owner.get(&format!("/submissions/{id}")).await;
    page.expect_text(&format!("{shop}/contact?from=ad"));
    let order: Vec<usize> =
        [">name</dt><dd dir=\"auto\">Vera", ">topic</dt>", ">name</dt><dd dir=\"auto\">again", ">10</dt>"]
            .map(|text| page.body.find(text).unwrap())
            .to_vec();
    assert!(order.is_sorted(), "in their order, repeated ones too: {order:?}");
    page.expect_no_text("_elapsed").expect_no_text("Spam</span>");
    browser.stop().await;
}

/// Opens more tabs than the six connections that browsers allow to a host.
#[actix_web::test]
async fn browser_many_tabs_share_one_stream() {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    let browser = Browser::start(true).await;
    browser.goto(&format!("{}/login?next=/conversations", app.base)).await;
    browser.fill("[name=email]", &owner.email).await;
    browser.fill("[name=password]", PASSWORD).await;
    browser.click("main button").await;
    browser.see("No open conversations").await;
    for _ in 0..8 {
        let tab = browser.client.new_window(true).await.unwrap();
        browser.client.switch_to_window(tab.handle).await.unwrap();
        browser.goto(&format!("{}/conversations", app.base)).await;
        browser.see("No open conversations").await;
    }
    vera.write("Hello, all tabs").await.expect(201);
    browser.see("Hello, all tabs").await;
    assert_eq!(app.app.live.subscribers(Topic::Account(owner.id)), 1);
    // A tab that becomes visible again shows it too.
    let first = browser.client.windows().await.unwrap().remove(0);
    browser.client.switch_to_window(first).await.unwrap();
    browser.see("Hello, all tabs").await;
    browser.stop().await;
}

/// Chooses a file in the bubble.
async fn choose(vera: &Browser, name: &str, bytes: &[u8]) {
    let script = format!(
        "const bytes = Uint8Array.from(atob(arguments[0]), (sign) => sign.charCodeAt(0));
         const transfer = new DataTransfer(); transfer.items.add(new File([bytes], arguments[1]));
         const picker = {BUBBLE}.querySelector('input[type=file]');
         picker.files = transfer.files; picker.dispatchEvent(new Event('change'));"
    );
    vera.run(&script, vec![json!(BASE64_STANDARD.encode(bytes)), json!(name)]).await;
    vera.until(name, &format!("return {BUBBLE}.querySelector('.chosen').textContent === '{name}'")).await;
}

#[actix_web::test]
async fn browser_a_visitor_and_an_agent_send_each_other_files() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let key = owner.make_widget("Shop").await;
    let (vera, agent) = (Browser::start(true).await, Browser::start(true).await);
    vera.look_inside().await;
    // The page of a website whose policy allows no pictures shows their names.
    let script = format!("<script src=\"{}/embed.js\" data-user=\"{key}\"></script>", app.base);
    vera.goto(&website(&app.base, &script, "img-src blob:")).await;
    vera.press_bubble().await;
    choose(&vera, "lamp.png", &png(1)).await;
    vera.write("It looks like this").await;
    let last_file = format!("{BUBBLE}.querySelector('.message:last-child .files')");
    vera.until("the picture is there", &format!("return {last_file}.querySelector('img')?.naturalWidth > 0")).await;
    vera.until("nothing is chosen", &format!("return {BUBBLE}.querySelector('.chosen').hidden")).await;

    sign_in(&agent, &owner).await;
    agent.goto(&format!("{}/conversations", app.base)).await;
    agent.click(".row-link").await;
    agent.see("It looks like this").await;
    agent.until("its picture", "return document.querySelector('.shown-files img')?.naturalWidth > 0").await;
    agent.drop_files(&[("manual.pdf", &pdf("red")), ("wrong.txt", b"text")]).await;
    agent.until("both", "return document.querySelectorAll('.chosen li').length === 2").await;
    agent.click(".chosen button[aria-label='Remove wrong.txt']").await;
    agent.fill("[name=body]", "See page 4").await;
    agent.click("form.reply button.primary").await;
    agent
        .until(
            "it is sent",
            "return document.querySelectorAll('.shown-files').length === 2 && document.querySelector('.chosen').hidden",
        )
        .await;
    vera.until("manual.pdf", &format!("return {last_file}.textContent === 'manual.pdf'")).await;

    // A refused file is told, and the message can be written anew.
    choose(&vera, "tool.exe", b"MZ").await;
    vera.write("Is this right?").await;
    let state = format!("{BUBBLE}.querySelector('.message:last-child .state')");
    vera.until("the reason", &format!("return {state}?.textContent.startsWith('tool.exe: Only ')")).await;
    vera.run(&format!("{state}.querySelector('button').click()"), vec![]).await;
    vera.until("the text is back", &format!("return {BUBBLE}.querySelector('textarea').value === 'Is this right?'"))
        .await;
    vera.run(&format!("{BUBBLE}.querySelector('.chosen button').click()"), vec![]).await;
    vera.write("").await;
    vera.bubble_says(&["It looks like this", "See page 4", "Is this right?"]).await;
    vera.stop().await;
    agent.stop().await;
}

#[actix_web::test]
#[ignore = "needs Postgres: only there several programs serve one database"]
async fn a_visitor_and_an_agent_work_while_instances_stop_and_start_in_turn() {
    let mut instances = Instances::start(None).await;
    let ana = instances.owner().await;
    let (base, key) = (instances.nginx.base.clone(), ana.make_widget("Shop").await);
    let is_over = AtomicBool::new(false);
    let work = async {
        let (agent, visitor) = (Browser::start(true).await, Browser::start(true).await);
        sign_in(&agent, &ana).await;
        let line = format!("<h1>Lamps</h1><script src=\"{base}/embed.js\" data-user=\"{key}\" async></script>");
        visitor.look_inside().await;
        visitor.goto(&website(&base, &line, "")).await;
        visitor.press_bubble().await;
        let mut said = vec!["The lamp is broken".to_owned()];
        visitor.write(&said[0]).await;
        agent.goto(&format!("{base}/conversations")).await;
        agent.see(&said[0]).await;
        agent.click(".row-link").await;
        for round in 1..=8 {
            for (browser, text) in [(&agent, format!("Answer {round}")), (&visitor, format!("Question {round}"))] {
                if std::ptr::eq(browser, &agent) {
                    agent.reply(&text).await
                } else {
                    visitor.write(&text).await
                }
                said.push(text);
                let texts: Vec<&str> = said.iter().map(String::as_str).collect();
                visitor.bubble_says(&texts).await;
                agent.desk_says(&texts).await;
            }
            let number = ana.make_ticket(&format!("Round {round}")).await;
            agent.goto(&format!("{base}/tickets/{number}")).await;
            agent.drop_files(&[("photo.png", &png(round))]).await;
            agent.until("the file is there", "return document.querySelectorAll('.file').length === 1").await;
            agent.goto(&format!("{base}/conversations")).await;
            agent.click(".row-link").await;
        }
        is_over.store(true, Ordering::Relaxed);
        agent.stop().await;
        visitor.stop().await;
    };
    let (rolled, ()) = tokio::join!(instances.roll(&is_over), work);
    println!("{rolled} restarts");
    assert!(rolled >= 3, "{rolled} restarts");
}
