//! Answers to mails, by mail.

use crate::conversations::mails::{Desk, only};
use crate::conversations::quotes::of_program;
use crate::support::imap::ImapServer;
use crate::support::smtp::{MailServer, link};
use crate::support::{Answer, TestApp, unique};
use crate::upkeep::notices::with_mail;
use docket::config::Config;
use std::time::Duration;

pub const SECRET: &str = "a-secret-of-this-test";

/// A desk that takes answers by mail.
pub fn with_answers(server: &MailServer) -> impl FnOnce(&mut Config) {
    let with_mail = with_mail(server);
    move |config| {
        with_mail(config);
        config.mail_reply_to = Some("reply@in.desk.example".parse().unwrap());
        config.mail_inbound_secret = Some(SECRET.into());
    }
}

/// A header of a decoded mail.
fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    mail.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default()
}

/// A mail from a person.
pub fn mail(from: &str, to: &str, headers: &str, text: &str) -> String {
    let id = unique("mail");
    format!(
        "From: {from}\r\nTo: {to}\r\nSubject: Re: Reply\r\nMessage-ID: <{id}@visitor.example>\r\n{headers}\r\n{text}\r\n"
    )
}

pub async fn hand_over(app: &TestApp, raw: &str) -> Answer {
    let stranger = app.stranger();
    let url = format!("{}/mail/inbound", app.base);
    stranger.send(stranger.client.post(url).bearer_auth(SECRET).body(raw.to_owned())).await
}

/// A desk whose visitor has got a mail, and that mail.
async fn mailed(server: &MailServer) -> (Desk, String) {
    let desk = Desk::on(TestApp::start_with(with_answers(server)).await).await;
    desk.reply("It left yesterday.").await;
    desk.after(11).await;
    let mail = only(server);
    (desk, mail)
}

#[actix_web::test]
async fn an_answer_by_mail_is_the_next_message() {
    let server = MailServer::start();
    let (desk, sent) = mailed(&server).await;
    let reply_to = header(&sent, "Reply-To");
    assert!(reply_to.starts_with("reply+") && reply_to.ends_with("@in.desk.example"), "{sent}");
    assert!(sent.contains("You can also reply to this email.") && !sent.contains("nobody reads this mailbox"));
    assert_eq!(header(&sent, "X-MailFrom"), reply_to, "reports about the mail come back there");

    let answer = of_program("gmail", reply_to);
    for _ in 0..2 {
        hand_over(&desk.app, &answer).await.expect(204);
    }
    let page = desk.page().await;
    page.expect_text("Thank you, that helps.").expect_text("By email").expect_text("Quoted text and signature");
    page.expect_text("Seen").expect_no_text("(unconfirmed)").expect_text("Needs reply");
    let token = reply_to.trim_start_matches("reply+").split('@').next().unwrap();
    page.expect_no_text(token);
    assert_eq!(desk.vera.history("").await.last().unwrap(), "Thank you, that helps.\n\nWhen does it arrive?");
    assert_eq!(desk.vera.history("").await.len(), 3, "handed over twice, stored once");
    // The address takes answers only. Its token opens no page, and that of the link takes no mail.
    desk.app.stranger().get(&format!("/thread/{token}")).await.expect(404);
    let secret = link(&sent).trim_start_matches("/thread/").to_owned();
    let wrong = mail("vera@visitor.example", &format!("reply+{secret}@in.desk.example"), "", "Let me in");
    hand_over(&desk.app, &wrong).await.expect(204);
    desk.page().await.expect_no_text("Let me in");
    // The next reply goes on in the same thread.
    desk.reply("Tomorrow.").await;
    desk.after(20).await;
    let next = only(&server);
    assert_eq!(header(&next, "In-Reply-To"), header(&sent, "Message-ID"));
    assert!(!next.contains("It left yesterday."), "they have read it: {next}");
}

#[actix_web::test]
async fn only_a_token_that_works_takes_a_mail() {
    let server = MailServer::start();
    let (desk, sent) = mailed(&server).await;
    let reply_to = header(&sent, "Reply-To").to_owned();
    let vera = "Vera <vera@visitor.example>";
    let (app, stranger) = (&desk.app, desk.app.stranger());
    let url = format!("{}/mail/inbound", app.base);
    let body = mail(vera, &reply_to, "", "Without the secret");
    stranger.send(stranger.client.post(&url).body(body.clone())).await.expect(401);
    stranger.send(stranger.client.post(&url).bearer_auth("a-secret-of-another").body(body)).await.expect(401);
    for (to, text) in [
        ("reply+abcdefghjkmnpqrstuvwxyz023@in.desk.example", "A guess"),
        ("reply@in.desk.example", "No token"),
        ("reply+@in.desk.example", "An empty token"),
        (&reply_to.replace("in.desk.example", "elsewhere.example"), "Elsewhere"),
        ("desk@desk.example", "A new matter"),
    ] {
        hand_over(app, &mail(vera, to, "", text)).await.expect(204);
    }
    for nothing in ["", "\r\n", "no mail at all", "\u{1}\u{2}"] {
        hand_over(app, nothing).await.expect(204);
    }
    assert_eq!(desk.vera.history("").await.len(), 2, "nothing was stored");
    assert_eq!(desk.owner.get("/conversations").await.count(".row-link"), 1, "and nothing began");
    assert_eq!(server.take(), Vec::<String>::new(), "nobody is answered");
    // In upper case, as some programs write it, and among other recipients.
    let to = format!("a@b.example, {}", reply_to.to_uppercase());
    hand_over(app, &mail(vera, &to, "", "In upper case")).await.expect(204);
    assert_eq!(desk.vera.history("").await.last().unwrap(), "In upper case");

    // Ended by an agent.
    desk.owner.post(&format!("{}/end-links", desk.talk), &[]).await.expect(303);
    hand_over(app, &mail(vera, &reply_to, "", "After the end")).await.expect(204);
    desk.page().await.expect_no_text("After the end");
}

#[actix_web::test]
async fn a_token_ends_with_time_and_with_the_address() {
    let server = MailServer::start();
    let (desk, sent) = mailed(&server).await;
    let reply_to = header(&sent, "Reply-To").to_owned();
    let path = format!("{}/visitor", desk.talk);
    let name = |email| [("visitorName", "Vera"), ("visitorEmail", email)];
    desk.owner.post(&path, &name("other@visitor.example")).await.expect(303);
    hand_over(&desk.app, &mail("vera@visitor.example", &reply_to, "", "To the old address")).await.expect(204);
    desk.page().await.expect_no_text("To the old address");
    desk.owner.post(&path, &name("vera@visitor.example")).await.expect(303);
    desk.app.wait(Duration::from_secs(91 * 24 * 3600));
    hand_over(&desk.app, &mail("vera@visitor.example", &reply_to, "", "Too late")).await.expect(204);
    assert_eq!(desk.vera.history("").await.len(), 2);
}

#[actix_web::test]
async fn another_sender_is_shown_and_is_not_the_visitor() {
    let server = MailServer::start();
    let (desk, sent) = mailed(&server).await;
    let reply_to = header(&sent, "Reply-To");
    hand_over(&desk.app, &mail("Max <Max@Work.example>", reply_to, "", "I am her boss.")).await.expect(204);
    let page = desk.page().await;
    page.expect_text("I am her boss.").expect_text("max@work.example").expect_text("By email, from another address");
    page.expect_text("(unconfirmed)").expect_no_text(">Seen<");
    page.expect_text("vera@visitor.example").expect_no_text("<bdi class=\"line\">Max");
}

#[actix_web::test]
async fn programs_that_answer_are_shown_as_such_and_end() {
    let server = MailServer::start();
    let (desk, sent) = mailed(&server).await;
    let reply_to = header(&sent, "Reply-To");
    assert_eq!(header(&sent, "Auto-Submitted"), "auto-generated");
    desk.owner.post(&format!("{}/status", desk.talk), &[("status", "closed")]).await.expect(303);
    for headers in [
        "Auto-Submitted: auto-replied (vacation)\r\n",
        "Precedence: bulk\r\n",
        "X-Autoreply: yes\r\n",
        "Return-Path: <>\r\n",
        "Precedence: auto_reply\r\n",
        "Auto-Submitted: auto-notified\r\n",
        "Auto-Submitted: auto-replied\r\n",
    ] {
        hand_over(&desk.app, &mail("vera@visitor.example", reply_to, headers, "I am away.")).await.expect(204);
    }
    let page = desk.page().await;
    assert_eq!(page.body.matches("Automatic email").count(), 5, "more in a day are dropped");
    page.expect_text("(unconfirmed)").expect_no_text("Needs reply");
    desk.owner.get("/conversations").await.expect_no_text("Vera");
    desk.after(60).await;
    assert_eq!(server.take(), Vec::<String>::new(), "no program of ours answers");
    let written = "Auto-Submitted: no\r\nReturn-Path: <vera@visitor.example>\r\n";
    hand_over(&desk.app, &mail("vera@visitor.example", reply_to, written, "I am back.")).await.expect(204);
    desk.owner.get("/conversations").await.expect_text("I am back.").expect_text("Needs reply");
    // Somebody’s program that says nothing about itself: it is slowed down, and nothing is lost.
    let mut taken = 0;
    while hand_over(&desk.app, &mail("vera@visitor.example", reply_to, "", "Again")).await.status == 204 {
        taken += 1;
        assert!(taken < 100, "it ends");
    }
    assert_eq!(taken, 59);
    desk.app.wait(Duration::from_secs(3601));
    hand_over(&desk.app, &mail("vera@visitor.example", reply_to, "", "Later")).await.expect(204);
}

/// A report that a mail was not delivered (RFC 3464).
fn report(to: &str, action: &str, status: &str) -> String {
    let said = format!(
        "This is the mail system.\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\
         \r\nFinal-Recipient: rfc822; vera@visitor.example\r\nAction: {action}\r\nStatus: {status}\r\n\
         Diagnostic-Code: smtp; 550 {status}\r\n Mailbox not here\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
         Subject: replied\r\n\r\n--b--"
    );
    let headers = "Return-Path: <>\r\nAuto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n\
                   Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n";
    mail("MAILER-DAEMON@mx.example", to, headers, &format!("--b\r\nContent-Type: text/plain\r\n\r\n{said}"))
}

#[actix_web::test]
async fn a_mail_that_comes_back_is_told_and_ends_mails_to_its_address() {
    let server = MailServer::start();
    let (desk, sent) = mailed(&server).await;
    let reply_to = header(&sent, "Reply-To");
    hand_over(&desk.app, &report(reply_to, "delayed", "4.4.1")).await.expect(204);
    desk.page().await.expect_text("Emailed").expect_no_text("Not delivered");
    hand_over(&desk.app, &report(reply_to, "failed", "5.2.2")).await.expect(204);
    desk.page()
        .await
        .expect_text("Not delivered: 550 5.2.2 Mailbox not here")
        .expect_no_text("This is the mail system");
    // The mailbox was full; a later mail holds that reply, too.
    desk.reply("Are you there?").await;
    desk.after(20).await;
    let next = only(&server);
    assert!(next.contains("It left yesterday.") && next.contains("Are you there?"), "{next}");
    hand_over(&desk.app, &report(header(&next, "Reply-To"), "failed", "5.1.1")).await.expect(204);
    desk.page().await.expect_text("a mail server refused the address");
    desk.reply("Nobody gets this.").await;
    desk.after(20).await;
    assert_eq!(server.take(), Vec::<String>::new());
}

#[actix_web::test]
async fn long_and_empty_mails_lose_nothing() {
    let server = MailServer::start();
    let (desk, sent) = mailed(&server).await;
    let reply_to = header(&sent, "Reply-To");
    let long = format!("{} and the end", "word ".repeat(2_500));
    hand_over(&desk.app, &mail("vera@visitor.example", reply_to, "", &long)).await.expect(204);
    hand_over(&desk.app, &mail("vera@visitor.example", reply_to, "", "")).await.expect(204);
    desk.page().await.expect_text("and the end").expect_text("Re: Reply");
    hand_over(&desk.app, &"x".repeat(42 * 1024 * 1024)).await.expect(413);

    // What no column takes is taken out of what anybody can send.
    let subject = format!("Subject: =?utf-8?q?A=00{}?=\r\n", "long_".repeat(100));
    let file = "Content-Type: multipart/mixed; boundary=b\r\nMIME-Version: 1.0\r\n";
    let parts = "--b\r\nContent-Type: application/x-thing; name=\"=?utf-8?q?a=00.exe?=\"\r\nContent-Disposition: attachment\r\n\r\nx\r\n--b--";
    let raw = mail("vera@visitor.example", reply_to, file, parts).replace("Subject: Re: Reply\r\n", &subject);
    hand_over(&desk.app, &raw).await.expect(204);
    desk.page().await.expect_text("long long").expect_text("Attached, not kept: a");
    let reason = report(reply_to, "failed", "5.2.2").replace("Mailbox not here", &"very ".repeat(100_000));
    hand_over(&desk.app, &reason).await.expect(204);
    assert!(desk.page().await.body.len() < 200_000, "a reason is one line");
}

#[actix_web::test]
async fn answers_are_found_in_a_mailbox() {
    let (server, mut mailbox) = (MailServer::start(), ImapServer::start());
    let url = mailbox.url();
    let with_mail = with_answers(&server);
    let settings = move |config: &mut Config| {
        with_mail(config);
        config.mail_inbound_secret = None;
        config.imap_url = Some(url);
    };
    let desk = Desk::on(TestApp::start_with(settings).await).await;
    desk.reply("It left yesterday.").await;
    desk.after(11).await;
    let reply_to = header(&only(&server), "Reply-To").to_owned();
    let vera = "Vera <vera@visitor.example>";
    mailbox.deliver(&mail("news@shop.example", "desk@in.desk.example", "", "Not for Docket"));
    mailbox.deliver(&of_program("thunderbird", &reply_to));
    mailbox.deliver(&mail(vera, &reply_to, "", "One more thing."));
    desk.after(2).await;
    let history = desk.vera.history("").await;
    assert_eq!(history[2..], ["Thank you, that helps.\n\nWhen does it arrive?", "One more thing."]);
    assert_eq!(mailbox.count(), (3, 2), "only what is taken is marked as read");
    desk.page().await.expect_text("Needs reply");

    // A server that is away, and then is not.
    mailbox.stop();
    mailbox.deliver(&mail(vera, &reply_to, "", "While you were away"));
    desk.after(2).await;
    assert_eq!(desk.vera.history("").await.len(), 4);
    mailbox.start_again();
    desk.after(2).await;
    assert_eq!(desk.vera.history("").await[4..], ["While you were away"]);
    desk.after(2).await;
    assert_eq!(desk.vera.history("").await.len(), 5, "each is read once");
    // More than one step reads.
    for number in 0..130 {
        let to = if number == 125 { reply_to.as_str() } else { "desk@in.desk.example" };
        mailbox.deliver(&mail(vera, to, "", &format!("Number {number}.")));
    }
    desk.after(2).await;
    assert_eq!(desk.vera.history("").await[5..], ["Number 125."]);

    // One that has to wait keeps no other waiting, and is taken later.
    desk.app.wait(Duration::from_secs(3601));
    for number in 0..62 {
        mailbox.deliver(&mail(vera, &reply_to, "", &format!("Flood {number}.")));
    }
    mailbox.deliver(&report(&reply_to, "failed", "5.1.1"));
    desk.after(2).await;
    desk.page().await.expect_text("Flood 59.").expect_no_text("Flood 60.");
    desk.page().await.expect_text("A mail server refused the address.");
    desk.app.wait(Duration::from_secs(3601));
    desk.after(2).await;
    desk.page().await.expect_text("Flood 61.");
}

#[actix_web::test]
async fn two_desks_that_answer_each_other_end() {
    let (server, other_server) = (MailServer::start(), MailServer::start());
    let (desk, sent) = mailed(&server).await;
    // The other desk has got it: as what its own agent answers, and with a program of its own that
    // replies to everything.
    let other = Desk::on(TestApp::start_with(with_answers(&other_server)).await).await;
    other.reply("An agent of the other desk").await;
    other.after(11).await;
    let theirs = only(&other_server);
    let bounced = |mail: &str, to: &str| {
        // As a mail server hands it on: to the address for answers of the other one.
        let text = mail.split_once("\n\n").map_or("", |(_, text)| text).replace('\n', "\r\n");
        let marks: String =
            mail.lines().filter(|line| line.starts_with("Auto-Submitted")).map(|line| format!("{line}\r\n")).collect();
        crate::conversations::answers::mail("desk@desk.example", to, &marks, &text)
    };
    for _ in 0..20 {
        hand_over(&desk.app, &bounced(&theirs, header(&sent, "Reply-To"))).await.expect(204);
        hand_over(&other.app, &bounced(&sent, header(&theirs, "Reply-To"))).await.expect(204);
        desk.after(16).await;
        other.after(16).await;
    }
    assert_eq!(
        (server.take(), other_server.take()),
        (Vec::<String>::new(), Vec::<String>::new()),
        "no desk answers a desk"
    );
    assert_eq!(desk.page().await.body.matches("Automatic email").count(), 5);
}
