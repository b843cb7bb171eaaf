//! The HTTP kit: what clients send, and what every response has.

mod connections;
mod cross_origin;
mod encodings;
mod forms;
mod headers;
mod links;
mod maintenance;
mod metrics;
