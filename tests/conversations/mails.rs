//! Mails to visitors with replies that they have not seen, and the page that these link to.

use crate::support::chat::Visitor;
use crate::support::smtp::{FaultyServer, MailServer, decode, link};
use crate::support::{Answer, PASSWORD, Person, TestApp, unique, until_refused};
use crate::upkeep::check::check;
use crate::upkeep::notices::{with_mail, with_mail_at};
use crate::upkeep::sample;
use docket::conversations::conversation;
use docket::live::event::Topic;
use docket::upkeep::sample::Plan;
use reqwest::Method;
use serde_json::json;
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
const VERA: &str = "vera@visitor.example";

/// A desk that mails replies after ten minutes, and a visitor who has written with an address.
pub struct Desk {
    pub app: TestApp,
    pub owner: Person,
    pub vera: Visitor,
    /// The path of the conversation.
    pub talk: String,
}

/// The owner of a desk that mails replies after ten minutes.
pub async fn mailing_owner(app: &TestApp) -> Person {
    let owner = app.owner().await;
    // What happened before mail was set up is no news.
    app.run_jobs().await;
    owner.post("/settings/email", &[("mailsReplies", "1"), ("replyMinutes", "10")]).await.expect(303);
    owner
}

impl Desk {
    pub async fn open(server: &MailServer) -> Self {
        Self::on(TestApp::start_with(with_mail(server)).await).await
    }

    pub async fn on(app: TestApp) -> Self {
        let owner = mailing_owner(&app).await;
        let vera = Visitor::new(&app.base, &owner.make_widget("Shop").await);
        ask(&vera, "Where is my parcel?").await;
        let talk = format!("/conversations/{}", vera.conversation(&owner).await);
        Self { app, owner, vera, talk }
    }

    pub async fn reply(&self, text: &str) {
        self.owner.post(&format!("{}/messages", self.talk), &[("body", text)]).await.expect(303);
    }

    /// Lets time pass and does what is due.
    pub async fn after(&self, minutes: u32) {
        self.app.numbered().await;
        self.app.run_jobs().await;
        self.app.wait(MINUTE * minutes);
        self.app.run_jobs().await;
    }

    /// Waits until the server has noticed that the bubble is closed.
    async fn nobody_listens(&self) {
        let (id, account) = (self.talk.rsplit('/').next().unwrap().to_owned(), self.owner.id);
        let row = self.app.app.db.read(move |conn| conversation::get(conn, account, &id)).await.unwrap();
        let begun = Instant::now();
        while self.app.app.live.subscribers(Topic::Conversation(row.seq)) > 0 {
            assert!(begun.elapsed() < MINUTE, "the stream ends");
            tokio::task::yield_now().await;
        }
    }

    pub async fn page(&self) -> Answer {
        self.owner.get(&self.talk).await
    }
}

async fn ask(vera: &Visitor, text: &str) {
    let message = json!({ "id": unique("message"), "body": text, "name": "Vera", "email": VERA });
    vera.send(vera.request(Method::POST, "/messages").json(&message)).await.expect(201);
}

/// The only mail that has arrived.
pub fn only(server: &MailServer) -> String {
    let mails = server.take();
    assert_eq!(mails.len(), 1, "{mails:?}");
    decode(&mails[0])
}

/// A header of a decoded mail.
fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let line = mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("{name} in {mail}"))
}

#[actix_web::test]
async fn an_unseen_reply_arrives_once_and_its_link_takes_the_answer() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.page().await.expect_text("Email to vera@visitor.example (unconfirmed) if not seen within 10 min");
    desk.reply("It left <b>yesterday</b>.").await;
    desk.app.run_jobs().await;
    assert_eq!(server.take(), Vec::<String>::new(), "they may still see it");
    desk.app.wait(MINUTE * 6);
    desk.reply("It arrives tomorrow.").await;
    desk.after(5).await;
    let mail = only(&server);
    assert!(mail.contains("It left <b>yesterday</b>.") && mail.contains("It arrives tomorrow."), "{mail}");
    assert!(mail.contains("It left &#60;b&#62;yesterday") || mail.contains("It left &lt;b&gt;yesterday"), "{mail}");
    assert!(mail.contains("> Where is my parcel?") && mail.contains("Subject: Olivia Owner’s desk replied to you"));
    assert!(
        header(&mail, "From").contains("Olivia Owner’s desk") && header(&mail, "From").contains("desk@desk.example")
    );
    assert_eq!(header(&mail, "To"), "Vera <vera@visitor.example>");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
    assert_eq!(header(&mail, "List-Unsubscribe-Post"), "List-Unsubscribe=One-Click");
    desk.after(60).await;
    assert_eq!(server.take(), Vec::<String>::new(), "once");
    desk.page().await.expect_text("Emailed");

    // Opening the link changes nothing: scanners do it, too.
    let (stranger, thread) = (desk.app.stranger(), link(&mail));
    let page = stranger.get(&thread).await;
    page.expect(200).expect_text("It arrives tomorrow.").expect_text("It left &#60;b&#62;yesterday");
    assert_eq!((page.header("referrer-policy"), page.header("x-robots-tag")), ("no-referrer", "noindex, nofollow"));
    assert_eq!(page.header("set-cookie"), "");
    desk.page().await.expect_text("(unconfirmed)").expect_no_text(">Seen<");

    stranger.post(&format!("{thread}/messages"), &[("body", " ")]).await.expect(422).expect_text("Enter a message");
    let answer = [("body", "Thank you!"), ("requestId", "request-1")];
    for _ in 0..2 {
        let sent = stranger.post(&format!("{thread}/messages"), &answer).await;
        assert_eq!(sent.expect(303).location(), format!("{thread}?sent=1"));
    }
    stranger.get(&format!("{thread}?sent=1")).await.expect_text("Your message was sent.");
    let page = desk.page().await;
    page.expect_text("Thank you!").expect_no_text("(unconfirmed)").expect_text("Seen");
    let history = desk.vera.history("").await;
    assert_eq!(history.last().unwrap(), "Thank you!", "the bubble shows it, too");
    assert_eq!(history.len(), 4, "sent twice, stored once");

    // The next mail belongs to the same thread.
    desk.reply("You are welcome.").await;
    desk.after(11).await;
    let next = only(&server);
    assert_eq!(header(&next, "In-Reply-To"), header(&mail, "Message-ID"));
    assert_eq!(header(&next, "References"), header(&mail, "Message-ID"));
    assert!(next.contains("You are welcome.") && !next.contains("tomorrow"), "{next}");
    stranger.get(&thread).await.expect(200).expect_text("You are welcome.");
}

#[actix_web::test]
async fn who_sees_a_reply_or_is_not_meant_to_gets_no_mail() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    // Seen in the bubble.
    desk.reply("Seen").await;
    let seen = |position: i64| desk.vera.request(Method::POST, "/seen").json(&json!({ "position": position }));
    desk.vera.send(seen(2)).await.expect(204);
    desk.page().await.expect_text("message-remark\">Seen");
    desk.after(11).await;
    assert_eq!(server.take(), Vec::<String>::new());

    // Unticked.
    let unticked = [("body", "Only here"), ("asksMail", "1")];
    desk.owner.post(&format!("{}/messages", desk.talk), &unticked).await.expect(303);
    desk.after(11).await;
    assert_eq!(server.take(), Vec::<String>::new());

    // While the bubble is open.
    let mut here = desk.vera.events(0).await;
    here.next().await;
    desk.reply("Are you there?").await;
    desk.after(11).await;
    assert_eq!(server.take(), Vec::<String>::new(), "the visitor is here");
    drop(here);
    desk.nobody_listens().await;
    desk.after(2).await;
    let mail = only(&server);
    assert!(mail.contains("Are you there?") && !mail.contains("Only here"), "{mail}");

    // Switched off again.
    desk.owner.post("/settings/email", &[("replyMinutes", "10")]).await.expect(303);
    desk.reply("Off").await;
    desk.after(60).await;
    assert_eq!(server.take(), Vec::<String>::new());
    desk.page().await.expect_no_text("Email to");
    desk.owner.post("/settings/email", &[("replyMinutes", "0")]).await.expect(422).expect_text("from 1 to 1440");
}

#[actix_web::test]
async fn a_visitor_gets_few_mails_and_each_try_holds_the_same_replies() {
    let mut server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.reply("first").await;
    desk.app.numbered().await;
    desk.app.run_jobs().await;
    server.stop();
    desk.app.wait(MINUTE * 11);
    desk.app.run_jobs().await;
    desk.reply("second").await;
    server.start_again();
    desk.after(2).await;
    let mail = only(&server);
    assert!(mail.contains("first") && !mail.contains("second"), "{mail}");
    desk.app.stranger().get(&link(&mail)).await.expect(200);
    // At most one in 15 minutes, counted from the first try.
    desk.after(10).await;
    assert_eq!(server.take(), Vec::<String>::new(), "the second is due, but too soon");
    desk.after(5).await;
    assert!(only(&server).contains("second"));

    // And ten a day to one address.
    let mut count = 2;
    for index in 0..12 {
        desk.reply(&format!("more {index}")).await;
        desk.after(16).await;
        count += server.take().len();
    }
    assert_eq!(count, 10);
    desk.app.wait(Duration::from_secs(24 * 3600));
    desk.app.run_jobs().await;
    let rest = only(&server);
    assert!(rest.contains("more 8") && rest.contains("more 11"), "nothing is lost: {rest}");
}

/// A mail server that stores a mail may go away before it says so.
#[actix_web::test]
async fn a_mail_that_was_taken_without_a_word_comes_again_under_its_id_and_both_links_work() {
    let server = FaultyServer::forgetful();
    let desk = Desk::on(TestApp::start_with(with_mail_at(server.port)).await).await;
    desk.reply("Hello").await;
    desk.after(11).await;
    desk.after(2).await;
    let mails: Vec<String> = server.take().iter().map(|mail| decode(mail)).collect();
    let [first, again] = mails.as_slice() else { panic!("two mails: {mails:?}") };
    assert_eq!(header(first, "Message-ID"), header(again, "Message-ID"));
    let (first, again) = (link(first), link(again));
    assert_ne!(first, again);
    for link in [first, again] {
        desk.app.stranger().get(&link).await.expect(200).expect_text("Hello");
    }
    desk.after(60).await;
    assert_eq!(server.take(), Vec::<String>::new());
    desk.page().await.expect_text("Emailed");
}

/// What anybody could make a desk say to any address is short.
#[actix_web::test]
async fn an_unconfirmed_address_is_told_little_of_what_was_written() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    let long = "word ".repeat(100);
    ask(&desk.vera, &long).await;
    desk.reply("Hello").await;
    desk.after(11).await;
    let mail = only(&server);
    assert!(mail.matches("word ").count() < 60, "28 words in each of two texts: {mail}");
    desk.app.stranger().post(&format!("{}/messages", link(&mail)), &[("body", &long)]).await.expect(303);
    desk.reply("Hello again").await;
    desk.after(16).await;
    assert!(only(&server).matches("word ").count() >= 190, "it is theirs now");
}

#[actix_web::test]
async fn one_click_ends_mails_and_another_brings_them_back() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.reply("Hello").await;
    desk.after(11).await;
    let mail = only(&server);
    let stop = header(&mail, "List-Unsubscribe").trim_matches(['<', '>']).replace("http://desk.example", "");
    let program = desk.app.stranger();
    program.get(&stop).await.expect(200).expect_text("Stop emails about replies");
    desk.page().await.expect_text("Email to vera");
    // As mail programs do it, from elsewhere (RFC 8058).
    let click = program.client.post(format!("{}{stop}", desk.app.base)).form(&[("List-Unsubscribe", "One-Click")]);
    program.send(click.header("sec-fetch-site", "cross-site")).await.expect(200);
    desk.page().await.expect_text("No emails to vera@visitor.example: they want none");
    desk.reply("Are you there?").await;
    desk.after(60).await;
    assert_eq!(server.take(), Vec::<String>::new());
    program.get(&stop).await.expect_text("You get no more emails");
    program.post(&stop.replace("/stop", "/resume"), &[]).await.expect(200);
    desk.reply("Welcome back").await;
    desk.after(60).await;
    assert!(only(&server).contains("Welcome back"));
}

#[actix_web::test]
async fn a_refused_address_is_left_alone_until_it_is_corrected() {
    let server = FaultyServer::refusing();
    let desk = Desk::on(TestApp::start_with(with_mail_at(server.port)).await).await;
    let set = async |email: &str| {
        let fields = [("visitorName", "Vera"), ("visitorEmail", email)];
        desk.owner.post(&format!("{}/visitor", desk.talk), &fields).await.expect(303);
    };
    set("vera@nowhere.example").await;
    desk.reply("Hello").await;
    desk.after(11).await;
    let page = desk.page().await;
    page.expect_text("Not delivered:")
        .expect_text("No such user here")
        .expect_text("a mail server refused the address");
    desk.reply("Hello again").await;
    desk.after(60).await;
    assert_eq!(desk.page().await.body.matches("Not delivered:").count(), 1);
    desk.owner.post(&format!("{}/try-emails-again", desk.talk), &[]).await.expect(303);
    desk.page().await.expect_text("Email to vera@nowhere.example");

    // What was refused goes to the right address.
    set(VERA).await;
    desk.reply("Third").await;
    desk.after(11).await;
    let mails = server.take();
    let mail = decode(&mails[0]);
    assert!(mails.len() == 1 && mail.contains("Hello again") && mail.contains("Third"), "{mail}");
    desk.page().await.expect_no_text("Not delivered:");
}

/// It says nothing about the address when a server takes no mail of ours at all.
#[actix_web::test]
async fn a_fault_of_our_own_server_stops_no_address() {
    let server = FaultyServer::closed();
    let desk = Desk::on(TestApp::start_with(with_mail_at(server.port)).await).await;
    desk.reply("Hello").await;
    desk.after(11).await;
    desk.page().await.expect_text("Relaying denied").expect_text("Email to vera@visitor.example");
}

#[actix_web::test]
async fn a_mail_holds_the_newest_replies_that_are_meant_for_it() {
    let mut server = MailServer::start();
    let desk = Desk::open(&server).await;
    for index in 0..25 {
        desk.reply(&format!("reply {index}.")).await;
    }
    let unticked = [("body", "Only here"), ("asksMail", "1")];
    desk.owner.post(&format!("{}/messages", desk.talk), &unticked).await.expect(303);
    desk.reply("The last").await;
    desk.after(11).await;
    let mail = only(&server);
    assert!(mail.contains("The last") && mail.contains("reply 24.") && !mail.contains("reply 5."), "{mail}");
    let page = desk.page().await;
    let told = page.texts(".message.from-agent").into_iter().filter(|text| text.contains("Emailed"));
    let told: Vec<String> = told.collect();
    assert!(told.len() == 20 && !told.iter().any(|text| text.contains("Only here")), "{told:?}");

    // What is seen while the mail server is away is not sent any more.
    desk.reply("Away").await;
    desk.app.numbered().await;
    desk.app.run_jobs().await;
    server.stop();
    desk.app.wait(MINUTE * 16);
    desk.app.run_jobs().await;
    desk.page().await.expect_text("Email is being sent");
    let seen = desk.vera.request(Method::POST, "/seen").json(&json!({ "position": 99 }));
    desk.vera.send(seen).await.expect(204);
    server.start_again();
    desk.after(60).await;
    assert_eq!(server.take(), Vec::<String>::new());
}

#[actix_web::test]
async fn a_mail_server_that_was_away_for_an_hour_gets_each_reply_once() {
    let mut server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.reply("Before it went").await;
    desk.app.numbered().await;
    desk.app.run_jobs().await;
    server.stop();
    for minute in 0..60 {
        if minute == 30 {
            desk.reply("While it is away").await;
        }
        desk.app.wait(MINUTE);
        desk.app.run_jobs().await;
    }
    desk.page().await.expect_text("Email is being sent").expect_no_text("Not delivered");
    server.start_again();
    let mut mails = Vec::new();
    for _ in 0..90 {
        desk.app.wait(MINUTE);
        desk.app.run_jobs().await;
        mails.extend(server.take());
    }
    let told: Vec<String> = mails.iter().map(|mail| decode(mail)).collect();
    for text in ["Before it went", "While it is away"] {
        assert_eq!(told.iter().filter(|mail| mail.contains(text)).count(), 1, "{told:?}");
    }
    desk.page().await.expect_no_text("Email is being sent");
}

#[actix_web::test]
async fn nobody_waits_for_a_slow_mail_server() {
    let server = FaultyServer::slow();
    let desk = Desk::on(TestApp::start_with(with_mail_at(server.port)).await).await;
    desk.reply("It left yesterday.").await;
    desk.app.numbered().await;
    desk.app.run_jobs().await;
    desk.app.wait(MINUTE * 11);
    let is_sent = std::cell::Cell::new(false);
    let send = async {
        desk.app.run_jobs().await;
        is_sent.set(true);
    };
    let work = async {
        desk.owner.post(&format!("{}/messages", desk.talk), &[("body", "Anything else?")]).await.expect(303);
        desk.page().await.expect_text("Anything else?");
        assert!(!is_sent.get(), "the mail server still takes its time");
    };
    tokio::join!(send, work);
    assert_eq!(server.take().len(), 1);
    desk.page().await.expect_text("Emailed");
}

#[actix_web::test]
async fn samples_get_no_mail() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    sample::load(&desk.app, &desk.owner, Plan { tickets: 20, seed: 1, ..Plan::default() }).await;
    let inbox = desk.owner.get("/conversations?status=closed").await;
    let sample = inbox.attributes("a.row-link", "href").into_iter().find(|path| !path.contains(&desk.talk)).unwrap();
    let sample = sample.split(['?', '#']).next().unwrap();
    desk.owner.get(sample).await.expect_no_text("Email to");
    desk.owner.post(&format!("{sample}/messages"), &[("body", "Hello")]).await.expect(303);
    desk.after(60).await;
    let to_samples = |mail: &String| !mail.contains(&format!("X-RcptTo: {}", desk.owner.email));
    assert!(!server.take().iter().any(to_samples));
}

#[actix_web::test]
async fn a_link_is_good_for_its_conversation_and_address_only() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.reply("Hello").await;
    desk.after(11).await;
    let thread = link(&only(&server));
    let stranger = desk.app.stranger();
    stranger.get("/thread/guess").await.expect(404);
    stranger.get(&thread).await.expect(200);
    // It opens nothing else.
    let secret = thread.strip_prefix("/thread/").unwrap();
    for path in [format!("/password/{secret}"), format!("/invitations/{secret}"), format!("/setup?token={secret}")] {
        stranger.get(&path).await.expect(404);
    }
    stranger.get("/tickets").await.expect(303);

    // The visitor has another address: the one before is no longer theirs.
    let visitor = |email| [("visitorName", "Vera"), ("visitorEmail", email)];
    desk.owner.post(&format!("{}/visitor", desk.talk), &visitor("new@visitor.example")).await.expect(303);
    let text = [("body", "My long answer")];
    stranger.get(&thread).await.expect(404);
    stranger.post(&format!("{thread}/messages"), &text).await.expect(404).expect_text("My long answer");
    desk.owner.post(&format!("{}/visitor", desk.talk), &visitor(VERA)).await.expect(303);
    stranger.get(&thread).await.expect(200);

    desk.owner.post(&format!("{}/delete", desk.talk), &[]).await.expect(303);
    stranger.get(&thread).await.expect(404);
    stranger.get(&format!("{thread}/stop")).await.expect(200);
    desk.owner.post(&format!("{}/restore", desk.talk), &[]).await.expect(303);
    stranger.get(&thread).await.expect(200);
    desk.app.wait(Duration::from_secs(89 * 24 * 3600));
    stranger.get(&thread).await.expect(200);
    desk.app.wait(Duration::from_secs(24 * 3600));
    stranger.get(&thread).await.expect(404);
    stranger.post(&format!("{thread}/stop"), &[]).await.expect(200).expect_text("You get no more emails");
    ask(&desk.vera, "Still there?").await;
    stranger.get(&thread).await.expect(200);
    desk.owner.sign_in(&desk.owner.email, PASSWORD).await.expect(303);
    let ended = desk.owner.post(&format!("{}/end-links", desk.talk), &[]).await;
    assert_eq!(ended.expect(303).location(), desk.talk);
    stranger.get(&thread).await.expect(404);
}

#[actix_web::test]
async fn the_sender_of_a_form_is_answered_by_mail() {
    let server = MailServer::start();
    let app = TestApp::start_with(with_mail(&server)).await;
    let owner = app.owner().await;
    app.run_jobs().await;
    let form = owner.make_form("Contact").await;
    let fields = [("name", "Zoë"), ("email", "zoe@visitor.example"), ("message", "Do you repair lamps?")];
    owner.visit(&form, &fields).await.expect(303);
    let id = owner.newest_submission().await;
    let page = format!("/submissions/{id}");
    owner.get(&page).await.expect(200).expect_no_text("Reply to the visitor");
    owner.post("/settings/email", &[("mailsReplies", "1"), ("replyMinutes", "10")]).await.expect(303);
    owner.get(&page).await.expect_text("Goes to zoe@visitor.example by email (unconfirmed)");
    app.run_jobs().await;
    app.wait(MINUTE * 2);
    app.run_jobs().await;
    server.take();

    let number = owner.make_ticket_of(&[("title", "Repair"), ("formSubmissionId", &id)]).await;
    let to = format!("{page}/messages");
    owner.post(&to, &[("body", " ")]).await.expect(422).expect_text("Enter a message");
    let ticket = number.to_string();
    let sent = owner.post(&to, &[("body", "We do."), ("ticket", &ticket), ("requestId", "request-1")]).await;
    assert_eq!(sent.expect(303).location(), format!("/tickets/{number}"));
    app.run_jobs().await;
    let mail = only(&server);
    assert!(mail.contains("We do.") && mail.contains("> Do you repair lamps?") && !mail.contains("> Zoë"), "{mail}");
    assert_eq!(header(&mail, "To"), "Zoë <zoe@visitor.example>");

    // The answer stands in one thread on the submission and its ticket.
    let (stranger, thread) = (app.stranger(), link(&mail));
    stranger.get(&thread).await.expect(200).expect_text("Do you repair lamps?").expect_text("We do.");
    stranger.post(&format!("{thread}/messages"), &[("body", "Wonderful!")]).await.expect(303);
    for page in [page.clone(), format!("/tickets/{number}")] {
        let shown = owner.get(&page).await;
        shown.expect_text("Wonderful!").expect_text("Goes to zoe@visitor.example by email.");
        assert_eq!(shown.count("form.reply"), 1);
    }
    // Its words find the ticket.
    assert_eq!(owner.list("q=wonderful").await, [number]);
    owner.post(&to, &[("body", "See you.")]).await.expect(303);
    assert_eq!(owner.get("/conversations").await.count("a.row-link"), 1, "one conversation");
    let talk = owner.get("/conversations").await.id_below("/conversations/");
    owner.get(&format!("/conversations/{talk}")).await.expect_text("the form submission").expect_no_text("won’t see");

    owner.post(&format!("/conversations/{talk}/delete"), &[]).await.expect(303);
    assert_eq!(owner.list("q=wonderful").await, [0; 0]);
    assert_eq!(owner.list("q=repair+lamps").await, [number], "what was sent stays");
    owner.post(&format!("/conversations/{talk}/restore"), &[]).await.expect(303);
    assert_eq!(owner.list("q=wonderful").await, [number]);
    let (outcome, lines) = check(&app, false).await;
    assert_eq!(outcome.found, 0, "{lines:?}");

    // The sender answers a closed conversation: the ticket learns of it.
    owner.post(&format!("/conversations/{talk}/status"), &[("status", "closed")]).await.expect(303);
    stranger.post(&format!("{thread}/messages"), &[("body", "When?")]).await.expect(303);
    owner.get(&format!("/tickets/{number}")).await.expect_text("wrote again");

    // Spam is never answered, nor is what has no address.
    owner.visit(&form, &[("name", "Ben"), ("message", "No address")]).await.expect(303);
    let nameless = owner.newest_submission().await;
    owner.post(&format!("/submissions/{nameless}/messages"), &[("body", "Hello")]).await.expect(409);
    owner.post(&format!("{page}/spam"), &[]).await.expect(303);
    owner.post(&to, &[("body", "Hello")]).await.expect(409).expect_text("Spam is not answered");
    let hidden = owner.get(&format!("/conversations/{talk}")).await;
    hidden.expect_text("Replies don’t reach the sender").expect_no_text("Reply to the visitor");
    let lost = owner.post(&format!("/conversations/{talk}/messages"), &[("body", "Hello")]).await;
    lost.expect(409).expect_text("would reach nobody");
    app.wait(MINUTE * 60);
    app.run_jobs().await;
    let to_zoe = |mail: &String| mail.contains("X-RcptTo: zoe@visitor.example");
    assert!(!server.take().iter().any(to_zoe), "what was written before it was spam is not sent any more");
}

#[actix_web::test]
async fn an_answer_that_comes_too_quickly_is_given_back() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.reply("Where do you live?").await;
    desk.after(11).await;
    let (stranger, thread) = (desk.app.stranger(), link(&only(&server)));
    let url = format!("{}{thread}/messages", desk.app.base);
    let answer = [("body", "In a long street")];
    let ask = async || stranger.send(stranger.client.post(&url).form(&answer)).await;
    let (taken, refused) = until_refused(ask).await;
    assert!(taken.iter().all(|answer| answer.status == 303));
    refused.expect_text("In a long street");
}
