//! `sluice apply`: makes connections and destinations what files say.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use contracts::{
    config::v1::{self as pb, DesiredState},
    status::reason,
};

use super::{
    file::{Configuration, Wanted},
    steps::{Step, steps},
};
use crate::{
    admin::{
        connections,
        creation::waiting_updates,
        destinations::{self, Waiting, waiting},
        staged::difference,
        text::{print_warnings, short},
    },
    cli::ClientArgs,
    client::{Servers, error_text, sent},
};

#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// What to go by, as `sluice export` writes it; `-` is standard input. More than one: together.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Check everything and say what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Delete what the files do not name: segments of the destinations in them, or the workspace's other
    /// destinations or connections. Several with commas between them.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    prune: Vec<Prune>,
    /// What happens to updates that were accepted before and wait, where a destination is enabled again, or
    /// pruned (then: resume, unless given).
    #[arg(long)]
    waiting: Option<Waiting>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Prune {
    Segments,
    Destinations,
    Connections,
}

/// What is to be deleted, by name.
#[derive(Default)]
struct Superfluous {
    destinations: Vec<String>,
    connections: Vec<String>,
}

/// How often what was done.
#[derive(Default)]
struct Tally {
    created: usize,
    changed: usize,
    left: usize,
    deleted: usize,
}

struct Apply {
    servers: Servers,
    prune: Vec<Prune>,
    waiting: Option<Waiting>,
    dry_run: bool,
    tally: Tally,
}

pub async fn run(args: ApplyArgs) -> anyhow::Result<ExitCode> {
    let servers = args.client.servers()?;
    let said = Configuration::read(&args.files, &servers)?;
    let mut apply = Apply {
        servers,
        prune: args.prune,
        waiting: args.waiting,
        dry_run: args.dry_run,
        tally: Tally::default(),
    };
    // Everything is checked before anything is changed.
    let superfluous = apply.superfluous(&said).await?;
    let checked = apply.all(&said, true).await;
    if args.dry_run || checked.is_err() {
        checked.context("nothing was changed")?;
        apply.announce(&superfluous);
        println!("{}; nothing was changed (--dry-run)", apply.tally.words("to be "));
        return Ok(ExitCode::SUCCESS);
    }
    apply.tally = Tally::default();
    apply
        .all(&said, false)
        .await
        .context("not everything was done; apply again when this is mended")?;
    apply.delete(&superfluous).await?;
    println!("{}", apply.tally.words(""));
    Ok(ExitCode::SUCCESS)
}

impl Tally {
    fn words(&self, to_be: &str) -> String {
        let counts = [
            (self.created, "created"),
            (self.changed, "changed"),
            (self.deleted, "deleted"),
        ];
        let mut words: Vec<String> = counts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {to_be}{what}"))
            .collect();
        if self.left > 0 || words.is_empty() {
            words.push(format!("{} as said already", self.left));
        }
        words.join(", ")
    }

    fn count(&mut self, created: bool, is_changed: bool) {
        match (created, is_changed) {
            (true, _) => self.created += 1,
            (false, true) => self.changed += 1,
            (false, false) => self.left += 1,
        }
    }
}

impl Apply {
    /// Puts everything, or only has it checked; whatever is wrong is told at
    /// once, and does not stop what has nothing to do with it.
    async fn all(&mut self, said: &Configuration, only_check: bool) -> anyhow::Result<()> {
        let mut wrong = Vec::new();
        let mut new_connections = BTreeSet::new();
        let mut failed_connections = BTreeSet::new();
        // Nothing is printed of a check that goes before the doing.
        let prints = !only_check || self.dry_run;
        for connection in &said.connections {
            match self.connection(connection, only_check, prints).await {
                Ok(true) => {
                    new_connections.insert(&connection.name);
                }
                Ok(false) => {}
                Err(error) => {
                    failed_connections.insert(&connection.name);
                    wrong.push(error);
                }
            }
        }
        for wanted in &said.destinations {
            let connection = &wanted.destination.connection;
            if failed_connections.contains(connection) {
                continue;
            }
            // The server does not know it yet.
            if only_check && new_connections.contains(connection) {
                self.unchecked(wanted, prints);
                continue;
            }
            if let Err(error) = self.destination(wanted, only_check, prints).await {
                wrong.push(error);
            }
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let texts: Vec<String> = wrong.iter().map(error_text).collect();
        bail!("{}", texts.join("\n"))
    }

    /// Puts a connection; returns whether it was not there.
    async fn connection(
        &mut self,
        connection: &pb::Connection,
        validate_only: bool,
        prints: bool,
    ) -> anyhow::Result<bool> {
        let label = format!("connection {}", short(&connection.name));
        let request = pb::PutConnectionRequest {
            connection: Some(connection.clone()),
            validate_only,
        };
        let answer = self.servers.connections().put_connection(request).await;
        let answer = answer.with_context(|| label.clone())?.into_inner();
        if prints {
            self.tally.count(answer.created, !answer.changes.is_empty());
            self.print(&label, answer.created, &answer.changes, &[]);
            if answer.created {
                let id = short(&connection.name);
                println!(
                    "  its secrets are not in files: sluice credentials put {id} …; then: sluice connections check {id}"
                );
            }
        }
        Ok(answer.created)
    }

    /// Puts a destination, and leads it to the state that is wanted of it.
    async fn destination(
        &mut self,
        wanted: &Wanted,
        validate_only: bool,
        prints: bool,
    ) -> anyhow::Result<()> {
        let id = short(&wanted.destination.name);
        let label = format!("destination {id}");
        let state = wanted.destination.desired_state();
        let keep_other_segments = !(wanted.says_segments && self.prune.contains(&Prune::Segments));
        let request = pb::PutDestinationRequest {
            destination: Some(wanted.destination.clone()),
            keep_field_mappings: !wanted.says_field_mappings,
            keep_other_segments,
            require_ready: matches!(state, DesiredState::Enabled | DesiredState::Disabled),
            validate_only,
        };
        let answer = self.servers.destinations().put_destination(request).await;
        let answer = answer.with_context(|| label.clone())?.into_inner();
        let destination = sent(answer.destination)?;
        let steps = steps(&destination, state)
            .map_err(|problem| anyhow::anyhow!("{label}: desired_state: {problem}"))?;
        if self.waiting.is_none() && steps.contains(&Step::Enable) {
            bail!(
                "{label} is disabled, and {} accepted updates wait: say --waiting resume or --waiting discard",
                waiting_updates(&destination)
            );
        }
        if !validate_only {
            let mut etag = destination.etag.clone();
            for step in &steps {
                etag = self
                    .step(*step, &destination.name, etag)
                    .await
                    .with_context(|| format!("{label} was put, and then not to {}", step.words()))?;
            }
        }
        if !prints {
            return Ok(());
        }
        self.tally
            .count(answer.created, !answer.changes.is_empty() || !steps.is_empty());
        self.print(&label, answer.created, &answer.changes, &steps);
        if steps.contains(&Step::ApplyChanges) {
            print_staged_before(&answer.changes, &destination);
        }
        let of_this = answer.warnings.into_iter().map(|warning| pb::Warning {
            field: format!("{label}: {}", warning.field),
            ..warning
        });
        print_warnings(&of_this.collect::<Vec<_>>());
        if wanted.says_segments {
            print_others(wanted, &destination);
        }
        if steps.is_empty() && state == DesiredState::Unspecified {
            print_not_live(&id, &destination);
        }
        Ok(())
    }

    /// Says what will come of a destination whose connection is not there yet.
    fn unchecked(&mut self, wanted: &Wanted, prints: bool) {
        if prints {
            self.tally.count(true, true);
            println!(
                "destination {}: to be created; checked when its connection {} is there and can log in",
                short(&wanted.destination.name),
                short(&wanted.destination.connection)
            );
        }
    }

    /// Makes a call on what was put, and on nothing else; returns the new etag.
    async fn step(&self, step: Step, name: &str, etag: String) -> anyhow::Result<String> {
        let mut destinations = self.servers.destinations();
        let name = name.to_owned();
        let destination = match step {
            Step::Activate => {
                let request = pb::ActivateDestinationRequest { name, etag };
                destinations
                    .activate_destination(request)
                    .await?
                    .into_inner()
                    .destination
            }
            Step::ApplyChanges => {
                let request = pb::ApplyChangesRequest { name, etag };
                destinations
                    .apply_changes(request)
                    .await?
                    .into_inner()
                    .destination
            }
            Step::Enable => {
                let request = pb::EnableDestinationRequest {
                    name,
                    etag,
                    waiting_updates: self.waiting.map(waiting).unwrap_or_default().into(),
                };
                destinations
                    .enable_destination(request)
                    .await?
                    .into_inner()
                    .destination
            }
            Step::Disable => {
                let request = pb::DisableDestinationRequest { name, etag };
                destinations
                    .disable_destination(request)
                    .await?
                    .into_inner()
                    .destination
            }
        };
        Ok(sent(destination)?.etag)
    }

    fn print(&self, label: &str, created: bool, changes: &[pb::SettingChange], steps: &[Step]) {
        let to_be = if self.dry_run { "to be " } else { "" };
        if created {
            println!("{label}: {to_be}created");
        } else if changes.is_empty() && steps.is_empty() {
            println!("{label}: as said already");
        } else {
            println!("{label}: {to_be}changed");
        }
        // Of what is new the file says all there is.
        for change in changes.iter().filter(|_| !created) {
            println!("  {}", difference(&change.path, &change.before, &change.after));
        }
        for step in steps {
            let words = if self.dry_run { step.words() } else { step.done() };
            println!("  {words}");
        }
    }

    /// Finds what is to be deleted, and refuses what cannot be.
    async fn superfluous(&self, said: &Configuration) -> anyhow::Result<Superfluous> {
        let mut found = Superfluous::default();
        self.check_prunable(said)?;
        if self.prune.contains(&Prune::Destinations) {
            let named: BTreeSet<&String> = said
                .destinations
                .iter()
                .map(|wanted| &wanted.destination.name)
                .collect();
            let stored = destinations::all(&self.servers).await?;
            found.destinations = stored
                .into_iter()
                .filter(|stored| stored.desired_state() != DesiredState::Deleting)
                .map(|stored| stored.name)
                .filter(|name| !named.contains(name))
                .collect();
        }
        if self.prune.contains(&Prune::Connections) {
            let named: BTreeSet<&String> = said
                .connections
                .iter()
                .map(|connection| &connection.name)
                .collect();
            let stored = connections::all(&self.servers).await?;
            found.connections = stored
                .into_iter()
                .map(|stored| stored.name)
                .filter(|name| !named.contains(name))
                .collect();
            // One that is being deleted needs it no longer, when it is drained.
            let stays = |stored: &&pb::Destination| {
                stored.desired_state() != DesiredState::Deleting && !found.destinations.contains(&stored.name)
            };
            let stored = destinations::all(&self.servers).await?;
            let in_files = said.destinations.iter().map(|wanted| &wanted.destination);
            for user in in_files.chain(stored.iter().filter(stays)) {
                if found.connections.contains(&user.connection) {
                    bail!(
                        "nothing was changed: connection {} is not in the files, and the destination {} needs it; name \
                         the connection in a file, or delete the destination first",
                        short(&user.connection),
                        short(&user.name)
                    );
                }
            }
        }
        Ok(found)
    }

    /// Files that name nothing, by a slip, must not delete everything.
    fn check_prunable(&self, said: &Configuration) -> anyhow::Result<()> {
        for (prune, is_listed, list) in [
            (Prune::Destinations, said.lists_destinations, "destinations"),
            (Prune::Connections, said.lists_connections, "connections"),
        ] {
            if !self.prune.contains(&prune) {
                continue;
            }
            if !is_listed {
                bail!(
                    "nothing was changed: --prune {list} would delete all, because no file has the list '{list}'; \
                       to mean that, say {list}: []"
                );
            }
            let workspace = format!("{}/", self.servers.workspace());
            let names = said.connections.iter().map(|connection| &connection.name);
            let names = names.chain(said.destinations.iter().map(|wanted| &wanted.destination.name));
            if let Some(other) = names.into_iter().find(|name| !name.starts_with(&workspace)) {
                bail!(
                    "nothing was changed: --prune deletes in {}, and the files name {other}; give that --workspace",
                    self.servers.workspace()
                );
            }
        }
        Ok(())
    }

    fn announce(&mut self, superfluous: &Superfluous) {
        for name in &superfluous.destinations {
            println!("destination {}: to be deleted", short(name));
        }
        for name in &superfluous.connections {
            println!("connection {}: to be deleted", short(name));
        }
        self.tally.deleted = superfluous.destinations.len() + superfluous.connections.len();
    }

    async fn delete(&mut self, superfluous: &Superfluous) -> anyhow::Result<()> {
        for name in &superfluous.destinations {
            let label = format!("destination {}", short(name));
            let request = pb::DeleteDestinationRequest {
                name: name.clone(),
                etag: String::new(),
                waiting_updates: waiting(self.waiting.unwrap_or(Waiting::Resume)).into(),
            };
            let answer = self.servers.destinations().delete_destination(request).await;
            match answer
                .with_context(|| label.clone())?
                .into_inner()
                .waiting_updates
            {
                ..=0 => println!("{label}: deleted"),
                count => println!("{label}: deleted; {count} accepted updates waited"),
            }
            self.tally.deleted += 1;
        }
        for name in &superfluous.connections {
            let label = format!("connection {}", short(name));
            let request = pb::DeleteConnectionRequest {
                name: name.clone(),
                etag: String::new(),
            };
            match self.servers.connections().delete_connection(request).await {
                Ok(_) => {
                    println!("{label}: deleted");
                    self.tally.deleted += 1;
                }
                Err(refused) if reason(&refused) == "CONNECTION_IN_USE" => println!(
                    "{label}: left, because a deleted destination still sends by it what it had accepted; apply again \
                     to delete it"
                ),
                Err(error) => return Err(error).with_context(|| label.clone()),
            }
        }
        Ok(())
    }
}

/// Lists what goes live with the file, and was edited by somebody else before.
fn print_staged_before(changes: &[pb::SettingChange], destination: &pb::Destination) {
    let others = destination
        .staged_changes
        .iter()
        .filter(|staged| changes.iter().all(|change| change.path != staged.path));
    for staged in others {
        println!(
            "  staged before: {}",
            difference(&staged.path, &staged.live, &staged.staged)
        );
    }
}

/// Names segments that the destination has and the file does not.
fn print_others(wanted: &Wanted, destination: &pb::Destination) {
    let named: BTreeSet<&str> = wanted
        .destination
        .segments
        .iter()
        .map(|segment| segment.segment.as_str())
        .collect();
    let others: Vec<&str> = destination
        .segments
        .iter()
        .map(|segment| segment.segment.as_str())
        .filter(|segment| !named.contains(segment))
        .collect();
    if !others.is_empty() {
        println!(
            "  kept, and not in the file: {} (--prune segments removes them)",
            others.join(", ")
        );
    }
}

/// Says what is left to do where the file does not say whether it is to deliver.
fn print_not_live(id: &str, destination: &pb::Destination) {
    if destination.desired_state() == DesiredState::Draft {
        println!(
            "  a draft; start it: sluice destinations activate {id}, or desired_state: ENABLED in the file"
        );
    } else if !destination.staged_changes.is_empty() {
        println!(
            "  staged, not live yet; make it live: sluice destinations apply-changes {id}, or desired_state: ENABLED \
             in the file"
        );
    }
}
