//! Sheets: rows of values under named columns, as people bring them in CSV files.
//!
//! A sheet may come from any spreadsheet: with a byte order mark or without, with CRLF, with quoted
//! fields, with more columns than are asked for and in any order. Whatever is wrong is told with the
//! file, the line and the column (counted from 1, in characters) and with what would be right.

use std::fmt;

use csv::StringRecord;

mod wrong;

pub use wrong::Wrong;

/// Where a value is: line and column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The line in the file.
    pub line: u64,
    /// The character in the line.
    pub column: u64,
}

/// Something wrong in a sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: String,
    /// Where in it.
    pub place: Place,
    /// What.
    pub wrong: Wrong,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Mistake { file, place: Place { line, column }, wrong } = self;
        write!(f, "{file}:{line}:{column}: {wrong}")
    }
}

impl std::error::Error for Mistake {}

/// Mistakes that are told at once; the first is usually the cause of the rest.
const MOST_TOLD: usize = 20;

/// All that is wrong with a sheet, the first mistakes first; never none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    told: Vec<Mistake>,
    more: usize,
}

impl Mistakes {
    /// One mistake.
    pub fn one(mistake: Mistake) -> Self {
        Mistakes { told: vec![mistake], more: 0 }
    }

    /// The value, unless there is any mistake.
    pub fn or<T>(found: Vec<Mistake>, value: T) -> Result<T, Mistakes> {
        if found.is_empty() {
            return Ok(value);
        }
        let more = found.len().saturating_sub(MOST_TOLD);
        let mut told = found;
        told.truncate(MOST_TOLD);
        Err(Mistakes { told, more })
    }

    /// The first mistakes.
    pub fn told(&self) -> &[Mistake] {
        &self.told
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mistake in &self.told {
            writeln!(f, "{mistake}")?;
        }
        if self.more > 0 {
            writeln!(f, "and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// A sheet whose heading has been read.
#[derive(Debug)]
pub struct Sheet<'a> {
    file: &'a str,
    text: &'a str,
    heading: StringRecord,
    reader: csv::Reader<&'a [u8]>,
}

/// A row: values in the order of the columns that were asked for.
#[derive(Debug)]
pub struct Row<'a> {
    file: &'a str,
    text: &'a str,
    /// Where the row begins in the text.
    start: usize,
    line: u64,
    record: StringRecord,
}

/// A column that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name in the heading.
    pub name: &'static str,
    index: usize,
}

impl<'a> Sheet<'a> {
    /// Reads the heading. `file` is what mistakes call it.
    pub fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, Mistake> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let place = place_after(&String::from_utf8_lossy(before));
            Mistake { file: file.to_owned(), place, wrong: Wrong::NotText }
        })?;
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut heading = StringRecord::new();
        let start = Place { line: 1, column: 1 };
        let there = reader.read_record(&mut heading);
        if !matches!(there, Ok(true)) {
            let file = file.to_owned();
            return Err(Mistake { file, place: start, wrong: Wrong::NoHeading });
        }
        Ok(Sheet { file, text, heading, reader })
    }

    /// Finds columns by their names.
    pub fn columns<const N: usize>(
        &self,
        names: [&'static str; N],
    ) -> Result<[Column; N], Mistakes> {
        let mut mistakes = Vec::new();
        let columns = names.map(|name| {
            let mut found = self.heading.iter().enumerate().filter(|(_, known)| *known == name);
            let index = found.next().map(|(index, _)| index);
            if index.is_none() {
                mistakes.push(self.at_heading(None, Wrong::missing(name, &self.heading)));
            }
            if let Some((again, _)) = found.next() {
                mistakes.push(self.at_heading(Some(again), Wrong::ColumnTwice { name }));
            }
            Column { name, index: index.unwrap_or(0) }
        });
        Mistakes::or(mistakes, columns)
    }

    /// Finds a column that may be missing.
    pub fn column_if_any(&self, name: &'static str) -> Option<Column> {
        let index = self.heading.iter().position(|known| known == name)?;
        Some(Column { name, index })
    }

    /// Every column that the heading names.
    pub fn heading(&self) -> impl Iterator<Item = &str> {
        self.heading.iter()
    }

    /// Something wrong with the name of the column `index`.
    pub fn mistake_in_heading(&self, index: usize, wrong: Wrong) -> Mistake {
        self.at_heading(Some(index), wrong)
    }

    fn at_heading(&self, index: Option<usize>, wrong: Wrong) -> Mistake {
        // The first record starts where the text does, blank lines before it apart.
        let start = self.text.len() - self.text.trim_start_matches(['\r', '\n']).len();
        let place = match index {
            Some(index) => place_of_field(self.text, start, index),
            None => place_of_field(self.text, start, 0),
        };
        Mistake { file: self.file.to_owned(), place, wrong }
    }

    /// The next row; lines that are blank are passed over.
    pub fn next_row(&mut self) -> Option<Result<Row<'a>, Mistake>> {
        let mut record = StringRecord::new();
        // Text that is in memory and UTF-8 cannot fail to be read, and rows may have any length.
        if !matches!(self.reader.read_record(&mut record), Ok(true)) {
            return None;
        }
        let position = record.position();
        let start = position.map_or(0, |at| usize::try_from(at.byte()).unwrap_or(usize::MAX));
        let line = position.map_or(1, csv::Position::line);
        let row = Row { file: self.file, text: self.text, start, line, record };
        let (have, want) = (row.record.len(), self.heading.len());
        if have == 1 && row.record.get(0).is_none_or(str::is_empty) && want > 1 {
            // Spaces and nothing else.
            return self.next_row();
        }
        if have == want {
            Some(Ok(row))
        } else {
            let at = have.min(want).saturating_sub(1);
            let rest = self.text.get(row.start..).unwrap_or_default();
            let open = !rest.bytes().filter(|byte| *byte == b'"').count().is_multiple_of(2);
            let wrong = if open { Wrong::OpenQuote } else { Wrong::Ragged { have, want } };
            Some(Err(row.mistake_in(at, wrong)))
        }
    }
}

impl Row<'_> {
    /// The value in a column, without spaces around it.
    pub fn get(&self, column: Column) -> &str {
        self.record.get(column.index).unwrap_or_default()
    }

    /// The value in the column `index`, without spaces around it.
    pub fn cell(&self, index: usize) -> &str {
        self.record.get(index).unwrap_or_default()
    }

    /// The line in which the row begins.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// A value that must not be blank.
    pub fn text(&self, column: Column) -> Result<&str, Mistake> {
        let value = self.get(column);
        if value.is_empty() {
            return Err(self.mistake(column, Wrong::Blank { column: column.name }));
        }
        Ok(value)
    }

    /// A value that must be a number.
    fn digits(&self, column: Column) -> Result<&str, Mistake> {
        let blank = |_| self.mistake(column, Wrong::BlankNumber { column: column.name });
        self.text(column).map_err(blank)
    }

    /// A whole number from 0 to `most`.
    pub fn whole(&self, column: Column, most: u64) -> Result<u64, Mistake> {
        self.number(column, 0, most.cast_signed()).map(i64::cast_unsigned)
    }

    /// A whole number in a range.
    pub fn number(&self, column: Column, least: i64, most: i64) -> Result<i64, Mistake> {
        let text = self.digits(column)?;
        match text.parse::<i64>() {
            Ok(number) if (least..=most).contains(&number) => Ok(number),
            Ok(_) | Err(_) => {
                let (column_name, value) = (column.name, text.to_owned());
                let wrong = Wrong::NoNumber { column: column_name, value, least, most };
                Err(self.mistake(column, wrong))
            }
        }
    }

    /// A number that is not negative, decimals allowed.
    pub fn amount(&self, column: Column) -> Result<f64, Mistake> {
        let text = self.digits(column)?;
        match text.parse::<f64>() {
            Ok(amount) if (0.0..=1e12).contains(&amount) => Ok(amount),
            Ok(_) | Err(_) => {
                let wrong = Wrong::NoAmount { column: column.name, value: text.to_owned() };
                Err(self.mistake(column, wrong))
            }
        }
    }

    /// Something wrong with the value in a column.
    pub fn mistake(&self, column: Column, wrong: Wrong) -> Mistake {
        self.mistake_in(column.index, wrong)
    }

    /// Something wrong with the value in the column `index`.
    pub fn mistake_in(&self, index: usize, wrong: Wrong) -> Mistake {
        let place = place_of_field(self.text, self.start, index);
        Mistake { file: self.file.to_owned(), place, wrong }
    }
}

/// Where the field `index` of the record that begins at `start` begins.
fn place_of_field(text: &str, start: usize, index: usize) -> Place {
    let (before, record) = text.split_at_checked(start).unwrap_or((text, ""));
    // The reader counts a record's start from the end of the one before.
    let skipped = record.len() - record.trim_start_matches(['\r', '\n']).len();
    let record = record.get(skipped..).unwrap_or_default();
    let (mut quoted, mut passed, mut length) = (false, 0, 0);
    for character in record.chars() {
        if passed == index && (character != ' ' && character != '\t') {
            break;
        }
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => passed += 1,
            '\n' if !quoted => break,
            _ => {}
        }
        length += character.len_utf8();
    }
    let upto = before.len() + skipped + length;
    place_after(text.get(..upto).unwrap_or(text))
}

/// The place of the character that follows `before`.
fn place_after(before: &str) -> Place {
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count() as u64;
    let column = 1 + before.get(line_start..).unwrap_or_default().chars().count() as u64;
    Place { line, column }
}

#[cfg(test)]
mod tests;
