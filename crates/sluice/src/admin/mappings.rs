//! `sluice mappings …`

use std::str::FromStr;

use clap::{Args, Subcommand};
use contracts::config::v1 as pb;

use super::{staged, text::print_table};
use crate::{cli::ClientArgs, client::sent};

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Replace all field mappings.
    ///
    /// Each is SOURCE=TARGET. The source is an attribute path (person.name.lastName) or an identity
    /// namespace (identity:crmID). The target is a Salesforce field (LastName), or what names the record:
    /// SalesforceId, or the external-id field of an upsert.
    Set(SetArgs),
    /// List the field mappings.
    List(NameArgs),
}

#[derive(Debug, Args)]
pub struct SetArgs {
    destination: String,
    #[arg(required = true, value_name = "SOURCE=TARGET")]
    mappings: Vec<MappingArg>,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Args)]
pub struct NameArgs {
    destination: String,
    #[command(flatten)]
    client: ClientArgs,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingArg {
    source: pb::field_source::Source,
    target: String,
}

const IDENTITY_PREFIX: &str = "identity:";

impl FromStr for MappingArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (source, target) = text
            .split_once('=')
            .filter(|(source, target)| !source.is_empty() && !target.is_empty())
            .ok_or("write it as SOURCE=TARGET, for example person.name.lastName=LastName")?;
        let source = match source.strip_prefix(IDENTITY_PREFIX) {
            Some(namespace) => pb::field_source::Source::IdentityNamespace(namespace.to_owned()),
            None => pb::field_source::Source::AttributePath(source.to_owned()),
        };
        Ok(Self {
            source,
            target: target.to_owned(),
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
            let stored = sent(client.set_field_mappings(request).await?.into_inner().destination)?;
            print(&stored);
            staged::print(&stored);
        }
        Command::List(args) => {
            let servers = args.client.servers()?;
            let name = servers.destination_name(&args.destination)?;
            let request = pb::GetDestinationRequest { name };
            print(&sent(
                servers
                    .destinations()
                    .get_destination(request)
                    .await?
                    .into_inner()
                    .destination,
            )?);
        }
    }
    Ok(())
}

pub(super) fn print(destination: &pb::Destination) {
    let rows = destination
        .field_mappings
        .iter()
        .map(|mapping| {
            let source = match mapping.source.as_ref().and_then(|source| source.source.clone()) {
                Some(pb::field_source::Source::AttributePath(path)) => path,
                Some(pb::field_source::Source::IdentityNamespace(namespace)) => {
                    format!("{IDENTITY_PREFIX}{namespace}")
                }
                None => String::new(),
            };
            let target = match mapping.target.as_ref().and_then(|target| target.target.clone()) {
                Some(pb::field_target::Target::Identity(identity)) => {
                    format!("{identity} (names the record)")
                }
                Some(pb::field_target::Target::Field(field)) => field,
                None => String::new(),
            };
            vec![source, target]
        })
        .collect();
    print_table(
        &["source", "target"],
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
        for wrong in ["", "LastName", "=LastName", "a="] {
            assert!(wrong.parse::<MappingArg>().is_err(), "{wrong}");
        }
    }
}
