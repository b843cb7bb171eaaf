//! The main job in a real browser, with scripts and without.

use crate::support::{TestApp, files};
use actix_web::{App, HttpResponse, HttpServer, web};
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use image::ImageFormat;
use serde_json::json;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// A Chromium of its own, and the driver that steers it.
struct Browser {
    client: Client,
    driver: Child,
}

impl Browser {
    async fn start(scripts: bool) -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .expect("chromedriver is installed");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| {
                line.strip_prefix("ChromeDriver was started successfully on port ")
                    .map(|port| port.trim_end_matches('.').to_owned())
            })
            .unwrap();
        std::thread::spawn(move || for _ in lines {});
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,1000",
        ];
        let javascript = if scripts { 1 } else { 2 };
        let options =
            json!({ "args": args, "prefs": { "profile.managed_default_content_settings.javascript": javascript } });
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".into(), options);
        let url = format!("http://127.0.0.1:{port}");
        let client = ClientBuilder::new(HttpConnector::new()).capabilities(capabilities).connect(&url).await.unwrap();
        Self { client, driver }
    }

    async fn goto(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    async fn find(&self, css: &str) -> fantoccini::elements::Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {css}: {error}\n{}", self.text().await),
        }
    }

    /// Waits until the page says that.
    async fn see(&self, text: &str) {
        let xpath = format!("//*[contains(normalize-space(.), \"{text}\")]");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&xpath)).await;
        assert!(found.is_ok(), "no {text:?} in:\n{}", self.text().await);
    }

    async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    async fn run(&self, script: &str, args: Vec<serde_json::Value>) -> serde_json::Value {
        self.client.execute(script, args).await.unwrap()
    }

    async fn stop(mut self) {
        self.client.clone().close().await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A failed test must not leave a driver behind.
        let _ = self.driver.kill();
    }
}

/// A website on an origin of its own whose page holds that form.
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

fn file(app: &TestApp, name: &str, bytes: &[u8]) -> PathBuf {
    let path = app.dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn jpeg_of(size: usize) -> Vec<u8> {
    let mut bytes = files::picture(ImageFormat::Jpeg, 1);
    bytes.resize(size, 0);
    bytes
}

/// From the printed link to a form on the website, and what a visitor sends there.
async fn open_desk_and_receive_a_submission(app: &TestApp, browser: &Browser) {
    browser.goto(&format!("{}{}", app.base, app.setup_path.clone().unwrap())).await;
    browser.fill("[name=name]", "Ana Agent").await;
    browser.fill("[name=email]", "ana@example.com").await;
    browser.fill("[name=password]", "correct horse battery").await;
    browser.click("[name=sample]").await;
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
    browser.see("Ticket #1 is made.").await;
}

async fn close_and_find_again(app: &TestApp, browser: &Browser) {
    browser.see("Resolved in").await;
    browser.goto(&format!("{}/tickets", app.base)).await;
    browser.see("No ticket is in this status.").await;
    browser.fill("[name=q]", "vera").await;
    browser.find("[name=q]").await.send_keys("\u{e007}").await.unwrap();
    browser.see("Found for “vera”").await;
    browser.click(".row-link").await;
    browser.see("The lamp is broken").await;
}

#[actix_web::test]
async fn browser_the_main_job_with_scripts() {
    let app = TestApp::start().await;
    let browser = Browser::start(true).await;
    open_desk_and_receive_a_submission(&app, &browser).await;

    // A screenshot is dropped on the page, as the system does it.
    let drop = "const bytes = Uint8Array.from(arguments[0]); const transfer = new DataTransfer();
        transfer.items.add(new File([bytes], 'Screenshot ä.png'));
        document.querySelector('h1').dispatchEvent(new DragEvent('drop', {bubbles: true, cancelable: true, dataTransfer: transfer}));";
    browser.run(drop, vec![json!(files::png(1))]).await;
    browser.see("Screenshot ä.png").await;
    let loaded = "const image = document.querySelector('.file img'); return !!image && image.complete && image.naturalWidth > 0;";
    let deadline = std::time::Instant::now() + PATIENCE;
    while browser.run(loaded, vec![]).await != json!(true) {
        assert!(std::time::Instant::now() < deadline, "the thumbnail never showed");
    }

    // Exactly 5 MB pass; one byte more is told beside the file, at once.
    let [whole, over] =
        [(5_242_880, "whole.jpg"), (5_242_881, "over.jpg")].map(|(size, name)| file(&app, name, &jpeg_of(size)));
    browser.find("#file-input").await.send_keys(whole.to_str().unwrap()).await.unwrap();
    browser.find(".file [aria-label='Remove whole.jpg']").await;
    browser.find("#file-input").await.send_keys(over.to_str().unwrap()).await.unwrap();
    browser.see("The file is larger than 5 MB.").await;

    // What is typed survives a reload, and is gone once it is saved.
    browser.click(".editor summary").await;
    browser.fill("[name=notes]", "typed but not saved").await;
    browser.client.refresh().await.unwrap();
    browser.see("Your unsaved text is back.").await;
    let text = browser.find("[name=notes]").await.prop("value").await.unwrap().unwrap();
    assert_eq!(text, "typed but not saved");
    browser.click(".editor button.primary").await;
    browser.see("The notes are saved.").await;
    assert_eq!(browser.run("return localStorage.length", vec![]).await, json!(0));

    // Choosing a status is enough.
    browser.find("[name=status]").await.select_by_value("closed").await.unwrap();
    close_and_find_again(&app, &browser).await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_the_main_job_without_scripts() {
    let app = TestApp::start().await;
    let browser = Browser::start(false).await;
    open_desk_and_receive_a_submission(&app, &browser).await;

    let good = file(&app, "Screenshot.png", &files::png(1));
    browser.find("#file-input").await.send_keys(good.to_str().unwrap()).await.unwrap();
    browser.click(".drop button").await;
    browser.see("The file is attached.").await;
    // One byte too much: a page that says so, and no reset connection.
    let over = file(&app, "over.jpg", &jpeg_of(5_242_881));
    browser.find("#file-input").await.send_keys(over.to_str().unwrap()).await.unwrap();
    browser.click(".drop button").await;
    browser.see("over.jpg: The file is larger than 5 MB.").await;
    browser.click("main .button.primary").await;

    browser.click(".editor summary").await;
    browser.fill("[name=notes]", "written without scripts").await;
    browser.click(".editor button.primary").await;
    browser.see("The notes are saved.").await;
    browser.click(".file form button").await;
    browser.see("Screenshot.png is removed.").await;
    browser.click(".flash button").await;
    browser.see("Screenshot.png is back.").await;

    browser.find("[name=status]").await.select_by_value("closed").await.unwrap();
    browser.click("form[action$='/status'] button").await;
    close_and_find_again(&app, &browser).await;
    browser.stop().await;
}
