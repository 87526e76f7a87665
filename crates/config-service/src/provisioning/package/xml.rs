//! XML as the Metadata API reads it.

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

const NAMESPACE: &str = "http://soap.sforce.com/2006/04/metadata";

/// An element that is being written. Its text is escaped.
pub(super) struct Element {
    writer: Writer<Vec<u8>>,
}

/// Writes a document with one root, in the Metadata API's namespace.
pub(super) fn document(root: &str, content: impl FnOnce(&mut Element)) -> String {
    let mut element = Element {
        writer: Writer::new_with_indent(Vec::new(), b' ', 4),
    };
    element.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
    element.event(Event::Start(
        BytesStart::new(root).with_attributes([("xmlns", NAMESPACE)]),
    ));
    content(&mut element);
    element.event(Event::End(BytesEnd::new(root)));
    let mut text = String::from_utf8(element.writer.into_inner()).expect("texts are written as UTF-8");
    text.push('\n');
    text
}

impl Element {
    /// Adds an element with elements.
    pub(super) fn open(&mut self, name: &str, content: impl FnOnce(&mut Self)) {
        self.event(Event::Start(BytesStart::new(name)));
        content(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// Adds an element with a text.
    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.event(Event::Start(BytesStart::new(name)));
        self.event(Event::Text(BytesText::new(text)));
        self.event(Event::End(BytesEnd::new(name)));
    }

    pub(super) fn flag(&mut self, name: &str, is_on: bool) {
        self.text(name, if is_on { "true" } else { "false" });
    }

    fn event(&mut self, event: Event<'_>) {
        self.writer.write_event(event).expect("memory can be written to");
    }
}
