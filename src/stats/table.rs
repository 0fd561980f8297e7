//! The interval table: for people who read it in a terminal, for programs, and as CSV.

use std::fmt::Write;

use super::AwayLive;
use super::IntervalRow;
use super::live::QueueLive;

const HEAD: [&str; 11] = [
    "interval",
    "queue",
    "offered",
    "answered",
    "within",
    "abandoned",
    "short",
    "waiting",
    "asa_s",
    "longest_s",
    "within/offered",
];

/// Rows under each other, right-aligned figures; `-` where there is no figure.
pub fn intervals(rows: &[IntervalRow]) -> String {
    let mut cells: Vec<[String; HEAD.len()]> = vec![HEAD.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| {
        let figure = |figure: Option<f64>| figure.map_or("-".to_owned(), |it| format!("{it:.1}"));
        [
            row.interval_start.clone(),
            row.queue.as_ref().map_or("all".to_owned(), ToString::to_string),
            row.offered.to_string(),
            row.answered.to_string(),
            row.answered_within_standard.to_string(),
            row.abandoned.to_string(),
            row.short_abandons.to_string(),
            row.still_waiting.to_string(),
            figure(row.asa_s),
            figure(row.longest_wait_s),
            row.answered_within_of_offered
                .map_or("-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0)),
        ]
    }));
    aligned(&cells)
}

/// What advisers said of the conversations of each queue, since the journal began; nothing where they said
/// nothing.
pub fn wrap_ups(queues: &[QueueLive]) -> String {
    let mut text = String::new();
    for queue in queues {
        let said = &queue.total.said;
        if said.resolved + said.unresolved == 0 && said.codes.is_empty() {
            continue;
        }
        let ratio = said.first_contact_resolution();
        let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{:.1} %", ratio * 100.0));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "\n{}: {} resolved, {} not; {} repeat contacts; first-contact resolution {ratio}",
            queue.queue, said.resolved, said.unresolved, said.repeats
        );
        for (code, count) in &said.codes {
            let _ = writeln!(text, "  {code} {count}");
        }
    }
    text
}

/// How long agents were not ready since the journal began, and for what; nothing if nobody was.
pub fn not_ready(reasons: &[AwayLive]) -> String {
    let mut text = String::new();
    for away in reasons.iter().filter(|away| away.total_s > 0.0) {
        let minutes = (away.total_s / 60.0).floor();
        let too_long = match away.over_limit_total {
            0 => String::new(),
            times => format!(", {times} times for too long"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {} {minutes} min{too_long}", away.reason);
    }
    if text.is_empty() { text } else { format!("\nnot ready:\n{text}") }
}

/// The columns of the whole table (`measures.md`).
pub const COLUMNS: [&str; 22] = [
    "interval_start",
    "queue",
    "offered",
    "answered",
    "answered_within_standard",
    "abandoned",
    "short_abandons",
    "overflowed",
    "callbacks",
    "voicemail",
    "ended_by_system",
    "asa_s",
    "median_wait_s",
    "p95_wait_s",
    "longest_wait_s",
    "answered_within_of_offered",
    "answered_within_of_answered",
    "excluding_short_abandons",
    "excluding_abandons_within",
    "aht_s",
    "occupancy",
    "agents_signed_in",
];

/// A row's values under [`COLUMNS`]; nothing where there is no figure.
pub fn values(row: &IntervalRow) -> [String; COLUMNS.len()] {
    let figure = |figure: Option<f64>| figure.map_or_else(String::new, |figure| figure.to_string());
    [
        row.interval_start.clone(),
        row.queue.as_ref().map_or("all".to_owned(), ToString::to_string),
        row.offered.to_string(),
        row.answered.to_string(),
        row.answered_within_standard.to_string(),
        row.abandoned.to_string(),
        row.short_abandons.to_string(),
        row.overflowed.to_string(),
        row.callbacks.to_string(),
        row.voicemail.to_string(),
        row.ended_by_system.to_string(),
        figure(row.asa_s),
        figure(row.median_wait_s),
        figure(row.p95_wait_s),
        figure(row.longest_wait_s),
        figure(row.answered_within_of_offered),
        figure(row.answered_within_of_answered),
        figure(row.excluding_short_abandons),
        figure(row.excluding_abandons_within),
        figure(row.aht_s),
        figure(row.occupancy),
        figure(row.agents_signed_in),
    ]
}

/// The whole table, every column by its name; `-` where there is no figure.
pub fn whole(rows: &[IntervalRow]) -> String {
    let short = |value: String| match value.split_once('.') {
        _ if value.is_empty() => "-".to_owned(),
        Some((_, decimals)) if decimals.len() > 3 => match value.parse::<f64>() {
            Ok(figure) => format!("{figure:.3}"),
            Err(_) => value,
        },
        Some(_) | None => value,
    };
    let mut cells = vec![COLUMNS.map(str::to_owned)];
    cells.extend(rows.iter().map(|row| values(row).map(short)));
    aligned(&cells)
}

/// Rows as CSV (RFC 4180, with line feeds).
pub fn csv<const N: usize>(columns: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Rows of equal length into memory: nothing can fail.
    let _ = writer.write_record(columns);
    for row in rows {
        let _ = writer.write_record(row);
    }
    writer.into_inner().unwrap_or_default()
}

/// Names to the left, figures to the right.
fn aligned<const N: usize>(cells: &[[String; N]]) -> String {
    let width = |column: usize| {
        cells
            .iter()
            .filter_map(|row| row.get(column))
            .map(|it| it.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut table = String::new();
    for row in cells {
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match at {
                0 | 1 => write!(table, "{cell:<width$}  "),
                _ => write!(table, "{cell:>width$}  "),
            };
        }
        table.truncate(table.trim_end().len());
        table.push('\n');
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_without_rows_is_its_head() {
        let table = intervals(&[]);
        assert_eq!(table.lines().count(), 1);
        assert!(table.starts_with("interval  queue"));
        assert_eq!(whole(&[]).split_whitespace().collect::<Vec<_>>(), COLUMNS);
    }
}
