//! A response, and expectations about it.

use reqwest::Response;
use reqwest::header::HeaderMap;
use scraper::{ElementRef, Html, Selector};
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

    /// The page, as a browser reads it.
    pub fn html(&self) -> Html {
        Html::parse_document(&self.body)
    }

    /// An attribute of every element that matches a CSS selector.
    pub fn attributes(&self, selector: &str, name: &str) -> Vec<String> {
        let found = css(selector);
        self.html().select(&found).map(|element| element.attr(name).unwrap_or_default().to_owned()).collect()
    }

    /// An attribute of the first matching element.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let found = self.attributes(selector, name).into_iter().next();
        found.unwrap_or_else(|| panic!("no {selector} in:\n{}", self.body))
    }

    /// The text of every element that matches a CSS selector, without extra spaces.
    pub fn texts(&self, selector: &str) -> Vec<String> {
        let text = |element: ElementRef<'_>| element.text().collect::<String>();
        let found = css(selector);
        let texts: Vec<String> = self.html().select(&found).map(text).collect();
        texts.iter().map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    }

    /// The number of elements that match a CSS selector.
    pub fn count(&self, selector: &str) -> usize {
        self.html().select(&css(selector)).count()
    }

    /// The value of the form field with this name.
    #[track_caller]
    pub fn value(&self, name: &str) -> String {
        self.value_of(&format!("[name={name:?}]"))
    }

    /// The value of the first field that matches a CSS selector.
    #[track_caller]
    pub fn value_of(&self, selector: &str) -> String {
        let (html, found) = (self.html(), css(selector));
        let field = html.select(&found).next().unwrap_or_else(|| panic!("no field {selector} in:\n{}", self.body));
        match field.value().name() {
            "textarea" => field.text().collect(),
            _ => field.attr("value").unwrap_or_default().to_owned(),
        }
    }

    /// The id in the first link or form address below a path.
    #[track_caller]
    pub fn id_below(&self, path: &str) -> String {
        let addresses = self.attributes("[href], [action], [src]", "href").into_iter();
        let addresses = addresses.chain(self.attributes("[action]", "action")).chain(self.attributes("[src]", "src"));
        let mut ids = addresses.filter_map(|address| {
            let (_, rest) = address.split_once(path)?;
            Some(rest.split(['/', '?', '#']).next()?.to_owned()).filter(|id| !id.is_empty() && id != "new")
        });
        ids.next().unwrap_or_else(|| panic!("no address below {path} in:\n{}", self.body))
    }

    /// The path of the one-time link that the page shows.
    #[track_caller]
    pub fn one_time_link(&self) -> String {
        url::Url::parse(&self.value_of("[data-copy]")).unwrap().path().to_owned()
    }

    /// The ticket numbers of a list, in order.
    pub fn ticket_numbers(&self) -> Vec<i64> {
        let links = self.attributes("a.row-link", "href");
        links.iter().map(|link| link.rsplit('/').next().unwrap().parse().unwrap()).collect()
    }
}

#[track_caller]
fn css(selector: &str) -> Selector {
    Selector::parse(selector).unwrap_or_else(|error| panic!("{selector}: {error}"))
}
