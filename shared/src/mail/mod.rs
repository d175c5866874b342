//! Texts of the mails, from template files.

use minijinja::{AutoEscape, Environment, context};

use crate::{domain::Email, ports::Mail};

/// The templates, parsed once. Values are escaped in HTML; in plain text and
/// subjects they stand as they are.
pub struct Templates(Environment<'static>);

/// What a password reset mail says.
#[derive(Clone, Copy, Debug)]
pub struct ResetMail<'a> {
    /// Name of the product.
    pub app_name: &'a str,
    /// Subject line.
    pub subject: &'a str,
    /// The link.
    pub link: &'a str,
    /// Minutes until the link expires.
    pub minutes: i64,
}

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
        for (name, source) in [
            ("password-reset/body.txt", include_str!("templates/password-reset/body.txt")),
            ("password-reset/body.html", include_str!("templates/password-reset/body.html")),
        ] {
            let _ = environment.add_template(name, source);
        }
        Self(environment)
    }

    /// The mail with a password reset link.
    ///
    /// # Errors
    /// [`TemplateError`].
    pub fn reset(&self, to: &Email, mail: &ResetMail<'_>) -> Result<Mail, TemplateError> {
        let values = context! {
            app_name => mail.app_name,
            subject => mail.subject,
            link => mail.link,
            valid_for => duration(mail.minutes),
        };
        let render = |name| self.0.get_template(name).and_then(|t| t.render(&values)).map_err(failed);
        Ok(Mail {
            to: to.clone(),
            subject: mail.subject.to_owned(),
            text: render("password-reset/body.txt")?,
            html: render("password-reset/body.html")?,
        })
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

    fn reset(app_name: &str, minutes: i64) -> Mail {
        let to = Email::parse("a@example.com").unwrap();
        let mail =
            ResetMail { app_name, subject: "Reset", link: "https://a.example/r/abc?callbackURL=%2Fx&y=1", minutes };
        Templates::new().reset(&to, &mail).unwrap()
    }

    #[test]
    fn both_parts_carry_the_link() {
        let mail = reset("Acme", 60);
        assert!(mail.text.contains("https://a.example/r/abc?callbackURL=%2Fx&y=1"), "{}", mail.text);
        assert!(
            mail.html.contains("https:&#x2f;&#x2f;a.example") || mail.html.contains("https://a.example"),
            "{}",
            mail.html
        );
        assert!(mail.text.contains("1 hour") && mail.html.contains("1 hour"));
        assert!(reset("Acme", 30).text.contains("30 minutes"));
    }

    #[test]
    fn names_are_escaped_in_html_only() {
        let mail = reset("<b>A&B</b>", 60);
        assert!(mail.text.contains("<b>A&B</b>"));
        assert!(!mail.html.contains("<b>A&B"), "{}", mail.html);
    }
}
