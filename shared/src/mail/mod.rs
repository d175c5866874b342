//! Mails: what they say, and their two layouts.

mod letter;

pub use letter::{Letter, Link};

use minijinja::{AutoEscape, Environment, context};

use crate::{config::MailConfig, domain::Email, ports::Mail};

/// The layouts, parsed once. Values are escaped in HTML; in plain text and
/// subjects they stand as they are.
pub struct Templates(Environment<'static>);

/// A template does not fit its values; no value is repeated here.
#[derive(Debug, thiserror::Error)]
#[error("mail template: {0}")]
pub struct TemplateError(String);

impl Default for Templates {
    fn default() -> Self {
        Self::new()
    }
}

impl Templates {
    /// The templates that are built in. That they parse is tested; one that
    /// did not would show when it is used.
    pub fn new() -> Self {
        let mut environment = Environment::empty();
        environment.set_auto_escape_callback(
            |name| {
                if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
            },
        );
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        for (name, source) in [("layout.txt", include_str!("layout.txt")), ("layout.html", include_str!("layout.html"))]
        {
            let _ = environment.add_template(name, source);
        }
        Self(environment)
    }

    /// A letter as a mail.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn write(&self, config: &MailConfig, to: &Email, letter: &Letter<'_>) -> Result<Mail, TemplateError> {
        let words = letter.words();
        let values = context! {
            app_name => &config.app_name,
            new_email => letter.new_email().map(Email::as_str),
            code => letter.code(),
            valid_for => letter.minutes().map(duration),
        };
        let fill = |text| self.0.render_str(text, &values).map_err(failed);
        let subject = match letter {
            Letter::PasswordReset(_) => config.reset_subject.clone(),
            _ => words.subject.to_owned(),
        };
        let values = context! {
            subject => &subject,
            before => fill(words.before)?,
            code => letter.code(),
            link => letter.link().map(|link| link.url),
            action => words.action,
            after => fill(words.after)?,
        };
        let render = |name| self.0.get_template(name).and_then(|layout| layout.render(&values)).map_err(failed);
        Ok(Mail { to: to.clone(), text: render("layout.txt")?, html: render("layout.html")?, subject })
    }
}

/// `1 hour`, `30 minutes`.
fn duration(minutes: i64) -> String {
    let (count, unit) = if minutes % 60 == 0 && minutes >= 60 { (minutes / 60, "hour") } else { (minutes, "minute") };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn failed(error: minijinja::Error) -> TemplateError {
    TemplateError(error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(app_name: &str, letter: Letter<'_>) -> Mail {
        let email = |text| Email::parse(text).unwrap();
        let config = MailConfig {
            app_name: app_name.to_owned(),
            from: email("no-reply@example.com"),
            reset_subject: "Reset".to_owned(),
            deadline_millis: 1000,
        };
        Templates::new().write(&config, &email("a@example.com"), &letter).unwrap()
    }

    const LINK: Link<'static> = Link { url: "https://a.example/r/abc?callbackURL=%2Fx&y=1", minutes: 60 };

    #[test]
    fn both_parts_carry_the_link() {
        let email = Email::parse("new@example.com").unwrap();
        for letter in [
            Letter::PasswordReset(LINK),
            Letter::VerifyEmail(LINK),
            Letter::MagicLink(LINK),
            Letter::EmailChangeConsent { link: LINK, new_email: &email },
            Letter::EmailChange(LINK),
            Letter::DeleteUser(LINK),
        ] {
            let mail = write("Acme", letter);
            assert!(mail.text.contains(LINK.url), "{}", mail.text);
            assert!(mail.html.contains("href=\"https:&#x2f;&#x2f;a.example"), "{}", mail.html);
            assert!(mail.text.contains("1 hour") && mail.html.contains("1 hour"));
        }
        let mail = write("Acme", Letter::MagicLink(Link { minutes: 5, ..LINK }));
        assert!(mail.text.contains("5 minutes"));
    }

    #[test]
    fn other_letters_have_neither_link_nor_holes() {
        let email = Email::parse("new@example.com").unwrap();
        for letter in [
            Letter::OneTimeCode { code: "123456", minutes: 3 },
            Letter::SignUpAttempt,
            Letter::PasswordChanged,
            Letter::PasswordRemoved,
            Letter::EmailChanged { new_email: &email },
            Letter::TwoFactorEnabled,
            Letter::TwoFactorDisabled,
            Letter::BackupCodesReplaced,
            Letter::UserDeleted,
        ] {
            let mail = write("Acme", letter);
            assert!(mail.text.contains("Acme") && mail.html.contains("Acme"), "{}", mail.text);
            for hole in ["http", "{{", "none"] {
                assert!(!mail.text.contains(hole), "{}", mail.text);
            }
        }
        assert!(write("Acme", Letter::OneTimeCode { code: "123456", minutes: 3 }).text.contains("123456"));
    }

    #[test]
    fn names_are_escaped_in_html_only() {
        let mail = write("<b>A&B</b>", Letter::PasswordReset(LINK));
        assert!(mail.text.contains("<b>A&B</b>"));
        assert!(!mail.html.contains("<b>A&B"), "{}", mail.html);
        let twice = write("{{ code }}", Letter::PasswordReset(LINK));
        assert!(twice.text.contains("{{ code }}"), "{}", twice.text);
    }
}
