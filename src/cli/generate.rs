//! `docket generate`: what packages install beside the program.

use clap::{Args, Command};
use clap_complete::Shell;
use std::io;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Options {
    /// A folder, for a manual page of each command and a file of completions for each shell
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(mut command: Command, options: &Options) -> io::Result<()> {
    std::fs::create_dir_all(&options.folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "docket", &options.folder)?;
    }
    clap_mangen::generate_to(command.disable_help_subcommand(true), &options.folder)
}
