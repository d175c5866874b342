use aws_sdk_sesv2::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{Body, Content, Destination, EmailContent, Message},
};

use crate::{
    config::MailConfig,
    ports::{Mail, MailError, SendMail},
};

/// Sends mail by SES.
pub struct Ses {
    client: Client,
    sender: String,
}

impl Ses {
    /// A sender for the configured address and name.
    pub fn new(client: Client, config: &MailConfig) -> Self {
        Self { client, sender: sender(&config.app_name, config.from.as_str()) }
    }
}

impl SendMail for Ses {
    async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let content = |text: &str| {
            Content::builder().data(text).charset("UTF-8").build().map_err(|error| MailError(error.to_string()))
        };
        let body = Body::builder().text(content(&mail.text)?).html(content(&mail.html)?).build();
        let message = Message::builder().subject(content(&mail.subject)?).body(body).build();
        self.client
            .send_email()
            .from_email_address(&self.sender)
            .destination(Destination::builder().to_addresses(mail.to.as_str()).build())
            .content(EmailContent::builder().simple(message).build())
            .send()
            .await
            .map(|_| ())
            // Only the code: SES repeats addresses in its messages.
            .map_err(|error| MailError(error.code().unwrap_or("unreachable").to_owned()))
    }
}

/// `"Name" <address>` (RFC 5322, section 3.4). A name that is not ASCII is an
/// encoded word (RFC 2047), as SES wants it.
fn sender(name: &str, address: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    if name.is_ascii() {
        let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
        format!("\"{quoted}\" <{address}>")
    } else {
        format!("=?UTF-8?B?{}?= <{address}>", STANDARD.encode(name))
    }
}

#[cfg(test)]
mod tests {
    use super::sender;

    #[test]
    fn names_are_quoted_or_encoded() {
        assert_eq!(sender("Acme, Inc. \"x\"", "a@b.co"), "\"Acme, Inc. \\\"x\\\"\" <a@b.co>");
        assert_eq!(sender("Größe", "a@b.co"), "=?UTF-8?B?R3LDtsOfZQ==?= <a@b.co>");
    }
}
