//! The mail that was "sent".

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Mails that are kept; older ones are thrown away.
const LIMIT: usize = 1000;

/// A mail as SES accepted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// SES's message id.
    pub id: String,
    /// Sender, as given.
    pub from: String,
    /// Recipients, in the order to, cc, bcc, as given.
    pub to: Vec<String>,
    /// Subject.
    pub subject: String,
    /// The text part; empty if there is none.
    pub text: String,
    /// The HTML part; empty if there is none.
    pub html: String,
    /// The links of both parts, each once, in order of appearance.
    pub links: Vec<String>,
    /// When it was accepted, RFC 3339.
    pub at: String,
}

impl Mail {
    /// Whether the mail went to this address, in any case of letters.
    pub fn is_to(&self, address: &str) -> bool {
        self.to.iter().any(|to| bare(to).eq_ignore_ascii_case(bare(address)))
    }
}

/// `a@b` of `Name <a@b>`.
pub(super) fn bare(address: &str) -> &str {
    let inner = address.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or(address, |(inner, _)| inner).trim()
}

/// The `http` and `https` links in a text and in the `href`s of an HTML part.
pub fn mentioned_links(text: &str, html: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut add = |link: String| {
        if (link.starts_with("http://") || link.starts_with("https://")) && !links.contains(&link) {
            links.push(link);
        }
    };
    for word in text.split(|c: char| c.is_whitespace() || "<>\"'".contains(c)) {
        let start = word.find("https://").or_else(|| word.find("http://"));
        if let Some(link) = start.and_then(|start| word.get(start..)) {
            // A full stop after a link ends the sentence.
            add(link.trim_end_matches(['.', ',', ';', ':', '!', ')', ']']).to_owned());
        }
    }
    let mut rest = html;
    while let Some((_, after)) = rest.split_once("href=") {
        rest = after;
        let Some(quote @ ('"' | '\'')) = after.chars().next() else {
            continue;
        };
        if let Some((link, tail)) = after.get(1..).and_then(|after| after.split_once(quote)) {
            add(unescape(link));
            rest = tail;
        }
    }
    links
}

fn unescape(text: &str) -> String {
    let entities = [
        ("&#x2f;", "/"),
        ("&#x2F;", "/"),
        ("&#47;", "/"),
        ("&#61;", "="),
        ("&#x3D;", "="),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&quot;", "\""),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// All mail, and the file it is kept in: one JSON document a line, so that a
/// mail costs one short write however many there are.
pub(super) struct Mailbox {
    path: Option<PathBuf>,
    mails: Mutex<VecDeque<Mail>>,
}

impl Mailbox {
    pub(super) fn open(directory: Option<&Path>) -> Result<Self, Error> {
        let path = directory.map(|directory| directory.join("mail.jsonl"));
        let text = match path.as_ref().map(fs::read_to_string) {
            Some(Ok(text)) => text,
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::io("reading the mail")(error));
            }
            _ => String::new(),
        };
        // A last line cut off by a crash is a mail that nobody was promised.
        let mails: Vec<Mail> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let surplus = mails.len().saturating_sub(LIMIT);
        let mailbox = Self { path, mails: Mutex::new(mails.into_iter().skip(surplus).collect()) };
        if !text.is_empty() {
            mailbox.rewrite(&mailbox.lock()).map_err(Error::io("writing the mail"))?;
        }
        Ok(mailbox)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Mail>> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&self, mail: Mail) -> io::Result<()> {
        let mut mails = self.lock();
        if let Some(path) = &self.path {
            let mut line = serde_json::to_vec(&mail)?;
            line.push(b'\n');
            OpenOptions::new().create(true).append(true).open(path)?.write_all(&line)?;
        }
        if mails.len() == LIMIT {
            mails.pop_front();
        }
        mails.push_back(mail);
        Ok(())
    }

    /// Newest first.
    pub(super) fn all(&self) -> Vec<Mail> {
        self.lock().iter().rev().cloned().collect()
    }

    pub(super) fn clear(&self) {
        let mut mails = self.lock();
        mails.clear();
        // The worst that a failure leaves is old mail after a restart.
        let _ = self.rewrite(&mails);
    }

    fn rewrite(&self, mails: &VecDeque<Mail>) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let temporary = path.with_extension("tmp");
        let mut file = File::create(&temporary)?;
        for mail in mails {
            serde_json::to_writer(&mut file, mail)?;
            file.write_all(b"\n")?;
        }
        fs::rename(&temporary, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_come_from_both_parts_once() {
        let text = "Open https://a.example/x?y=1&z=2.\nOr (http://b.example/) or ftp://c";
        let html = r#"<a href="https://a.example/x?y=1&amp;z=2">x</a> <a href='https://d.example'>d</a> <a href="javascript:alert(1)">"#;
        let expected = ["https://a.example/x?y=1&z=2", "http://b.example/", "https://d.example"];
        assert_eq!(mentioned_links(text, html), expected);
        assert_eq!(mentioned_links("", "<a href=><a href=\"http://x"), [""; 0]);
    }

    #[test]
    fn recipients_are_compared_by_address() {
        let mail = Mail {
            id: String::new(),
            from: String::new(),
            to: vec!["Ann <Ann@Example.com>".to_owned()],
            subject: String::new(),
            text: String::new(),
            html: String::new(),
            links: Vec::new(),
            at: String::new(),
        };
        assert!(mail.is_to("ann@example.com"));
        assert!(!mail.is_to("nn@example.com"));
    }
}
