//! Wires, nothing else: `docket --help` lists what it does.

use std::process::ExitCode;

fn main() -> ExitCode {
    docket::cli::run()
}
