//! `/settings`: the account's name, time zone, and where other systems live.

use crate::app::AppData;
use crate::db::schema::accounts;
use crate::error::{Error, Kind, Result};
use crate::people::access::Action;
use crate::people::model::{Agent, MAX_NAME, parse_zone};
use crate::people::store;
use crate::web::fields::Fields;
use crate::web::layout::{Flash, Layout};
use crate::web::text;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use diesel::prelude::*;

/// Stands for the id in the address of another system.
pub const ID: &str = "{id}";

#[derive(Clone)]
struct Settings {
    name: String,
    zone: String,
    conversation_url: String,
    submission_url: String,
}

impl Settings {
    fn parse(&self) -> Result<Self> {
        Ok(Self {
            name: text::required_line("The name", &self.name, MAX_NAME)?,
            zone: parse_zone(&self.zone)?,
            conversation_url: parse_pattern(&self.conversation_url)?,
            submission_url: parse_pattern(&self.submission_url)?,
        })
    }
}

fn parse_pattern(pattern: &str) -> Result<String> {
    let pattern = pattern.trim();
    let is_fine = pattern.is_empty() || (pattern.contains(ID) && text::web_url(&pattern.replace(ID, "1")).is_some());
    if is_fine {
        return Ok(pattern.to_owned());
    }
    Err(Error::invalid("The address of another system starts with https:// or http:// and contains {id}."))
}

/// The address of something in another system, if the account says where that is.
#[must_use]
pub fn elsewhere(pattern: &str, id: &str) -> Option<String> {
    text::web_url(&pattern.replace(ID, id)).filter(|_| !pattern.is_empty()).map(String::from)
}

#[derive(Template)]
#[template(path = "people/account.html")]
struct AccountPage<'a> {
    layout: &'a Layout,
    settings: &'a Settings,
    zones: Vec<&'static str>,
    error: Option<&'a str>,
}

fn render(layout: &Layout, settings: &Settings, error: Option<&Error>) -> Result<HttpResponse> {
    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()).collect();
    let status = error.map_or(StatusCode::OK, |_| Kind::Invalid.status());
    layout.page_with(status, &AccountPage { layout, settings, zones, error: error.map(Error::message) })
}

/// `GET /settings`
///
/// # Errors
/// When the database fails.
pub async fn show(app: AppData, agent: Agent, layout: Layout) -> Result<HttpResponse> {
    let account = app.db.read(move |conn| store::account(conn, agent.account_id)).await?;
    let settings = Settings {
        name: account.name,
        zone: account.time_zone,
        conversation_url: account.conversation_url,
        submission_url: account.submission_url,
    };
    render(&layout, &settings, None)
}

/// `POST /settings`: `name`, `timeZone`, `conversationUrl`, `submissionUrl`
///
/// # Errors
/// When the database fails.
pub async fn save(app: AppData, agent: Agent, layout: Layout, sent: Fields) -> Result<HttpResponse> {
    let typed = Settings {
        name: sent.get("name"),
        zone: sent.get("timeZone"),
        conversation_url: sent.get("conversationUrl"),
        submission_url: sent.get("submissionUrl"),
    };
    let parsed = match typed.parse() {
        Ok(parsed) => parsed,
        Err(error) => return render(&layout, &typed, Some(&error)),
    };
    app.write_as(&agent, Action::Configure, move |conn, agent| {
        diesel::update(accounts::table.find(agent.account_id))
            .set((
                accounts::name.eq(&parsed.name),
                accounts::time_zone.eq(&parsed.zone),
                accounts::conversation_url.eq(&parsed.conversation_url),
                accounts::submission_url.eq(&parsed.submission_url),
            ))
            .execute(conn)?;
        Ok(())
    })
    .await?;
    layout.see_other_saying("/settings", &Flash::new("Saved."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_systems_are_found_by_their_pattern() {
        assert_eq!(elsewhere("https://chat.example/c/{id}", "a:1").as_deref(), Some("https://chat.example/c/a:1"));
        assert_eq!(elsewhere("", "a"), None);
        for bad in ["javascript:{id}", "https://chat.example/c/", "chat.example/{id}"] {
            assert!(parse_pattern(bad).is_err(), "{bad}");
        }
    }
}
