//! Small values and their rules, independent of any feature.

pub mod backup_key;
pub mod backup_plan;
pub mod chunk;
pub mod email;
pub mod listen;
pub mod network;
pub mod page;
pub mod reply_address;
pub mod scanner;
pub mod text;
pub mod time;
pub mod token;
pub mod urls;
