//! Sheets as they come, and where their mistakes are.

use super::*;

fn rows(text: &str) -> Result<Vec<(String, u64)>, Mistakes> {
    let mut sheet = Sheet::open("a.csv", text.as_bytes()).map_err(Mistakes::one)?;
    let [name, size] = sheet.columns(["name", "size"])?;
    let (mut rows, mut mistakes) = (Vec::new(), Vec::new());
    while let Some(row) = sheet.next_row() {
        let row = row.and_then(|row| Ok((row.text(name)?.to_owned(), row.whole(size, 100)?)));
        match row {
            Ok(row) => rows.push(row),
            Err(mistake) => mistakes.push(mistake),
        }
    }
    Mistakes::or(mistakes, rows)
}

fn row(name: &str, size: u64) -> (String, u64) {
    (name.to_owned(), size)
}

#[track_caller]
fn wrong(text: &str, expected: &str) {
    let mistakes = rows(text).expect_err("a mistake").to_string();
    assert!(mistakes.starts_with(expected), "{mistakes}");
}

#[test]
fn a_sheet_is_read_from_whatever_program_wrote_it() {
    let expected = Ok(vec![row("a", 1), row("b, c", 2)]);
    for text in [
        "name,size\na,1\n\"b, c\",2\n",
        "name,size\r\na,1\r\n\"b, c\",2\r\n",
        "\u{feff}name,size\na,1\n\"b, c\",2",
        "size,colour,name\n1,red,a\n2,\"a \"\"b\"\"\",\"b, c\"\n",
        "\"name\" , size\n a , 1\n\n\"b, c\",2\n   \n",
    ] {
        assert_eq!(rows(text), expected, "{text:?}");
    }
    assert_eq!(rows("name,size\n"), Ok(Vec::new()));
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_would_be_right() {
    wrong("", "a.csv:1:1: the file is empty: its first line must name the columns");
    wrong("name\na\n", "a.csv:1:1: there is no column `size`; the heading has: name");
    wrong("name;size\na;1\n", "a.csv:1:1: there is no column `name` (values must be separated by");
    wrong("Name,size\na,1\n", "a.csv:1:1: there is no column `name` (rename `Name`)");
    wrong("name,size,name\n", "a.csv:1:11: the column `name` is there twice");
    wrong("name,size\na\n", "a.csv:2:1: this row has 1 values and the heading has 2");
    wrong("name,size\na,1,2\n", "a.csv:2:3: this row has 3 values");
    wrong("name,size\na,1\n,2\n", "a.csv:3:1: `name` is blank");
    wrong("name,size\na,x\n", "a.csv:2:3: `x` in `size` is not a whole number from 0 to 100");
    wrong("name,size\na,-1\n", "a.csv:2:3: `-1`");
    wrong("name,size\na,101\n", "a.csv:2:3: `101`");
    wrong("name,size\na,1.0\n", "a.csv:2:3: `1.0`");
    wrong("name,size\na,99999999999999999999\n", "a.csv:2:3: `99999999999999999999`");
}

#[test]
fn places_count_characters_and_the_lines_within_quotes() {
    wrong("\u{feff}name,size\r\n\"ä,\nö\",1\r\n\r\n\"é, é\",  x\r\n", "a.csv:5:10: `x`");
    let bytes = b"name,size\na,1\nb\xff,2\n";
    let mistake = Sheet::open("a.csv", bytes).expect_err("no text").to_string();
    assert_eq!(mistake, "a.csv:3:2: this is not UTF-8 text: save the sheet as CSV in UTF-8");
}

#[test]
fn many_mistakes_are_told_together_and_bounded() {
    let text = format!("name,size\n{}", "a,x\n".repeat(50));
    let mistakes = rows(&text).expect_err("mistakes");
    assert_eq!(mistakes.told().len(), 20);
    assert!(mistakes.to_string().ends_with(
        "a.csv:21:3: `x` in `size` is not a whole number from 0 to 100, as in 1500\nand 30 more\n"
    ));
}
