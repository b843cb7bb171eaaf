//! What an account puts on its websites: forms and chat bubbles.

pub mod forms;
pub mod list;
pub mod widgets;
