//! The page that mails to visitors link to, in a real browser.

use crate::conversations::mails::{Desk, only};
use crate::support::browser::Browser;
use crate::support::smtp::{MailServer, link};

#[actix_web::test]
async fn browser_a_visitor_answers_from_a_mail_without_scripts_and_is_seen_with_them() {
    let server = MailServer::start();
    let desk = Desk::open(&server).await;
    desk.reply("It left yesterday.").await;
    desk.after(11).await;
    let thread = format!("{}{}", desk.app.base, link(&only(&server)));

    // Only a person who does something there has seen it.
    let browser = Browser::start(true).await;
    browser.goto(&thread).await;
    browser.see("It left yesterday.").await;
    browser.until("the script has run", "return !document.querySelector('time').textContent.includes('UTC')").await;
    desk.page().await.expect_no_text("message-remark\">Seen");
    browser.run("document.body.dispatchEvent(new PointerEvent('pointermove', { bubbles: true }))", vec![]).await;
    browser.until("it was told", "return performance.getEntriesByType('resource').some(({ name, responseStatus }) => name.endsWith('/seen') && responseStatus === 204)").await;
    desk.page().await.expect_text("message-remark\">Seen");
    browser.stop().await;

    let browser = Browser::start(false).await;
    browser.goto(&thread).await;
    browser.fill("[name=body]", "Thank you!").await;
    browser.click("main button.primary").await;
    browser.see("Your message was sent.").await;
    browser.see("Thank you!").await;
    desk.page().await.expect_text("Thank you!");
    browser.goto(&format!("{thread}/stop")).await;
    browser.click("main button.primary").await;
    browser.see("You get no more emails about replies.").await;
    browser.stop().await;
}
