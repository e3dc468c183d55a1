//! Which tensor a name means, inside the graphs that enclose it.

use std::collections::HashMap;

use super::Operand;

/// The names of one graph.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    here: HashMap<String, Operand>,
    outer: Option<&'a Self>,
}

impl<'a> Names<'a> {
    /// The names of a body of the graph that `outer` belongs to.
    pub(super) fn inside(outer: &'a Self) -> Self {
        Self { here: HashMap::new(), outer: Some(outer) }
    }

    /// Whether they are those of a body.
    pub(super) fn is_body(&self) -> bool {
        self.outer.is_some()
    }

    pub(super) fn add(&mut self, name: &str, operand: Operand) {
        self.here.insert(name.to_owned(), operand);
    }

    /// The tensor of this name, the innermost where there are several.
    pub(super) fn find(&self, name: &str) -> Option<Operand> {
        let here = self.here.get(name).copied();
        here.or_else(|| self.outer.and_then(|outer| outer.find(name)))
    }
}
