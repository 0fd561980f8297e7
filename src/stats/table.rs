//! The interval table for people who read it in a terminal.

use std::fmt::Write;

use super::IntervalRow;

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
    let width = |column: usize| {
        cells.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let mut table = String::new();
    for row in &cells {
        for (at, (cell, width)) in row.iter().zip(&widths).enumerate() {
            // Names to the left, figures to the right.
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
    }
}
