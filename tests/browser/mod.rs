//! The main workflow in a real browser, with and without scripts.

mod accessibility;
mod attachments;
mod chat;
mod desk;
mod lists;
mod live;
mod mails;
mod saving;
mod sites;

use crate::support::browser::Browser;
use crate::support::{TestApp, files};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::json;

/// A website with its own origin and a page with that form.
fn website(form: &str) -> String {
    let page = format!(
        "<!doctype html><title>Shop</title><form method=post action='{form}'><input name=name><input name=email>\
         <textarea name=message></textarea><input name=_gotcha hidden><button>Send</button></form>"
    );
    let server = HttpServer::new(move || {
        let page = page.clone();
        App::new().default_service(web::to(move || {
            let page = page.clone();
            async move { HttpResponse::Ok().content_type("text/html").body(page) }
        }))
    });
    let server = server.workers(1).bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    format!("http://{address}/contact")
}

/// From the printed set-up link to a visitor's submission of a form on the website.
async fn open_desk_and_receive_a_submission(app: &TestApp, browser: &Browser) {
    browser.goto(&format!("{}{}", app.base, app.setup_path.clone().unwrap())).await;
    browser.fill("[name=name]", "Ana Agent").await;
    browser.fill("[name=email]", "ana@example.com").await;
    browser.fill("[name=password]", "correct horse battery").await;
    browser.click("button.primary").await;
    browser.see("No tickets yet").await;
    browser.goto(&format!("{}/settings/forms", app.base)).await;
    browser.fill("main [name=name]", "Contact form").await;
    browser.click("main button.primary").await;
    let html = browser.find("textarea.copy").await.prop("value").await.unwrap().unwrap();
    let address = html.split("action=\"").nth(1).unwrap().split('"').next().unwrap();
    browser.goto(&website(address)).await;
    browser.fill("[name=name]", "Vera Visitor").await;
    browser.fill("[name=email]", "vera@example.com").await;
    browser.fill("[name=message]", "The lamp is broken").await;
    browser.click("button").await;
    browser.see("Thank you").await;
    browser.goto(&format!("{}/submissions", app.base)).await;
    browser.see("The lamp is broken").await;
    browser.click(".rows .button").await;
    browser.click("main button.primary").await;
    browser.see("Ticket #1 created.").await;
}

async fn close_and_find_again(app: &TestApp, browser: &Browser) {
    browser.see("Resolved in").await;
    browser.goto(&format!("{}/tickets", app.base)).await;
    browser.see("No ticket is in this status.").await;
    browser.fill("[name=q]", "vera").await;
    browser.find("[name=q]").await.send_keys("\u{e007}").await.unwrap();
    browser.see("Results for “vera”").await;
    browser.click(".row-link").await;
    browser.see("The lamp is broken").await;
}

#[actix_web::test]
async fn browser_the_main_job_with_scripts() {
    let app = TestApp::start().await;
    let browser = Browser::start(true).await;
    open_desk_and_receive_a_submission(&app, &browser).await;

    browser.drop_files(&[("Screenshot ä.png", &files::png(1))]).await;
    browser.see("Screenshot ä.png").await;
    let loaded = "const image = document.querySelector('.file img'); return !!image && image.complete && image.naturalWidth > 0;";
    browser.until("the thumbnail shows", loaded).await;

    // Exactly 5 MB pass. For one byte more, the page shows the error beside the file at once.
    let [whole, over] =
        [(5_242_880, "whole.jpg"), (5_242_881, "over.jpg")].map(|(size, name)| app.file(name, &files::jpeg_of(size)));
    browser.find("#file-input").await.send_keys(whole.to_str().unwrap()).await.unwrap();
    browser.find(".file [aria-label='Remove whole.jpg']").await;
    browser.find("#file-input").await.send_keys(over.to_str().unwrap()).await.unwrap();
    browser.see("The file is larger than 5 MB.").await;

    // Typed text survives a reload. Saving removes the draft.
    browser.click(".editor summary").await;
    browser.fill("[name=notes]", "typed but not saved").await;
    browser.client.refresh().await.unwrap();
    browser.see("Unsaved text restored.").await;
    let text = browser.find("[name=notes]").await.prop("value").await.unwrap().unwrap();
    assert_eq!(text, "typed but not saved");
    browser.click(".editor button.primary").await;
    browser.see("Notes saved.").await;
    assert_eq!(browser.run("return localStorage.length", vec![]).await, json!(0));

    // Choosing a status submits it.
    browser.find("[name=status]").await.select_by_value("closed").await.unwrap();
    close_and_find_again(&app, &browser).await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_the_main_job_without_scripts() {
    let app = TestApp::start().await;
    let browser = Browser::start(false).await;
    open_desk_and_receive_a_submission(&app, &browser).await;

    let good = app.file("Screenshot.png", &files::png(1));
    browser.find("#file-input").await.send_keys(good.to_str().unwrap()).await.unwrap();
    browser.click(".drop button").await;
    browser.see("File attached.").await;
    // One byte too many results in a page with the error, not in a reset connection.
    let over = app.file("over.jpg", &files::jpeg_of(5_242_881));
    browser.find("#file-input").await.send_keys(over.to_str().unwrap()).await.unwrap();
    browser.click(".drop button").await;
    browser.see("over.jpg: The file is larger than 5 MB.").await;
    browser.click("main .button.primary").await;

    browser.click(".editor summary").await;
    browser.fill("[name=notes]", "written without scripts").await;
    browser.click(".editor button.primary").await;
    browser.see("Notes saved.").await;
    browser.click(".file form button").await;
    browser.see("Screenshot.png removed.").await;
    browser.click(".flash button").await;
    browser.see("Screenshot.png restored.").await;

    browser.find("[name=status]").await.select_by_value("closed").await.unwrap();
    browser.click("form[action$='/status'] button").await;
    close_and_find_again(&app, &browser).await;
    browser.stop().await;
}
