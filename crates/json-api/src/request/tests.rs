use serde_json::json;

use super::*;
use crate::library::route;

fn lend(body: Json) -> Given<'static> {
    Given {
        variables: vec!["rooms/a/books/b".to_owned()],
        body: Some(body),
        ..Given::default()
    }
}

fn update(body: Json, query: &'static str) -> Given<'static> {
    Given { query, ..lend(body) }
}

fn find(query: &'static str) -> Given<'static> {
    Given {
        variables: vec!["rooms/a".to_owned()],
        query,
        ..Given::default()
    }
}

/// Returns the message as JSON, without zero values.
fn read(rpc: &str, given: Given<'_>) -> Json {
    serde_json::to_value(message(&route(rpc), given).unwrap()).unwrap()
}

/// Returns what is wrong, each with its field.
#[track_caller]
fn wrong(rpc: &str, given: Given<'_>) -> Vec<String> {
    message(&route(rpc), given)
        .unwrap_err()
        .into_iter()
        .map(|one| format!("{} {}", one.field, one.description))
        .collect()
}

#[test]
fn path_query_and_body_are_one_message() {
    let given = update(
        json!({"title": "T", "cover": "COVER_CLOTH"}),
        "update_mask=title,cover",
    );
    assert_eq!(
        read("UpdateBook", given),
        json!({
            "book": {"name": "rooms/a/books/b", "title": "T", "cover": "COVER_CLOTH"},
            "updateMask": "title,cover",
        })
    );
}

#[test]
fn everything_that_json_can_say_is_taken() {
    let book = json!({
        "name": "rooms/a/books/b",
        "lendings": "9007199254740993",
        "words": {"de": "Wort"},
        "readers": {"-7": {"name": "R", "joinTime": "2026-11-20T09:15:00Z"}},
        "house": "H",
        "marks": [0, 3],
        "picture": "AQI=",
        "note": null,
        "weight": 1.5,
        "authors": [{"name": "A"}, {}],
        "rare": false,
    });
    let given = update(book.clone(), "");
    assert_eq!(read("UpdateBook", given), json!({"book": book}));
}

#[test]
fn names_of_the_proto_are_taken_and_null_is_absent() {
    let body = json!({"reader": {"join_time": "2026-11-20T09:15:00Z", "name": null}, "loan": null});
    assert_eq!(
        read("LendBook", lend(body)),
        json!({"name": "rooms/a/books/b", "reader": {"joinTime": "2026-11-20T09:15:00Z"}})
    );
}

#[test]
fn everything_that_is_wrong_with_a_body_is_named_at_once() {
    let book = json!({
        "titel": "T",
        "title": 7,
        "lendings": "many",
        "cover": "PAPER",
        "words": {"de": 1},
        "readers": {"young": {}, "7": {"name": {}}},
        "person": "P",
        "house": "H",
        "marks": [1, 1.5, null],
        "picture": "?",
        "weight": [],
        "authors": [{"name": "A"}, {"joinTime": "today"}, "B"],
        "etag": null,
        "rare": "no",
    });
    assert_eq!(
        wrong("UpdateBook", update(book, "")),
        [
            "book.titel is not known; what can be given here: name, title, lendings, cover, words, readers, person, \
             house, marks, picture, note, weight, authors, etag, rare",
            "book.title must be a string, and is a number",
            "book.lendings must be a whole number from -9223372036854775808 to 9223372036854775807",
            "book.cover must be one of COVER_CLOTH, COVER_LEATHER",
            "book.words[\"de\"] must be a string, and is a number",
            "book.readers[\"young\"] its key must be a whole number from -2147483648 to 2147483647",
            "book.readers[\"7\"].name must be a string, and is an object",
            "book.house excludes book.person; give one of them",
            "book.marks[1] must be a whole number from -2147483648 to 2147483647",
            "book.marks[2] must be a whole number from -2147483648 to 2147483647, and is null",
            "book.picture must be bytes in base64",
            "book.weight must be a number, and is an array",
            "book.authors[1].join_time must be a time such as 2026-11-20T09:15:00Z",
            "book.authors[2] must be an object, and is a string",
            "book.rare must be true or false, and is a string",
        ]
    );
}

#[test]
fn a_body_that_is_no_object_is_named() {
    assert_eq!(
        wrong("LendBook", lend(json!([]))),
        ["body must be an object, and is an array"]
    );
    assert_eq!(
        wrong("UpdateBook", update(json!("x"), "")),
        ["book must be an object, and is a string"]
    );
    let unwanted = Given {
        body: Some(json!({})),
        ..find("")
    };
    assert_eq!(
        wrong("FindBooks", unwanted),
        ["body this call takes none; leave it out"]
    );
}

#[test]
fn a_field_is_given_once() {
    let body = json!({"reader": {"joinTime": "2026-11-20T09:15:00Z", "join_time": "2026-11-20T09:15:00Z"}});
    assert_eq!(
        wrong("LendBook", lend(body)),
        ["reader.join_time is given twice, as joinTime and as join_time"]
    );
}

#[test]
fn path_and_body_agree() {
    let same = json!({"name": "rooms/a/books/b"});
    assert_eq!(read("LendBook", lend(same.clone())), same);
    assert_eq!(
        wrong("LendBook", lend(json!({"name": "rooms/a/books/c"}))),
        ["name must be 'rooms/a/books/b', as in the path, or be left out"]
    );
}

#[test]
fn query_parameters_are_read_by_their_types() {
    let query = "pageSize=7&covers=COVER_CLOTH&covers=COVER_LEATHER&in=true&reader.join_time=2026-11-20T09%3A15%3A00Z\
                 &reader.name=A+B&weight=-1.5";
    assert_eq!(
        read("FindBooks", find(query)),
        json!({
            "parent": "rooms/a",
            "pageSize": 7,
            "covers": ["COVER_CLOTH", "COVER_LEATHER"],
            "in": true,
            "reader": {"name": "A B", "joinTime": "2026-11-20T09:15:00Z"},
            "weight": -1.5,
        })
    );
}

#[test]
fn everything_that_is_wrong_with_a_query_is_named_at_once() {
    let query =
        "page_size=many&in=1&covers=PAPER&size=1&reader=x&parent=rooms%2Fb&in=true&in=false&reader.age=1";
    let known = "is not known; the query parameters of this call: pageSize, covers, in, reader.name, \
                 reader.joinTime, weight";
    assert_eq!(
        wrong("FindBooks", find(query)),
        [
            "page_size must be a whole number from -2147483648 to 2147483647",
            "in must be true or false",
            "covers must be one of COVER_CLOTH, COVER_LEATHER",
            &format!("size {known}"),
            &format!("reader {known}"),
            "parent is in the path; leave it out of the query",
            "in is given twice",
            &format!("reader.age {known}"),
        ]
    );
    let given = Given {
        query: "book.title=T&loan=1s",
        ..update(json!({}), "")
    };
    assert_eq!(
        wrong("UpdateBook", given),
        [
            "book.title belongs in the body",
            "loan is not known; the query parameters of this call: updateMask"
        ]
    );
}

#[test]
fn a_mask_is_taken_in_the_names_of_json_and_of_the_proto() {
    let given = |query| Given {
        variables: vec!["books/b".to_owned()],
        query,
        ..Given::default()
    };
    for query in [
        "readMask=authors.joinTime,title",
        "read_mask=authors.join_time,%20title",
    ] {
        assert_eq!(
            read("GetBook", given(query))["readMask"],
            json!("authors.joinTime,title"),
            "{query}"
        );
    }
}

#[test]
fn if_match_is_the_etag_of_the_request_or_of_its_resource() {
    let with = |given: Given<'static>, etag: &str| Given {
        if_match: Some(etag.to_owned()),
        ..given
    };
    assert_eq!(read("LendBook", with(lend(json!({})), "7"))["etag"], "7");
    let given = with(update(json!({"etag": "7"}), ""), "7");
    assert_eq!(read("UpdateBook", given)["book"]["etag"], "7");
    assert_eq!(
        wrong("UpdateBook", with(update(json!({"etag": "8"}), ""), "7")),
        ["book.etag must be the same as If-Match, or be left out"]
    );
    assert_eq!(
        wrong("FindBooks", with(find(""), "7")),
        ["If-Match this call takes no etag; leave it out"]
    );
}
