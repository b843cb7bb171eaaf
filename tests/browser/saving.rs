//! Forms save in place: no page load, and scrolling, focus and other fields stay.

use crate::browser::desk::{desk_at, sign_in};
use crate::conversations::begin;
use crate::support::browser::{Browser, keys};
use crate::support::{Person, TestApp, files};
use docket::accounts::role::Role;
use serde_json::json;

/// A desk with a long ticket and a browser on it, scrolled down, with a half-typed note.
async fn long_ticket() -> (TestApp, Person, i64, Browser) {
    let (app, owner, browser) = desk_at("/tickets").await;
    let id = begin(&app, &owner, &"A long message. ".repeat(200)).await;
    let number = owner.make_ticket_of(&[("title", "Lamp flickers"), ("conversationId", &id)]).await;
    owner.write_notes(number, 1, &"Line\n".repeat(60)).await.expect(303);
    owner.attach(number, &[("lamp.png", &files::png(1))]).await.expect(201);
    browser.goto(&format!("{}/tickets/{number}", app.base)).await;
    browser.fill("[name=line]", "Half a sent").await;
    browser.run("window.isSamePage = true; scrollTo(0, 300)", vec![]).await;
    (app, owner, number, browser)
}

impl Browser {
    /// What a save must leave alone: the page itself, how far it is scrolled, what else is
    /// being typed, and where the focus is.
    async fn place(&self) -> serde_json::Value {
        let script = "return [window.isSamePage, Math.round(scrollY), document.querySelector('[name=line]').value,
            document.activeElement.name || document.activeElement.textContent.trim()]";
        self.run(script, vec![]).await
    }

    async fn press_button(&self, css: &str) {
        let script = "const button = document.querySelector(arguments[0]); button.focus({ preventScroll: true }); button.click()";
        self.run(script, vec![json!(css)]).await;
    }

    async fn message(&self, text: &str) {
        let script = format!("return !!document.querySelector('.flash')?.textContent.includes({})", json!(text));
        self.until(text, &script).await;
    }
}

#[actix_web::test]
async fn browser_saves_move_neither_scroll_nor_focus() {
    let (_app, owner, number, browser) = long_ticket().await;
    let before = |focus: &str| json!([true, 300, "Half a sent", focus]);

    browser.press_button(".ticket-state form:nth-of-type(2) button").await;
    browser.message("Ticket #1 closed.").await;
    browser.until("the button", "return document.querySelector('[data-key=e]').textContent === 'Reopen'").await;
    assert_eq!(browser.place().await, before("status"), "status: the button is now Reopen");
    assert_eq!(owner.get(&format!("/tickets/{number}")).await.count("[name=status][value=in_progress]"), 1);

    browser.press_button(".flash form button").await;
    browser.message("Undone.").await;
    browser.until("undone", "return document.querySelector('.status-choice').dataset.status === 'new'").await;

    browser.press_button("[data-key=a]").await;
    browser.message("Assignee saved.").await;
    assert_eq!(browser.place().await.as_array().unwrap()[..3], before("").as_array().unwrap()[..3]);

    let title = "const title = document.querySelector('[name=title]'); title.focus({ preventScroll: true }); title.value = 'The lamp flickers'; title.form.requestSubmit()";
    browser.run(title, vec![]).await;
    browser.message("Title saved.").await;
    assert_eq!(browser.place().await, before("title"));

    let tag = "const tag = document.querySelector('[name=add]'); tag.focus({ preventScroll: true }); tag.value = 'urgent'; tag.form.requestSubmit()";
    browser.run(tag, vec![]).await;
    browser.message("Tags saved.").await;
    assert_eq!(browser.place().await, before("add"));
    browser.until("the field is empty", "return document.querySelector('[name=add]').value === ''").await;
    browser.until("one tag", "return document.querySelectorAll('.tags .tag').length === 1").await;

    browser.press_button("[aria-label='Remove lamp.png']").await;
    browser.message("lamp.png removed.").await;
    browser.until("the undo has the focus", "return document.activeElement.textContent === 'Undo'").await;
    assert_eq!(browser.place().await, before("Undo"));

    browser.run("document.querySelector('[name=line]').focus({ preventScroll: true })", vec![]).await;
    browser.run("document.querySelector('[name=line]').form.requestSubmit()", vec![]).await;
    browser.message("Note added.").await;
    assert_eq!(browser.place().await, json!([true, 300, "", "line"]));
    browser.until("it is said where", "return document.querySelector('.saved')?.textContent === 'Saved'").await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_a_refused_save_is_taken_back_with_a_reason() {
    let (app, owner, number, browser) = long_ticket().await;
    // The page does not hear of what a colleague does.
    browser.run("document.querySelector('[data-refresh-on]').dataset.refreshTicket = '0'", vec![]).await;
    let editor = app.member(&owner, Role::Editor).await;
    browser.run("window.status = document.querySelector('[name=from]').value", vec![]).await;
    editor.set_status(number, "in_progress").await.expect(303);
    let stale = "for (const from of document.querySelectorAll('[name=from]')) from.value = 'new';
        document.querySelector('[data-key=e]').click()";
    browser.run(stale, vec![]).await;
    browser.message("has set this ticket to “In progress”").await;
    browser
        .until("the truth", "return document.querySelector('.status-choice').dataset.status === 'in_progress'")
        .await;
    assert_eq!(
        browser.place().await.as_array().unwrap()[..3],
        json!([true, 300, "Half a sent"]).as_array().unwrap()[..]
    );

    // A refused title stays in its field, with the reason beside it.
    let long = "const title = document.querySelector('[name=title]'); title.value = 'x'.repeat(201);
        title.form.noValidate = true; title.form.requestSubmit()";
    browser.run(long, vec![]).await;
    browser.find(".title-form [aria-invalid=true] + .problem").await;
    browser.until("it stays", "return document.querySelector('[name=title]').value.length === 201").await;
    browser.stop().await;
}

#[actix_web::test]
async fn browser_notes_are_edited_in_place() {
    let (_app, owner, number, browser) = long_ticket().await;
    browser.press_button(".editor summary").await;
    browser.until("it starts at the end", "const notes = document.querySelector('[name=notes]');
        return document.activeElement === notes && notes.selectionStart === notes.value.length && !notes.form.closest('details').previousElementSibling.offsetParent").await;
    browser.fill("[name=notes]", "Rewritten").await;
    browser.run("document.querySelector('[name=notes]').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true }))", vec![]).await;
    browser.message("Notes saved.").await;
    browser.until("it is closed", "return !document.querySelector('.editor').open && document.querySelector('.prose').textContent === 'Rewritten'").await;
    assert_eq!(owner.get(&format!("/tickets/{number}")).await.value("notes"), "Rewritten");
    // Saved again, it builds on the version that was saved before.
    browser.press_button(".editor summary").await;
    browser.fill("[name=notes]", "Rewritten twice").await;
    browser.press_button(".editor button.primary").await;
    browser.until("again", "return document.querySelector('.prose').textContent === 'Rewritten twice'").await;
    browser.press_button(".editor summary").await;
    browser.fill("[name=notes]", "Not this").await;
    browser.press_button("[data-cancel-edit]").await;
    browser.until("given up", "return !document.querySelector('.editor').open && document.querySelector('[name=notes]').value === 'Rewritten twice'").await;
    browser.stop().await;
}

/// From an unread chat to a closed ticket, with keys only.
#[actix_web::test]
async fn browser_the_main_job_by_keyboard_alone() {
    let (app, owner, browser) = desk_at("/tickets").await;
    let id = begin(&app, &owner, "The lamp flickers").await;
    let type_in = async |text: &str| {
        browser.client.active_element().await.unwrap().send_keys(text).await.unwrap();
    };
    for key in ['g', 'c'] {
        browser.press(key).await;
    }
    browser.ends_at("/conversations").await;
    browser.press('j').await;
    browser.press(keys::ENTER).await;
    browser.ends_at(&format!("/conversations/{id}")).await;
    browser.press('r').await;
    type_in("A new one is on its way").await;
    browser.run("document.activeElement.form.requestSubmit()", vec![]).await;
    browser.see("A new one is on its way").await;
    browser.run("document.activeElement.blur()", vec![]).await;
    browser.press('c').await;
    browser.ends_at("/tickets/new").await;
    // The title is selected: typing replaces it.
    type_in("Flickering lamp").await;
    browser.press(keys::ENTER).await;
    browser.ends_at("/tickets/1").await;
    browser.press('a').await;
    browser.message("Assignee saved.").await;
    browser.press('n').await;
    type_in("Sent a new lamp").await;
    browser.run("document.activeElement.form.requestSubmit()", vec![]).await;
    browser.message("Note added.").await;
    // Keys belong to the field that has the focus.
    type_in("e").await;
    browser.until("typed", "return document.querySelector('[name=line]').value === 'e'").await;
    browser.run("document.activeElement.blur()", vec![]).await;
    browser.press('e').await;
    browser.message("Ticket #1 closed.").await;
    let page = owner.get("/tickets/1").await;
    page.expect_text("Flickering lamp").expect_text("Sent a new lamp").expect_text("took the ticket");

    browser.press('?').await;
    browser.see("Keyboard shortcuts").await;
    browser.press('e').await;
    browser.press(keys::ESCAPE).await;
    browser.until("closed", "return !document.querySelector('dialog[open]')").await;
    assert_eq!(owner.get("/tickets/1").await.count("[data-status=closed]"), 1, "keys do nothing in a dialog");

    owner.post("/profile", &[("name", "Olivia"), ("timeZone", "UTC"), ("keys", "1")]).await.expect(303);
    browser.goto(&format!("{}/tickets/1", app.base)).await;
    browser.press('?').await;
    assert_eq!(browser.run("return !!document.querySelector('dialog[open]')", vec![]).await, false, "switched off");
    browser.stop().await;
}

#[actix_web::test]
async fn browser_the_palette_goes_does_and_finds() {
    let (app, owner, browser) = desk_at("/tickets").await;
    app.member(&owner, Role::Editor).await;
    let number = owner.make_ticket("Flickering lamp").await;
    browser.goto(&format!("{}/tickets/{number}", app.base)).await;
    let open = "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true, bubbles: true }))";
    let choose = async |text: &str, label: &str| {
        browser.run(open, vec![]).await;
        browser.fill(".palette input", text).await;
        let first = format!(
            "return !!document.querySelector('.palette [aria-selected=true]')?.textContent.includes({})",
            json!(label)
        );
        browser.until(label, &first).await;
        browser.press(keys::ENTER).await;
    };
    choose("assign max", "Assign to Max editor").await;
    browser.message("Assignee saved.").await;
    choose("close", "Close ticket").await;
    browser.message("Ticket #1 closed.").await;
    choose("subm", "Submissions").await;
    browser.ends_at("/submissions").await;
    choose("flick", "#1 Flickering lamp").await;
    browser.ends_at("/tickets/1").await;
    browser.stop().await;
}

/// Two people on one ticket: what one saves does not disturb what the other is writing.
#[actix_web::test]
async fn browser_two_people_on_one_ticket() {
    let (app, owner, number, browser) = long_ticket().await;
    let editor = app.member(&owner, Role::Editor).await;
    let other = Browser::start(true).await;
    sign_in(&other, &editor).await;
    other.goto(&format!("{}/tickets/{number}", app.base)).await;
    browser.see("Max editor is also viewing this").await;
    other.see("is writing here").await;
    browser.press_button(".editor summary").await;
    browser.fill("[name=notes]", "My notes").await;
    other.press_button("[data-key=e]").await;
    other.message("Ticket #1 closed.").await;
    browser.until("it shows", "return document.querySelector('.status-choice').dataset.status === 'closed'").await;
    let writing = "return [document.querySelector('[name=notes]').value, document.querySelector('.editor').open]";
    assert_eq!(browser.run(writing, vec![]).await, json!(["My notes", true]));
    other.press_button(".editor summary").await;
    other.fill("[name=notes]", "Their notes").await;
    other.press_button(".editor button.primary").await;
    other.message("Notes saved.").await;
    browser.press_button(".editor button.primary").await;
    browser.see("saved these notes while you were editing").await;
    browser.stop().await;
    other.stop().await;
}
