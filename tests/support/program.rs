//! Clients of the API.

use crate::support::{Answer, Person, TestApp};
use reqwest::Method;
use serde_json::Value;

/// A program with an API key.
pub struct Program {
    pub person: Person,
    pub key: String,
}

impl Program {
    pub async fn of(app: &TestApp, owner: &Person) -> Self {
        Self { person: app.stranger(), key: owner.make_key("Shop system").await }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.person.client.request(method, format!("{}/api/v1{path}", self.person.base)).bearer_auth(&self.key)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.person.send(self.request(Method::GET, path)).await
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.person.send(self.request(method, path).json(body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn post_once(&self, key: &str, path: &str, body: &Value) -> Answer {
        self.person.send(self.request(Method::POST, path).header("idempotency-key", key).json(body)).await
    }
}
