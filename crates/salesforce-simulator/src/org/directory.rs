//! The apps and users that an org knows, as an admin may change them while it runs.

use std::sync::Arc;

use super::{App, User};
use crate::ids::{RecordId, record_id};
use crate::random::hash;

/// The apps and users of one org, in the order given at its creation.
#[derive(Debug)]
pub(crate) struct Directory {
    users: Vec<(RecordId, Arc<User>)>,
    apps: Vec<Arc<App>>,
}

impl Directory {
    /// `seed` is that of the org; ids of users depend on nothing else of it.
    pub(crate) fn new(seed: u64, users: Vec<User>, apps: Vec<App>) -> Self {
        Self {
            users: users
                .into_iter()
                .map(|user| (user_id(seed, &user.username), Arc::new(user)))
                .collect(),
            apps: apps.into_iter().map(Arc::new).collect(),
        }
    }

    /// Finds a user; names are compared without case.
    pub(crate) fn user(&self, username: &str) -> Option<Arc<User>> {
        self.users()
            .find(|(_, user)| user.is_called(username))
            .map(|(_, user)| Arc::clone(user))
    }

    /// Returns the users under their ids, in the order given at the creation.
    pub(crate) fn users(&self) -> impl Iterator<Item = (RecordId, &Arc<User>)> {
        self.users.iter().map(|(id, user)| (*id, user))
    }

    pub(crate) fn first_active_user(&self) -> Option<Arc<User>> {
        self.users()
            .find(|(_, user)| user.active)
            .map(|(_, user)| Arc::clone(user))
    }

    /// Finds a user by the id that records refer to them by.
    pub(crate) fn user_by_id(&self, id: RecordId) -> Option<&User> {
        self.users()
            .find(|(other, _)| *other == id)
            .map(|(_, user)| user.as_ref())
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<Arc<App>> {
        self.apps.iter().find(|app| app.client_id == client_id).cloned()
    }

    pub(crate) fn apps(&self) -> &[Arc<App>] {
        &self.apps
    }

    /// Puts a changed user in the place of the one of that name.
    pub(crate) fn replace_user(&mut self, changed: User) {
        if let Some((_, user)) = self
            .users
            .iter_mut()
            .find(|(_, user)| user.is_called(&changed.username))
        {
            *user = Arc::new(changed);
        }
    }

    /// Puts a changed app in the place of the one with that consumer key.
    pub(crate) fn replace_app(&mut self, changed: App) {
        if let Some(app) = self
            .apps
            .iter_mut()
            .find(|app| app.client_id == changed.client_id)
        {
            *app = Arc::new(changed);
        }
    }
}

/// Returns the id of the user with this name, whoever has it.
pub(super) fn user_id(seed: u64, username: &str) -> RecordId {
    RecordId::parse(&record_id("005", hash(seed, username))).expect("record_id returns valid ids")
}
