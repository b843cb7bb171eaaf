//! What came back, and what a test expects of it.

use reqwest::Response;
use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
    pub body: String,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap().to_vec();
        Self { status, headers, body: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }

    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        let start: String = self.body.chars().take(3000).collect();
        assert_eq!(self.status, status, "{start}");
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn location(&self) -> &str {
        self.header("location").split('#').next().unwrap()
    }

    #[track_caller]
    pub fn expect_redirect(&self, to: &str) -> &Self {
        self.expect(303);
        assert_eq!(self.header("location"), to);
        self
    }

    #[track_caller]
    pub fn expect_text(&self, text: &str) -> &Self {
        assert!(self.body.contains(text), "no {text:?} in:\n{}", self.body);
        self
    }

    #[track_caller]
    pub fn expect_no_text(&self, text: &str) -> &Self {
        assert!(!self.body.contains(text), "{text:?} in:\n{}", self.body);
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error} in:\n{}", self.body))
    }

    /// What stands between two texts, for the first time.
    #[track_caller]
    pub fn between(&self, before: &str, after: &str) -> &str {
        let Some((_, rest)) = self.body.split_once(before) else { panic!("no {before:?} in:\n{}", self.body) };
        rest.split_once(after).unwrap().0
    }

    /// The tickets of a list, in its order.
    pub fn ticket_numbers(&self) -> Vec<i64> {
        let links = self.body.split("class=\"row-link\" href=\"/tickets/").skip(1);
        links.map(|link| link.split('"').next().unwrap().parse().unwrap()).collect()
    }
}
