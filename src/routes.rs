//! Every address of the program, in one flat table. Each route names its gate: nothing is
//! public unless its line says so.

use crate::accounts::role::Action::{Configure, Own, Read, Work};
use crate::desk::sites::{forms, widgets};
use crate::desk::{
    account, attachments, audit, contacts, conversations, erasure, invitations, jobs, keys, live, password, profile,
    reports, sessions, setup, sign_in, submissions, tags, team, tickets, undo, views,
};
use crate::endpoint::{Endpoint, get, options, post};
use crate::files::{archive, serve};
use crate::gate::Gate;
use crate::tickets::query::Query;
use crate::web::layout::Layout;
use crate::web::{assets, cross_origin};
use crate::{api, public};
use actix_web::{HttpResponse, Route, web};
use std::collections::BTreeMap;

const PUBLIC: Gate = Gate::Public;
const DOOR: Gate = Gate::Door;
const READ: Gate = Gate::Desk(Read);
const WORK: Gate = Gate::Desk(Work);
const CONFIGURE: Gate = Gate::Desk(Configure);
const OWN: Gate = Gate::Desk(Own);

#[rustfmt::skip]
pub fn table() -> Vec<Endpoint> {
    let mut table = vec![
        // Public: forms and chat on other websites, health, assets.
        get("/f/{form_key}", PUBLIC, public::pages::form),
        get("/c/{widget_key}", PUBLIC, public::pages::chat),
        post("/f/{form_key}", PUBLIC, public::forms::receive),
        options("/f/{form_key}", PUBLIC, cross_origin::preflight),
        get("/f/{form_key}/thanks", PUBLIC, public::forms::thanks),
        get("/form.js", PUBLIC, cross_origin::form_script),
        get("/embed.js", PUBLIC, cross_origin::bubble_script),
        get("/chat/{widget_key}/config", PUBLIC, public::chat::config),
        options("/chat/{widget_key}/config", PUBLIC, cross_origin::preflight),
        get("/chat/{widget_key}/messages", PUBLIC, public::chat::history),
        post("/chat/{widget_key}/messages", PUBLIC, public::chat::send),
        options("/chat/{widget_key}/messages", PUBLIC, cross_origin::preflight),
        get("/chat/{widget_key}/files/{id}", PUBLIC, public::chat::file),
        options("/chat/{widget_key}/files/{id}", PUBLIC, cross_origin::preflight),
        get("/chat/{widget_key}/files/{id}/thumbnail", PUBLIC, public::chat::thumbnail),
        options("/chat/{widget_key}/files/{id}/thumbnail", PUBLIC, cross_origin::preflight),
        get("/chat/{widget_key}/events", PUBLIC, public::chat::events),
        options("/chat/{widget_key}/events", PUBLIC, cross_origin::preflight),
        post("/chat/{widget_key}/seen", PUBLIC, public::chat::seen),
        options("/chat/{widget_key}/seen", PUBLIC, cross_origin::preflight),
        get("/thread/{token}", PUBLIC, public::thread::show),
        get("/thread/{token}/files/{id}", PUBLIC, public::thread::file),
        get("/thread/{token}/files/{id}/thumbnail", PUBLIC, public::thread::thumbnail),
        post("/thread/{token}/messages", PUBLIC, public::thread::send),
        post("/thread/{token}/seen", PUBLIC, public::thread::seen),
        get("/thread/{token}/stop", PUBLIC, public::thread::ask_to_stop),
        post("/thread/{token}/stop", PUBLIC, public::thread::stop),
        post("/thread/{token}/resume", PUBLIC, public::thread::resume),
        post("/mail/inbound", PUBLIC, public::inbound::receive),
        get("/healthz", PUBLIC, public::health::process),
        get("/readyz", PUBLIC, public::health::ready),
        get("/metrics", PUBLIC, public::metrics::show),
        get("/static/{hash}/{name:.+}", PUBLIC, assets::serve),

        // The door: pages before sign-in.
        get("/setup", DOOR, setup::show),
        post("/setup", DOOR, setup::open),
        get("/login", DOOR, sign_in::show),
        post("/login", DOOR, sign_in::sign_in),
        post("/logout", DOOR, sign_in::sign_out),
        get("/password/forgot", DOOR, password::forgot),
        post("/password/forgot", DOOR, password::ask),
        get("/password/new", DOOR, password::show),
        post("/password/new", DOOR, password::save),
        get("/password/{token}", DOOR, password::open),
        get("/invitations/{token}", DOOR, invitations::show),
        post("/invitations/{token}", DOOR, invitations::join),

        // Tickets.
        get("/", READ, home),
        get("/tickets", READ, tickets::list::list),
        get("/tickets.csv", READ, api::export::csv),
        get("/tickets.jsonl", READ, api::export::json_lines),
        post("/tickets/bulk", WORK, tickets::bulk::change),
        get("/tickets/bulk/{id}", READ, tickets::bulk::show),
        post("/tickets/bulk/{id}/undo", WORK, tickets::bulk::undo),
        post("/tickets/bulk/{id}/cancel", WORK, tickets::bulk::cancel),
        post("/tickets/bulk/{id}/resume", WORK, tickets::bulk::resume),
        post("/tickets", WORK, tickets::new::create),
        get("/tickets/new", WORK, tickets::new::show),
        get("/tickets/{number}", READ, tickets::show::show),
        post("/tickets/{number}/title", WORK, tickets::change::title),
        post("/tickets/{number}/requester", WORK, tickets::change::requester),
        post("/tickets/{number}/status", WORK, tickets::change::status),
        post("/tickets/{number}/assignee", WORK, tickets::change::assignee),
        post("/tickets/{number}/tags", WORK, tickets::change::change_tags),
        post("/tickets/{number}/notes", WORK, tickets::notes::save),
        post("/tickets/{number}/notes/append", WORK, tickets::notes::append),
        get("/tickets/{number}/notes/revisions", READ, tickets::revisions::list),
        get("/tickets/{number}/notes/revisions/{version}", READ, tickets::revisions::show),
        post("/tickets/{number}/notes/revisions/{version}/restore", WORK, tickets::revisions::restore),
        post("/tickets/{number}/delete", WORK, tickets::change::delete),
        post("/tickets/{number}/restore", WORK, tickets::change::restore),
        get("/trash", READ, tickets::trash::show),
        get("/tags", READ, tags::show),
        get("/tags/{name}", READ, tags::theme),
        post("/tags/{name}/rename", WORK, tags::rename),
        post("/tags/{name}/merge", WORK, tags::merge),
        post("/tags/{name}/delete", WORK, tags::delete),
        get("/contacts", READ, contacts::search),
        get("/contacts/{id}", READ, contacts::show),
        post("/contacts/{id}", WORK, contacts::save),
        post("/contacts/{id}/merge", WORK, contacts::merge),
        post("/contacts/{id}/split", WORK, contacts::split),
        post("/contacts/{id}/export.zip", CONFIGURE, api::person::export),
        get("/contacts/{id}/erase", CONFIGURE, erasure::ask),
        post("/contacts/{id}/erase", CONFIGURE, erasure::erase),
        get("/contacts/{id}/erasure", CONFIGURE, erasure::show),
        get("/reports", READ, reports::show),
        get("/reports.csv", READ, reports::csv),
        get("/views", READ, views::show),
        post("/views", READ, views::save),
        post("/views/restore", READ, views::restore),
        post("/views/{id}/delete", READ, views::delete),

        // Files.
        post("/tickets/{number}/attachments", WORK, attachments::upload::upload),
        get("/tickets/{number}/attachments/{id}", READ, serve::show),
        get("/tickets/{number}/attachments/{id}/thumbnail", READ, serve::thumbnail),
        get("/tickets/{number}/attachments.zip", READ, archive::download),
        post("/tickets/{number}/attachments/{id}/rename", WORK, attachments::change::rename),
        post("/tickets/{number}/attachments/{id}/delete", WORK, attachments::change::delete),
        post("/tickets/{number}/attachments/{id}/restore", WORK, attachments::change::restore),

        get("/files/{id}", READ, serve::of_source),
        get("/files/{id}/thumbnail", READ, serve::source_thumbnail),

        // Conversations.
        get("/conversations", READ, conversations::list::list),
        get("/conversations/{id}", READ, conversations::show::show),
        post("/conversations/{id}/messages", WORK, conversations::change::reply),
        post("/conversations/{id}/status", WORK, conversations::change::set_status),
        post("/conversations/{id}/visitor", WORK, conversations::change::set_visitor),
        post("/conversations/{id}/end-links", WORK, conversations::change::end_links),
        post("/conversations/{id}/try-emails-again", WORK, conversations::change::try_emails_again),
        post("/conversations/{id}/delete", WORK, conversations::change::delete),
        post("/conversations/{id}/restore", WORK, conversations::change::restore),

        // The API. The routes that need a key are in api/description.rs.
        get("/api/v1/openapi.json", PUBLIC, api::description::openapi),
        get("/api", READ, api::description::guide),

        // Live events for open pages.
        get("/live", READ, live::events),
        get("/live/unread", READ, live::unread),
        post("/live/presence", READ, live::presence),

        // Submissions.
        get("/submissions", READ, submissions::list::list),
        get("/submissions/{id}", READ, submissions::show::show),
        post("/submissions/{id}/messages", WORK, submissions::reply::reply),
        post("/submissions/{id}/delete", WORK, submissions::change::delete),
        post("/submissions/{id}/restore", WORK, submissions::change::restore),
        post("/submissions/{id}/spam", WORK, submissions::change::spam),
        post("/submissions/{id}/not-spam", WORK, submissions::change::not_spam),
        post("/submissions/{id}/done", WORK, submissions::change::done),
        post("/submissions/{id}/not-done", WORK, submissions::change::not_done),

        // The user's own profile, which every role may change.
        get("/profile", READ, profile::show),
        post("/profile", READ, profile::save),
        post("/profile/password", READ, profile::change_password),
        get("/profile/sessions", READ, sessions::list),
        post("/profile/sessions/end-others", READ, sessions::end_others),
        post("/profile/sessions/{id}/end", READ, sessions::end),

        post("/undo", WORK, undo::undo),

        // Settings and team.
        get("/settings", CONFIGURE, account::show),
        post("/settings", CONFIGURE, account::save),
        post("/settings/sample", CONFIGURE, account::add_sample),
        post("/settings/sample/remove", CONFIGURE, account::remove_sample),
        post("/settings/email", CONFIGURE, account::save_mail),
        post("/settings/retention", CONFIGURE, account::save_retention),
        post("/settings/test-email", CONFIGURE, account::send_test_email),
        post("/settings/steps/hide", CONFIGURE, account::hide_steps),
        get("/settings/forms", CONFIGURE, forms::list),
        post("/settings/forms", CONFIGURE, forms::add),
        get("/settings/forms/{id}", CONFIGURE, forms::show),
        post("/settings/forms/{id}", CONFIGURE, forms::save),
        get("/settings/chat", CONFIGURE, widgets::list),
        post("/settings/chat", CONFIGURE, widgets::add),
        get("/settings/chat/{id}", CONFIGURE, widgets::show),
        post("/settings/chat/{id}", CONFIGURE, widgets::save),
        get("/settings/audit", CONFIGURE, audit::show),
        get("/settings/audit.csv", CONFIGURE, audit::csv),
        get("/settings/jobs", CONFIGURE, jobs::show),
        post("/settings/jobs/{id}/cancel", CONFIGURE, jobs::cancel),
        post("/settings/jobs/{id}/resume", CONFIGURE, jobs::resume),
        get("/settings/keys", OWN, keys::list),
        post("/settings/keys", OWN, keys::add),
        post("/settings/keys/{id}/revoke", OWN, keys::revoke),
        get("/settings/team", CONFIGURE, team::show),
        post("/settings/team/invitations", CONFIGURE, team::invite),
        post("/settings/team/invitations/{id}/revoke", CONFIGURE, team::revoke),
        post("/settings/team/{id}/role", CONFIGURE, team::set_role),
        post("/settings/team/{id}/disable", CONFIGURE, team::disable),
        post("/settings/team/{id}/enable", CONFIGURE, team::enable),
        post("/settings/team/{id}/password-link", CONFIGURE, team::create_password_link),
        post("/settings/team/{id}/end-sessions", CONFIGURE, sessions::end_of_member),
    ];
    table.extend(api::description::endpoints());
    table
}

/// The list that was shown last.
async fn home(layout: Layout) -> HttpResponse {
    let list = Query::parse(&layout.last_list).unwrap_or_default();
    layout.see_other(list.path())
}

/// Registers the table. Lines with the same path become one resource, so that a wrong
/// method and an unknown address get different errors. Fixed paths come before variable
/// ones, whatever the order of the table.
pub fn register(config: &mut web::ServiceConfig) {
    let mut resources: BTreeMap<(bool, String), Vec<Route>> = BTreeMap::new();
    for line in table() {
        resources.entry((line.path.contains('{'), line.path.into_owned())).or_default().push(line.route);
    }
    for ((_, path), routes) in resources {
        config.service(routes.into_iter().fold(web::resource(path.as_str()), actix_web::Resource::route));
    }
}
