//! Events about conversations for open pages and bubbles.

use crate::conversations::conversation::Conversation;
use crate::conversations::messages::Posted;
use crate::live::Live;
use crate::live::event::{Event, Topic};
use crate::values::text;
use serde_json::json;

/// Announces a new message.
pub fn posted(live: &Live, posted: &Posted) {
    if !posted.is_new {
        return;
    }
    let Posted { conversation, message, .. } = posted;
    let data = json!({
        "conversation": conversation.id,
        "position": message.position,
        "from": message.sender.as_str(),
        "visitor": conversation.visitor(),
        "preview": text::shorten(&message.body, 140),
    });
    live.publish(Topic::Account(conversation.account_id), Event::new("message", &data));
    wake(live, conversation);
}

/// Announces that a conversation was closed, reopened, deleted or restored.
pub fn changed(live: &Live, conversation: &Conversation) {
    let data = json!({ "conversation": conversation.id });
    live.publish(Topic::Account(conversation.account_id), Event::new("conversation", &data));
    wake(live, conversation);
}

/// Announces that a user has read a conversation, so that their other tabs update.
pub fn read(live: &Live, account_id: i64, user_id: i64) {
    live.publish(Topic::Account(account_id), Event::new("read", &json!({ "user": user_id })));
}

/// Makes the visitor's stream read new messages.
fn wake(live: &Live, conversation: &Conversation) {
    live.publish(Topic::Conversation(conversation.seq), Event::resync());
}
