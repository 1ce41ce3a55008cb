//! The flags, made from the table of settings: whatever can be set has a flag, a variable and a key of one name.

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};

use crate::config::Flags;
use crate::config::setting::{self, Flag, Setting};

/// The flags of every command, before or after its name.
#[derive(Clone, Debug, Default)]
pub struct Everywhere {
    pub flags: Flags,
    /// `--data` was there, be it with or without a folder.
    pub names_data: bool,
}

/// The flags of the server alone.
#[derive(Clone, Debug, Default)]
pub struct Serving {
    pub flags: Flags,
}

/// Lets `--data` stand without a folder.
pub fn with_bare_data(command: Command) -> Command {
    let data = argument(&setting::DATA)
        .num_args(0..=1)
        .help("Look at what is stored as well; with a folder, at what is stored there");
    command.arg(data)
}

impl Args for Everywhere {
    fn augment_args(command: Command) -> Command {
        let arguments = settings(&[Flag::Everywhere]).map(|setting| argument(setting).global(true));
        command.args(arguments)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Everywhere {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let names_data = is_typed(matches, &setting::DATA);
        Ok(Self { flags: typed(matches, &[Flag::Everywhere]), names_data })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Serving {
    fn augment_args(command: Command) -> Command {
        command.args(settings(&[Flag::Serve, Flag::Hidden]).map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Serving {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self { flags: typed(matches, &[Flag::Serve, Flag::Hidden]) })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

fn settings(flags: &'static [Flag]) -> impl Iterator<Item = &'static Setting> {
    setting::ALL.iter().copied().filter(|setting| flags.contains(&setting.flag))
}

/// The variable is named for `--help`; its value is read in `config`, and never shown.
fn argument(setting: &'static Setting) -> Arg {
    Arg::new(setting.name)
        .long(setting.name.replace('_', "-"))
        .env(setting.variable)
        .hide_env_values(true)
        .value_name(setting.value)
        .help(setting.help)
        // A number below zero is refused by whoever reads it, with what it takes.
        .allow_negative_numbers(true)
        .hide(setting.flag == Flag::Hidden)
}

fn typed(matches: &ArgMatches, flags: &'static [Flag]) -> Flags {
    let typed = settings(flags).filter(|setting| is_typed(matches, setting));
    typed
        .filter_map(|setting| Some((setting.name, matches.get_one::<String>(setting.name)?.clone())))
        .collect()
}

fn is_typed(matches: &ArgMatches, setting: &Setting) -> bool {
    matches.value_source(setting.name) == Some(ValueSource::CommandLine)
}
