//! A Chromium for one test, and its driver.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const PATIENCE: Duration = Duration::from_secs(20);

/// A browser. If `DOCKET_TEST_FILM` names a folder, every step of a test is saved there as
/// a picture.
pub struct Browser {
    pub client: Client,
    driver: Child,
}

/// Starts a driver, and returns it with its port.
fn start_driver() -> Option<(Child, String)> {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        // In other locales, the driver cannot find files with non-ASCII names.
        .env("LC_ALL", "C.UTF-8")
        .stdout(Stdio::piped())
        .spawn()
        .expect("chromedriver is installed");
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    let begun = "ChromeDriver was started successfully on port ";
    let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let port = line.strip_prefix(begun)?;
        Some(port.trim_end_matches('.').to_owned())
    });
    let Some(port) = port else {
        driver.wait().unwrap();
        return None;
    };
    std::thread::spawn(move || for _ in lines {});
    Some((driver, port))
}

impl Browser {
    pub async fn start(scripts: bool) -> Self {
        // Another program may take the port that the driver has found free.
        let (driver, port) = std::iter::repeat_with(start_driver).take(3).find_map(|started| started).unwrap();
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

    /// Opens a page and waits until its scripts have run. The driver may take the end of a
    /// navigation that was still going on for the end of this one.
    pub async fn goto(&self, url: &str) {
        self.run("window.isLeft = true", vec![]).await;
        self.client.goto(url).await.unwrap();
        self.until(url, "return !window.isLeft && document.readyState === 'complete'").await;
    }

    pub async fn fill(&self, css: &str, text: &str) {
        self.on(css, async |field| {
            field.clear().await?;
            field.send_keys(text).await
        })
        .await;
    }

    pub async fn click(&self, css: &str) {
        self.on(css, async |element| {
            // The driver itself doesn't know that something may stick to the top.
            let place = vec![serde_json::to_value(&element)?];
            self.client.execute("arguments[0].scrollIntoView({ block: 'nearest' })", place).await?;
            element.click().await
        })
        .await;
        self.film().await;
    }

    /// Acts on an element, and tries again with its successor if the page was replaced in
    /// the meantime.
    async fn on(&self, css: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        let begun = Instant::now();
        while let Err(error) = act(self.find(css).await).await {
            assert!(error.is_stale_element_reference() && begun.elapsed() < PATIENCE, "{css}: {error}");
        }
    }

    pub async fn find(&self, css: &str) -> Element {
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
        match found {
            Ok(element) => element,
            Err(error) => panic!("no {css}: {error}\n{}", self.text().await),
        }
    }

    /// Waits until the page shows a text.
    pub async fn see(&self, text: &str) {
        let xpath = format!("//*[contains(normalize-space(.), \"{text}\")]");
        let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&xpath)).await;
        assert!(found.is_ok(), "no {text:?} in:\n{}", self.text().await);
        self.film().await;
    }

    pub async fn text(&self) -> String {
        self.client.find(Locator::Css("body")).await.unwrap().text().await.unwrap()
    }

    pub async fn run(&self, script: &str, args: Vec<Value>) -> Value {
        self.client.execute(script, args).await.unwrap()
    }

    pub async fn stop(mut self) {
        self.client.clone().close().await.unwrap();
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

/// WebDriver's codes for keys.
pub mod keys {
    pub const TAB: char = '\u{e004}';
    pub const ENTER: char = '\u{e007}';
    pub const ESCAPE: char = '\u{e00c}';
    pub const RIGHT: char = '\u{e014}';
    pub const DOWN: char = '\u{e015}';
}

impl Browser {
    /// Presses a key in the focused element.
    pub async fn press(&self, key: char) {
        let press =
            KeyActions::new("keyboard".into()).then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        self.client.perform_actions(press).await.unwrap();
        self.film().await;
    }

    /// The name of the focused element.
    pub async fn focused(&self) -> String {
        let name = "const at = document.activeElement; return at.getAttribute('aria-label') ?? at.textContent.trim()";
        self.run(name, vec![]).await.as_str().unwrap().to_owned()
    }

    /// Presses Tab until the element with this name has the focus.
    pub async fn tab_to(&self, name: &str) {
        let mut passed = Vec::new();
        for _ in 0..120 {
            let at = self.focused().await;
            if at == name {
                return;
            }
            passed.push(at);
            self.press(keys::TAB).await;
        }
        panic!("Tab never comes to {name:?}, only to {passed:?}");
    }

    /// Waits until a script returns `true`.
    pub async fn until(&self, what: &str, script: &str) {
        let begun = Instant::now();
        while self.run(script, vec![]).await != json!(true) {
            assert!(begun.elapsed() < PATIENCE, "never: {what}\n{}", self.text().await);
        }
        self.film().await;
    }

    /// Drops files on the page, like the operating system.
    pub async fn drop_files(&self, files: &[(&str, &[u8])]) {
        let drop = "document.querySelector('h1').dispatchEvent(new DragEvent('drop', { bubbles: true, cancelable: true, dataTransfer: transfer }));";
        self.transfer(files, drop).await;
    }

    /// Pastes files, like the operating system.
    pub async fn paste_files(&self, files: &[(&str, &[u8])]) {
        let paste = "document.activeElement.dispatchEvent(new ClipboardEvent('paste', { bubbles: true, cancelable: true, clipboardData: transfer }));";
        self.transfer(files, paste).await;
    }

    /// Runs a script with the files in `transfer`.
    async fn transfer(&self, files: &[(&str, &[u8])], script: &str) {
        let fill = "const transfer = new DataTransfer();
            for (const [name, type, base64] of arguments[0]) {
                const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name, { type }));
            }";
        self.run(&format!("{fill}\n{script}"), vec![transferred(files)]).await;
        self.film().await;
    }

    /// Limits uploads to this many bytes a second; 0 for no limit.
    pub async fn slow_down(&self, bytes: u32) {
        let upload = if bytes == 0 { -1.0 } else { f64::from(bytes) };
        let conditions =
            json!({ "offline": false, "latency": 0, "downloadThroughput": -1, "uploadThroughput": upload });
        self.devtools("Network.enable", json!({})).await;
        self.devtools("Network.emulateNetworkConditions", conditions).await;
    }

    /// Opens closed shadow roots for tests, and records violations of the content security
    /// policy, on every page from now on.
    pub async fn look_inside(&self) {
        let source = "const attach = Element.prototype.attachShadow;
            Element.prototype.attachShadow = function (init) { return attach.call(this, { ...init, mode: 'open' }); };
            window.violations = [];
            addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));";
        self.run_on_every_page(source).await;
    }

    pub async fn run_on_every_page(&self, source: &str) {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await;
    }

    /// Shows pages in light or dark colours.
    pub async fn prefer(&self, scheme: &str) {
        // Without transitions, the colours are there at once.
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Shows pages as on a screen of this size.
    pub async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    async fn devtools(&self, cmd: &'static str, params: Value) {
        self.client.issue_cmd(DevTools { cmd, params }).await.unwrap();
    }

    async fn film(&self) {
        let Ok(folder) = std::env::var("DOCKET_TEST_FILM") else { return };
        let at = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        if let Ok(picture) = self.client.screenshot().await {
            std::fs::write(format!("{folder}/{at}.png"), picture).unwrap();
        }
    }
}

fn transferred(files: &[(&str, &[u8])]) -> Value {
    let type_of = |name: &str| match name.rsplit('.').next() {
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        _ => "",
    };
    let file = |(name, bytes): &(&str, &[u8])| json!([name, type_of(name), BASE64.encode(bytes)]);
    files.iter().map(file).collect()
}

/// A command of the Chrome DevTools protocol, sent through the driver.
#[derive(Debug)]
struct DevTools {
    cmd: &'static str,
    params: Value,
}

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base_url: &url::Url, session_id: Option<&str>) -> Result<url::Url, url::ParseError> {
        base_url.join(&format!("session/{}/goog/cdp/execute", session_id.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (reqwest::Method, Option<String>) {
        (reqwest::Method::POST, Some(json!({ "cmd": self.cmd, "params": self.params }).to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A failed test must not leave a driver running.
        let _ = self.driver.kill();
    }
}
