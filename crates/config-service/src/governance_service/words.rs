//! Labels and marketing actions, which are kept alike.

use activation::{InvalidField, names::WorkspaceName};
use contracts::{
    config::v1 as pb,
    convert::parsed,
    page::Page,
    status::{invalid_argument, invalid_field, status},
};
use tonic::{Code, Status};

use super::{Adapter, convert::description_in};
use crate::{
    connection_service::keep,
    governance::{Label, MarketingAction, WordKind},
    store::ChangeError,
};

/// A label or a marketing action, to be answered.
pub(super) struct Word {
    name: String,
    description: String,
    core: bool,
}

impl Word {
    pub(super) fn into_label(self) -> pb::Label {
        pb::Label {
            name: self.name,
            description: self.description,
            core: self.core,
        }
    }

    pub(super) fn into_marketing_action(self) -> pb::MarketingAction {
        pb::MarketingAction {
            name: self.name,
            description: self.description,
            core: self.core,
        }
    }
}

fn collection(kind: WordKind) -> &'static str {
    match kind {
        WordKind::Label => "labels",
        WordKind::MarketingAction => "marketingActions",
    }
}

/// Returns the words that are known from the start, with what they mean.
fn core(kind: WordKind) -> Vec<(String, String)> {
    match kind {
        WordKind::Label => Label::core()
            .map(|(label, description)| (label.to_string(), description.to_owned()))
            .collect(),
        WordKind::MarketingAction => MarketingAction::core()
            .map(|(action, description)| (action.to_string(), description.to_owned()))
            .collect(),
    }
}

/// Takes the name of a word apart.
fn word_name(kind: WordKind, name: &str, field: &str) -> Result<(WorkspaceName, String), InvalidField> {
    let collection = collection(kind);
    let parts = name
        .split_once(&format!("/{collection}/"))
        .and_then(|(workspace, id)| Some((workspace.parse::<WorkspaceName>().ok()?, id)));
    let Some((workspace, id)) = parts else {
        return Err(InvalidField::new(
            field,
            format!("is not a name of the form workspaces/{{workspace}}/{collection}/{{id}}"),
        ));
    };
    let parsed = match kind {
        WordKind::Label => id.parse::<Label>().map(|_| ()),
        WordKind::MarketingAction => id.parse::<MarketingAction>().map(|_| ()),
    };
    parsed.map_err(|invalid| InvalidField::new(field, format!("the id {}", invalid.problem)))?;
    Ok((workspace, id.to_owned()))
}

fn refuse_core(kind: WordKind, id: &str) -> Result<(), Status> {
    if core(kind).iter().any(|(core, _)| core == id) {
        let message = format!("{id} is known from the start and cannot be changed; use an id of your own");
        return Err(status(Code::FailedPrecondition, "CORE_WORD", message));
    }
    Ok(())
}

impl Adapter {
    pub(super) async fn list_words(
        &self,
        kind: WordKind,
        parent: &str,
        page: &Page,
    ) -> Result<(Vec<Word>, String), Status> {
        let workspace: WorkspaceName = parsed(parent, "parent").map_err(invalid_field)?;
        let mut words = self
            .store
            .words(kind, &workspace)
            .await
            .map_err(ChangeError::from)?;
        let core = core(kind);
        let is_core = |id: &String| core.iter().any(|(known, _)| known == id);
        words.extend(core.iter().cloned());
        let mut words: Vec<(String, String)> = words.into_iter().filter(|(id, _)| *id > page.after).collect();
        let next_page_token = page.finish(&mut words, |(id, _)| id.clone());
        let words = words
            .into_iter()
            .map(|(id, description)| Word {
                name: format!("{workspace}/{}/{id}", collection(kind)),
                description,
                core: is_core(&id),
            })
            .collect();
        Ok((words, next_page_token))
    }

    pub(super) async fn put_word(
        &self,
        kind: WordKind,
        message: &str,
        name: &str,
        description: &str,
    ) -> Result<Word, Status> {
        let mut wrong = Vec::new();
        let named = keep(word_name(kind, name, &format!("{message}.name")), &mut wrong);
        let path = format!("{message}.description");
        keep(description_in(description, &path), &mut wrong);
        if description.trim().is_empty() {
            wrong.push(InvalidField::new(path, "is required: what it means, for people"));
        }
        let (Some((workspace, id)), true) = (named, wrong.is_empty()) else {
            return Err(invalid_argument(&wrong));
        };
        refuse_core(kind, &id)?;
        self.store.put_word(kind, &workspace, &id, description).await?;
        Ok(Word {
            name: name.to_owned(),
            description: description.to_owned(),
            core: false,
        })
    }

    pub(super) async fn delete_word(&self, kind: WordKind, name: &str) -> Result<(), Status> {
        let (workspace, id) = word_name(kind, name, "name").map_err(invalid_field)?;
        refuse_core(kind, &id)?;
        self.store.delete_word(kind, &workspace, &id, name).await?;
        Ok(())
    }
}
