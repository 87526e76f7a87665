//! The comments of the protos.

use std::collections::HashMap;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor,
    MethodDescriptor, ServiceDescriptor,
};

/// Leading comments by file and path in it.
pub(crate) struct Comments(HashMap<(String, Vec<i32>), String>);

/// Who may set a field, as its comment begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) is_required: bool,
    pub(crate) is_output_only: bool,
    pub(crate) is_input_only: bool,
}

impl Comments {
    pub(crate) fn read(pool: &DescriptorPool) -> Self {
        let mut comments = HashMap::new();
        for file in pool.files() {
            let info = file.file_descriptor_proto().source_code_info.as_ref();
            for location in info.into_iter().flat_map(|info| &info.location) {
                if let Some(comment) = &location.leading_comments {
                    let place = (file.name().to_owned(), location.path.clone());
                    comments.insert(place, paragraphs(comment));
                }
            }
        }
        Self(comments)
    }

    fn at(&self, file: &FileDescriptor, path: &[i32]) -> &str {
        self.0
            .get(&(file.name().to_owned(), path.to_vec()))
            .map(String::as_str)
            .unwrap_or_default()
    }

    pub(crate) fn of_service(&self, service: &ServiceDescriptor) -> &str {
        self.at(&service.parent_file(), service.path())
    }

    pub(crate) fn of_call(&self, rpc: &MethodDescriptor) -> &str {
        self.at(&rpc.parent_file(), rpc.path())
    }

    pub(crate) fn of_message(&self, message: &MessageDescriptor) -> &str {
        self.at(&message.parent_file(), message.path())
    }

    pub(crate) fn of_field(&self, field: &FieldDescriptor) -> &str {
        self.at(&field.parent_file(), field.path())
    }

    pub(crate) fn of_enum(&self, descriptor: &EnumDescriptor) -> &str {
        self.at(&descriptor.parent_file(), descriptor.path())
    }

    pub(crate) fn of_enum_value(&self, value: &EnumValueDescriptor) -> &str {
        self.at(&value.parent_file(), value.path())
    }

    pub(crate) fn marks(&self, field: &FieldDescriptor) -> Marks {
        let mut marks = Marks::default();
        let mut rest = self.of_field(field);
        loop {
            let (mark, after) = [
                (&mut marks.is_required, "Required."),
                (&mut marks.is_output_only, "Output only."),
                (&mut marks.is_input_only, "Input only."),
            ]
            .into_iter()
            .find_map(|(mark, word)| Some((mark, rest.strip_prefix(word)?)))
            .unzip();
            match (mark, after) {
                (Some(mark), Some(after)) => {
                    *mark = true;
                    rest = after.trim_start();
                }
                _ => return marks,
            }
        }
    }
}

/// Joins the lines of each paragraph.
fn paragraphs(comment: &str) -> String {
    let mut text = String::new();
    for line in comment.lines().map(str::trim) {
        if line.is_empty() {
            text.push_str("\n\n");
        } else {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_paragraph_are_one_line() {
        assert_eq!(paragraphs(" One\n line.\n\n Two.\n"), "One line.\n\nTwo.");
    }
}
