//! Files that visitors and agents send with messages and forms.

pub mod file;
pub mod inventory;
pub mod keep;
