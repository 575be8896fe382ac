//! The summary of a run, as `assay run` and `assay show` print it.

use super::grid::{Side, lines};
use super::words;
use assay_contract::{Problem, RunDetail, Status, StepRow};

/// Lines: what ran and how it ended, the equation of records, steps, reasons, reconciliation.
pub fn of(detail: &RunDetail) -> Vec<String> {
    let run = &detail.run;
    let mut out = vec![format!("Run {} of {}: {}", run.id, run.pipeline, words::status(run.status))];
    out.push(format!(
        "  {}; stages {}; environment {}; attempt {}",
        run.dates,
        run.stages.join(", "),
        run.environment,
        run.attempt
    ));
    out.push(format!("  definition {}, asked by {}{}", detail.definition, detail.asked_by, quoted(&detail.reason)));
    if let (Some(start), Some(end)) = (&run.started_at, &run.ended_at)
        && let Some(took) = words::between(start, end)
    {
        out.push(format!("  took {took}"));
    }
    if let Some(note) = &run.note {
        out.push(format!("  {note}"));
    }
    out.push(String::new());
    out.extend(equation(detail));
    out.extend(steps(&detail.steps));
    out.extend(problems(&detail.steps));
    out.extend(reconciliation(detail));
    out
}

fn quoted(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(", \"{reason}\"") }
}

fn equation(detail: &RunDetail) -> Vec<String> {
    let counts = &detail.counts;
    if counts.read == 0 && detail.reasons.is_empty() {
        return Vec::new();
    }
    let mut terms = vec![
        format!("accepted {}", words::count(counts.accepted)),
        format!("quarantined {}", words::count(counts.quarantined)),
        format!("blank {}", words::count(counts.blank)),
    ];
    if counts.elsewhere > 0 {
        terms.push(format!("of other dates {}", words::count(counts.elsewhere)));
    }
    let verdict = if detail.balanced { "balanced" } else { "NOT balanced" };
    let mut out = vec![format!("Records: read {} = {} ({verdict})", words::count(counts.read), terms.join(" + "))];
    out.extend(detail.reasons.iter().map(|reason| format!("  {:>9}  {}", words::count(reason.records), reason.reason)));
    out.push(String::new());
    out
}

fn steps(steps: &[StepRow]) -> Vec<String> {
    let header = [
        ("step", Side::Left),
        ("status", Side::Left),
        ("rows in", Side::Right),
        ("rows out", Side::Right),
        ("quarantined", Side::Right),
        ("version", Side::Right),
        ("took", Side::Right),
    ];
    let number = |value: Option<u64>| value.map_or_else(|| "-".into(), words::count);
    let rows: Vec<Vec<String>> = steps
        .iter()
        .map(|step| {
            let took = step.started_at.as_deref().zip(step.ended_at.as_deref()).and_then(|(a, b)| words::between(a, b));
            vec![
                step.id.clone(),
                words::status(step.status).to_owned(),
                number(step.rows_in),
                number(step.rows_out),
                number(step.quarantined),
                step.version_after.map_or_else(|| "-".into(), |version| version.to_string()),
                took.unwrap_or_else(|| "-".into()),
            ]
        })
        .collect();
    let mut out = lines(&header, &rows);
    let noted = steps.iter().filter(|step| step.status == Status::Succeeded);
    out.extend(noted.filter_map(|step| Some(format!("  {}: {}", step.id, step.note.as_ref()?))));
    out.push(String::new());
    out
}

/// Each problem once, with every step that it stopped.
fn problems(steps: &[StepRow]) -> Vec<String> {
    let mut known: Vec<(&Problem, Vec<&str>)> = Vec::new();
    for (step, problem) in steps.iter().filter_map(|step| Some((step, step.problem.as_ref()?))) {
        match known.iter_mut().find(|(other, _)| *other == problem) {
            Some((_, stopped)) => stopped.push(&step.id),
            None => known.push((problem, vec![&step.id])),
        }
    }
    let mut out = Vec::new();
    for (problem, stopped) in known {
        out.push(format!("{}: {}", stopped.join(", "), problem.message));
        out.extend(problem.causes.iter().map(|cause| format!("  because {cause}")));
        out.extend(problem.advice.iter().map(|advice| format!("  {advice}")));
        out.push(String::new());
    }
    out
}

fn reconciliation(detail: &RunDetail) -> Vec<String> {
    if detail.reconciliation.is_empty() {
        return Vec::new();
    }
    let header = [
        ("warehouse table", Side::Left),
        ("measure", Side::Left),
        ("lake", Side::Right),
        ("warehouse", Side::Right),
        ("", Side::Left),
    ];
    let rows: Vec<Vec<String>> = detail
        .reconciliation
        .iter()
        .map(|figure| {
            let verdict = if figure.equal { "equal" } else { "DIFFERENT" };
            // Sums stand as the database gives them.
            let rows = |text: String| match text.parse() {
                Ok(number) if figure.measure == "rows" => words::count(number),
                _ => text,
            };
            vec![
                figure.table.clone(),
                figure.measure.clone(),
                rows(figure.lake.clone()),
                rows(figure.warehouse.clone()),
                verdict.to_owned(),
            ]
        })
        .collect();
    lines(&header, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_contract::{ProblemKind, Status};

    fn failed(id: &str, message: &str) -> StepRow {
        StepRow {
            id: id.into(),
            stage: "gold".into(),
            table: "t".into(),
            attempt: 1,
            status: Status::Failed,
            started_at: None,
            ended_at: None,
            rows_in: None,
            rows_out: None,
            quarantined: None,
            version_before: None,
            version_after: None,
            progress: None,
            after: Vec::new(),
            problem: Some(Problem::new(ProblemKind::Failed, message)),
            note: None,
        }
    }

    #[test]
    fn a_problem_of_several_steps_is_told_once() {
        let told = problems(&[failed("gold.a", "no disk"), failed("gold.b", "no rights"), failed("gold.c", "no disk")]);
        assert_eq!(told, ["gold.a, gold.c: no disk", "", "gold.b: no rights", ""]);
    }
}
