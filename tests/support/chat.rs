//! A visitor's bubble and an event stream for tests.

use super::{Answer, PASSWORD, Person, TestApp, client, from_elsewhere, unique};
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A visitor to a website with the bubble.
#[derive(Clone)]
pub struct Visitor {
    pub base: String,
    pub key: String,
    pub secret: String,
    pub client: Client,
}

impl Visitor {
    pub fn new(base: &str, key: &str) -> Self {
        let secret = format!("{:x<43}", unique("secret"));
        Self { base: base.into(), key: key.into(), secret, client: client() }
    }

    /// A request with this visitor's secret, from a unique address.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/chat/{}{path}", self.base, self.key);
        from_elsewhere(self.client.request(method, url))
            .header("origin", "https://shop.example")
            .bearer_auth(&self.secret)
    }

    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::read(request.send().await.unwrap()).await
    }

    /// Writes a message with a unique id.
    pub async fn write(&self, body: &str) -> Answer {
        self.write_as(&unique("message"), body).await
    }

    pub async fn write_as(&self, id: &str, body: &str) -> Answer {
        let message = json!({ "id": id, "body": body, "name": "Vera", "page": "https://shop.example/lamps" });
        self.send(self.request(Method::POST, "/messages").json(&message)).await
    }

    /// The texts of the messages in the history.
    pub async fn history(&self, query: &str) -> Vec<String> {
        let answer = self.send(self.request(Method::GET, &format!("/messages{query}"))).await.expect(200).json();
        answer["messages"].as_array().unwrap().iter().map(|line| line["body"].as_str().unwrap().to_owned()).collect()
    }

    pub async fn events(&self, after: i64) -> Events {
        let request = self.request(Method::GET, &format!("/events?after={after}"));
        Events::read(request.send().await.unwrap())
    }
}

/// One server-sent event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub name: String,
    pub id: String,
    pub data: Value,
}

/// A stream of server-sent events.
pub struct Events {
    chunks: BoxStream<'static, Result<Vec<u8>, reqwest::Error>>,
    text: String,
    /// All received text, unchanged.
    pub raw: String,
}

impl Events {
    #[track_caller]
    pub fn read(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let chunks = response.bytes_stream().map_ok(|chunk| chunk.to_vec()).boxed();
        Self { chunks, text: String::new(), raw: String::new() }
    }

    /// The next event, or `None` after the end of the stream.
    pub async fn next(&mut self) -> Option<Event> {
        timeout(PATIENCE, self.next_ever()).await.expect("an event comes, or the end")
    }

    async fn next_ever(&mut self) -> Option<Event> {
        loop {
            if let Some((frame, rest)) = self.text.split_once("\n\n") {
                let (frame, rest) = (frame.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let mut lines = frame.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
                    lines.next().unwrap_or("").to_owned()
                };
                if !field("event").is_empty() {
                    let data = serde_json::from_str(&field("data")).unwrap();
                    return Some(Event { name: field("event"), id: field("id"), data });
                }
                continue;
            }
            let chunk = self.chunks.next().await?;
            // Killing the server also ends the stream.
            let text = String::from_utf8(chunk.ok()?).unwrap();
            self.raw += &text;
            self.text += &text;
        }
    }

    /// The data of the next event with this name; skips other events.
    pub async fn until(&mut self, name: &str) -> Value {
        while let Some(event) = self.next().await {
            if event.name == name {
                return event.data;
            }
        }
        panic!("the stream ended without {name}:\n{}", self.raw);
    }

    /// Waits for the end of the stream.
    pub async fn end(&mut self) {
        while self.next().await.is_some() {}
    }
}

impl Person {
    /// Creates a chat bubble and returns its key.
    pub async fn make_widget(&self, name: &str) -> String {
        let made = self.post("/settings/chat", &[("name", name)]).await;
        let page = self.get(made.expect(303).location()).await;
        let snippet = page.value_of("[data-copy]");
        snippet.split('"').nth(3).unwrap().to_owned()
    }

    /// Opens the account's event stream.
    pub async fn live(&self) -> Events {
        let mut events = Events::read(self.request(Method::GET, "/live").send().await.unwrap());
        events.until("resync").await;
        events
    }

    /// Creates an API key.
    pub async fn make_key(&self, name: &str) -> String {
        let page = self.post("/settings/keys", &[("name", name), ("current", PASSWORD)]).await;
        page.expect(201).value_of("[data-copy]")
    }

    /// The number of unread conversations in the page title.
    pub async fn unread(&self) -> i64 {
        self.get("/live/unread").await.expect(200).json()["conversations"].as_i64().unwrap()
    }
}

impl TestApp {
    /// The owner of an account with a bubble, and a visitor to its website.
    pub async fn shop(&self) -> (Person, Visitor) {
        let owner = self.owner().await;
        let key = owner.make_widget("Shop").await;
        let visitor = Visitor::new(&self.base, &key);
        (owner, visitor)
    }
}

impl Visitor {
    /// The id of this visitor's conversation, from an agent's list.
    pub async fn conversation(&self, agent: &Person) -> String {
        agent.get("/conversations?status=all").await.id_below("/conversations/")
    }
}
