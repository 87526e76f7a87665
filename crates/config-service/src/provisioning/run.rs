//! Makes what is missing, step by step, so that a run after one that stopped
//! anywhere completes it, and two at once do no harm.

use std::time::Duration;

use futures::FutureExt;
use salesforce::{
    query::{literal, query},
    tooling::{
        CreateFieldError, Creation, FieldAccess, FieldGrant, InvalidNewField, ListedField,
        assign_permission_set, create_field, create_permission_set, field_grants, find_permission_set,
        grant_field_access, grant_object_access, is_assigned, list_custom_fields, object_grant,
        read_custom_field,
    },
};

use super::{
    existing::{Verdict, verdict},
    failure::{Failure, Step},
    login::Login,
    notes::{self, Note},
    permission_sets::PermissionSet,
    wanted::{StatusFieldType, Wanted, WantedField},
};

/// How often, and how long apart, the new fields are looked for: other API
/// nodes may need seconds to know them.
/// Source: salesforce-contract.md §6.
const LOOKS: usize = 5;
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// How something that should be in the org came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    NotTried,
    Existed,
    Created,
    WouldCreate,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldReport {
    pub(crate) segment: String,
    pub(crate) field: String,
    pub(crate) outcome: Outcome,
    pub(crate) delivery_access: Outcome,
    pub(crate) people_access: Outcome,
    /// What is wrong, or worth to know.
    pub(crate) finding: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PermissionSetReport {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) outcome: Outcome,
    pub(crate) object_access: Outcome,
    /// Username; empty where nobody is given it.
    pub(crate) assignee: String,
    pub(crate) assignment: Outcome,
    pub(crate) finding: Option<Failure>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) fields: Vec<FieldReport>,
    /// The delivering user's, then people's.
    pub(crate) permission_sets: Vec<PermissionSetReport>,
    pub(crate) notes: Vec<Note>,
}

/// Whose login makes things, and for whom.
pub(crate) struct Provisioner<'a> {
    admin: Login<'a>,
    delivery: Login<'a>,
    wanted: &'a Wanted,
    field_type: StatusFieldType,
    /// Whether nothing is made.
    only_looks: bool,
}

/// Who a permission set is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Audience {
    Delivery,
    People,
}

impl Report {
    pub(crate) fn is_complete(&self) -> bool {
        let is_good = |outcome: &Outcome| !matches!(outcome, Outcome::Failed | Outcome::NotTried);
        self.fields.iter().all(|field| {
            [field.outcome, field.delivery_access, field.people_access]
                .iter()
                .all(is_good)
        }) && self.permission_sets.iter().all(|set| {
            is_good(&set.outcome)
                && (set.assignee.is_empty() || is_good(&set.object_access) && is_good(&set.assignment))
        })
    }
}

impl<'a> Provisioner<'a> {
    pub(crate) fn new(
        orgs: &'a crate::org::Orgs,
        admin: (&'a crate::connections::Connection, &'a str),
        delivery: (&'a crate::connections::Connection, &'a str),
        wanted: &'a Wanted,
        field_type: StatusFieldType,
        only_looks: bool,
    ) -> Self {
        let login = |(connection, username)| Login {
            orgs,
            connection,
            username,
        };
        Self {
            admin: login(admin),
            delivery: login(delivery),
            wanted,
            field_type,
            only_looks,
        }
    }

    /// Makes what is missing. Fails only where nothing could be found out.
    pub(crate) async fn run(&self) -> Result<Report, Failure> {
        let listed = self.list_fields().await?;
        let mut fields = Vec::with_capacity(self.wanted.fields.len());
        let mut stopped: Option<Failure> = None;
        for field in &self.wanted.fields {
            let report = match &stopped {
                Some(failure) => not_tried(field, failure.clone()),
                None => self.field(field, &listed).await,
            };
            if let Some(failure) = report.finding.as_ref().filter(|failure| failure.is_of_login) {
                stopped = Some(failure.clone());
            }
            fields.push(report);
        }
        let mut permission_sets = Vec::new();
        for (set, audience) in [
            (&self.wanted.delivery_set, Audience::Delivery),
            (&self.wanted.people_set, Audience::People),
        ] {
            let report = match &stopped {
                Some(failure) => untouched(set, audience, self.delivery.username, Some(failure.clone())),
                None => self.permission_set(set, audience, &mut fields).await,
            };
            if let Some(failure) = report.finding.as_ref().filter(|failure| failure.is_of_login) {
                stopped = Some(failure.clone());
            }
            permission_sets.push(report);
        }
        let mut notes = notes::of_both(self.wanted, self.field_type);
        notes.extend(self.unseen(&fields).await);
        Ok(Report {
            fields,
            permission_sets,
            notes,
        })
    }

    async fn list_fields(&self) -> Result<Vec<ListedField>, Failure> {
        let object = self.wanted.object;
        self.admin
            .call(Step::FindFields, move |http, session| {
                async move { list_custom_fields(&http, &session, object).await }.boxed()
            })
            .await
    }

    async fn field(&self, wanted: &WantedField, listed: &[ListedField]) -> FieldReport {
        let mut report = FieldReport {
            segment: wanted.segment.clone(),
            field: wanted.new.name.clone(),
            outcome: Outcome::Failed,
            delivery_access: Outcome::NotTried,
            people_access: Outcome::NotTried,
            finding: None,
        };
        match self.find_or_make(wanted, listed).await {
            Ok((outcome, finding)) => {
                report.outcome = outcome;
                report.finding = finding;
            }
            Err(failure) => report.finding = Some(failure),
        }
        report
    }

    async fn find_or_make(
        &self,
        wanted: &WantedField,
        listed: &[ListedField],
    ) -> Result<(Outcome, Option<Failure>), Failure> {
        let of_that_name = |listed: &[ListedField]| {
            listed
                .iter()
                .find(|field| field.name.eq_ignore_ascii_case(&wanted.new.name))
                .cloned()
        };
        if let Some(existing) = of_that_name(listed) {
            return self.judge(wanted, existing).await;
        }
        if self.only_looks {
            return Ok((Outcome::WouldCreate, None));
        }
        let new = wanted.new.clone();
        let creation = self
            .admin
            .call(Step::MakeField, move |http, session| {
                let new = new.clone();
                async move {
                    match create_field(&http, &session, &new).await {
                        Ok(creation) => Ok(Ok(creation)),
                        Err(CreateFieldError::Invalid(invalid)) => Ok(Err(invalid)),
                        Err(CreateFieldError::Request(error)) => Err(error),
                    }
                }
                .boxed()
            })
            .await?;
        match creation {
            Ok(Creation::Created(_)) => Ok((Outcome::Created, None)),
            // Made by somebody else since it was looked for.
            Ok(Creation::Exists) => match of_that_name(&self.list_fields().await?) {
                Some(existing) => self.judge(wanted, existing).await,
                None => Err(Failure::new(
                    "NAME_TAKEN",
                    format!(
                        "Salesforce says that {} exists on {}, and does not list it",
                        wanted.new.name, self.wanted.object
                    ),
                    "A deleted field keeps its name: erase it in Setup, Object Manager, Fields & Relationships, \
                     Deleted Fields; or choose another Mapping ID.",
                )),
            },
            Err(invalid) => Err(invalid_field(&invalid)),
        }
    }

    async fn judge(
        &self,
        wanted: &WantedField,
        listed: ListedField,
    ) -> Result<(Outcome, Option<Failure>), Failure> {
        let id = listed.id;
        let existing = self
            .admin
            .call(Step::FindFields, move |http, session| {
                let id = id.clone();
                async move { read_custom_field(&http, &session, &id).await }.boxed()
            })
            .await?;
        match verdict(&wanted.new, &listed.name, &existing, &self.wanted.status_values) {
            Verdict::Same => Ok((Outcome::Existed, None)),
            Verdict::Serves(finding) => Ok((Outcome::Existed, Some(finding))),
            Verdict::Unfit(failure) => Err(failure),
        }
    }

    async fn permission_set(
        &self,
        set: &PermissionSet,
        audience: Audience,
        fields: &mut [FieldReport],
    ) -> PermissionSetReport {
        let mut report = untouched(set, audience, self.delivery.username, None);
        let id = match self.find_or_make_set(set).await {
            Ok((outcome, id)) => {
                report.outcome = outcome;
                id
            }
            Err(failure) => {
                report.outcome = Outcome::Failed;
                report.finding = Some(failure);
                return report;
            }
        };
        if let Err(failure) = self.open_fields(id.as_deref(), audience, fields).await {
            report.finding = Some(failure);
            return report;
        }
        if audience == Audience::People {
            return report;
        }
        match self.open_objects(id.as_deref()).await {
            Ok(outcome) => report.object_access = outcome,
            Err(failure) => {
                report.object_access = Outcome::Failed;
                report.finding = Some(failure);
            }
        }
        match self.assign(id.as_deref()).await {
            Ok(outcome) => report.assignment = outcome,
            Err(failure) => {
                report.assignment = Outcome::Failed;
                report.finding.get_or_insert(failure);
            }
        }
        report
    }

    /// Returns the id of a permission set; none for one that is not made.
    async fn find_or_make_set(&self, set: &PermissionSet) -> Result<(Outcome, Option<String>), Failure> {
        let name = set.name.clone();
        let found = self
            .admin
            .call(Step::MakePermissionSet, move |http, session| {
                let name = name.clone();
                async move { find_permission_set(&http, &session, &name).await }.boxed()
            })
            .await?;
        if found.is_some() {
            return Ok((Outcome::Existed, found));
        }
        if self.only_looks {
            return Ok((Outcome::WouldCreate, None));
        }
        let set = set.clone();
        let id = self
            .admin
            .call(Step::MakePermissionSet, move |http, session| {
                let set = set.clone();
                async move {
                    create_permission_set(&http, &session, &set.name, &set.label, &set.description).await
                }
                .boxed()
            })
            .await?;
        Ok((Outcome::Created, Some(id)))
    }

    /// Opens the fields that are there; fails only where none can be opened.
    async fn open_fields(
        &self,
        set_id: Option<&str>,
        audience: Audience,
        fields: &mut [FieldReport],
    ) -> Result<(), Failure> {
        let object = self.wanted.object;
        let access = match audience {
            Audience::Delivery => FieldAccess::Edit,
            Audience::People => FieldAccess::Read,
        };
        let granted = match set_id {
            Some(id) => self.grants(id).await?,
            None => Vec::new(),
        };
        for report in fields {
            if matches!(report.outcome, Outcome::Failed | Outcome::NotTried) {
                continue;
            }
            let full_name = format!("{object}.{}", report.field);
            let is_open = granted
                .iter()
                .any(|grant| grant.field.eq_ignore_ascii_case(&full_name) && grant.access >= access);
            let outcome = match set_id {
                _ if is_open => Outcome::Existed,
                Some(id) if !self.only_looks => match self.open(id, &report.field, access).await {
                    Ok(()) => Outcome::Created,
                    Err(failure) if failure.is_of_login => return Err(failure),
                    Err(failure) => {
                        report.finding = Some(failure);
                        Outcome::Failed
                    }
                },
                Some(_) | None => Outcome::WouldCreate,
            };
            match audience {
                Audience::Delivery => report.delivery_access = outcome,
                Audience::People => report.people_access = outcome,
            }
        }
        Ok(())
    }

    async fn grants(&self, set_id: &str) -> Result<Vec<FieldGrant>, Failure> {
        let (object, set_id) = (self.wanted.object, set_id.to_owned());
        self.admin
            .call(Step::GrantField, move |http, session| {
                let set_id = set_id.clone();
                async move { field_grants(&http, &session, &set_id, object).await }.boxed()
            })
            .await
    }

    async fn open(&self, set_id: &str, field: &str, access: FieldAccess) -> Result<(), Failure> {
        let (object, set_id, field) = (self.wanted.object, set_id.to_owned(), field.to_owned());
        self.admin
            .call(Step::GrantField, move |http, session| {
                let (set_id, field) = (set_id.clone(), field.clone());
                async move { grant_field_access(&http, &session, &set_id, object, &field, access).await }
                    .boxed()
            })
            .await
    }

    async fn open_objects(&self, set_id: Option<&str>) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::Existed;
        for (object, access) in self.wanted.object_access.iter().copied() {
            let Some(id) = set_id.map(str::to_owned) else {
                return Ok(Outcome::WouldCreate);
            };
            let set_id = id.clone();
            let granted = self
                .admin
                .call(Step::GrantObject, move |http, session| {
                    let set_id = set_id.clone();
                    async move { object_grant(&http, &session, &set_id, object).await }.boxed()
                })
                .await?;
            if granted.is_some_and(|grant| grant.access.covers(access)) {
                continue;
            }
            if self.only_looks {
                return Ok(Outcome::WouldCreate);
            }
            self.admin
                .call(Step::GrantObject, move |http, session| {
                    let id = id.clone();
                    async move { grant_object_access(&http, &session, &id, object, access).await }.boxed()
                })
                .await?;
            outcome = Outcome::Created;
        }
        Ok(outcome)
    }

    async fn assign(&self, set_id: Option<&str>) -> Result<Outcome, Failure> {
        let username = self.delivery.username.to_owned();
        if username.is_empty() {
            return Err(Failure::new(
                "USER_UNKNOWN",
                "The destination's connection does not tell which user it logs in as: its app lacks the scope id",
                "Give the app the scope id, or assign the permission set in Setup.",
            ));
        }
        let Some(set_id) = set_id.map(str::to_owned) else {
            return Ok(Outcome::WouldCreate);
        };
        let user_id = self.user_id(username).await?;
        let (set, user) = (set_id.clone(), user_id.clone());
        let has_it = self
            .admin
            .call(Step::Assign, move |http, session| {
                let (set, user) = (set.clone(), user.clone());
                async move { is_assigned(&http, &session, &set, &user).await }.boxed()
            })
            .await?;
        if has_it {
            return Ok(Outcome::Existed);
        }
        if self.only_looks {
            return Ok(Outcome::WouldCreate);
        }
        self.admin
            .call(Step::Assign, move |http, session| {
                let (set_id, user_id) = (set_id.clone(), user_id.clone());
                async move { assign_permission_set(&http, &session, &set_id, &user_id).await }.boxed()
            })
            .await?;
        Ok(Outcome::Created)
    }

    async fn user_id(&self, username: String) -> Result<String, Failure> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Row {
            id: String,
        }
        let soql = format!("SELECT Id FROM User WHERE Username = {}", literal(&username));
        let page = self
            .admin
            .call(Step::Assign, move |http, session| {
                let soql = soql.clone();
                async move { query::<Row>(&http, &session, &soql).await }.boxed()
            })
            .await?;
        page.value
            .records
            .into_iter()
            .next()
            .map(|row| row.id)
            .ok_or_else(|| {
                Failure::new(
                    "USER_UNKNOWN",
                    format!(
                        "The admin login ({}) does not see the user {username}",
                        self.admin.username
                    ),
                    "Give the admin login View Setup and Configuration, or assign the permission set in Setup.",
                )
            })
    }

    /// Looks with the delivering login until it sees what was made, or for some
    /// seconds.
    async fn unseen(&self, fields: &[FieldReport]) -> Option<Note> {
        let object = self.wanted.object;
        let is_new = |report: &&FieldReport| {
            report.outcome == Outcome::Created || report.delivery_access == Outcome::Created
        };
        let mut waiting: Vec<&str> = fields
            .iter()
            .filter(is_new)
            .filter(|report| report.delivery_access != Outcome::Failed)
            .map(|report| report.field.as_str())
            .collect();
        for look in 0..LOOKS {
            if waiting.is_empty() {
                return None;
            }
            if look > 0 {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            let (described, _) = self
                .delivery
                .orgs
                .describe(self.delivery.connection, object)
                .await
                .ok()?;
            waiting.retain(|name| described.field(name).is_none_or(|field| !field.updateable));
        }
        Some(Note {
            code: "NOT_SEEN_YET",
            message: format!(
                "{} cannot be edited by {} yet; Salesforce may need some seconds to know it everywhere. Try again; \
                 what was made stays",
                waiting.join(", "),
                self.delivery.username
            ),
            place: String::new(),
        })
    }
}

fn not_tried(wanted: &WantedField, failure: Failure) -> FieldReport {
    FieldReport {
        segment: wanted.segment.clone(),
        field: wanted.new.name.clone(),
        outcome: Outcome::NotTried,
        delivery_access: Outcome::NotTried,
        people_access: Outcome::NotTried,
        finding: Some(failure),
    }
}

fn untouched(
    set: &PermissionSet,
    audience: Audience,
    username: &str,
    finding: Option<Failure>,
) -> PermissionSetReport {
    PermissionSetReport {
        name: set.name.clone(),
        label: set.label.clone(),
        outcome: Outcome::NotTried,
        object_access: Outcome::NotTried,
        assignee: match audience {
            Audience::Delivery => username.to_owned(),
            Audience::People => String::new(),
        },
        assignment: Outcome::NotTried,
        finding,
    }
}

/// What was checked before is right; this says what is wrong all the same.
fn invalid_field(invalid: &InvalidNewField) -> Failure {
    Failure::new("INVALID_FIELD", invalid.to_string(), "Correct the request.")
}
