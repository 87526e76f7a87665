//! `permissionsets/*.permissionset`: who may do what. A deploy replaces what a
//! permission set granted before, so each has all fields of its destination.

use super::{
    super::{permission_sets::PermissionSet, wanted::Wanted},
    xml::{Element, document},
};

pub(super) fn of_delivery(wanted: &Wanted) -> String {
    permission_set(&wanted.delivery_set, wanted, true, |element| {
        for (object, access) in &wanted.object_access {
            element.open("objectPermissions", |permissions| {
                permissions.flag("allowCreate", access.create);
                permissions.flag("allowDelete", false);
                permissions.flag("allowEdit", access.edit);
                permissions.flag("allowRead", true);
                permissions.flag("modifyAllRecords", false);
                permissions.text("object", object);
                permissions.flag("viewAllRecords", false);
            });
        }
    })
}

pub(super) fn of_people(wanted: &Wanted) -> String {
    permission_set(&wanted.people_set, wanted, false, |_| {})
}

fn permission_set(
    set: &PermissionSet,
    wanted: &Wanted,
    editable: bool,
    more: impl FnOnce(&mut Element),
) -> String {
    document("PermissionSet", |element| {
        element.text("description", &set.description);
        for field in &wanted.all_fields {
            element.open("fieldPermissions", |permissions| {
                permissions.flag("editable", editable);
                permissions.text("field", &format!("{}.{field}", wanted.object));
                permissions.flag("readable", true);
            });
        }
        element.flag("hasActivationRequired", false);
        element.text("label", &set.label);
        more(element);
    })
}
