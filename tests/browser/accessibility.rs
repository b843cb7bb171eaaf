//! axe on every page and state, and its rules about colours in the dark, too. `tests/run` installs axe.

use crate::browser::desk::sign_in;
use crate::conversations::mails::{Desk, only};
use crate::support::browser::Browser;
use crate::support::chat::Visitor;
use crate::support::smtp::{MailServer, link};
use crate::support::{Person, TestApp, files};
use crate::upkeep::sample;
use docket::accounts::role::Role;
use docket::upkeep::link_mails;
use docket::upkeep::sample::Plan;
use docket::values::email::Email;
use serde_json::{Value, json};
use std::path::Path;

/// Opens, types or clicks something before the page is checked.
type Script = &'static str;

const NOTHING: Script = "";
const OPEN_EVERYTHING: Script = "for (const one of document.querySelectorAll('main details')) one.open = true";
const REFUSE: Script = "const form = document.querySelector('main form[method=post]:not([data-save])');
    form.noValidate = true;
    for (const field of form.querySelectorAll('input[name], textarea')) { field.dataset.max = '999999'; field.setCustomValidity(''); field.value = 'x'.repeat(300); }
    HTMLFormElement.prototype.submit.call(form);";
const SEND: Script = "document.querySelector('main form[method=post]').submit()";
const TICK: Script = "for (const box of [...document.querySelectorAll('.row-pick input')].slice(0, 2)) box.click()";
const KEYS: Script = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true }))";
const PALETTE: Script =
    "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true }))";

/// axe's rules about colours.
const COLOURS: [&str; 2] = ["color-contrast", "link-in-text-block"];

/// What axe finds on the page: the rules and the elements.
async fn findings(browser: &Browser, rules: &[&str]) -> Vec<String> {
    let script = "const done = arguments[arguments.length - 1];
        axe.run(document, { resultTypes: ['violations'], ...(arguments[0].length ? { runOnly: arguments[0] } : {}) }).then(({ violations }) =>
            done(violations.flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html.slice(0, 160)} ${any.map(({ message }) => message).join(' ')}`))))";
    let found: Value = browser.client.execute_async(script, vec![json!(rules)]).await.unwrap();
    found.as_array().unwrap().iter().map(|line| line.as_str().unwrap().to_owned()).collect()
}

struct Check {
    browser: Browser,
    base: String,
    states: usize,
    problems: Vec<String>,
}

impl Check {
    async fn start(app: &TestApp) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/npm/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(&path).expect("tests/run has installed axe-core");
        let browser = Browser::start(true).await;
        browser.run_on_every_page(&axe).await;
        Self { browser, base: app.base.clone(), states: 0, problems: Vec::new() }
    }

    async fn page(&mut self, path: &str, script: Script) {
        self.browser.goto(&format!("{}{path}", self.base)).await;
        self.now(path, script).await;
    }

    /// Checks the page that the browser shows, light and dark.
    async fn now(&mut self, name: &str, script: Script) {
        if !script.is_empty() {
            self.browser.run(script, vec![]).await;
            self.browser.until("it is loaded", "return document.readyState === 'complete'").await;
        }
        // In the dark, only colours differ.
        for (scheme, rules) in [("light", &[][..]), ("dark", &COLOURS[..])] {
            self.browser.prefer(scheme).await;
            let found = findings(&self.browser, rules).await;
            self.problems.extend(found.into_iter().map(|line| format!("{name}, {scheme}, {script:.40}: {line}")));
        }
        self.states += 1;
    }

    async fn end(self, least: usize) {
        assert!(self.problems.is_empty(), "{}", self.problems.join("\n"));
        assert!(self.states >= least, "only {} states", self.states);
        self.browser.stop().await;
    }
}

/// An account in which everything has happened.
async fn full_desk() -> (TestApp, Person, Visitor) {
    let app = TestApp::start().await;
    let (owner, vera) = app.shop().await;
    sample::load(&app, &owner, Plan { tickets: 30, seed: 2, ..Plan::default() }).await;
    vera.write("Does the lamp come with a bulb? https://shop.example/lamps").await.expect(201);
    (app, owner, vera)
}

#[actix_web::test]
async fn browser_axe_finds_nothing_on_pages_of_tickets() {
    let (app, owner, vera) = full_desk().await;
    let chat = vera.conversation(&owner).await;
    let form = owner.make_form("Contact").await;
    app.stranger().visit(&form, &[("name", "Ana"), ("message", "Hello")]).await.expect(303);
    let sent = owner.newest_submission().await;
    let of_chat = owner.make_ticket_of(&[("title", "Bulb"), ("conversationId", &chat)]).await;
    let of_form = owner.make_ticket_of(&[("title", "Hello"), ("formSubmissionId", &sent)]).await;
    let elsewhere = owner.make_ticket_of(&[("title", "Elsewhere"), ("conversationId", "crm_1")]).await;
    let plain = owner.make_ticket(&"ohneLeerzeichen".repeat(13)).await;
    owner.write_notes(plain, 1, &"A long note. https://example.com/x #1\n".repeat(100)).await.expect(303);
    owner.attach(plain, &[("Bild ä.png", &files::png(1)), ("a.txt", b"text")]).await.expect(201);
    let closed = owner.make_ticket("Closed").await;
    owner.set_status(closed, "closed").await.expect(303);
    let trashed = owner.make_ticket("Trashed").await;
    owner.post(&format!("/tickets/{trashed}/delete"), &[]).await.expect(303);
    owner.post(&format!("/tickets/{closed}/tags"), &[("add", "bug")]).await.expect(303);
    owner.post("/views", &[("name", "Bugs"), ("query", "tag=bug"), ("shared", "1")]).await.expect(303);
    let fields = [("numbers", "1"), ("numbers", "2"), ("action", "status"), ("value", "in_progress")];
    owner.post("/tickets/bulk", &fields).await.expect(303);
    let known = owner.make_ticket_of(&[("title", "Known"), ("requesterEmail", "ana@example.com")]).await;
    let contact = owner.get(&format!("/tickets/{known}")).await.id_below("/contacts/");
    app.member(&owner, Role::Editor).await;

    let mut check = Check::start(&app).await;
    sign_in(&check.browser, &owner).await;
    for (path, script) in [
        ("/tickets", NOTHING),
        ("/tickets", OPEN_EVERYTHING),
        ("/tickets", TICK),
        ("/tickets?status=all&all=1", NOTHING),
        ("/tickets/bulk/1", NOTHING),
        ("/views", NOTHING),
        ("/tags", NOTHING),
        ("/tags?q=nothingislikethis", NOTHING),
        ("/tags/bug", OPEN_EVERYTHING),
        ("/tags/bug", REFUSE),
        ("/contacts", NOTHING),
        ("/contacts?q=ana", NOTHING),
        (&format!("/contacts/{contact}"), NOTHING),
        (&format!("/contacts/{contact}"), REFUSE),
        (&format!("/contacts/{contact}/erase"), NOTHING),
        (&format!("/contacts/{contact}/erase"), SEND),
        ("/reports", OPEN_EVERYTHING),
        ("/reports?tag=bug&source=chat", NOTHING),
        ("/tickets", KEYS),
        ("/tickets", PALETTE),
        ("/tickets?status=all&sort=created&assignee=me&source=chat&tag=bug", NOTHING),
        ("/tickets?status=closed&sort=closed", NOTHING),
        ("/tickets?q=lamp", NOTHING),
        ("/tickets?q=nothingislikethis", NOTHING),
        ("/tickets?q=a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z", NOTHING),
        ("/tickets/new", NOTHING),
        ("/tickets/new", REFUSE),
        ("/tickets/new?conversationId=crm_2", NOTHING),
        ("/trash", NOTHING),
        ("/tickets/99999", NOTHING),
    ] {
        check.page(path, script).await;
    }
    for number in [of_chat, of_form, elsewhere, plain, closed, trashed] {
        check.page(&format!("/tickets/{number}"), NOTHING).await;
    }
    let page = format!("/tickets/{plain}");
    check.page(&page, OPEN_EVERYTHING).await;
    check.page(&page, "document.querySelector('[data-picture]').click()").await;
    check.page(&page, "document.querySelector('[data-key=e]').click()").await;
    check.browser.find(".flash").await;
    check.now("with a message", NOTHING).await;
    check.browser.fill("[name=title]", " ").await;
    check.browser.run("document.querySelector('.title-form').noValidate = true", vec![]).await;
    check.browser.click(".title-form button").await;
    check.browser.find(".title-form .problem").await;
    check.now("with a refused title", NOTHING).await;
    check.page(&format!("{page}/notes/revisions"), NOTHING).await;
    check.page(&format!("{page}/notes/revisions/2"), NOTHING).await;
    check
        .page(
            &page,
            "document.querySelector('[name=version]').value = 1; document.querySelector('[name=notes]').form.submit()",
        )
        .await;
    check.page(&format!("/tickets/new?conversationId={chat}"), NOTHING).await;
    check.page(&format!("/tickets/new?formSubmissionId={sent}"), NOTHING).await;
    app.run_jobs().await;
    check.page(&format!("/contacts/{contact}/erasure"), NOTHING).await;
    check.end(30).await;
}

#[actix_web::test]
async fn browser_axe_finds_nothing_on_pages_of_inboxes_and_settings() {
    let (app, owner, vera) = full_desk().await;
    let chat = vera.conversation(&owner).await;
    let form = owner.make_form("Contact").await;
    for name in ["Ana", "Bea"] {
        app.stranger().visit(&form, &[("name", name), ("message", "Hello")]).await.expect(303);
    }
    app.stranger().visit(&form, &[("name", "Spammer"), ("_gotcha", "x")]).await.expect(303);
    let sent = owner.newest_submission().await;
    owner.post("/settings/team/invitations", &[("email", "new@example.com"), ("role", "editor")]).await;
    owner.make_key("Shop").await;

    let mut check = Check::start(&app).await;
    sign_in(&check.browser, &owner).await;
    for (path, script) in [
        ("/conversations", NOTHING),
        ("/conversations?status=closed", NOTHING),
        ("/conversations?status=all", NOTHING),
        ("/conversations?q=lamp", NOTHING),
        ("/conversations?q=nothingislikethis", NOTHING),
        ("/submissions", NOTHING),
        ("/submissions?done=0", OPEN_EVERYTHING),
        ("/submissions?done=1", NOTHING),
        ("/submissions?spam=1", NOTHING),
        ("/submissions?q=nothingislikethis", NOTHING),
        ("/settings", NOTHING),
        ("/settings", REFUSE),
        ("/settings/team", OPEN_EVERYTHING),
        ("/settings/team", REFUSE),
        ("/settings/chat", NOTHING),
        ("/settings/chat", REFUSE),
        ("/settings/chat/1", OPEN_EVERYTHING),
        ("/settings/chat/1", REFUSE),
        ("/settings/forms", NOTHING),
        ("/settings/forms/1", NOTHING),
        ("/settings/forms/1", REFUSE),
        ("/settings/keys", OPEN_EVERYTHING),
        ("/settings/keys", REFUSE),
        ("/settings/audit", OPEN_EVERYTHING),
        ("/settings/jobs", NOTHING),
        ("/settings/jobs?state=failed", NOTHING),
        ("/profile", NOTHING),
        ("/profile", REFUSE),
        ("/profile/sessions", NOTHING),
        ("/api", NOTHING),
        (&form, NOTHING),
        (&format!("/c/{}", vera.key), NOTHING),
        (&format!("{form}/thanks?files=2"), NOTHING),
        ("/f/nothing", NOTHING),
    ] {
        check.page(path, script).await;
    }
    check.page(&format!("/conversations/{chat}"), NOTHING).await;
    check.page(&format!("/conversations/{chat}"), OPEN_EVERYTHING).await;
    check.page(&format!("/submissions/{sent}"), NOTHING).await;
    check.browser.resize(390, 844).await;
    for path in
        ["/tickets", "/conversations", &format!("/conversations/{chat}"), "/submissions", "/tickets/1", "/settings"]
    {
        check.page(path, NOTHING).await;
    }
    check.end(43).await;
}

#[actix_web::test]
async fn browser_axe_finds_nothing_on_pages_about_mail() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.reply("It left yesterday. https://parcel.example/1041").await;
    desk.after(11).await;
    let thread = link(&only(&server));
    link_mails::request_password(&desk.app.app, Email::parse(&desk.owner.email).unwrap()).await.unwrap();
    let password = link(&server.next(&desk.app).await);
    let mut check = Check::start(&desk.app).await;
    for (path, script) in [
        (thread.as_str(), NOTHING),
        (&thread, "document.querySelector('form').noValidate = true; document.querySelector('form button').click()"),
        (&format!("{thread}?sent=1"), NOTHING),
        (&format!("{thread}/stop"), NOTHING),
        ("/thread/gone", NOTHING),
        ("/password/forgot", NOTHING),
        (&password, NOTHING),
        ("/password/gone", NOTHING),
    ] {
        check.page(path, script).await;
    }
    check.end(8).await;
}

#[actix_web::test]
async fn browser_axe_finds_nothing_on_empty_pages_and_at_the_door() {
    let app = TestApp::start().await;
    let mut check = Check::start(&app).await;
    let setup = app.setup_path.clone().unwrap();
    check.page("/login", NOTHING).await;
    check.page(&setup, NOTHING).await;
    check.page(&setup, REFUSE).await;
    let owner = app.owner().await;
    let reader = app.member(&owner, Role::Viewer).await;
    check.page("/setup?token=used", NOTHING).await;
    check.page("/login", NOTHING).await;
    check.page("/login", "document.querySelector('[name=email]').value = 'a@example.com'; document.querySelector('[name=password]').value = 'x'; document.querySelector('form').submit()").await;
    let invited = owner.post("/settings/team/invitations", &[("email", "new@example.com"), ("role", "editor")]).await;
    let invitation = invited.one_time_link();
    check.page(&invitation, NOTHING).await;
    check.page(&invitation, REFUSE).await;
    sign_in(&check.browser, &owner).await;
    for path in [
        "/tickets",
        "/tickets?status=closed",
        "/conversations",
        "/conversations?status=closed",
        "/submissions",
        "/submissions?done=0",
        "/submissions?spam=1",
        "/trash",
        "/settings/team",
        "/settings/chat",
        "/settings/forms",
        "/settings/keys",
        "/settings/audit",
        "/settings/jobs",
    ] {
        check.page(path, NOTHING).await;
    }
    let number = owner.make_ticket("For a reader").await;
    check.browser.run("document.querySelector('[data-sign-out] button').click()", vec![]).await;
    check.browser.find("[name=password]").await;
    sign_in(&check.browser, &reader).await;
    check.page(&format!("/tickets/{number}"), NOTHING).await;
    check.page("/tickets", NOTHING).await;
    check.page("/settings", NOTHING).await;
    check.end(24).await;
}
