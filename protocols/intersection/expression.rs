//! Segments combined: the language of an audience.
//!
//! ```text
//! expression = term *( "or" term )
//! term       = factor *( "and" factor )
//! factor     = "not" factor / "(" expression ")" / "all"
//!            / word "=" word / word "in" "(" word *( "," word ) ")"
//! word       = 1*( letter / digit / "_" / "-" / "." ) / DQUOTE text DQUOTE
//! ```
//! Keywords are lowercase. In a quoted word `\"` and `\\` stand for `"` and `\`. `NAME = VALUE` is the
//! segment labelled `NAME=VALUE`; a label that the upload does not have selects nobody. A name that begins
//! with `tamis:` is refused.

mod normal;

use std::fmt;
use std::str::FromStr;

use roaring::RoaringBitmap;

/// Longest expression, in bytes.
const MAX_BYTES: usize = 4096;
/// Deepest nesting of `not` and parentheses.
const MAX_DEPTH: usize = 32;

/// Names that begin so are not for an advertiser's labels: with such a label the service remembers where a
/// row may not be used. No expression can name one.
pub const RESERVED: &str = "tamis:";

/// A parsed expression. `Display` writes it in canonical form, which parses to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression(Node);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    All,
    /// Segment labels of one name, at least one.
    In(String, Vec<String>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
}

/// Where an expression stops making sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {}: expected {expected}", position + 1)]
pub struct ExpressionError {
    /// Characters before the place, from 0.
    pub position: usize,
    /// What would have made sense there.
    pub expected: &'static str,
}

impl Expression {
    /// Everyone.
    pub fn all() -> Self {
        Expression(Node::All)
    }

    /// Parses an expression of at most 4,096 bytes.
    ///
    /// # Errors
    /// The first place that is not as the grammar says.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.len() > MAX_BYTES {
            return Err(ExpressionError {
                position: 0,
                expected: "at most 4,096 bytes",
            });
        }
        let mut parser = Parser {
            text,
            at: 0,
            depth: 0,
        };
        let node = parser.expression()?;
        match parser.rest().is_empty() {
            true => Ok(Expression(node)),
            false => parser.fail("`and`, `or` or the end"),
        }
    }

    /// The segment labels `name=value` that the expression names.
    pub fn labels(&self) -> Vec<String> {
        let mut labels = Vec::new();
        self.0.labels(&mut labels);
        labels
    }

    /// The rows that satisfy the expression. `all` are the rows there are; `segment` gives the rows
    /// of a label, `None` if there is no such label.
    pub fn evaluate<'a>(
        &self,
        all: &RoaringBitmap,
        segment: &dyn Fn(&str) -> Option<&'a RoaringBitmap>,
    ) -> RoaringBitmap {
        self.0.evaluate(all, segment)
    }
}

impl Node {
    fn labels(&self, labels: &mut Vec<String>) {
        match self {
            Node::All => {}
            Node::In(name, values) => labels.extend(values.iter().map(|value| label(name, value))),
            Node::Not(inner) => inner.labels(labels),
            Node::And(nodes) | Node::Or(nodes) => nodes.iter().for_each(|node| node.labels(labels)),
        }
    }

    fn evaluate<'a>(
        &self,
        all: &RoaringBitmap,
        segment: &dyn Fn(&str) -> Option<&'a RoaringBitmap>,
    ) -> RoaringBitmap {
        match self {
            Node::All => all.clone(),
            Node::In(name, values) => {
                let mut rows = RoaringBitmap::new();
                for value in values {
                    if let Some(found) = segment(&label(name, value)) {
                        rows |= found;
                    }
                }
                rows & all
            }
            Node::Not(inner) => all - inner.evaluate(all, segment),
            Node::And(nodes) => nodes
                .iter()
                .fold(all.clone(), |rows, node| rows & node.evaluate(all, segment)),
            Node::Or(nodes) => nodes.iter().fold(RoaringBitmap::new(), |rows, node| {
                rows | node.evaluate(all, segment)
            }),
        }
    }
}

fn label(name: &str, value: &str) -> String {
    format!("{name}={value}")
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// What is left, from the next character that is not white space.
    fn rest(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    fn fail<T>(&mut self, expected: &'static str) -> Result<T, ExpressionError> {
        self.rest();
        let position = self.text[..self.at].chars().count();
        Err(ExpressionError { position, expected })
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let found = self.rest().starts_with(symbol);
        self.at += if found { symbol.len_utf8() } else { 0 };
        found
    }

    fn bare(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !is_bare(c)).unwrap_or(rest.len());
        &rest[..end]
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        let found = self.bare() == keyword;
        self.at += if found { keyword.len() } else { 0 };
        found
    }

    fn expression(&mut self) -> Result<Node, ExpressionError> {
        let mut nodes = vec![self.term()?];
        while self.keyword("or") {
            nodes.push(self.term()?);
        }
        Ok(single_or(nodes, Node::Or))
    }

    fn term(&mut self) -> Result<Node, ExpressionError> {
        let mut nodes = vec![self.factor()?];
        while self.keyword("and") {
            nodes.push(self.factor()?);
        }
        Ok(single_or(nodes, Node::And))
    }

    fn factor(&mut self) -> Result<Node, ExpressionError> {
        if self.depth >= MAX_DEPTH {
            return self.fail("less nesting");
        }
        self.depth += 1;
        let node = self.nested()?;
        self.depth -= 1;
        Ok(node)
    }

    fn nested(&mut self) -> Result<Node, ExpressionError> {
        if self.symbol('(') {
            let node = self.expression()?;
            return match self.symbol(')') {
                true => Ok(node),
                false => self.fail("`and`, `or` or `)`"),
            };
        }
        if self.keyword("not") {
            return Ok(Node::Not(Box::new(self.factor()?)));
        }
        if self.keyword("all") {
            return Ok(Node::All);
        }
        if matches!(self.bare(), "and" | "or" | "in") {
            return self.fail("a segment name, `all`, `not` or `(`");
        }
        let name = self.word("a segment name, `all`, `not` or `(`")?;
        if name.starts_with(RESERVED) {
            return self.fail("a name that does not begin with `tamis:`");
        }
        if name.contains('=') {
            return self.fail("a name without `=`");
        }
        if self.symbol('=') {
            let value = self.word("a value")?;
            return Ok(Node::In(name, vec![value]));
        }
        if !self.keyword("in") {
            return self.fail("`=` or `in`");
        }
        if !self.symbol('(') {
            return self.fail("`(`");
        }
        let mut values = vec![self.word("a value")?];
        while self.symbol(',') {
            values.push(self.word("a value")?);
        }
        match self.symbol(')') {
            true => Ok(Node::In(name, values)),
            false => self.fail("`,` or `)`"),
        }
    }

    fn word(&mut self, expected: &'static str) -> Result<String, ExpressionError> {
        if !self.rest().starts_with('"') {
            let word = self.bare().to_owned();
            self.at += word.len();
            return match word.is_empty() {
                false => Ok(word),
                true => self.fail(expected),
            };
        }
        self.at += 1;
        let (mut word, mut escaped) = (String::new(), false);
        for c in self.text[self.at..].chars() {
            if escaped && c != '"' && c != '\\' {
                return self.fail("`\"` or `\\` after `\\`");
            }
            self.at += c.len_utf8();
            match c {
                '"' if !escaped && word.is_empty() => return self.fail("text between the quotes"),
                '"' if !escaped => return Ok(word),
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                c => word.push(c),
            }
            escaped = false;
        }
        self.fail("a closing `\"`")
    }
}

fn is_bare(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn single_or(mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    match (nodes.len(), nodes.pop()) {
        (1, Some(node)) => node,
        (_, last) => {
            nodes.extend(last);
            many(nodes)
        }
    }
}

impl FromStr for Expression {
    type Err = ExpressionError;

    fn from_str(text: &str) -> Result<Self, ExpressionError> {
        Expression::parse(text)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_node(&self.0, f)
    }
}

fn write_node(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::All => f.write_str("all"),
        Node::In(name, values) => {
            write_word(name, f)?;
            match &values[..] {
                [value] => {
                    f.write_str(" = ")?;
                    write_word(value, f)
                }
                values => {
                    for (i, value) in values.iter().enumerate() {
                        f.write_str(if i == 0 { " in (" } else { ", " })?;
                        write_word(value, f)?;
                    }
                    f.write_str(")")
                }
            }
        }
        Node::Not(inner) => {
            f.write_str("not ")?;
            write_inner(inner, f)
        }
        Node::And(nodes) => write_joined(nodes, " and ", f),
        Node::Or(nodes) => write_joined(nodes, " or ", f),
    }
}

fn write_joined(nodes: &[Node], between: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, node) in nodes.iter().enumerate() {
        if i > 0 {
            f.write_str(between)?;
        }
        // `and` binds more tightly than `or`, so only it may stand bare inside an `or`.
        match (node, between) {
            (Node::And(_), " or ") => write_node(node, f)?,
            _ => write_inner(node, f)?,
        }
    }
    Ok(())
}

fn write_inner(node: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match node {
        Node::And(_) | Node::Or(_) => {
            f.write_str("(")?;
            write_node(node, f)?;
            f.write_str(")")
        }
        _ => write_node(node, f),
    }
}

fn write_word(word: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let keyword = matches!(word, "all" | "not" | "and" | "or" | "in");
    if word.chars().all(is_bare) && !keyword {
        return f.write_str(word);
    }
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
    write!(f, "\"{escaped}\"")
}
