//! The apps and users that an org knows, as an admin may change them while it runs.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, User};
use crate::ids::{RecordId, record_id};
use crate::random::hash;

/// The apps and users of one org, in the order in which they were added.
#[derive(Debug)]
pub(crate) struct Directory {
    seed: u64,
    users: Vec<(RecordId, Arc<User>)>,
    /// With when they were added.
    apps: Vec<(DateTime<Utc>, Arc<App>)>,
}

impl Directory {
    /// `seed` is that of the org; ids of users depend on nothing else of it.
    pub(crate) fn new(seed: u64, users: Vec<User>, apps: Vec<App>, now: DateTime<Utc>) -> Self {
        let mut directory = Self {
            seed,
            users: Vec::new(),
            apps: Vec::new(),
        };
        for user in users {
            directory.add_user(user);
        }
        for app in apps {
            directory.add_app(app, now);
        }
        directory
    }

    /// Adds a user, whose name nobody may have yet, and returns their id.
    pub(crate) fn add_user(&mut self, user: User) -> RecordId {
        let id = user_id(self.seed, &user.username);
        self.users.push((id, Arc::new(user)));
        id
    }

    /// Adds an app, whose consumer key none may have yet. The user that it runs as exists from then on, even if
    /// nobody gave it a password.
    pub(crate) fn add_app(&mut self, app: App, now: DateTime<Utc>) {
        if let Some(username) = &app.run_as
            && self.user(username).is_none()
        {
            self.add_user(User::without_password(username));
        }
        self.apps.push((now, Arc::new(app)));
    }

    /// Finds a user; names are compared without case.
    pub(crate) fn user(&self, username: &str) -> Option<Arc<User>> {
        self.users()
            .find(|(_, user)| user.is_called(username))
            .map(|(_, user)| Arc::clone(user))
    }

    /// Returns the users under their ids.
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
        self.apps().find(|app| app.client_id == client_id).cloned()
    }

    /// Finds an app that is known at `now`: a new one is not at once. Source: salesforce-contract.md §1.2.
    pub(crate) fn known_app(&self, client_id: &str, now: DateTime<Utc>) -> Option<Arc<App>> {
        let is_known = |added: DateTime<Utc>, app: &App| {
            now >= added + TimeDelta::seconds(i64::from(app.known_after_seconds))
        };
        self.apps
            .iter()
            .find(|(added, app)| app.client_id == client_id && is_known(*added, app))
            .map(|(_, app)| Arc::clone(app))
    }

    pub(crate) fn apps(&self) -> impl Iterator<Item = &Arc<App>> {
        self.apps.iter().map(|(_, app)| app)
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
        if let Some((_, app)) = self
            .apps
            .iter_mut()
            .find(|(_, app)| app.client_id == changed.client_id)
        {
            *app = Arc::new(changed);
        }
    }
}

/// Returns the id of the user with this name, whoever has it.
pub(super) fn user_id(seed: u64, username: &str) -> RecordId {
    RecordId::parse(&record_id("005", hash(seed, username))).expect("record_id returns valid ids")
}
