//! `sluice mappings …`

mod syntax;

use std::str::FromStr;

use clap::{Args, Subcommand};
use contracts::config::v1 as pb;

use super::{
    staged,
    text::{print_table, print_warnings, quoted},
};
use crate::{cli::ClientArgs, client::sent};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replace all field mappings.
    #[command(long_about = "Replace all field mappings.", after_long_help = syntax::HELP)]
    Set(SetArgs),
    /// List the field mappings.
    List(NameArgs),
    /// Write the field mappings as `set` takes them, one a line.
    Show(NameArgs),
}

#[derive(Debug, Args)]
pub struct SetArgs {
    /// Id of the destination.
    destination: String,
    /// One row each, for example person.name.lastName=LastName; --help tells the options.
    #[arg(required = true, value_name = "SOURCE=TARGET")]
    mappings: Vec<MappingArg>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct NameArgs {
    /// Id of the destination.
    destination: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MappingArg {
    source: pb::field_source::Source,
    target: String,
    /// Without source and target.
    options: pb::FieldMapping,
}

impl FromStr for MappingArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, target, options) = syntax::parse(text)?;
        Ok(Self {
            source,
            target,
            options,
        })
    }
}

impl MappingArg {
    /// Writes the row; a target that names the record is an identity.
    fn message(&self, destination: &pb::Destination) -> pb::FieldMapping {
        let names_record = match destination.write_mode() {
            pb::WriteMode::Upsert => self.target == destination.key_field,
            pb::WriteMode::Unspecified | pb::WriteMode::UpdateById => self.target == "SalesforceId",
        } || matches!(self.source, pb::field_source::Source::IdentityNamespace(_));
        let target = if names_record {
            pb::field_target::Target::Identity(self.target.clone())
        } else {
            pb::field_target::Target::Field(self.target.clone())
        };
        pb::FieldMapping {
            source: Some(pb::FieldSource {
                source: Some(self.source.clone()),
            }),
            target: Some(pb::FieldTarget { target: Some(target) }),
            ..self.options.clone()
        }
    }
}

pub async fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Set(args) => {
            let servers = args.client.servers()?;
            let name = servers.destination_name(&args.destination)?;
            let mut client = servers.destinations();
            let request = pb::GetDestinationRequest { name: name.clone() };
            let destination = sent(client.get_destination(request).await?.into_inner().destination)?;
            let field_mappings = args
                .mappings
                .iter()
                .map(|mapping| mapping.message(&destination))
                .collect();
            let request = pb::SetFieldMappingsRequest {
                name,
                field_mappings,
                etag: destination.etag,
            };
            let answer = client.set_field_mappings(request).await?.into_inner();
            let stored = sent(answer.destination)?;
            print(&stored);
            print_warnings(&answer.warnings);
            staged::print(&stored);
        }
        Command::List(args) => print(&destination(&args).await?),
        Command::Show(args) => {
            for mapping in &destination(&args).await?.field_mappings {
                println!("{}", quoted(&line(mapping)));
            }
        }
    }
    Ok(())
}

async fn destination(args: &NameArgs) -> anyhow::Result<pb::Destination> {
    let servers = args.client.servers()?;
    let name = servers.destination_name(&args.destination)?;
    let request = pb::GetDestinationRequest { name };
    let answer = servers.destinations().get_destination(request).await?;
    sent(answer.into_inner().destination)
}

/// Writes a row as `set` takes it.
pub(super) fn line(mapping: &pb::FieldMapping) -> String {
    let (source, target) = (syntax::source(mapping), syntax::target(mapping));
    match syntax::options(mapping) {
        options if options.is_empty() => format!("{source}={target}"),
        options => format!("{source}={target},{options}"),
    }
}

pub(super) fn print(destination: &pb::Destination) {
    let rows = destination
        .field_mappings
        .iter()
        .map(|mapping| {
            let target = match mapping.target.as_ref().and_then(|target| target.target.as_ref()) {
                Some(pb::field_target::Target::Identity(identity)) => {
                    format!("{identity} (names the record)")
                }
                Some(pb::field_target::Target::Field(field)) => field.clone(),
                None => String::new(),
            };
            vec![syntax::source(mapping), target, syntax::options(mapping)]
        })
        .collect();
    print_table(
        &["source", "target", "options"],
        rows,
        "no field mappings; set them: sluice mappings set",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_read_from_the_command_line() {
        let destination = pb::Destination::default();
        let key: MappingArg = "identity:crmID=SalesforceId".parse().unwrap();
        let message = key.message(&destination);
        assert_eq!(
            message.target.unwrap().target,
            Some(pb::field_target::Target::Identity("SalesforceId".to_owned()))
        );
        let name: MappingArg = "person.name.lastName=LastName".parse().unwrap();
        assert_eq!(
            name.message(&destination).target.unwrap().target,
            Some(pb::field_target::Target::Field("LastName".to_owned()))
        );
        let trimmed: MappingArg = "person.name.lastName=LastName,trim,truncate".parse().unwrap();
        let message = trimmed.message(&destination);
        assert_eq!(message.too_long(), pb::TooLong::Truncate);
        assert_eq!(line(&message), "person.name.lastName=LastName,truncate,trim");
        for wrong in ["", "LastName", "=LastName", "a="] {
            assert!(wrong.parse::<MappingArg>().is_err(), "{wrong}");
        }
    }
}
