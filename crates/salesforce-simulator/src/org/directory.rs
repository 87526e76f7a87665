//! The apps and users that an org knows, as an admin may change them while it runs.

use std::sync::Arc;

use super::{App, User};

/// The apps and users of one org, in the order given at its creation.
#[derive(Debug)]
pub(crate) struct Directory {
    users: Vec<Arc<User>>,
    apps: Vec<Arc<App>>,
}

impl Directory {
    pub(crate) fn new(users: Vec<User>, apps: Vec<App>) -> Self {
        Self {
            users: users.into_iter().map(Arc::new).collect(),
            apps: apps.into_iter().map(Arc::new).collect(),
        }
    }

    /// Finds a user; names are compared without case.
    pub(crate) fn user(&self, username: &str) -> Option<Arc<User>> {
        self.users.iter().find(|user| user.is_called(username)).cloned()
    }

    pub(crate) fn users(&self) -> &[Arc<User>] {
        &self.users
    }

    pub(crate) fn first_active_user(&self) -> Option<Arc<User>> {
        self.users.iter().find(|user| user.active).cloned()
    }

    pub(crate) fn app(&self, client_id: &str) -> Option<Arc<App>> {
        self.apps.iter().find(|app| app.client_id == client_id).cloned()
    }

    pub(crate) fn apps(&self) -> &[Arc<App>] {
        &self.apps
    }

    /// Puts a changed user in the place of the one of that name.
    pub(crate) fn replace_user(&mut self, changed: User) {
        if let Some(user) = self
            .users
            .iter_mut()
            .find(|user| user.is_called(&changed.username))
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
