//! Joins the rooms for one workspace: settings, definitions, lake, journal, clock.

use crate::exit;
use crate::local::warehouse::Place;
use crate::names::Names;
use assay_console::definitions::lay_out;
use assay_console::ports::Level;
use assay_console::run::turn;
use assay_console::{Journal, RunFolder, RunPlan, SystemClock, recover};
use assay_contract::{LogPage, Problem, ProblemKind, RunDetail, Status};
use assay_journal::SqliteJournal;
use assay_lake::{Access, Keys, Lake};
use assay_pipeline::diagnostic::{Mistake, Mistakes};
use assay_pipeline::{Environment, Layer, Pipeline, TableName, Workspace};
use assay_stages::gold::{CompiledModel, compile};
use assay_stages::quality::{CompiledRules, compile_rules, lints};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tokio::runtime::Runtime;

/// Newest runs among which the beginning of an id is looked for.
const RUNS_SEARCHED: u32 = 1000;

/// A workspace, opened.
pub struct Desk {
    pub workspace: Workspace,
    pub runtime: Runtime,
    journal: OnceLock<SqliteJournal>,
    /// Where the local warehouse is; the first look starts it, the end of the program leaves it.
    pub warehouse: tokio::sync::Mutex<Place>,
}

/// A definition with its compiled models and rules.
pub struct Ready {
    pub definition: Pipeline,
    pub models: Vec<CompiledModel>,
    pub rules: Vec<CompiledRules>,
}

impl Ready {
    /// Compiles what a definition says; every mistake of models and rules.
    fn of(definition: Pipeline) -> Result<Self, Mistakes> {
        let models = compile(&definition)?;
        let rules = compile_rules(&definition, &models)?;
        Ok(Self { definition, models, rules })
    }

    /// The rules of a table, by `layer.table`.
    pub fn rules_of(&self, step: &str) -> Option<&CompiledRules> {
        self.rules.iter().find(|rules| rules.ruleset.step() == step)
    }
}

impl Desk {
    /// Opens the workspace in `folder`, or the nearest one upwards from the current folder.
    pub fn open(folder: Option<&Path>) -> Result<Self, Problem> {
        let root = root(folder)?;
        let workspace = Workspace::read(&root)
            .map_err(|mistakes| definition("The settings of the workspace are wrong.", &mistakes))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            exit::because("The program could not start its threads.", &error, "Close other programs and try again.")
        })?;
        let url = workspace.environment("local").and_then(|environment| environment.warehouse_url.clone());
        let warehouse = tokio::sync::Mutex::new(Place::new(&workspace.root.join(".assay"), url));
        Ok(Self { workspace, runtime, journal: OnceLock::new(), warehouse })
    }

    /// Names of the pipelines, sorted; broken ones too.
    pub fn names(&self) -> Vec<String> {
        self.workspace.pipelines().into_iter().map(|(name, _)| name).collect()
    }

    /// A pipeline that is free of mistakes.
    pub fn pipeline(&self, name: &str) -> Result<Ready, Problem> {
        let found = self.find(name)?;
        let broken = |mistakes: &Mistakes| {
            definition(&format!("The definition of {name} is wrong; nothing was done."), mistakes)
        };
        let definition = found.map_err(|mistakes| broken(&mistakes))?;
        Ready::of(definition).map_err(|mistakes| broken(&mistakes))
    }

    /// The definition that a plan uses: the workspace's, or the one that the journal keeps.
    pub fn ready_for(&self, plan: &RunPlan) -> Result<Ready, Problem> {
        if plan.original { self.kept(&plan.digest) } else { self.pipeline(&plan.pipeline) }
    }

    /// A definition that the journal keeps.
    pub fn kept(&self, digest: &str) -> Result<Ready, Problem> {
        let folder = lay_out(digest, self.journal()?, &self.state())?;
        let broken = |mistakes: &Mistakes| {
            definition("The definition that the journal keeps is not one of this version; nothing was done.", mistakes)
        };
        let definition = Pipeline::read(&folder).map_err(|mistakes| broken(&mistakes))?;
        Ready::of(definition).map_err(|mistakes| broken(&mistakes))
    }

    /// Every pipeline with its compiled models, or its mistakes, sorted by name.
    pub fn all(&self) -> Vec<(String, Result<Ready, Mistakes>)> {
        self.workspace.pipelines().into_iter().map(|(name, found)| (name, found.and_then(Ready::of))).collect()
    }

    /// Every mistake of a pipeline; none when it is fine.
    pub fn checked(&self, name: &str) -> Result<Vec<Mistake>, Problem> {
        Ok(match self.find(name)? {
            Err(mistakes) => mistakes.0,
            Ok(pipeline) => Ready::of(pipeline).err().map(|mistakes| mistakes.0).unwrap_or_default(),
        })
    }

    /// What is accepted in a pipeline's rules and may surprise; nothing where the definition is wrong.
    pub fn noted(&self, name: &str) -> Result<Vec<Mistake>, Problem> {
        Ok(self.find(name)?.map(|pipeline| lints(&pipeline)).unwrap_or_default())
    }

    fn find(&self, name: &str) -> Result<Result<Pipeline, Mistakes>, Problem> {
        let mut all = self.workspace.pipelines();
        match all.iter().position(|(known, _)| known == name) {
            Some(at) => Ok(all.swap_remove(at).1),
            None => {
                let names: Vec<_> = all.into_iter().map(|(known, _)| known).collect();
                let advice = if names.is_empty() {
                    "Run `assay init` to write the shipped pipelines.".to_owned()
                } else {
                    format!("Pipelines here: {}.", names.join(", "))
                };
                Err(exit::misuse(format!("There is no pipeline {name} in {}.", self.workspace.root.display()), advice))
            }
        }
    }

    pub fn environment(&self, name: &str) -> Result<Environment, Problem> {
        let known = &self.workspace.environments;
        self.workspace.environment(name).cloned().ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|environment| environment.name.as_str()).collect();
            exit::misuse(
                format!("There is no environment {name}."),
                format!("Environments here: {}.", names.join(", ")),
            )
        })
    }

    /// The lake of an environment, with every table where its definition puts it.
    pub fn lake(&self, environment: &Environment) -> Lake {
        let readable = self.workspace.pipelines().into_iter().filter_map(|(_, pipeline)| pipeline.ok());
        let places = readable.flat_map(|pipeline| pipeline.places()).collect();
        Lake::new(self.root_of(environment), &environment.name).placing(places)
    }

    /// Where an environment's lake lies. Keys come from this process's environment.
    fn root_of(&self, environment: &Environment) -> assay_lake::Place {
        let Some(bucket) = &environment.bucket else { return environment.lake.as_path().into() };
        let keys = Keys::of(|name| std::env::var(name).ok());
        let access = Access { keys, cache_limit: self.workspace.cache_limit };
        assay_lake::Place::in_bucket(bucket, &environment.lake, &access)
    }

    /// State of this workspace that is not for git.
    pub fn state(&self) -> PathBuf {
        self.workspace.root.join(".assay")
    }

    /// The journal of this workspace, opened at the first use.
    pub fn journal(&self) -> Result<&SqliteJournal, Problem> {
        if let Some(journal) = self.journal.get() {
            return Ok(journal);
        }
        let opened = open_journal(&self.state())?;
        Ok(self.journal.get_or_init(|| opened))
    }

    /// Leaves what looks have started.
    pub fn end(&self) -> Result<(), Problem> {
        self.runtime.block_on(async { self.warehouse.lock().await.leave().await })
    }

    /// Ends runs that nobody works on any more; every program calls it before it acts.
    pub fn recover(&self) -> Result<Vec<String>, Problem> {
        recover(self.journal()?, &SystemClock, &self.state())
    }

    /// As [`Desk::recover`], before runs are shown: on a journal that cannot be written they still are, and why is said.
    pub fn recover_to_show(&self) {
        if let Err(problem) = self.recover() {
            exit::print(&problem, false);
        }
    }

    /// Asks a run of any program to end; gives the status that it had.
    pub fn cancel(&self, run: &str, reason: &str) -> Result<Status, Problem> {
        self.recover()?;
        assay_console::cancel(run, &self.person(), reason, self.journal()?, &SystemClock, &self.state())
    }

    /// Who sits at this machine, for the journal.
    pub fn person(&self) -> String {
        let named = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
        let uid = || format!("user {}", rustix::process::getuid().as_raw());
        named.filter(|name| !name.is_empty()).unwrap_or_else(uid)
    }

    /// A run by its id, the beginning of its id, or `last`.
    pub fn run(&self, text: &str) -> Result<RunDetail, Problem> {
        let journal = self.journal()?;
        // An empty variable of a script is no run, least of all the newest.
        if text.trim().is_empty() {
            return Err(exit::misuse("There is no run without an id.", "`assay runs` lists the runs."));
        }
        if let Some(detail) = journal.run(text)? {
            return Ok(detail);
        }
        let known = journal.runs(&Default::default(), RUNS_SEARCHED)?;
        let mut found = known.iter().filter(|row| text == "last" || row.id.starts_with(&text.to_uppercase()));
        let first = found
            .next()
            .ok_or_else(|| exit::misuse(format!("There is no run {text}."), "`assay runs` lists the runs."))?;
        if text != "last" && found.next().is_some() {
            return Err(exit::misuse(
                format!("{text} is the beginning of several runs."),
                "Write more of the id; `assay runs` lists them.",
            ));
        }
        let gone = || exit::misuse(format!("Run {} is gone.", first.id), "`assay runs` lists the runs.");
        journal.run(&first.id)?.ok_or_else(gone)
    }

    /// A page of a run's log.
    pub fn log(&self, run: &str, from: u32, limit: u32, least: Option<Level>) -> Result<LogPage, Problem> {
        let folder = RunFolder::new(&self.state(), run);
        Ok(assay_console::log::page(folder.path(), from, limit, least)?)
    }

    /// Records in the files of a source as they were last read, blank lines left out.
    pub fn raw_records(&self, source: &TableName, environment: &str) -> Result<u64, Problem> {
        let ledger = self.journal()?.ledger(&source.pipeline, environment)?;
        let of_source = ledger.iter().filter(|entry| entry.source == source.table);
        Ok(of_source.map(|entry| entry.counts.read - entry.counts.blank).sum())
    }

    /// Refuses a name that no pipeline has.
    pub fn known(&self, name: &str) -> Result<(), Problem> {
        self.find(name).map(|_| ())
    }

    /// Whether a run has worked on the pipeline's tables in the local lake.
    fn has_run(&self, pipeline: &str) -> bool {
        let local = self.workspace.environment("local");
        local.is_some_and(|local| matches!(turn::last_worker(&local.lake, pipeline), Ok(Some(_))))
    }

    /// Finds a table by `layer.table` or `pipeline.layer.table`, where one fits.
    pub fn table(&self, text: &str) -> Result<TableName, Problem> {
        Names::of(self)?.find(text, |pipeline| self.has_run(pipeline))
    }
}

/// The journal below a workspace's `.assay` folder.
pub fn open_journal(state: &Path) -> Result<SqliteJournal, Problem> {
    Ok(SqliteJournal::open(&state.join("journal.db"))?)
}

/// Tables of a pipeline: sources, silver tables, models, loads.
pub fn tables_of(pipeline: &Pipeline) -> Vec<TableName> {
    let named = |layer, names: Vec<&String>| {
        names.into_iter().map(|name| TableName::new(&pipeline.name, layer, name)).collect::<Vec<_>>()
    };
    let loads = pipeline.warehouse.iter().flat_map(|warehouse| &warehouse.loads).map(|load| &load.table);
    [
        named(Layer::Bronze, pipeline.sources.iter().map(|source| &source.name).collect()),
        named(Layer::Silver, pipeline.contracts.iter().map(|contract| &contract.table).collect()),
        named(Layer::Gold, pipeline.models.iter().map(|model| &model.name).collect()),
        named(Layer::Warehouse, loads.collect()),
    ]
    .concat()
}

/// Mistakes of a definition as one problem, with all places.
fn definition(message: &str, mistakes: &Mistakes) -> Problem {
    Problem {
        kind: ProblemKind::Definition,
        message: message.to_owned(),
        causes: mistakes.0.iter().map(ToString::to_string).collect(),
        advice: Some("Correct the lines above; `assay validate` checks without running.".into()),
    }
}

fn root(folder: Option<&Path>) -> Result<PathBuf, Problem> {
    let here = match folder {
        Some(folder) => folder.to_path_buf(),
        None => std::env::current_dir().map_err(|error| {
            exit::because("The current folder cannot be read.", &error, "Change to another folder.")
        })?,
    };
    let found =
        if folder.is_some() { here.join("assay.toml").is_file().then(|| here.clone()) } else { Workspace::find(&here) };
    let found = found.ok_or_else(|| {
        exit::misuse(
            format!("{} is not in a workspace: no assay.toml was found.", here.display()),
            "Make one with `assay init`, or name one with --workspace.",
        )
    })?;
    let root = found.canonicalize().map_err(|error| {
        exit::because(
            format!("The workspace {} cannot be read.", found.display()),
            &error,
            "Check the folder's permissions.",
        )
    })?;
    named_in_text(&root)?;
    Ok(root)
}

/// Plans, logs and tables name their files in text.
pub fn named_in_text(folder: &Path) -> Result<(), Problem> {
    match folder.to_str() {
        Some(_) => Ok(()),
        None => Err(exit::misuse(
            format!("The path {} is not UTF-8: a workspace cannot lie there.", folder.display()),
            "Rename the folder, or choose another one.",
        )),
    }
}
