//! The order of gold models: each after the models that it reads.

/// Takes each model's reads as indexes. Gives the order that keeps the declared one where it can,
/// or a circle, its first model repeated at the end.
pub(super) fn order(reads: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut placed = vec![false; reads.len()];
    let mut order = Vec::with_capacity(reads.len());
    let next =
        |placed: &[bool]| (0..reads.len()).find(|at| !placed[*at] && reads[*at].iter().all(|read| placed[*read]));
    while let Some(at) = next(&placed) {
        placed[at] = true;
        order.push(at);
    }
    match placed.iter().position(|placed| !placed) {
        None => Ok(order),
        Some(left) => Err(circle(left, reads, &placed)),
    }
}

/// Every model that is left reads another one that is left, so following them comes round.
fn circle(start: usize, reads: &[Vec<usize>], placed: &[bool]) -> Vec<usize> {
    let mut path = vec![start];
    loop {
        let last = path.last().copied().unwrap_or(start);
        let Some(next) = reads[last].iter().copied().find(|read| !placed[*read]) else { return path };
        let seen = path.iter().position(|at| *at == next);
        path.push(next);
        if let Some(first) = seen {
            return path.split_off(first);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn declared_order_stays_where_it_can() {
        assert_eq!(order(&[vec![], vec![], vec![]]), Ok(vec![0, 1, 2]));
        assert_eq!(order(&[vec![2], vec![], vec![]]), Ok(vec![1, 2, 0]));
        assert_eq!(order(&[vec![1], vec![2], vec![]]), Ok(vec![2, 1, 0]));
        assert_eq!(order(&[vec![0]]), Err(vec![0, 0]));
        assert_eq!(order(&[vec![1], vec![2], vec![1]]), Err(vec![1, 2, 1]));
    }

    proptest! {
        #[test]
        fn reads_come_first_or_there_is_a_circle(reads in prop::collection::vec(prop::collection::vec(0usize..6, 0..3), 6)) {
            match order(&reads) {
                Ok(order) => for (at, model) in order.iter().enumerate() {
                    prop_assert!(reads[*model].iter().all(|read| order[..at].contains(read)));
                },
                Err(path) => {
                    prop_assert!(path.len() > 1 && path.first() == path.last());
                    prop_assert!(path.windows(2).all(|pair| reads[pair[0]].contains(&pair[1])));
                }
            }
        }
    }
}
