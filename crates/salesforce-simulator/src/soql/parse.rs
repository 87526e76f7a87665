//! Reading a query.

use super::query::{Condition, Literal, Name, Operator, Order, Problem, Query, Select, Set};
use super::token::{Kind, Token, tokens};
use crate::refusal::CallError;

/// Deepest nesting of conditions, so that no query can exhaust the stack.
const MAX_DEPTH: usize = 50;

/// Clauses that Salesforce has and the simulator has not; no two such words meet in any other query.
const UNSUPPORTED: [&[&str]; 5] = [
    &["GROUP", "BY"],
    &["HAVING"],
    &["FOR", "UPDATE"],
    &["FOR", "VIEW"],
    &["FOR", "REFERENCE"],
];

/// Reads a query.
///
/// # Errors
/// 400 `MALFORMED_QUERY`.
pub(crate) fn parse(text: &str) -> Result<Query, CallError> {
    let read = || {
        let tokens = tokens(text)?;
        check_clauses(&tokens)?;
        let mut parser = Parser {
            tokens,
            next: 0,
            depth: 0,
        };
        let query = parser.query()?;
        parser.end()?;
        Ok(query)
    };
    read().map_err(|problem: Problem| problem.of(text))
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn query(&mut self) -> Result<Query, Problem> {
        self.keyword("SELECT")?;
        let select = self.select()?;
        self.keyword("FROM")?;
        let object = self.name()?;
        let alias = self.alias();
        let condition = if self.takes("WHERE") {
            Some(self.condition()?)
        } else {
            None
        };
        let order = self.order()?;
        let limit = self.count("LIMIT")?;
        let offset = self.count("OFFSET")?.unwrap_or(0);
        let mut query = Query {
            select,
            object,
            condition,
            order,
            limit,
            offset,
        };
        query.unqualify(alias.as_deref());
        Ok(query)
    }

    fn select(&mut self) -> Result<Select, Problem> {
        let first = self.name()?;
        if first.text.eq_ignore_ascii_case("COUNT") && self.takes_sign("(") {
            self.sign(")")?;
            return Ok(Select::Count);
        }
        let mut fields = vec![self.selected(first)?];
        while self.takes_sign(",") {
            let name = self.name()?;
            fields.push(self.selected(name)?);
        }
        Ok(Select::Fields(fields))
    }

    /// Reads the rest of `FIELDS(ALL)`; any other name is complete.
    fn selected(&mut self, name: Name) -> Result<Name, Problem> {
        if !name.text.eq_ignore_ascii_case("FIELDS") || !self.takes_sign("(") {
            return Ok(name);
        }
        let which = self.name()?;
        self.sign(")")?;
        Ok(Name {
            text: format!("FIELDS({})", which.text.to_ascii_uppercase()),
            at: name.at,
        })
    }

    /// Reads the name that a query gives its object, if it gives one.
    fn alias(&mut self) -> Option<String> {
        const NEXT: [&str; 4] = ["WHERE", "ORDER", "LIMIT", "OFFSET"];
        let Kind::Word(word) = &self.peek().kind else {
            return None;
        };
        if NEXT.iter().any(|keyword| keyword.eq_ignore_ascii_case(word)) {
            return None;
        }
        let word = word.clone();
        self.next += 1;
        Some(word)
    }

    fn condition(&mut self) -> Result<Condition, Problem> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::malformed(
                self.peek().at,
                "the conditions are nested too deeply".to_owned(),
            ));
        }
        let first = self.term()?;
        let mut conditions = vec![first];
        let joined = if self.is("AND") { "AND" } else { "OR" };
        while self.takes(joined) {
            conditions.push(self.term()?);
        }
        // AND and OR do not mix without parentheses.
        if self.is("AND") || self.is("OR") {
            return Err(self.unexpected());
        }
        self.depth -= 1;
        Ok(match (conditions.len(), joined) {
            (1, _) => conditions.remove(0),
            (_, "AND") => Condition::And(conditions),
            (_, _) => Condition::Or(conditions),
        })
    }

    fn term(&mut self) -> Result<Condition, Problem> {
        if self.takes("NOT") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.unexpected());
            }
            let negated = self.term()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(negated)));
        }
        if self.takes_sign("(") {
            let condition = self.condition()?;
            self.sign(")")?;
            return Ok(condition);
        }
        let field = self.name()?;
        let token = self.take();
        let operator = match &token.kind {
            Kind::Sign("=") => Operator::Equal,
            Kind::Sign("!=") => Operator::NotEqual,
            Kind::Sign("<") => Operator::Less,
            Kind::Sign("<=") => Operator::LessOrEqual,
            Kind::Sign(">") => Operator::Greater,
            Kind::Sign(">=") => Operator::GreaterOrEqual,
            Kind::Word(word) if word.eq_ignore_ascii_case("LIKE") => Operator::Like,
            Kind::Word(word) if word.eq_ignore_ascii_case("IN") => return self.set(field, true),
            Kind::Word(word) if word.eq_ignore_ascii_case("NOT") => {
                self.keyword("IN")?;
                return self.set(field, false);
            }
            _ => return Err(unexpected(&token)),
        };
        let value = self.literal()?;
        Ok(Condition::Compare {
            field,
            operator,
            value,
        })
    }

    fn set(&mut self, field: Name, is_in: bool) -> Result<Condition, Problem> {
        self.sign("(")?;
        let set = if self.is("SELECT") {
            self.depth += 1;
            if self.depth > MAX_DEPTH {
                return Err(self.unexpected());
            }
            let query = self.query()?;
            self.depth -= 1;
            Set::Query(Box::new(query))
        } else {
            let mut values = vec![self.literal()?];
            while self.takes_sign(",") {
                values.push(self.literal()?);
            }
            Set::Values(values)
        };
        self.sign(")")?;
        Ok(Condition::In { field, is_in, set })
    }

    fn literal(&mut self) -> Result<Literal, Problem> {
        let token = self.take();
        match &token.kind {
            Kind::Text(text) => Ok(Literal::Text(text.clone())),
            Kind::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Literal::Null),
            Kind::Word(word) if word.eq_ignore_ascii_case("true") => Ok(Literal::Boolean(true)),
            Kind::Word(word) if word.eq_ignore_ascii_case("false") => Ok(Literal::Boolean(false)),
            Kind::Word(word) if is_date(word) => Ok(Literal::Date(word.clone())),
            Kind::Word(word) if word.contains(|character: char| character.is_ascii_digit()) => {
                word.parse().map(Literal::Number).map_err(|_| unexpected(&token))
            }
            Kind::Word(_) | Kind::Sign(_) | Kind::End => Err(unexpected(&token)),
        }
    }

    fn order(&mut self) -> Result<Vec<Order>, Problem> {
        let mut order = Vec::new();
        if !self.takes("ORDER") {
            return Ok(order);
        }
        self.keyword("BY")?;
        loop {
            let field = self.name()?;
            let is_descending = self.takes("DESC");
            if !is_descending {
                self.takes("ASC");
            }
            let mut nulls_last = false;
            if self.takes("NULLS") {
                nulls_last = self.takes("LAST");
                if !nulls_last {
                    self.keyword("FIRST")?;
                }
            }
            order.push(Order {
                field,
                is_descending,
                nulls_last,
            });
            if !self.takes_sign(",") {
                return Ok(order);
            }
        }
    }

    fn count(&mut self, keyword: &str) -> Result<Option<usize>, Problem> {
        if !self.takes(keyword) {
            return Ok(None);
        }
        let token = self.take();
        match &token.kind {
            Kind::Word(word) => word.parse().map(Some).map_err(|_| unexpected(&token)),
            _ => Err(unexpected(&token)),
        }
    }

    fn name(&mut self) -> Result<Name, Problem> {
        let token = self.take();
        match token.kind {
            Kind::Word(text) if text.starts_with(char::is_alphabetic) => Ok(Name { text, at: token.at }),
            _ => Err(unexpected(&token)),
        }
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), Problem> {
        if self.takes(keyword) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn sign(&mut self, sign: &str) -> Result<(), Problem> {
        if self.takes_sign(sign) {
            Ok(())
        } else {
            Err(self.unexpected())
        }
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let is_next = self.is(keyword);
        self.next += usize::from(is_next);
        is_next
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(&self.peek().kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn takes_sign(&mut self, sign: &str) -> bool {
        let is_next = matches!(&self.peek().kind, Kind::Sign(next) if *next == sign);
        self.next += usize::from(is_next);
        is_next
    }

    fn end(&self) -> Result<(), Problem> {
        match self.peek().kind {
            Kind::End => Ok(()),
            _ => Err(self.unexpected()),
        }
    }

    /// The last token is the end, which is never passed.
    fn peek(&self) -> &Token {
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn unexpected(&self) -> Problem {
        unexpected(self.peek())
    }
}

/// Fails on the first clause that is not supported, wherever it stands, so that it is named.
fn check_clauses(tokens: &[Token]) -> Result<(), Problem> {
    let is = |token: &Token, keyword: &str| matches!(&token.kind, Kind::Word(word) if word.eq_ignore_ascii_case(keyword));
    for (position, token) in tokens.iter().enumerate() {
        let begins = |clause: &&&[&str]| {
            let rest = &tokens[position..];
            rest.len() >= clause.len() && clause.iter().zip(rest).all(|(keyword, token)| is(token, keyword))
        };
        if let Some(clause) = UNSUPPORTED.iter().find(begins) {
            let text = format!("{} is not supported by the simulator", clause.join(" "));
            return Err(Problem::malformed(token.at, text));
        }
    }
    Ok(())
}

fn unexpected(token: &Token) -> Problem {
    let shown = match &token.kind {
        Kind::Word(word) => word,
        Kind::Text(text) => text,
        Kind::Sign(sign) => *sign,
        Kind::End => "<EOF>",
    };
    Problem::malformed(token.at, format!("unexpected token: '{shown}'"))
}

/// Tells whether a word is written like `2026-11-20` or `2026-11-20T09:15:00Z`.
fn is_date(word: &str) -> bool {
    let bytes = word.as_bytes();
    bytes.len() >= 10
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && [0, 1, 2, 3, 5, 6, 8, 9]
            .iter()
            .all(|index| bytes[*index].is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str, at: usize) -> Name {
        Name {
            text: text.to_owned(),
            at,
        }
    }

    #[test]
    fn keywords_are_read_in_any_case_and_names_lose_their_object() {
        let query =
            parse("select c.Id, Contact.Account.Name from Contact c where c.Title != null limit 2").unwrap();
        assert_eq!(
            query.select,
            Select::Fields(vec![name("Id", 7), name("Account.Name", 13)])
        );
        assert_eq!((query.limit, query.offset), (Some(2), 0));
        assert_eq!(
            query.condition,
            Some(Condition::Compare {
                field: name("Title", 55),
                operator: Operator::NotEqual,
                value: Literal::Null,
            })
        );
    }

    #[test]
    fn conditions_nest_and_do_not_mix() {
        let query = parse("SELECT Id FROM Lead WHERE A = 1 AND (B = 'x\\'y' OR NOT C IN (true, 2026-11-20))")
            .unwrap();
        let Some(Condition::And(conditions)) = query.condition else {
            panic!("not an AND");
        };
        let Condition::Or(alternatives) = &conditions[1] else {
            panic!("not an OR");
        };
        assert!(
            matches!(&alternatives[0], Condition::Compare { value: Literal::Text(text), .. } if text == "x'y")
        );
        let Condition::Not(negated) = &alternatives[1] else {
            panic!("not a NOT");
        };
        assert!(matches!(
            negated.as_ref(),
            Condition::In { set: Set::Values(values), .. } if values.len() == 2
        ));
        assert!(parse("SELECT Id FROM Lead WHERE A = 1 AND B = 2 OR C = 3").is_err());
        assert!(parse(&format!("SELECT Id FROM Lead WHERE {}A = 1", "(".repeat(100_000))).is_err());
        assert!(
            parse(&format!(
                "SELECT Id FROM Lead WHERE {}A = 1",
                "NOT ".repeat(100_000)
            ))
            .is_err()
        );
    }

    #[test]
    fn a_clause_that_is_not_supported_is_named() {
        for (text, told) in [
            (
                "SELECT Title, COUNT(Id) FROM Lead group  by Title",
                "Column:35\nGROUP BY is not supported",
            ),
            (
                "SELECT Id FROM Lead WHERE A = 1 HAVING B = 2",
                "Column:33\nHAVING is not supported",
            ),
            (
                "SELECT Id FROM Lead LIMIT 1 FOR UPDATE",
                "Column:29\nFOR UPDATE is not supported",
            ),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.error_code, "MALFORMED_QUERY");
            assert!(error.message.contains(told), "{}", error.message);
        }
        for text in [
            "SELECT Id FROM Lead WHERE A = 'GROUP BY'",
            "SELECT Id FROM Lead ORDER BY Group__c",
        ] {
            parse(text).unwrap();
        }
    }

    #[test]
    fn a_problem_is_pointed_at() {
        let error = parse("SELECT Id\nFROM Lead WHERE Name = 'x' Limit x").unwrap_err();
        assert_eq!(error.error_code, "MALFORMED_QUERY");
        let line = "FROM Lead WHERE Name = 'x' Limit x";
        let caret = format!("{:>34}", '^');
        assert_eq!(
            error.message,
            format!("\n{line}\n{caret}\nERROR at Row:2:Column:34\nunexpected token: 'x'")
        );
        for text in [
            "",
            "SELECT FROM Lead",
            "SELECT Id FROM Lead ORDER",
            "SELECT Id FROM Lead WHERE Name",
            "SELECT Id FROM Lead WHERE Name = 'x",
            "SELECT Id FROM Lead WHERE Name = \"x\"",
            "SELECT Id FROM Lead WHERE Name = x",
            "SELECT Id, FROM Lead",
            "SELECT Id FROM Lead LIMIT -1",
            "SELECT Id FROM Lead; DROP",
        ] {
            assert_eq!(parse(text).unwrap_err().error_code, "MALFORMED_QUERY", "{text}");
        }
    }
}
