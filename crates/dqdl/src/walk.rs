//! Dropping, cloning, comparing and visiting trees of any depth with a stack on the heap.

use crate::tree::{Body, Check, Condition, Connective, Number, Rule, Ruleset};

impl Rule {
    /// The rule types in the order of the text.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        let mut waiting = vec![self];
        std::iter::from_fn(move || {
            loop {
                match &waiting.pop()?.body {
                    Body::Check(check) => return Some(check.as_ref()),
                    Body::Both { left, right, .. } => waiting.extend([right.as_ref(), left.as_ref()]),
                }
            }
        })
    }

    /// Every rule of the tree, operands before the rule that joins them, left before right.
    pub fn upwards(&self) -> Vec<&Rule> {
        let mut found = Vec::new();
        let mut waiting = vec![self];
        while let Some(rule) = waiting.pop() {
            found.push(rule);
            if let Body::Both { left, right, .. } = &rule.body {
                waiting.extend([left.as_ref(), right.as_ref()]);
            }
        }
        found.reverse();
        found
    }

    /// Joins two rules; the span runs from the first to the last.
    pub(crate) fn both(op: Connective, left: Rule, right: Rule) -> Rule {
        let span = left.span.start..right.span.end;
        let body = Body::Both { op, left: Box::new(left), right: Box::new(right) };
        Rule { body, labels: Vec::new(), shown: Vec::new(), span }
    }
}

impl Drop for Rule {
    fn drop(&mut self) {
        let mut waiting = Vec::new();
        loosen(self, &mut waiting);
        while let Some(mut rule) = waiting.pop() {
            loosen(&mut rule, &mut waiting);
        }
    }
}

/// Takes the operands out of a rule where dropping them would go deeper than one call.
fn loosen(rule: &mut Rule, waiting: &mut Vec<Rule>) {
    if let Body::Both { left, right, .. } = &mut rule.body {
        for side in [left, right] {
            if matches!(side.body, Body::Both { .. }) {
                waiting.push(std::mem::replace(side.as_mut(), hollow()));
            }
        }
    }
}

/// A rule that nobody sees: it keeps the place of one that was taken out.
fn hollow() -> Rule {
    let check = Check {
        kind: crate::RuleType::RowCount,
        parameters: Vec::new(),
        condition: None,
        list: None,
        filter: None,
        threshold: None,
        tags: Vec::new(),
        span: 0..0,
    };
    Rule { body: Body::Check(Box::new(check)), labels: Vec::new(), shown: Vec::new(), span: 0..0 }
}

impl Clone for Rule {
    fn clone(&self) -> Self {
        let mut done: Vec<Rule> = Vec::new();
        for rule in self.upwards() {
            let body = match &rule.body {
                Body::Check(check) => Body::Check(check.clone()),
                Body::Both { op, .. } => match (done.pop(), done.pop()) {
                    (Some(right), Some(left)) => Body::Both { op: *op, left: Box::new(left), right: Box::new(right) },
                    _ => continue,
                },
            };
            let (labels, shown) = (rule.labels.clone(), rule.shown.clone());
            done.push(Rule { body, labels, shown, span: rule.span.clone() });
        }
        done.pop().unwrap_or_else(hollow)
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        let mut waiting = vec![(self, other)];
        while let Some((one, two)) = waiting.pop() {
            let inside = match (&one.body, &two.body) {
                (Body::Check(a), Body::Check(b)) => a == b,
                (Body::Both { op: a, left: al, right: ar }, Body::Both { op: b, left: bl, right: br }) => {
                    waiting.push((al, bl));
                    waiting.push((ar, br));
                    a == b
                }
                _ => false,
            };
            if !inside || (&one.labels, &one.shown, &one.span) != (&two.labels, &two.shown, &two.span) {
                return false;
            }
        }
        true
    }
}

impl Clone for Body {
    fn clone(&self) -> Self {
        match self {
            Body::Check(check) => Body::Check(check.clone()),
            Body::Both { op, left, right } => Body::Both { op: *op, left: left.clone(), right: right.clone() },
        }
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Body::Check(a), Body::Check(b)) => a == b,
            (Body::Both { op: a, left: al, right: ar }, Body::Both { op: b, left: bl, right: br }) => {
                a == b && al == bl && ar == br
            }
            _ => false,
        }
    }
}

impl Number {
    /// Every operand of the tree, those inside before the one around them.
    pub fn upwards(&self) -> Vec<&Number> {
        let mut found = Vec::new();
        let mut waiting = vec![self];
        while let Some(number) = waiting.pop() {
            found.push(number);
            match number {
                Number::Literal(_) | Number::Null => {}
                Number::Call { arguments, .. } => waiting.extend(arguments),
                Number::Binary { left, right, .. } => waiting.extend([left.as_ref(), right.as_ref()]),
                Number::Group(inside) => waiting.push(inside),
            }
        }
        found.reverse();
        found
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        let mut waiting = Vec::new();
        unload(self, &mut waiting);
        while let Some(mut number) = waiting.pop() {
            unload(&mut number, &mut waiting);
        }
    }
}

fn unload(number: &mut Number, waiting: &mut Vec<Number>) {
    match number {
        Number::Literal(_) | Number::Null => {}
        Number::Call { arguments, .. } => waiting.append(arguments),
        Number::Binary { left, right, .. } => {
            for side in [left, right] {
                if !matches!(side.as_ref(), Number::Literal(_) | Number::Null) {
                    waiting.push(std::mem::replace(side.as_mut(), Number::Null));
                }
            }
        }
        Number::Group(inside) => waiting.push(std::mem::replace(inside.as_mut(), Number::Null)),
    }
}

impl Clone for Number {
    fn clone(&self) -> Self {
        let mut done: Vec<Number> = Vec::new();
        for number in self.upwards() {
            let mut next = || Box::new(done.pop().unwrap_or(Number::Null));
            let copy = match number {
                Number::Literal(text) => Number::Literal(text.clone()),
                Number::Null => Number::Null,
                Number::Binary { op, .. } => {
                    let right = next();
                    Number::Binary { op: *op, left: next(), right }
                }
                Number::Group(_) => Number::Group(next()),
                Number::Call { name, arguments } => {
                    let kept = done.len().saturating_sub(arguments.len());
                    let arguments = done.split_off(kept);
                    Number::Call { name: name.clone(), arguments }
                }
            };
            done.push(copy);
        }
        done.pop().unwrap_or(Number::Null)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        let mut waiting = vec![(self, other)];
        while let Some(pair) = waiting.pop() {
            let same = match pair {
                (Number::Literal(a), Number::Literal(b)) => a == b,
                (Number::Null, Number::Null) => true,
                (Number::Call { name: a, arguments: x }, Number::Call { name: b, arguments: y }) => {
                    waiting.extend(x.iter().zip(y));
                    a == b && x.len() == y.len()
                }
                (Number::Binary { op: a, left: al, right: ar }, Number::Binary { op: b, left: bl, right: br }) => {
                    waiting.push((al, bl));
                    waiting.push((ar, br));
                    a == b
                }
                (Number::Group(a), Number::Group(b)) => {
                    waiting.push((a, b));
                    true
                }
                _ => false,
            };
            if !same {
                return false;
            }
        }
        true
    }
}

impl Ruleset {
    /// The same meaning without places: two texts that say the same give equal trees.
    pub fn unplaced(&self) -> Ruleset {
        let mut ruleset = self.clone();
        ruleset.constants.iter_mut().for_each(|constant| constant.span = 0..0);
        for rule in &mut ruleset.rules {
            unplace(rule);
        }
        for analyzer in &mut ruleset.analyzers {
            analyzer.span = 0..0;
            analyzer.parameters.iter_mut().for_each(|parameter| parameter.span = 0..0);
        }
        ruleset
    }
}

fn unplace(rule: &mut Rule) {
    let mut waiting = vec![rule];
    while let Some(rule) = waiting.pop() {
        rule.span = 0..0;
        match &mut rule.body {
            Body::Both { left, right, .. } => waiting.extend([left.as_mut(), right.as_mut()]),
            Body::Check(check) => {
                check.span = 0..0;
                check.parameters.iter_mut().for_each(|parameter| parameter.span = 0..0);
                let tags = check.tags.iter_mut().map(|tag| &mut tag.value);
                check.condition.iter_mut().chain(tags).for_each(|condition| *place(condition) = 0..0);
                check.threshold.iter_mut().for_each(|test| test.span = 0..0);
            }
        }
    }
}

fn place(condition: &mut Condition) -> &mut crate::Span {
    match condition {
        Condition::Number(test) => &mut test.span,
        Condition::Text(test) => &mut test.span,
        Condition::Date(test) => &mut test.span,
        Condition::Duration(test) => &mut test.span,
        Condition::Size(test) => &mut test.span,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::tree::Arithmetic;

    const DEEP: usize = 200_000;

    #[test]
    fn rules_of_any_depth_are_cloned_compared_and_dropped() {
        let mut left_deep = hollow();
        let mut right_deep = hollow();
        for _ in 0..DEEP {
            left_deep = Rule::both(Connective::And, left_deep, hollow());
            right_deep = Rule::both(Connective::Or, hollow(), right_deep);
        }
        let copy = left_deep.clone();
        assert!(copy == left_deep && copy != right_deep && right_deep.clone() == right_deep);
        assert_eq!(left_deep.checks().count(), DEEP + 1);
    }

    #[test]
    fn numbers_of_any_depth_are_cloned_compared_and_dropped() {
        let mut number = Number::Literal("1".into());
        for i in 0..DEEP {
            let one = Box::new(number);
            let two = Box::new(Number::Literal(i.to_string()));
            number = match i % 4 {
                0 => Number::Binary { op: Arithmetic::Add, left: one, right: two },
                1 => Number::Binary { op: Arithmetic::Divide, left: two, right: one },
                2 => Number::Group(one),
                _ => Number::Call { name: "f".into(), arguments: vec![*one, *two] },
            };
        }
        let copy = number.clone();
        assert!(copy == number);
        assert!(copy != Number::Null && Number::Group(Box::new(copy.clone())) != copy);
    }

    #[test]
    fn a_copy_keeps_the_order_of_operands() {
        let number = Number::Binary {
            op: Arithmetic::Subtract,
            left: Box::new(Number::Literal("1".into())),
            right: Box::new(Number::Call {
                name: "f".into(),
                arguments: vec![Number::Literal("2".into()), Number::Literal("3".into())],
            }),
        };
        assert_eq!(format!("{:?}", number.clone()), format!("{number:?}"));
    }
}
