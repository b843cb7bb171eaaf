//! What was just done is undone from its message, unless it has changed again since.

use crate::support::program::Program;
use crate::support::{Answer, Person, TestApp};
use docket::accounts::role::Role;
use std::time::Duration;

/// The address of the undo button that a change leads to.
async fn undo_of(person: &Person, changed: &Answer) -> String {
    let page = person.get(changed.expect(303).location()).await;
    page.attribute(".flash form", "action")
}

async fn undo(person: &Person, address: &str, said: &str) {
    let undone = person.post(address, &[]).await;
    let page = person.get(undone.expect(303).location()).await;
    assert_eq!(page.texts(".flash p"), [said]);
}

const UNDONE: &str = "Undone.";
const NOTHING: &str = "Nothing undone: it was changed again in the meantime.";

#[actix_web::test]
async fn an_undone_status_leaves_the_times_as_they_were() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let program = Program::of(&app, &owner).await;
    let number = owner.make_ticket("Close and reopen").await;
    let path = format!("/tickets/{number}");
    let set = |status: &'static str| {
        let (owner, path) = (owner.clone(), format!("{path}/status"));
        async move { owner.post(&path, &[("status", status)]).await }
    };
    let times = || async {
        let ticket = program.get(&path).await.json();
        ["status", "closedAt", "firstClosedAt", "reopenCount"].map(|field| ticket[field].clone())
    };
    let mut before = Vec::new();
    // New → closed → in progress → closed, each undone and done again.
    for status in ["closed", "in_progress", "closed"] {
        before.push(times().await);
        app.wait(Duration::from_secs(60));
        let button = undo_of(&owner, &set(status).await).await;
        undo(&owner, &button, UNDONE).await;
        assert_eq!(&times().await, before.last().unwrap(), "after undoing {status}");
        undo(&owner, &button, NOTHING).await;
        set(status).await.expect(303);
    }
    let history = owner.get(&path).await.texts(".events li");
    assert!(
        history[1].starts_with("Olivia Owner changed the status from “Closed” to “In progress” (undo)"),
        "{history:?}"
    );
}

#[actix_web::test]
async fn title_assignee_and_tags_are_undone_unless_they_changed_again() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let editor = app.member(&owner, Role::Editor).await;
    let number = owner.make_ticket("First").await;
    let path = format!("/tickets/{number}");
    let editor_id = editor.id.to_string();

    let titled = owner.post(&format!("{path}/title"), &[("title", "Second")]).await;
    let button = undo_of(&owner, &titled).await;
    undo(&owner, &button, UNDONE).await;
    assert_eq!(owner.list("q=first").await, [number], "the index follows");
    let titled = owner.post(&format!("{path}/title"), &[("title", "Second")]).await;
    let button = undo_of(&owner, &titled).await;
    editor.post(&format!("{path}/title"), &[("title", "Third")]).await.expect(303);
    undo(&owner, &button, NOTHING).await;
    owner.get(&path).await.expect_text("Third");

    let assigned = owner.post(&format!("{path}/assignee"), &[("assignee", &editor_id)]).await;
    let button = undo_of(&owner, &assigned).await;
    undo(&owner, &button, UNDONE).await;
    assert_eq!(owner.list("assignee=none").await, [number]);

    let tagged = owner.post(&format!("{path}/tags"), &[("add", "one, two, three")]).await;
    let button = undo_of(&owner, &tagged).await;
    editor.post(&format!("{path}/tags"), &[("remove", "two")]).await.expect(303);
    undo(&owner, &button, "Undone, except for what was changed again in the meantime.").await;
    assert_eq!(owner.get(&path).await.count("#tags li"), 0);
    // A repeated change is none, and there is nothing to undo.
    owner.post(&format!("{path}/title"), &[("title", "Third")]).await.expect(303);
    assert_eq!(owner.get(&path).await.count(".flash form"), 0);
}

#[actix_web::test]
async fn only_who_could_make_a_change_can_undo_it() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let number = owner.make_ticket("Mine").await;
    let deleted = owner.post(&format!("/tickets/{number}/delete"), &[]).await;
    let button = undo_of(&owner, &deleted).await;
    let viewer = app.member(&owner, Role::Viewer).await;
    viewer.post(&button, &[]).await.expect(403);
    app.owner().await.post(&button, &[]).await.expect(404);
    let editor = app.member(&owner, Role::Editor).await;
    let disabled = owner.post(&format!("/settings/team/{}/disable", viewer.id), &[]).await;
    let enable = undo_of(&owner, &disabled).await;
    editor.post(&enable, &[]).await.expect(403);
    undo(&owner, &enable, "Max viewer can sign in again.").await;
    undo(&editor, &button, &format!("Ticket #{number} restored.")).await;
    let many = format!("/undo?{}", ["event=1"; 51].join("&"));
    for (wrong, status) in [("/undo", 422), (&many, 422), ("/undo?event=x", 400)] {
        owner.post(wrong, &[]).await.expect(status);
    }
}
