//! Flags that several verbs have, written once. Each group's words stand where the verb flattens it.
//!
//! The groups have no doc comments of their own: clap would take these for the text of the verb.

use chrono::NaiveDate;
use clap::Args;

#[derive(Debug, Args)]
pub struct DatesArgs {
    /// One business date
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with_all = ["from", "to"])]
    date: Option<NaiveDate>,
    /// First business date, inclusive
    #[arg(long, value_name = "YYYY-MM-DD", requires = "to")]
    from: Option<NaiveDate>,
    /// Last business date, inclusive
    #[arg(long, value_name = "YYYY-MM-DD", requires = "from")]
    to: Option<NaiveDate>,
}

#[derive(Debug, Args)]
pub struct AskArgs {
    /// Why; kept in the journal
    #[arg(long, default_value = "")]
    pub reason: String,
    #[command(flatten)]
    guard: ConfirmArgs,
}

#[derive(Debug, Args)]
pub struct ConfirmArgs {
    /// Type the environment's name where its guard asks for it
    #[arg(long, value_name = "ENVIRONMENT")]
    pub confirm: Option<String>,
}

#[derive(Debug, Args)]
pub struct EnvArgs {
    #[arg(long = "env", default_value = "local", value_name = "ENVIRONMENT")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct LookArgs {
    /// Print the plan and change nothing
    #[arg(long = "plan")]
    pub only: bool,
}

impl DatesArgs {
    /// First and last date, inclusive; none when no date is given.
    pub fn between(&self) -> Option<(NaiveDate, NaiveDate)> {
        self.date.map(|date| (date, date)).or(self.from.zip(self.to))
    }
}

impl AskArgs {
    /// The environment's name as it was typed.
    pub fn confirmed(&self) -> Option<&str> {
        self.guard.confirm.as_deref()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::args::Invocation;
    use clap::{CommandFactory, Parser};

    /// The verb's own flags in the order of its help, with their texts.
    fn flags(verb: &str) -> String {
        let mut command = Invocation::command();
        let verb = command.find_subcommand_mut(verb).unwrap();
        let line = |flag: &clap::Arg| {
            let text = flag.get_help().map(ToString::to_string).unwrap_or_default();
            format!("{}: {text}", flag.get_long().unwrap_or(flag.get_id().as_str()))
        };
        let about = verb.get_about().map(ToString::to_string).unwrap_or_default();
        std::iter::once(about).chain(verb.get_arguments().map(line)).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn shared_flags_stand_where_each_verb_has_them() {
        insta::assert_snapshot!(flags("run"), @r#"
        Run a pipeline's stages on this machine
        pipeline: 
        stage: Only this stage: bronze, silver, gold or warehouse (may be repeated)
        date: One business date
        from: First business date, inclusive
        to: Last business date, inclusive
        all: Every date of the sources
        env: 
        reason: Why; kept in the journal
        confirm: Type the environment's name where its guard asks for it
        resume: Finish the newest unfinished run without doing finished steps again
        dry-run: Print the plan and change nothing
        "#);
        insta::assert_snapshot!(flags("replay"), @r#"
        Put refused records through a contract again, once it is corrected
        table: `silver.sales`, or `pipeline.silver.sales` where that is not enough
        date: One business date
        from: First business date, inclusive
        to: Last business date, inclusive
        reason-code: Only records with this primary reason, such as range.quantity_sold (may be repeated)
        reason: Why; kept in the journal
        confirm: Type the environment's name where its guard asks for it
        env: 
        plan: Print the plan and change nothing
        "#);
        insta::assert_snapshot!(flags("undo"), @r#"
        Bring back what was there before a run
        run: Run id, the beginning of one, or `last`
        cascade: Also undo the later runs that built on it
        reason: Why; kept in the journal
        confirm: Type the environment's name where its guard asks for it
        plan: Print the plan and change nothing
        "#);
        insta::assert_snapshot!(flags("watch"), @r#"
        Run a pipeline whenever files of its sources are new, changed or gone, until a signal
        pipeline: 
        env: 
        confirm: Type the environment's name where its guard asks for it
        settle: Milliseconds for which a file must keep its size and time of change to be complete
        sweep: Seconds between looks where no event tells of a file
        "#);
    }

    #[test]
    fn flags_that_exclude_each_other_still_do() {
        let wrong = [
            "run p --date 2026-11-05 --all",
            "run p --from 2026-11-05 --to 2026-11-06 --all",
            "run p --from 2026-11-05",
            "run p --date 2026-11-05 --from 2026-11-05 --to 2026-11-06",
            "run p --resume --date 2026-11-05",
            "run p --resume --from 2026-11-05 --to 2026-11-06",
            "run p --resume --all",
            "reprocess p --to 2026-11-05",
            "replay silver.sales --date 2026-11-05 --to 2026-11-06",
        ];
        let parse = |words: &str| Invocation::try_parse_from(format!("assay {words}").split(' '));
        for words in wrong {
            assert!(parse(words).is_err(), "{words}");
        }
        for words in ["run p --all", "run p --resume", "reprocess p --date 2026-11-05 --confirm prod --env prod --plan"]
        {
            assert!(parse(words).is_ok(), "{words}");
        }
    }
}
