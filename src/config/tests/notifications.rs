//! What callers can be sent: what is wrong with it.

use super::*;

fn findings(more: &str) -> Vec<String> {
    check_findings(&format!("[notifications]\n{more}\n"))
}

const NOTIFY: &str = "[notifications.notify]\n";
const SMTP: &str = "[notifications.smtp]\nhost = \"127.0.0.1\"\nsecurity = \"none\"\n";
const FROM: &str = "from = \"Council <no-reply@council.example>\"\n";
const TEXT: &str = "[notifications.template.bin]\nby = \"text\"\nnotify = \"f33517ff-2a88-4f6e-b855-c550268ce08a\"\n";
const MAIL: &str =
    "[notifications.template.bin]\nby = \"email\"\nsubject = \"A\"\ntext = \"B {c}\"\n";

#[test]
fn what_is_sent_needs_words_and_somebody_who_sends_it() {
    for fine in [String::new(), [NOTIFY, TEXT].concat(), [SMTP, FROM, MAIL].concat()] {
        assert_eq!(findings(&fine), findings(""), "{fine}");
    }
    let nobody = "nothing would send the template `bin`";
    let nothing = "the template `bin` says nothing";
    for (text, finding) in [
        (TEXT.to_owned(), nobody),
        (MAIL.to_owned(), nobody),
        ([NOTIFY, MAIL].concat(), nobody),
        ([SMTP, FROM, &MAIL.replace("email", "text")].concat(), nothing),
        ([SMTP, FROM, &MAIL.replace("text = \"B {c}\"\n", "")].concat(), nothing),
        ([NOTIFY, TEXT, "text = \"x\""].concat(), "the template `bin` has words of its own and"),
        ([NOTIFY, &TEXT.replace("-2a88", "")].concat(), "is not the id of a template of GOV.UK"),
        ([NOTIFY, TEXT, "fields = [\"A b\"]"].concat(), "`A b` cannot be the name of what stands"),
        ([SMTP, FROM, &MAIL.replace("{c}", "{}")].concat(), "`` cannot be the name of what stands"),
        ([SMTP, "from = \"council\""].concat(), "`council` is not an e-mail address"),
        ([SMTP, FROM, "username = \"a\""].concat(), "`username` is of no use without `password_"),
        ([SMTP, FROM, "password_file = \"a\""].concat(), "`password_file` is of no use without"),
        (
            [&SMTP.replace("127.0.0.1", "mail.example"), FROM].concat(),
            "what is sent through this mail server can be read on the way",
        ),
        ([NOTIFY, "url = \"ftp://a\""].concat(), "`ftp://a` is not the address of another system"),
        ("a_day = 0".to_owned(), "the number in a day must not be 0"),
    ] {
        let found = findings(&text);
        assert!(found.iter().any(|it| it.contains(finding)), "{text}: {found:?}");
    }
}
