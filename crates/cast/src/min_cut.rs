//! The cheapest cut between a source and a sink: Dinic's algorithm.

use std::collections::VecDeque;

/// The vertex that everything of the first kind is joined with.
pub(super) const SOURCE: usize = 0;
/// The vertex that everything of the second kind is joined with.
pub(super) const SINK: usize = 1;
/// A capacity that no cut goes through.
pub(super) const UNCUTTABLE: u64 = u64::MAX >> 16;

/// A directed graph with capacities.
#[derive(Debug)]
pub(super) struct MinCut {
    /// By vertex: places in `edges`. An edge and the one back stand side by side.
    leaving: Vec<Vec<usize>>,
    edges: Vec<Edge>,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    to: usize,
    left: u64,
}

impl MinCut {
    /// A graph of source and sink.
    pub(super) fn new() -> Self {
        Self { leaving: vec![Vec::new(), Vec::new()], edges: Vec::new() }
    }

    pub(super) fn add_vertex(&mut self) -> usize {
        self.leaving.push(Vec::new());
        self.leaving.len() - 1
    }

    pub(super) fn add_edge(&mut self, from: usize, to: usize, capacity: u64) {
        for (from, to, left) in [(from, to, capacity), (to, from, 0)] {
            self.leaving[from].push(self.edges.len());
            self.edges.push(Edge { to, left });
        }
    }

    /// Returns for each vertex whether it lies on the source's side of the cheapest cut; of several such cuts, of the
    /// one with the fewest vertices there.
    pub(super) fn source_side(mut self) -> Vec<bool> {
        loop {
            let levels = self.levels();
            if levels[SINK].is_none() {
                return levels.into_iter().map(|level| level.is_some()).collect();
            }
            let mut next = vec![0; self.leaving.len()];
            while self.push_one(&levels, &mut next) {}
        }
    }

    /// Returns the distance of each vertex from the source over edges with something left.
    fn levels(&self) -> Vec<Option<usize>> {
        let mut levels = vec![None; self.leaving.len()];
        levels[SOURCE] = Some(0);
        let mut waiting = VecDeque::from([(SOURCE, 0)]);
        while let Some((vertex, level)) = waiting.pop_front() {
            for edge in self.leaving[vertex].iter().map(|&edge| self.edges[edge]) {
                if edge.left > 0 && levels[edge.to].is_none() {
                    levels[edge.to] = Some(level + 1);
                    waiting.push_back((edge.to, level + 1));
                }
            }
        }
        levels
    }

    /// Pushes flow along one shortest way, and returns whether there was one. `next` holds the edges not yet in vain.
    fn push_one(&mut self, levels: &[Option<usize>], next: &mut [usize]) -> bool {
        let mut way: Vec<usize> = Vec::new();
        let mut vertex = SOURCE;
        while vertex != SINK {
            let edge = self.leaving[vertex].get(next[vertex]).copied();
            match (edge, way.last().copied()) {
                (Some(edge), _) if self.leads_on(levels, vertex, edge) => {
                    way.push(edge);
                    vertex = self.edges[edge].to;
                }
                (Some(_), _) => next[vertex] += 1,
                (None, Some(last)) => {
                    way.pop();
                    vertex = self.edges[last ^ 1].to;
                    next[vertex] += 1;
                }
                (None, None) => return false,
            }
        }
        let least = way.iter().map(|&edge| self.edges[edge].left).min().unwrap_or(0);
        for edge in way {
            self.edges[edge].left -= least;
            self.edges[edge ^ 1].left += least;
        }
        true
    }

    fn leads_on(&self, levels: &[Option<usize>], vertex: usize, edge: usize) -> bool {
        let Edge { to, left } = self.edges[edge];
        let one_on = levels[vertex].map(|level| level + 1);
        left > 0 && levels[to].is_some() && levels[to] == one_on
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tries all ways to take sides; returns the least cost, and the smallest source side that has it.
    fn naive(n_vertices: usize, edges: &[(usize, usize, u64)]) -> (u64, u32) {
        let sides = (0..1_usize << n_vertices).filter(|side| side & 1 == 1 && side & 2 == 0);
        let cost = |side: usize| -> u64 {
            let is_cut = |from: usize, to: usize| side >> from & 1 == 1 && side >> to & 1 == 0;
            edges.iter().filter(|edge| is_cut(edge.0, edge.1)).map(|edge| edge.2).sum()
        };
        sides.map(|side| (cost(side), side.count_ones())).min().unwrap()
    }

    proptest! {
        #[test]
        fn matches_naive(
            n_vertices in 2_usize..8,
            edges in prop::collection::vec((0_usize..8, 0_usize..8, 0_u64..5), 0..24),
        ) {
            let edges: Vec<_> =
                edges.into_iter().map(|(from, to, cost)| (from % n_vertices, to % n_vertices, cost)).collect();
            let mut graph = MinCut::new();
            (2..n_vertices).for_each(|_| { graph.add_vertex(); });
            edges.iter().for_each(|&(from, to, cost)| graph.add_edge(from, to, cost));
            let side = graph.source_side();
            let cut = edges.iter().filter(|edge| side[edge.0] && !side[edge.1]).map(|edge| edge.2).sum::<u64>();
            let on_side = u32::try_from(side.iter().filter(|&&is_source| is_source).count()).unwrap();
            prop_assert_eq!((cut, on_side), naive(n_vertices, &edges));
        }
    }
}
