//! One form for many ways to write the same question, so that a rewritten one gets no new answer.
//!
//! Order, repetition, nesting of the same operator, double negation and `all` are taken away. Two
//! normal forms that differ may still select the same rows: what labels mean is not looked at.

use super::{Expression, Node};

impl Expression {
    /// An expression that selects the same rows of every upload. Alike for two that differ in nothing
    /// but order, repetition, parentheses, double negation, `all`, or `in` against `=` and `or`.
    pub fn normal(&self) -> Expression {
        Expression(normal(&self.0))
    }
}

fn normal(node: &Node) -> Node {
    match node {
        Node::All => Node::All,
        Node::In(name, values) => {
            let one = |value: &String| Node::In(name.clone(), vec![value.clone()]);
            gather(values.iter().map(one).collect(), Node::Or)
        }
        Node::Not(inner) => match normal(inner) {
            Node::Not(inner) => *inner,
            inner => Node::Not(Box::new(inner)),
        },
        Node::And(nodes) => {
            let mut flat = Vec::new();
            for node in nodes.iter().map(normal) {
                match node {
                    Node::And(inner) => flat.extend(inner),
                    Node::All => {}
                    node => flat.push(node),
                }
            }
            gather(flat, Node::And)
        }
        Node::Or(nodes) => {
            let mut flat = Vec::new();
            for node in nodes.iter().map(normal) {
                match node {
                    Node::Or(inner) => flat.extend(inner),
                    Node::All => return Node::All,
                    node => flat.push(node),
                }
            }
            gather(flat, Node::Or)
        }
    }
}

/// Sorted, each once. Nothing is left only of an `and` over `all`.
fn gather(mut nodes: Vec<Node>, many: fn(Vec<Node>) -> Node) -> Node {
    nodes.sort();
    nodes.dedup();
    match (nodes.len(), nodes.pop()) {
        (_, None) => Node::All,
        (1, Some(node)) => node,
        (_, Some(last)) => {
            nodes.push(last);
            many(nodes)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;
    use roaring::RoaringBitmap;

    use super::*;

    fn form(text: &str) -> String {
        Expression::parse(text).unwrap().normal().to_string()
    }

    #[test]
    fn a_question_written_in_another_way_is_the_same_question() {
        for (one, other) in [
            ("a = 1", "(((a = 1)))"),
            ("a = 1", "a = 1 or a = 1"),
            ("a = 1", "not not a = 1"),
            ("a = 1", "a = 1 and all"),
            ("a = 1 and b = 2", "b = 2 and a = 1"),
            ("a in (1, 2)", "a = 2 or a = 1"),
            ("a in (1, 2, 2)", "a in (2, 1)"),
            ("a = 1 or b = 2 or c = 3", "c = 3 or (b = 2 or a = 1)"),
            ("not (a = 1 and b = 2)", "not (b = 2 and (a = 1 and all))"),
            ("all", "all and all"),
            ("all", "a = 1 or all"),
        ] {
            assert_eq!(form(one), form(other));
        }
    }

    #[test]
    fn other_questions_stay_apart() {
        for (one, other) in [
            ("a = 1", "a = 2"),
            ("a = 1 and b = 2", "a = 1 or b = 2"),
            ("not a = 1", "a = 1"),
            ("all", "not all"),
        ] {
            assert_ne!(form(one), form(other));
        }
    }

    fn expression() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("all".to_owned()),
            (0..4, 0..3).prop_map(|(name, value)| format!("n{name} = {value}")),
            (0..4, 0..3, 0..3).prop_map(|(name, a, b)| format!("n{name} in ({a}, {b})")),
        ];
        leaf.prop_recursive(5, 40, 3, |inner| {
            prop_oneof![
                inner.clone().prop_map(|one| format!("not ({one})")),
                proptest::collection::vec(inner.clone(), 2..4)
                    .prop_map(|all| format!("({})", all.join(") and ("))),
                proptest::collection::vec(inner, 2..4)
                    .prop_map(|all| format!("({})", all.join(") or ("))),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_normal_form_selects_the_same_rows_and_is_its_own(text in expression()) {
            let Ok(expression) = Expression::parse(&text) else {
                return Ok(());
            };
            let all: RoaringBitmap = (0..81).collect();
            let rows: Vec<RoaringBitmap> = (0..12u32)
                .map(|label| {
                    let (name, value) = (label / 3, label % 3);
                    (0..81).filter(|row| row / 3u32.pow(name) % 3 == value).collect()
                })
                .collect();
            let segment = |label: &str| {
                let (name, value) = label.split_once('=')?;
                let name: usize = name.trim_start_matches('n').parse().ok()?;
                rows.get(name * 3 + value.parse::<usize>().ok()?)
            };
            let normal = expression.normal();
            let same = expression.evaluate(&all, &segment) == normal.evaluate(&all, &segment);
            prop_assert!(same);
            prop_assert_eq!(normal.normal(), normal);
        }
    }
}
